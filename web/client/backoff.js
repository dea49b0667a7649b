/**
 * Trying again what may pass: after one second, then two, then four.
 */

import { MediaError } from "./api.js";

const FIRST_PAUSE_MS = 1_000;

/**
 * @param {number} failures how many tries have failed, at least one
 * @returns {number} milliseconds to wait before the next
 */
export function pauseAfter(failures) {
  return FIRST_PAUSE_MS * 2 ** (failures - 1);
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal] ends the wait with its reason
 * @returns {Promise<void>}
 */
export function wait(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/**
 * @template T
 * @param {() => Promise<T>} action must be safe to do twice
 * @param {object} options
 * @param {number} options.retries how often to try again after the first failure
 * @param {typeof wait} options.delay
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<T>}
 * @throws what the last try threw, or the first that no retry can mend
 */
export async function withBackoff(action, { retries, delay, signal }) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await action();
    } catch (error) {
      const hopeless = !(error instanceof MediaError && error.passing);
      if (hopeless || failures > retries) throw error;
      await delay(pauseAfter(failures), signal);
    }
  }
}
