// The one place in JavaScript that touches bytes: it says where streams go, and looks into none.

import { waitUntil } from "cloudflare:workers";
import { fieldsOf } from "./carrier.mjs";

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
