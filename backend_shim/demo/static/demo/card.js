/**
 * One stored file: what it shows, what it is called, and how long its URL still lives.
 */

import { View } from "../web/client/view.js";
import { duration, ending, instant, size } from "./format.js";
import { announce, copyOf } from "./template.js";

/** How long a card tells what has just happened. */
const NEWS_SHOWN_MS = 2_500;

/** Below this share of its life a URL is said to be waning. */
const WANING = 0.2;

export class Card {
  #media;
  #lease;
  #part;
  #letGo;
  /** @type {{text: string, until: number} | null} */
  #news = null;

  /**
   * @param {import("../web/client/api.js").Media} media
   * @param {import("../web/client/delivery.js").Lease} lease
   */
  constructor(media, lease) {
    const { root, part } = copyOf("card-template");
    this.root = root;
    this.#media = media;
    this.#lease = lease;
    this.#part = part;

    root.setAttribute("aria-label", media.fileName);
    part("name").textContent = media.fileName;
    part("name").title = media.fileName;
    part("meta").textContent = [ending(media.fileName), size(media.bytes), instant(media.createdAt)]
      .filter(Boolean)
      .join(" · ");

    part("copy").addEventListener("click", () => this.#copy());
    part("refresh").addEventListener("click", () => this.#refresh());
    part("lost-refresh").addEventListener("click", () => this.#refresh());
    lease.addEventListener("renewed", (event) => {
      this.#renewed(/** @type {CustomEvent} */ (event).detail.late);
    });
    lease.addEventListener("failed", (event) => {
      this.#lost(/** @type {CustomEvent} */ (event).detail);
    });

    this.#letGo = this.#display();
    this.tick();
  }

  get bytes() {
    return this.#media.bytes;
  }

  /** Says anew what is left of the URL's life. */
  tick() {
    const { remaining, fraction } = this.#lease;
    if (this.#news !== null && this.#news.until < Date.now()) this.#news = null;
    this.root.dataset.life = this.#news ? "renewed" : stateOf(remaining, fraction);
    this.#part("ring").setAttribute("stroke-dashoffset", String(100 * (1 - fraction)));
    this.#part("left").textContent = this.#news?.text ?? lifeOf(remaining);
  }

  /** Takes it off the page. */
  remove() {
    this.#letGo();
    this.#lease.end();
    this.root.remove();
  }

  /** @returns {() => void} undoes it */
  #display() {
    if (this.#media.kind === "document") return this.#displayLink();
    const element = this.#media.kind === "video" ? this.#video() : this.#image();
    element.addEventListener(this.#media.kind === "video" ? "loadeddata" : "load", () => {
      element.classList.add("is-there");
      this.#part("lost").hidden = true;
    });
    this.#part("frame").prepend(element);
    const view = new View(element, this.#lease, { onLost: (error) => this.#lost(error) });
    return () => view.end();
  }

  #image() {
    const image = document.createElement("img");
    image.alt = this.#media.fileName;
    image.decoding = "async";
    image.loading = "lazy";
    return image;
  }

  #video() {
    const video = document.createElement("video");
    video.setAttribute("aria-label", this.#media.fileName);
    video.controls = true;
    video.playsInline = true;
    video.preload = "metadata";
    return video;
  }

  #displayLink() {
    const link = document.createElement("a");
    const type = document.createElement("strong");
    type.textContent = ending(this.#media.fileName);
    link.className = "document";
    link.target = "_blank";
    link.rel = "noreferrer";
    link.append(type, "Open");
    const follow = () => {
      link.href = this.#lease.url;
    };
    this.#lease.addEventListener("renewed", follow);
    this.#part("frame").prepend(link);
    follow();
    return () => this.#lease.removeEventListener("renewed", follow);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#lease.url);
      this.#answerCopy("Copied", `The URL of ${this.#media.fileName} is copied.`);
    } catch {
      this.#answerCopy("Not allowed", "The browser does not allow copying here.");
    }
  }

  async #refresh() {
    const button = /** @type {HTMLButtonElement} */ (this.#part("refresh"));
    button.disabled = true;
    await this.#lease.refresh().catch((error) => this.#lost(error));
    button.disabled = false;
  }

  /** @param {boolean} late whether the URL had died before it was renewed */
  #renewed(late) {
    this.#news = {
      text: late ? "Expired → refreshed" : "Refreshed",
      until: Date.now() + NEWS_SHOWN_MS,
    };
    this.#part("lost").hidden = true;
    this.tick();
  }

  /** @param {unknown} error */
  #lost(error) {
    const sentence = error instanceof Error ? error.message : "This file cannot be shown.";
    this.#part("lost-text").textContent = sentence;
    this.#part("lost").hidden = false;
    announce(`${this.#media.fileName}: ${sentence}`);
  }

  /**
   * @param {string} label what the button says for a moment
   * @param {string} sentence
   */
  #answerCopy(label, sentence) {
    const button = this.#part("copy");
    button.textContent = label;
    announce(sentence);
    setTimeout(() => {
      button.textContent = "Copy URL";
    }, NEWS_SHOWN_MS);
  }
}

/** @param {number} remaining milliseconds */
function lifeOf(remaining) {
  if (remaining === Number.POSITIVE_INFINITY) return "Public";
  return remaining > 0 ? `${duration(remaining)} left` : "Expired";
}

/**
 * @param {number} remaining milliseconds
 * @param {number} fraction
 */
function stateOf(remaining, fraction) {
  if (remaining === 0) return "dead";
  return fraction < WANING ? "waning" : "live";
}
