// What JavaScript does for the engine, because every crossing between Python and JavaScript costs
// microseconds: it waits, it reads several properties at once, it puts several into one object.
// It carries, and decides nothing.

import { waitUntil } from "cloudflare:workers";

// The headers that delivery looks at. Any other is looked up when somebody asks for it.
export const LOOKED_AT = [
  "range",
  "if-range",
  "if-none-match",
  "if-match",
  "if-modified-since",
  "if-unmodified-since",
  "cf-connecting-ip",
];

// Cloudflare's own name of a request. Behind a service binding, and on a laptop, anybody can send
// the header: what cannot be a name goes into no log.
const RAY = /^[0-9A-Za-z-]{1,32}$/;

/**
 * A promise in a box. A promise that a call returns, Pyodide would wrap in a future of its event
 * loop.
 */
export class Pending {
  /** @param {Promise<unknown>} promise */
  constructor(promise) {
    this.promise = promise;
  }
}

/** @type {(run: number, value: unknown, failed: boolean) => unknown} */
let resume;

/**
 * Take the function of Python that goes on with a run.
 *
 * @param {(run: number, value: unknown, failed: boolean) => unknown} callable given a run, and what
 *   its promise came to, it returns the next promise in its box, or what the run came to
 */
export function connect(callable) {
  resume = callable;
}

/**
 * Wait for one promise of a run after the other; return the promise of what the run comes to.
 *
 * A run goes to its end even where the client has left: cut off between two promises it would stay
 * in Python for ever.
 *
 * @param {number} run
 * @param {Pending} first
 */
export function drive(run, first) {
  const outcome = follow(run, first);
  waitUntil(outcome);
  return new Pending(outcome);
}

async function follow(run, first) {
  for (let next = first; ; ) {
    let value;
    let failed = false;
    try {
      value = await next.promise;
    } catch (error) {
      value = error instanceof Error ? error : new Error(String(error));
      failed = true;
    }
    next = resume(run, value, failed);
    if (!(next instanceof Pending)) return next;
  }
}

/**
 * Call a method that returns a promise.
 *
 * @param {Record<string, (...args: unknown[]) => Promise<unknown>>} target
 * @param {string} method
 * @param {...unknown} args
 */
export function call(target, method, ...args) {
  return new Pending(target[method](...args));
}

/**
 * Describe a request in lines: its method, its URL, what names it in the log, and `name:value` for
 * each of the headers above that it has. No line feed can be in any of them.
 *
 * @param {Request} request
 */
export function describeRequest(request) {
  const { headers } = request;
  const ray = headers.get("cf-ray");
  const id = ray !== null && RAY.test(ray) ? ray : crypto.randomUUID();
  let text = `${request.method}\n${request.url}\n${id}`;
  for (const name of LOOKED_AT) {
    const value = headers.get(name);
    if (value !== null) text += `\n${name}:${value}`;
  }
  return text;
}

/**
 * Make a response.
 *
 * @param {BodyInit | null | undefined} body
 * @param {number} status
 * @param {string} lines the name of a header, its value, the name of the next; each ends its line
 */
export function respond(body, status, lines) {
  return new Response(body, { status, headers: fieldsOf(lines) });
}

/**
 * Return headers as an object, which a Response takes faster than Headers.
 *
 * @param {string} lines the name of a header, its value, the name of the next; each ends its line
 */
export function fieldsOf(lines) {
  const texts = lines.split("\n");
  const fields = {};
  for (let at = 0; at + 1 < texts.length; at += 2) fields[texts[at]] = texts[at + 1];
  return fields;
}

/**
 * Read an object of the bucket. What is undefined is not asked for.
 *
 * @param {R2Bucket} bucket
 * @param {string} key
 * @param {number} [offset]
 * @param {number} [length]
 * @param {number} [suffix]
 * @param {string} [etagMatches] without its quotes, as the next
 * @param {string} [etagDoesNotMatch]
 */
export function read(bucket, key, offset, length, suffix, etagMatches, etagDoesNotMatch) {
  const options = {};
  if (offset !== undefined) {
    options.range = length === undefined ? { offset } : { offset, length };
  } else if (suffix !== undefined) options.range = { suffix };
  if (etagMatches !== undefined) options.onlyIf = { etagMatches };
  else if (etagDoesNotMatch !== undefined) options.onlyIf = { etagDoesNotMatch };
  return new Pending(bucket.get(key, options));
}

/**
 * List objects of the bucket, with what marks a tombstone.
 *
 * @param {R2Bucket} bucket
 * @param {string} prefix
 * @param {number} limit
 * @param {string} [startAfter]
 */
export function list(bucket, prefix, limit, startAfter) {
  return new Pending(bucket.list({ prefix, limit, startAfter, include: ["customMetadata"] }));
}

/**
 * Describe a page of such a list, in JSON: whether there is more, and its objects.
 *
 * @param {R2Objects} page
 */
export function describePage(page) {
  const listed = page.objects.map((found) => [
    found.key,
    found.size,
    found.httpEtag,
    found.uploaded.getTime(),
    isTombstone(found),
  ]);
  return JSON.stringify([page.truncated, listed]);
}

/**
 * Describe an object of the bucket, in JSON of printable ASCII, so that it can be a header too.
 *
 * @param {R2Object} found
 */
export function describeObject(found) {
  return JSON.stringify(propertiesOf(found)).replace(/[^\x20-\x7e]/g, escaped);
}

/**
 * Describe an object as above, and with the SHA-256 that the store verified, or null.
 *
 * @param {R2Object} found
 */
export function describeVerified(found) {
  return JSON.stringify([...propertiesOf(found), found.checksums.toJSON().sha256 ?? null]);
}

function propertiesOf(found) {
  const { httpMetadata, size } = found;
  return [
    found.key,
    size,
    found.httpEtag,
    found.uploaded.getTime(),
    httpMetadata?.contentType ?? "",
    httpMetadata?.contentDisposition ?? "",
    isTombstone(found),
  ];
}

// Only an empty object can be one.
function isTombstone(found) {
  return found.size === 0 && found.customMetadata?.gone !== undefined;
}

function escaped(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Ask another server.
 *
 * @param {string} url
 * @param {RequestInit} init
 * @param {number} timeout in milliseconds, to the last byte of the answer's body
 * @param {number} patience in milliseconds, until there is an answer
 */
export function ask(url, init, timeout, patience) {
  return new Pending(answerOf(url, init, timeout, patience));
}

async function answerOf(url, init, timeout, patience) {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(new Error("no answer in time")), patience);
  const signal = AbortSignal.any([AbortSignal.timeout(timeout), waiting.signal]);
  try {
    return await fetch(url, { ...init, signal });
  } finally {
    clearTimeout(timer);
  }
}

/** The header of a cache's entry that has the description of its object. */
export const DESCRIPTION = "x-object";

/**
 * Ask the cache for an entry, or for a range of it.
 *
 * @param {Cache} cache
 * @param {string} url the entry
 * @param {string} [range] as in a Range header
 */
export function match(cache, url, range) {
  const asked = range === undefined ? url : new Request(url, { headers: { range } });
  return new Pending(cache.match(asked));
}

/**
 * Describe what the cache gave: its status, and the description of its object.
 *
 * @param {Response} found
 */
export function describeEntry(found) {
  return `${found.status} ${found.headers.get(DESCRIPTION)}`;
}
