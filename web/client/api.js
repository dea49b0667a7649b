/**
 * Calls to the application's own server.
 *
 * The session travels in its cookie, and Django's CSRF token goes from its cookie into a header:
 * both need the page to be of the same origin. Every refusal is an envelope
 * `{error, code, status, requestId}`, with `field` or `setting` where one is to blame; it arrives
 * here as a MediaError, and so does a call that was never answered, with status 0.
 *
 * A page's clock may be wrong by hours, and the lives of URLs are counted in minutes. So each
 * answer's `Date` sets `now()`, the server's clock as seen from here.
 */

/**
 * A stored file, as the server tells of it.
 *
 * @typedef {object} Media
 * @property {string} mediaId
 * @property {string} key
 * @property {"image" | "video" | "document"} kind
 * @property {string} contentType
 * @property {number} bytes
 * @property {string} fileName
 * @property {string | null} url opens the file until `urlExpiresAt`; null in the answer to a commit,
 *   where the application does not let its user see the file
 * @property {string | null} urlExpiresAt ISO 8601; null for a public file, whose URL lives on
 * @property {string} createdAt ISO 8601
 */

/**
 * Leave to store one file, once.
 *
 * @typedef {object} Ticket
 * @property {string} mediaId
 * @property {string} key
 * @property {SignedRequest} upload
 */

/**
 * @typedef {object} SignedRequest
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} headers part of the URL's signature: send exactly these
 * @property {string} expiresAt ISO 8601
 */

/**
 * A URL and its end.
 *
 * @typedef {object} Link
 * @property {string} key
 * @property {string} url
 * @property {string | null} urlExpiresAt ISO 8601; null if it does not expire
 */

/** The `Date` header counts whole seconds, so a smaller difference says nothing. */
const SKEW_NOTICED_MS = 2_000;

/** What was answered instead of what was asked for. */
export class MediaError extends Error {
  name = "MediaError";

  /**
   * @param {object} refusal
   * @param {string} refusal.code stable and machine-readable; one code, one cause
   * @param {number} refusal.status the HTTP status, or 0 if no answer came
   * @param {string} refusal.error a sentence for a person
   * @param {string} [refusal.field] the field that is to blame
   * @param {string} [refusal.setting] the server's setting that is to blame
   * @param {string} [refusal.requestId] finds the request in the server's log
   */
  constructor({ code, status, error, field, setting, requestId }) {
    super(error);
    this.code = code;
    this.status = status;
    this.field = field;
    this.setting = setting;
    this.requestId = requestId;
  }

  /** Whether the same call may succeed later: no answer, or a fault of the server's that passes. */
  get passing() {
    return this.status === 0 || (this.status >= 500 && this.setting === undefined);
  }
}

/** @returns {MediaError} a request that nobody answered: it may have been acted upon, or not */
export function unanswered() {
  return new MediaError({
    code: "NETWORK_ERROR",
    status: 0,
    error: "The server cannot be reached. Check the connection.",
  });
}

export class Api {
  #origin;
  #skew = 0;

  /** @param {{origin?: string}} [options] where the server is; the page's own origin by default */
  constructor({ origin = "" } = {}) {
    this.#origin = origin;
  }

  /** @returns {number} the server's time in milliseconds since 1970 */
  now() {
    return Date.now() + this.#skew;
  }

  /**
   * @param {{kind: string, contentType: string, bytes: number, fileName: string}} description
   * @param {AbortSignal} [signal]
   * @returns {Promise<Ticket>}
   */
  signUpload(description, signal) {
    return this.call("POST", "/api/media/sign-upload", { body: description, signal });
  }

  /**
   * Makes a stored file one that counts. Idempotent.
   *
   * @param {{key: string, attachTo?: string}} file `attachTo` is what it belongs to from now on
   * @param {AbortSignal} [signal]
   * @returns {Promise<Media>}
   */
  async commit(file, signal) {
    const { media } = await this.call("POST", "/api/media/commit", { body: file, signal });
    return media;
  }

  /**
   * @param {string} key
   * @returns {Promise<Link>} the same file under a URL with a new life
   */
  refresh(key) {
    return this.call("GET", `/api/media/refresh?key=${encodeURIComponent(key)}`);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{body?: unknown, signal?: AbortSignal}} [options] `body` is sent as JSON
   * @returns {Promise<any>} the answer's JSON, or null if it has no content
   * @throws {MediaError} what the server refused, or that it could not be reached
   */
  async call(method, path, { body, signal } = {}) {
    const response = await this.#send(method, path, body, signal);
    this.#setClock(response.headers.get("Date"));
    if (response.status === 204) return null;
    const answer = await response.json().catch(() => null);
    if (response.ok && answer !== null) return answer;
    throw refusal(response.status, answer);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} body
   * @param {AbortSignal} [signal]
   */
  async #send(method, path, body, signal) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method !== "GET") headers["X-CSRFToken"] = csrfToken(globalThis.document?.cookie ?? "");
    try {
      return await fetch(this.#origin + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        signal,
      });
    } catch (error) {
      throw error instanceof TypeError ? unanswered() : error;
    }
  }

  /** @param {string | null} date */
  #setClock(date) {
    if (date === null) return;
    const difference = Date.parse(date) - Date.now();
    this.#skew = Math.abs(difference) > SKEW_NOTICED_MS ? difference : 0;
  }
}

/**
 * @param {string} cookies as `document.cookie` has them
 * @returns {string} Django's CSRF token, empty if there is none
 */
export function csrfToken(cookies) {
  return /(?:^|;\s*)csrftoken=([^;]*)/.exec(cookies)?.[1] ?? "";
}

/**
 * @param {number} status
 * @param {any} answer the envelope, or whatever a proxy in between has said instead
 */
function refusal(status, answer) {
  return new MediaError({
    ...answer,
    status,
    code: answer?.code ?? "UNEXPECTED_ANSWER",
    error: answer?.error ?? `The server's answer (${status}) cannot be read.`,
  });
}
