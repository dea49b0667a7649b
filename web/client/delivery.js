/**
 * URLs that expire, kept alive.
 *
 * A Lease is one URL's life as the page sees it. It is renewed a margin before its end, so what
 * is being read is not cut off. Pages oversleep: a laptop's lid closes, a hidden tab's timers are
 * held back. So a hidden page lets its leases rest (`sleep`), and the first thing that it does
 * when it is seen again is to renew what is due (`wake`).
 *
 * However many ask, one refresh per key is in flight, and its answer reaches every lease of that
 * key.
 */

import { MediaError } from "./api.js";
import { pauseAfter } from "./backoff.js";

const LONGEST_MARGIN_MS = 30_000;
const LONGEST_PAUSE_MS = 60_000;

/** A server whose URLs are born expired is not asked without end. */
const SHORTEST_PAUSE_MS = 1_000;

/**
 * @param {string | null} expiresAt ISO 8601; null for a public file's URL, which lives on
 * @param {number} now milliseconds since 1970
 * @returns {number} milliseconds that are left, never below 0
 */
export function remaining(expiresAt, now) {
  if (expiresAt === null) return Number.POSITIVE_INFINITY;
  return Math.max(0, Date.parse(expiresAt) - now);
}

/**
 * When to renew: thirty seconds before the end, or with a tenth of a short life left.
 *
 * @param {number} life milliseconds that the URL had when it came
 * @param {number} left milliseconds that it still has
 * @returns {number} milliseconds from now
 */
export function renewIn(life, left) {
  return Math.max(SHORTEST_PAUSE_MS, left - Math.min(LONGEST_MARGIN_MS, life / 10));
}

/**
 * What leases need of the server.
 *
 * @typedef {Pick<import("./api.js").Api, "refresh" | "now">} Server
 */

export class Delivery {
  #server;
  #asleep = false;
  /** @type {Set<Lease>} */
  #leases = new Set();
  /** @type {Map<string, Promise<import("./api.js").Link>>} */
  #flights = new Map();

  /** @param {Server} server */
  constructor(server) {
    this.#server = server;
  }

  /**
   * @param {import("./api.js").Link} link
   * @returns {Lease} renewed by itself until `end()` is called
   */
  lease(link) {
    const lease = new Lease(link, {
      now: () => this.#server.now(),
      refresh: () => this.refresh(link.key),
      onEnd: () => this.#leases.delete(lease),
    });
    this.#leases.add(lease);
    if (!this.#asleep) lease.schedule();
    return lease;
  }

  /**
   * @param {string} key
   * @returns {Promise<import("./api.js").Link>} the new URL, which every lease of the key has by then
   */
  refresh(key) {
    const inFlight = this.#flights.get(key);
    if (inFlight) return inFlight;
    const flight = this.#server
      .refresh(key)
      .then((link) => {
        for (const lease of this.#leasesOf(key)) lease.renew(link);
        return link;
      })
      .finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  /** Nobody looks: renew nothing until `wake`. */
  sleep() {
    this.#asleep = true;
    for (const lease of this.#leases) lease.rest();
  }

  /** Somebody looks, or the network is back: renew what is due, at once. */
  wake() {
    this.#asleep = false;
    for (const lease of this.#leases) lease.schedule();
  }

  /** @param {string} key */
  #leasesOf(key) {
    return [...this.#leases].filter((lease) => lease.key === key);
  }
}

/**
 * One URL and its life.
 *
 * Fires `renewed` (its `detail.late` says whether the URL had died before) and `failed` (its
 * `detail` is the error) when there will be no more tries.
 */
export class Lease extends EventTarget {
  /** The URL that opens the file now. */
  url = "";

  /**
   * When it dies, in ISO 8601; null if it does not.
   *
   * @type {string | null}
   */
  expiresAt = "";

  #how;
  #life = 0;
  #failures = 0;
  #resting = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("./api.js").Link} link
   * @param {{now: () => number, refresh: () => Promise<unknown>, onEnd: () => void}} how
   */
  constructor(link, how) {
    super();
    this.key = link.key;
    this.#how = how;
    this.#take(link);
  }

  /** Milliseconds that the URL has left, 0 when it is dead. */
  get remaining() {
    return remaining(this.expiresAt, this.#how.now());
  }

  /** What is left of the life that the URL came with, from 1 down to 0. */
  get fraction() {
    if (this.expiresAt === null) return 1;
    return this.#life === 0 ? 0 : Math.min(1, this.remaining / this.#life);
  }

  /** Asks for a new URL now. Rejects with a MediaError if none is given. */
  async refresh() {
    await this.#how.refresh();
  }

  /** @param {import("./api.js").Link} link the same file under a new URL */
  renew(link) {
    const late = this.remaining === 0;
    this.#take(link);
    this.#failures = 0;
    if (!this.#resting) this.schedule();
    this.dispatchEvent(new CustomEvent("renewed", { detail: { late } }));
  }

  /** Sets the clock for the next renewal; one that is due happens at once. */
  schedule() {
    this.#resting = false;
    const due = this.remaining === 0 && this.#life > 0;
    this.#renewAfter(due ? 0 : renewIn(this.#life, this.remaining));
  }

  rest() {
    this.#resting = true;
    clearTimeout(this.#timer);
  }

  /** The page no longer shows it. */
  end() {
    this.rest();
    this.#how.onEnd();
  }

  /** @param {import("./api.js").Link} link */
  #take({ url, urlExpiresAt }) {
    this.url = url;
    this.expiresAt = urlExpiresAt;
    this.#life = this.remaining;
  }

  /** @param {number} milliseconds */
  #renewAfter(milliseconds) {
    clearTimeout(this.#timer);
    if (this.#resting || milliseconds === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => this.refresh().catch((error) => this.#fail(error)),
      milliseconds,
    );
  }

  /** @param {unknown} error */
  #fail(error) {
    if (!(error instanceof MediaError && error.passing)) {
      this.dispatchEvent(new CustomEvent("failed", { detail: error }));
      return;
    }
    this.#failures += 1;
    this.#renewAfter(Math.min(LONGEST_PAUSE_MS, pauseAfter(this.#failures)));
  }
}
