/**
 * From a file on this machine to one that the application has.
 *
 *     sign ──> PUT ──> commit
 *               ^         │ UPLOAD_INCOMPLETE
 *               └─────────┘
 *
 * Signing and committing are tried again when the network or the server failed, and refusals are
 * final. The PUT is where care is due: a ticket stores one file, once.
 *
 * - 412 says that something is stored under the key already. Nothing but this ticket can have
 *   stored it, so an earlier PUT did arrive, though its answer did not: commit.
 * - A PUT without an answer may or may not have arrived. Commit knows: it either succeeds or
 *   says UPLOAD_INCOMPLETE, and only then are the bytes sent again.
 * - Any other answer of the store's is a refusal, which the same bytes would meet again.
 */

import { Api, MediaError } from "./api.js";
import { pauseAfter, wait, withBackoff } from "./backoff.js";
import { put as putFile } from "./put.js";

const SIGN_RETRIES = 3;
const PUT_RETRIES = 2;
const COMMIT_RETRIES = 3;

/**
 * @typedef {object} Progress
 * @property {"signing" | "sending" | "committing"} phase
 * @property {number} loaded bytes that have left
 * @property {number} total bytes of the file
 */

/**
 * @typedef {object} Options
 * @property {Api} [api]
 * @property {string} [kind] `image`, `video` or `document`; by the file's type if not given
 * @property {string} [attachTo] what of the application's it belongs to, such as `post:17`
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal] cancels; the upload then rejects with its reason
 * @property {typeof putFile} [put] how bytes travel
 * @property {typeof wait} [delay] how time passes
 */

/**
 * @param {File} file
 * @param {Options} [options]
 * @returns {Promise<import("./api.js").Media>} the committed file
 * @throws {MediaError} what the server or the store refused, or that neither could be reached
 */
export async function upload(file, options = {}) {
  const {
    api = new Api(),
    kind = kindOf(file.type),
    attachTo,
    signal,
    put = putFile,
    delay = wait,
  } = options;
  /** @type {(phase: Progress["phase"], loaded: number) => void} */
  const report = (phase, loaded) => options.onProgress?.({ phase, loaded, total: file.size });

  /** @type {<T>(action: () => Promise<T>, retries: number) => Promise<T>} */
  const patiently = (action, retries) => withBackoff(action, { retries, delay, signal });

  report("signing", 0);
  const ticket = await patiently(() => api.signUpload(describe(file, kind), signal), SIGN_RETRIES);
  const target = { key: ticket.key, attachTo };
  const onProgress = (/** @type {number} */ loaded) => report("sending", loaded);

  for (let tries = 1; ; tries += 1) {
    report("sending", 0);
    const silence = await store(() => put(ticket.upload, file, { onProgress, signal }));
    report("committing", file.size);
    try {
      return await patiently(() => api.commit(target, signal), COMMIT_RETRIES);
    } catch (error) {
      const notStored = error instanceof MediaError && error.code === "UPLOAD_INCOMPLETE";
      if (!notStored) throw error;
      if (tries > PUT_RETRIES) throw silence ?? error;
    }
    await delay(pauseAfter(tries), signal);
  }
}

/**
 * @param {string} contentType
 * @returns {"image" | "video" | "document"}
 */
export function kindOf(contentType) {
  if (contentType.startsWith("image/")) return "image";
  if (contentType.startsWith("video/")) return "video";
  return "document";
}

/**
 * @param {File} file
 * @param {string} kind
 */
function describe(file, kind) {
  // A browser that does not know a file's type says nothing; the server should hear of one.
  const contentType = file.type || "application/octet-stream";
  return { kind, contentType, bytes: file.size, fileName: file.name };
}

/**
 * @param {() => Promise<number>} send
 * @returns {Promise<MediaError | null>} null if the file is stored, the error if nobody knows
 * @throws {MediaError} UPLOAD_REFUSED
 */
async function store(send) {
  let status;
  try {
    status = await send();
  } catch (error) {
    if (error instanceof MediaError && error.status === 0) return error;
    throw error;
  }
  if ((status >= 200 && status < 300) || status === 412) return null;
  throw new MediaError({
    code: "UPLOAD_REFUSED",
    status,
    error: `The store refused the file (${status}).`,
  });
}
