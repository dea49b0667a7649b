// The one place in JavaScript that touches bytes: it says where streams go, and looks into none.
// What a parser has to look at is handed to Python, a few bytes at a time.

import { waitUntil } from "cloudflare:workers";
import { fieldsOf, Pending } from "./carrier.mjs";

// How much may be on its way into the cache at once, in bytes. It is held in memory, at most twice:
// until the cache has it, and until the slowest client has read it.
const MOST_FILLING = 24 * 1024 * 1024;
const filling = new Set();
let bytesFilling = 0;

/**
 * Send an object to the client and put it into the cache.
 *
 * An entry that is being filled is not filled a second time, and none is begun past the bound: the
 * stream goes to the client as it is.
 *
 * @param {Cache} cache
 * @param {string} url the entry
 * @param {ReadableStream} body
 * @param {number} size of the body, in bytes
 * @param {string} lines the headers of the entry: a name, its value, the next, each on its line
 * @returns {ReadableStream} what the client reads
 */
export function fill(cache, url, body, size, lines) {
  if (filling.has(url) || bytesFilling + size > MOST_FILLING) return body;
  filling.add(url);
  bytesFilling += size;
  const [mine, theirs] = body.tee();
  const client = new FixedLengthStream(size);
  const done = [theirs.pipeTo(client.writable), keep(cache, url, mine, size, lines)];
  // Neither has to succeed: a client leaves, a store breaks off, a cache refuses.
  waitUntil(
    Promise.allSettled(done).then(() => {
      filling.delete(url);
      bytesFilling -= size;
    }),
  );
  return client.readable;
}

// What the cache gets it gets whole: a stream that broke off could leave its beginning there.
async function keep(cache, url, body, size, lines) {
  const content = await new Response(body).arrayBuffer();
  if (content.byteLength !== size) return;
  await cache.put(url, new Response(content, { headers: fieldsOf(lines) }));
}

/** @returns {number} how many bytes are on their way into the cache */
export function bytesOnTheirWay() {
  return bytesFilling;
}

// What R2 says of itself ends in the number of its error.
const OF_THE_STORE = /\(\d+\)$/;

/**
 * Store what a stream has, where there is nothing yet: all of it, or nothing.
 *
 * @param {R2Bucket} bucket
 * @param {string} key
 * @param {ReadableStream} body
 * @param {number} size how many bytes it has
 * @param {string} contentType
 * @param {string} contentDisposition
 * @returns {Pending} of the object, of null where there is one already, or of a string where the
 *   stream is to blame
 */
export function write(bucket, key, body, size, contentType, contentDisposition) {
  return new Pending(stored(bucket, key, body, size, { contentType, contentDisposition }));
}

async function stored(bucket, key, body, size, httpMetadata) {
  const exact = new FixedLengthStream(size);
  const leaving = new AbortController();
  const piped = body.pipeTo(exact.writable, { signal: leaving.signal }).then(
    () => undefined,
    (error) => error,
  );
  const onlyIf = new Headers({ "if-none-match": "*" });
  try {
    return await bucket.put(key, exact.readable, { httpMetadata, onlyIf });
  } catch (error) {
    leaving.abort();
    const broken = await piped;
    // A stream of another length is a TypeError of the put, and may have been piped to its end.
    const ofTheStream = broken !== undefined || error instanceof TypeError;
    if (!ofTheStream || OF_THE_STORE.test(error.message)) throw error;
    return String(error);
  } finally {
    // A store that has an object already does not read the stream.
    leaving.abort();
  }
}

// How much may be collected at once, in bytes. It is held in memory until it has been read.
const MOST_COLLECTED = 24 * 1024 * 1024;
let bytesCollected = 0;

/**
 * Read a stream to its end and keep what it has.
 *
 * @param {ReadableStream} stream
 * @param {number} most how many bytes it may have
 * @returns {Pending} of `{size, body}`, or of the word for why not: "long", "full"
 */
export function collect(stream, most) {
  return new Pending(collected(stream, most));
}

async function collected(stream, most) {
  const chunks = [];
  let size = 0;
  let kept = false;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      bytesCollected += value.byteLength;
      chunks.push(value);
      const refused = size > most ? "long" : bytesCollected > MOST_COLLECTED ? "full" : undefined;
      if (refused !== undefined) {
        waitUntil(reader.cancel().catch(() => {}));
        return refused;
      }
    }
    kept = true;
  } finally {
    if (!kept) bytesCollected -= size;
  }
  return { size, body: streamOf(chunks, size) };
}

// Not a FixedLengthStream: workerd pipes none of its own into another.
function streamOf(chunks, size) {
  const release = () => {
    bytesCollected -= size;
    chunks.length = 0;
  };
  return new ReadableStream(
    {
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk === undefined) {
          release();
          controller.close();
        } else controller.enqueue(chunk);
      },
      cancel: release,
    },
    { highWaterMark: 0 },
  );
}

/** @returns {number} how many bytes are collected and were not read yet */
export function bytesKept() {
  return bytesCollected;
}

/**
 * Read some bytes of an object; null if it is not the one that has this entity tag.
 *
 * @param {R2Bucket} bucket
 * @param {string} key
 * @param {number} offset
 * @param {number} length
 * @param {string} etag without its quotes
 */
export function readBytes(bucket, key, offset, length, etag) {
  return new Pending(readPart(bucket, key, { offset, length }, etag));
}

async function readPart(bucket, key, range, etag) {
  const found = await bucket.get(key, { range, onlyIf: { etagMatches: etag } });
  return found?.body ? await found.arrayBuffer() : null;
}

/**
 * Hash an object, in hexadecimal; null if it is not the one that has this entity tag.
 *
 * @param {R2Bucket} bucket
 * @param {string} key
 * @param {string} etag without its quotes
 */
export function digest(bucket, key, etag) {
  return new Pending(hash(bucket, key, etag));
}

async function hash(bucket, key, etag) {
  const found = await bucket.get(key, { onlyIf: { etagMatches: etag } });
  if (!found?.body) return null;
  const stream = new crypto.DigestStream("SHA-256");
  await found.body.pipeTo(stream);
  const bytes = new Uint8Array(await stream.digest);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
