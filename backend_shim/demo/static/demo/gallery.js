/**
 * The grid of what is there.
 */

import { Card } from "./card.js";
import { size } from "./format.js";
import { byId, copyOf } from "./template.js";

const SKELETONS = 6;
const TICK_MS = 1_000;

export class Gallery {
  #delivery;
  #grid = byId("grid");
  #known = false;
  /** @type {Promise<unknown> | null} */
  #listing = null;
  /** @type {Map<string, Card>} */
  #cards = new Map();

  /** @param {import("../web/client/delivery.js").Delivery} delivery */
  constructor(delivery) {
    this.#delivery = delivery;
    setInterval(() => {
      for (const card of this.#cards.values()) card.tick();
    }, TICK_MS);
    new MutationObserver(() => this.#summarise()).observe(this.#grid, { childList: true });
  }

  /**
   * Shows what is there once it is known, and that something will be until then. Uploads may
   * begin and end meanwhile, and stay.
   *
   * @param {Promise<import("../web/client/api.js").Media[]>} listing newest first
   */
  async fill(listing) {
    const skeletons = Array.from({ length: SKELETONS }, () => copyOf("skeleton-template").root);
    this.#grid.setAttribute("aria-busy", "true");
    this.#grid.append(...skeletons);
    this.#listing = listing;
    try {
      const found = await listing;
      // Whoever asked may have signed out since.
      if (this.#listing !== listing) return;
      const missing = found.filter((media) => !this.#cards.has(media.key));
      this.#known = true;
      this.#grid.append(...missing.map((media) => this.#cardOf(media).root));
    } finally {
      for (const skeleton of skeletons) skeleton.remove();
      this.#grid.removeAttribute("aria-busy");
    }
  }

  /** @param {HTMLElement} tile a file that is being uploaded */
  lead(tile) {
    this.#grid.prepend(tile);
  }

  /**
   * @param {HTMLElement} tile
   * @param {import("../web/client/api.js").Media} media the file that has arrived
   */
  replace(tile, media) {
    tile.replaceWith(this.#cardOf(media).root);
  }

  /** Takes every file off the page. */
  clear() {
    for (const card of this.#cards.values()) card.remove();
    this.#cards.clear();
    this.#known = false;
    this.#listing = null;
  }

  /** @param {import("../web/client/api.js").Media} media */
  #cardOf(media) {
    const card = new Card(media, this.#delivery.lease(media));
    this.#cards.set(media.key, card);
    return card;
  }

  #summarise() {
    const bytes = [...this.#cards.values()].reduce((sum, card) => sum + card.bytes, 0);
    const files = this.#cards.size === 1 ? "1 file" : `${this.#cards.size} files`;
    byId("sum").textContent = this.#cards.size === 0 ? "" : `${files}, ${size(bytes)}`;
    byId("empty").hidden = !this.#known || this.#grid.childElementCount > 0;
  }
}
