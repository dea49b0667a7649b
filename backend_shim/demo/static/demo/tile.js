/**
 * One file on its way up: how far it is, how fast, and what was refused.
 */

import { ending, size } from "./format.js";
import { announce, copyOf } from "./template.js";

/**
 * @typedef {(file: File, options: import("../web/client/upload.js").Options) =>
 *   Promise<import("../web/client/api.js").Media>} Send
 */

/** Speed is measured over at least this long, so that it can be read. */
const SPEED_WINDOW_MS = 500;

const PHASES = { signing: "Preparing", sending: "Uploading", committing: "Checking" };

export class Tile {
  #file;
  #part;
  #cancelling = new AbortController();
  #mark = { time: 0, loaded: 0 };

  /**
   * @param {File} file
   * @param {{onRetry: () => void}} how
   */
  constructor(file, { onRetry }) {
    const { root, part } = copyOf("upload-template");
    this.root = root;
    this.#file = file;
    this.#part = part;
    root.setAttribute("aria-label", file.name);
    part("name").textContent = file.name;
    part("name").title = file.name;
    part("meta").textContent = [ending(file.name), size(file.size)].filter(Boolean).join(" · ");
    part("bar").setAttribute("aria-label", `Progress of ${file.name}`);
    part("cancel").addEventListener("click", () => this.cancel());
    part("retry").addEventListener("click", onRetry);
    this.wait();
  }

  get cancelled() {
    return this.#cancelling.signal.aborted;
  }

  /** Stops it, wherever it is, and takes it off the page. */
  cancel() {
    this.#cancelling.abort();
    this.root.remove();
  }

  /** Its turn has not come. */
  wait() {
    this.#enter("waiting", "Waiting");
    this.#advance(0);
    this.#part("speed").textContent = "";
    this.#part("refusal").textContent = "";
  }

  /**
   * @param {Send} send
   * @returns {Promise<import("../web/client/api.js").Media>}
   */
  send(send) {
    this.#mark = { time: performance.now(), loaded: 0 };
    return send(this.#file, {
      signal: this.#cancelling.signal,
      onProgress: (progress) => this.#progress(progress),
    });
  }

  /** @param {unknown} error */
  fail(error) {
    const sentence = error instanceof Error ? error.message : String(error);
    this.#enter("failed", "Not uploaded");
    this.#part("refusal").textContent = sentence;
    announce(`${this.#file.name} was not uploaded. ${sentence}`);
  }

  /** @param {import("../web/client/upload.js").Progress} progress */
  #progress({ phase, loaded, total }) {
    this.#enter("travelling", PHASES[phase]);
    this.#advance(total === 0 ? 0 : loaded / total);
    if (phase === "sending") this.#measure(loaded);
    else this.#part("speed").textContent = "";
  }

  /** @param {number} loaded bytes */
  #measure(loaded) {
    const elapsed = performance.now() - this.#mark.time;
    const sent = loaded - this.#mark.loaded;
    if (sent >= 0 && elapsed < SPEED_WINDOW_MS) return;
    this.#mark = { time: performance.now(), loaded };
    if (sent > 0) this.#part("speed").textContent = `${size((sent / elapsed) * 1_000)}/s`;
  }

  /** @param {number} share from 0 to 1 */
  #advance(share) {
    const unit = document.createElement("small");
    unit.textContent = "%";
    this.#part("percent").replaceChildren(String(Math.floor(share * 100)), unit);
    /** @type {HTMLProgressElement} */ (this.#part("bar")).value = share;
  }

  /**
   * @param {"waiting" | "travelling" | "failed"} state
   * @param {string} said
   */
  #enter(state, said) {
    this.root.dataset.state = state;
    this.#part("phase").textContent = said;
    this.#part("retry").hidden = state !== "failed";
    this.#part("cancel").textContent = state === "failed" ? "Dismiss" : "Cancel";
  }
}
