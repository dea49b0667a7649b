/**
 * Files that wait their turn: a few travel at a time, since more would only share the same line.
 */

import { announce } from "./template.js";
import { Tile } from "./tile.js";

const AT_A_TIME = 3;

export class Queue {
  #send;
  #onAdded;
  #onStored;
  /** @type {Tile[]} */
  #waiting = [];
  /** @type {Set<Tile>} */
  #travelling = new Set();

  /**
   * @param {object} how
   * @param {import("./tile.js").Send} how.send
   * @param {(tile: HTMLElement) => void} how.onAdded puts a tile on the page
   * @param {(media: import("../web/client/api.js").Media, tile: HTMLElement) => void} how.onStored
   *   puts the file where its tile was
   */
  constructor({ send, onAdded, onStored }) {
    this.#send = send;
    this.#onAdded = onAdded;
    this.#onStored = onStored;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) {
      const tile = new Tile(file, { onRetry: () => this.#enqueue(tile) });
      this.#onAdded(tile.root);
      this.#enqueue(tile);
    }
  }

  cancelAll() {
    for (const tile of [...this.#waiting, ...this.#travelling]) tile.cancel();
  }

  /** @param {Tile} tile */
  #enqueue(tile) {
    tile.wait();
    this.#waiting.push(tile);
    this.#next();
  }

  #next() {
    while (this.#travelling.size < AT_A_TIME) {
      const tile = this.#waiting.shift();
      if (!tile) return;
      if (!tile.cancelled) this.#carry(tile);
    }
  }

  /** @param {Tile} tile */
  async #carry(tile) {
    this.#travelling.add(tile);
    try {
      const media = await tile.send(this.#send);
      this.#onStored(media, tile.root);
      announce(`${media.fileName} is uploaded.`);
    } catch (error) {
      if (!tile.cancelled) tile.fail(error);
    } finally {
      this.#travelling.delete(tile);
      this.#next();
    }
  }
}
