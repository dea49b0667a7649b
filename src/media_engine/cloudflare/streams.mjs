// The one place in JavaScript that touches bytes: where streams go, how they are cut, and what is
// between the boundaries of a form. What a parser has to look at is handed to Python, a few bytes at
// a time.

import { waitUntil } from "cloudflare:workers";
import { fieldsOf, Pending } from "./carrier.mjs";

// How much may be on its way into the cache at once, in bytes. It is held in memory, at most twice:
// until the cache has it, and until the slowest client has read it.
const MOST_FILLING = 24 * 1024 * 1024;
// Each entry that is being filled, and whether it was withdrawn since.
const filling = new Map();
// Both counts are exported as they are, so that a contract suite can see them come back to nothing.
export let bytesFilling = 0;

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
 * @param {string} lines the headers of the entry: a name, its value, the next; each ends its line
 * @returns {ReadableStream} what the client reads
 */
export function fill(cache, url, body, size, lines) {
  if (filling.has(url) || bytesFilling + size > MOST_FILLING) return body;
  filling.set(url, false);
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

// What the cache gets it gets whole: a stream that broke off could leave its beginning there. And
// what was withdrawn while it was put has to be taken out again: the deletion came before it.
async function keep(cache, url, body, size, lines) {
  const content = await new Response(body).arrayBuffer();
  if (content.byteLength !== size || filling.get(url)) return;
  await cache.put(url, new Response(content, { headers: fieldsOf(lines) }));
  if (filling.get(url)) await cache.delete(url);
}

/**
 * Have nothing arrive in an entry of what is on its way there. What the cache has it keeps.
 *
 * @param {string} url the entry
 */
export function withdraw(url) {
  if (filling.has(url)) filling.set(url, true);
}

/** A body broke off, or did not have the length that it was said to have. */
class BrokenOff extends Error {
  name = "BrokenOff";
}

// What R2 says of itself ends in the number of its error.
const OF_THE_STORE = /\(\d+\)\.?$/;

/**
 * Hand a body to a store that must know its length, which a stream alone does not tell: all of it,
 * or nothing.
 *
 * @param {ReadableStream | Uint8Array} body
 * @param {number} size in bytes
 * @param {(body: ReadableStream | Uint8Array) => Promise<T>} store
 * @returns {Promise<T>}
 * @template T
 */
async function handOver(body, size, store) {
  if (!(body instanceof ReadableStream)) return await store(body);
  const exact = new FixedLengthStream(size);
  const leaving = new AbortController();
  const piped = body.pipeTo(exact.writable, { signal: leaving.signal }).then(
    () => undefined,
    (error) => error,
  );
  try {
    return await store(exact.readable);
  } catch (error) {
    leaving.abort();
    const broken = await piped;
    // A stream of another length is a TypeError of the put, and may have been piped to its end.
    const ofTheStream = broken !== undefined || error instanceof TypeError;
    if (!ofTheStream || OF_THE_STORE.test(error.message)) throw error;
    throw new BrokenOff(String(error));
  } finally {
    // A store that has an object already does not read the stream.
    leaving.abort();
  }
}

/** The head of an object. What is empty is left out. */
function metadata(contentType, contentDisposition) {
  const httpMetadata = {};
  if (contentType) httpMetadata.contentType = contentType;
  if (contentDisposition) httpMetadata.contentDisposition = contentDisposition;
  return { httpMetadata };
}

/**
 * Store what a body has: all of it, or nothing.
 *
 * @param {R2Bucket} bucket
 * @param {string} key
 * @param {ReadableStream | Uint8Array} body
 * @param {number} size in bytes
 * @param {string} contentType
 * @param {string} contentDisposition
 * @param {boolean} once whether what is under this key already stays
 * @returns {Pending} of the object, or of null where another one stays
 */
export function write(bucket, key, body, size, contentType, contentDisposition, once) {
  const options = metadata(contentType, contentDisposition);
  if (once) options.onlyIf = new Headers({ "if-none-match": "*" });
  return new Pending(handOver(body, size, (sized) => bucket.put(key, sized, options)));
}

/**
 * Begin a multipart upload.
 *
 * @param {R2Bucket} bucket
 * @param {string} key
 * @param {string} contentType
 * @param {string} contentDisposition
 */
export function begin(bucket, key, contentType, contentDisposition) {
  return new Pending(bucket.createMultipartUpload(key, metadata(contentType, contentDisposition)));
}

/**
 * Store a part.
 *
 * @param {R2MultipartUpload} upload
 * @param {number} number
 * @param {ReadableStream | Uint8Array} body
 * @param {number} length in bytes
 */
export function putPart(upload, number, body, length) {
  return new Pending(handOver(body, length, (sized) => upload.uploadPart(number, sized)));
}

// How much of a body is read at once, in bytes. What arrived of a larger read would be lost where
// its sender leaves.
const PIECE = 64 * 1024;

/** Who reads a stream, so that the rest of it can be read by somebody else. */
const readers = new WeakMap();

/** A stream, read in small pieces through one buffer that goes to and fro. */
class Source {
  /** @param {ReadableStream} stream */
  constructor(stream) {
    this.reader = stream.getReader({ mode: "byob" });
    readers.set(stream, this.reader);
    this.buffer = new ArrayBuffer(PIECE);
  }

  /** @returns {Promise<Uint8Array | undefined>} a piece that is good until the next, or none */
  async read() {
    const { value, done } = await this.reader.read(new Uint8Array(this.buffer));
    if (done) return undefined;
    this.buffer = value.buffer;
    return value;
  }
}

/**
 * Let go of a stream that one of ours has begun to read.
 *
 * @param {ReadableStream} stream
 * @returns {boolean} whether it is free now
 */
export function release(stream) {
  try {
    readers.get(stream)?.releaseLock();
  } catch {
    // A read is on its way: whoever waits for it will have the rest.
  }
  return !stream.locked;
}

const LATE = Symbol("late");

/** A body, or several one after the other, taken in blocks of a size that somebody chooses. */
class Intake {
  /**
   * @param {Array<{ read(): Promise<Uint8Array | undefined> }>} sources
   * @param {string} [algorithm] hashes what the last source has
   */
  constructor(sources, algorithm) {
    this.sources = sources;
    this.hash = algorithm === undefined ? undefined : new crypto.DigestStream(algorithm);
    this.writer = this.hash?.getWriter();
    // A digest that nobody asks for must not be an error that nobody heard of.
    this.hash?.digest.catch(() => {});
    this.length = 0;
    this.ended = false;
    this.broken = false;
  }

  async #next() {
    while (this.sources.length > 0) {
      const piece = await this.sources[0].read();
      if (piece !== undefined) {
        if (this.sources.length === 1) await this.writer?.write(piece);
        return piece;
      }
      this.sources.shift();
    }
    return undefined;
  }

  async #fill(size, milliseconds) {
    this.block ??= new Uint8Array(size);
    const over = new AbortController();
    const late = scheduler.wait(milliseconds, { signal: over.signal }).then(
      () => LATE,
      () => LATE,
    );
    while (this.length < size && !this.ended) {
      if (this.rest === undefined) {
        this.reading ??= this.#next();
        try {
          const piece = await Promise.race([this.reading, late]);
          if (piece === LATE) break;
          this.rest = piece;
        } catch {
          this.broken = true;
        }
        this.reading = undefined;
        if (this.rest === undefined) {
          this.ended = true;
          break;
        }
      }
      const room = this.rest.subarray(0, size - this.length);
      this.block.set(room, this.length);
      this.length += room.byteLength;
      this.rest =
        room.byteLength < this.rest.byteLength ? this.rest.subarray(room.byteLength) : undefined;
    }
    over.abort();
    return `${this.length} ${this.ended ? 1 : 0} ${this.broken ? 1 : 0}`;
  }

  /** Read on until a block is full, the body has ended, or the time is over. */
  fill(size, milliseconds) {
    return new Pending(this.#fill(size, milliseconds));
  }

  /** Hand out the block as far as it is filled, and begin another. */
  take() {
    const block = this.block.subarray(0, this.length);
    this.block = undefined;
    this.length = 0;
    return block;
  }

  /** Return the hash in base64. Nothing is read after it. */
  digest() {
    return new Pending(this.#digest());
  }

  async #digest() {
    await this.writer.close();
    return btoa(String.fromCharCode(...new Uint8Array(await this.hash.digest)));
  }
}

