/**
 * One PUT of a file to the object store.
 *
 * `fetch` tells nothing of an upload's progress; XMLHttpRequest does.
 */

import { unanswered } from "./api.js";

/**
 * @param {import("./api.js").SignedRequest} signed
 * @param {Blob} file
 * @param {object} options
 * @param {(loaded: number) => void} options.onProgress told how many bytes have left
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<number>} the status that the store answered, whichever it is
 * @throws {MediaError} NETWORK_ERROR, after which the file may be stored or not
 */
export function put(signed, file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal?.addEventListener("abort", abort);
    request.addEventListener("loadend", () => signal?.removeEventListener("abort", abort));
    request.addEventListener("load", () => resolve(request.status));
    request.addEventListener("error", () => reject(unanswered()));
    request.addEventListener("abort", () => reject(signal?.reason));
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    request.open(signed.method, signed.url);
    for (const [name, value] of Object.entries(signed.headers)) {
      request.setRequestHeader(name, value);
    }
    request.send(file);
  });
}