/**
 * Take what these streams have, one after the other.
 *
 * @param {ReadableStream[]} streams
 * @param {string} [algorithm] hashes what the last one has
 */
export function intake(streams, algorithm) {
  return new Intake(
    streams.map((stream) => new Source(stream)),
    algorithm,
  );
}

/** A form has no boundary where one must be, or a head that is no head. */
class FormBroken extends Error {
  name = "FormBroken";
}

const MOST_HEAD = 8 * 1024;
const CR = 13;
const BLANK_LINE = new TextEncoder().encode("\r\n\r\n");

/** A body of multipart/form-data (RFC 7578), read field by field as it comes. */
class Form {
  /**
   * @param {ReadableStream} stream
   * @param {string} boundary
   */
  constructor(stream, boundary) {
    this.source = new Source(stream);
    this.delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
    // The first boundary stands at the beginning of a line, as the others do.
    this.held = new TextEncoder().encode("\r\n");
  }

  /** Read on; tell whether there was more. */
  async #more() {
    const piece = await this.source.read();
    if (piece === undefined) return false;
    const joined = new Uint8Array(this.held.byteLength + piece.byteLength);
    joined.set(this.held);
    joined.set(piece, this.held.byteLength);
    this.held = joined;
    return true;
  }

  #drop(count) {
    this.held = this.held.subarray(count);
  }

  /** Read what the field has, until the boundary. What is returned is good until the next call. */
  async read() {
    for (;;) {
      const at = begins(this.held, this.delimiter);
      if (at > 0) {
        const piece = this.held.subarray(0, at);
        this.#drop(at);
        return piece;
      }
      if (at === 0 && this.held.byteLength >= this.delimiter.byteLength) return undefined;
      if (!(await this.#more())) throw new FormBroken("it ends in a field");
    }
  }

  async #next() {
    while ((await this.read()) !== undefined);
    this.#drop(this.delimiter.byteLength);
    for (;;) {
      const [first, second] = this.held;
      if (first === 45 && second === 45) return undefined;
      const at = begins(this.held, BLANK_LINE);
      if (this.held.byteLength >= at + BLANK_LINE.byteLength) {
        const head = new TextDecoder().decode(this.held.subarray(0, at));
        this.#drop(at + BLANK_LINE.byteLength);
        return head;
      }
      if (this.held.byteLength > MOST_HEAD) throw new FormBroken("a head is too long");
      if (!(await this.#more())) throw new FormBroken("it ends in a head");
    }
  }

  /** Skip what is left of a field and return the head of the next, or undefined after the last. */
  next() {
    return new Pending(this.#next());
  }

  async #text(limit) {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    let text = "";
    let length = 0;
    for (let piece = await this.read(); piece !== undefined; piece = await this.read()) {
      length += piece.byteLength;
      if (length > limit) throw new FormBroken("a value is too long");
      text += decoder.decode(piece, { stream: true });
    }
    return text + decoder.decode();
  }

  /** Return what the field has as text, of at most so many bytes. */
  text(limit) {
    return new Pending(this.#text(limit));
  }

  /** Take what the field has in blocks. */
  intake() {
    return new Intake([this]);
  }

  /** Return what the field has as a stream. */
  stream() {
    return new ReadableStream({
      pull: async (controller) => {
        const piece = await this.read();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece.slice());
      },
    });
  }
}

/** Return where a mark begins in bytes, whole or cut by their end; their length if it does not. */
function begins(bytes, mark) {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    let matched = 1;
    while (matched < mark.byteLength && at + matched < bytes.byteLength) {
      if (bytes[at + matched] !== mark[matched]) break;
      matched += 1;
    }
    if (matched === mark.byteLength || at + matched === bytes.byteLength) return at;
  }
  return bytes.byteLength;
}

/**
 * Read a form.
 *
 * @param {ReadableStream} stream
 * @param {string} boundary
 */
export function form(stream, boundary) {
  return new Form(stream, boundary);
}

// How much may be collected at once, in bytes. It is held in memory until it has been read.
const MOST_COLLECTED = 24 * 1024 * 1024;
export let bytesCollected = 0;

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
