import assert from "node:assert/strict";
import { test } from "node:test";
import { MediaError } from "../../web/client/api.js";
import { Delivery } from "../../web/client/delivery.js";
import { View } from "../../web/client/view.js";

const KEY = "t/acme/demo/2026/11/aB3nR7kW.mp4";

class Image extends EventTarget {
  src = "";
}

/** What of an HTMLVideoElement a view touches; setting `src` forgets where it was, as there. */
class Video extends EventTarget {
  currentTime = 0;
  playbackRate = 1;
  paused = true;
  ended = false;
  readyState = 4;
  /** @type {{code: number} | null} */
  error = null;
  currentSrc = "";

  get src() {
    return this.currentSrc;
  }

  set src(url) {
    Object.assign(this, { currentSrc: url, currentTime: 0, playbackRate: 1, paused: true });
    Object.assign(this, { error: null, readyState: 0 });
  }

  async play() {
    this.paused = false;
  }

  load() {
    this.readyState = 4;
    this.dispatchEvent(new Event("loadedmetadata"));
  }

  runDry() {
    this.readyState = 2;
    this.dispatchEvent(new Event("waiting"));
  }

  fail(code = 4) {
    this.readyState = 0;
    this.error = { code };
    this.dispatchEvent(new Event("error"));
  }
}

/** Lets everything that waits for a promise go on. */
function settle() {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * @param {import("node:test").TestContext} t
 * @param {Image | Video} element
 * @param {MediaError} [refusal] what the server answers a refresh with
 */
function showing(t, element, refusal) {
  /** @type {{asked: number, pauses: number[], lost: unknown[]}} */
  const seen = { asked: 0, pauses: [], lost: [] };
  const urlExpiresAt = new Date(Date.now() + 600_000).toISOString();
  const delivery = new Delivery({
    now: () => Date.now(),
    refresh: async (key) => {
      seen.asked += 1;
      if (refusal) throw refusal;
      return { key, url: `http://media.test/${seen.asked}`, urlExpiresAt };
    },
  });
  const lease = delivery.lease({ key: KEY, url: "http://media.test/0", urlExpiresAt });
  t.after(() => lease.end());
  const view = new View(/** @type {any} */ (element), lease, {
    onLost: (error) => seen.lost.push(error),
    delay: async (milliseconds) => void seen.pauses.push(milliseconds),
  });
  return { delivery, lease, seen, view };
}

test("a picture takes the new URL when its lease is renewed", async (t) => {
  const image = new Image();
  const { lease } = showing(t, image);
  assert.equal(image.src, "http://media.test/0");
  await lease.refresh();
  assert.equal(image.src, "http://media.test/1");
});

test("a picture that does not load gets a new URL first, and then more time", async (t) => {
  const image = new Image();
  const { seen } = showing(t, image);
  const urls = [];
  for (let failure = 0; failure < 4; failure += 1) {
    image.dispatchEvent(new Event("error"));
    await settle();
    urls.push(image.src);
  }
  assert.equal(seen.asked, 1);
  assert.deepEqual(seen.pauses, [1_000, 2_000]);
  assert.equal(urls.at(-1), "http://media.test/1");
  assert.deepEqual(seen.lost, [undefined]);
});

test("a renewal by the clock forgives the failures before it", async (t) => {
  const image = new Image();
  const { lease, seen } = showing(t, image);
  image.dispatchEvent(new Event("error"));
  await settle();
  await lease.refresh();
  image.dispatchEvent(new Event("error"));
  await settle();
  assert.deepEqual([seen.asked, seen.pauses, image.src], [3, [], "http://media.test/3"]);
});

test("a failed load whose URL was renewed meanwhile takes that one without asking", async (t) => {
  const video = new Video();
  const { lease, seen } = showing(t, video);
  video.load();
  video.paused = false;
  await lease.refresh();
  assert.equal(video.src, "http://media.test/0");
  video.fail(2);
  await settle();
  assert.deepEqual([video.src, seen.asked], ["http://media.test/1", 1]);
});

test("a failed load whose newer URL has died too asks for another", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  const video = new Video();
  const { delivery, lease, seen } = showing(t, video);
  video.load();
  video.paused = false;
  await lease.refresh();
  delivery.sleep();
  t.mock.timers.tick(600_000);
  video.fail(2);
  await settle();
  assert.deepEqual([video.src, seen.asked], ["http://media.test/2", 2]);
});

test("what the server refuses to refresh is lost, and why is told", async (t) => {
  const image = new Image();
  const refusal = new MediaError({ code: "MEDIA_GONE", status: 410, error: "Gone." });
  const { seen } = showing(t, image, refusal);
  image.dispatchEvent(new Event("error"));
  await settle();
  assert.deepEqual(seen.lost, [refusal]);
});

test("a paused video takes the new URL at once and stays where it was", async (t) => {
  const video = new Video();
  const { lease } = showing(t, video);
  video.load();
  Object.assign(video, { currentTime: 16, playbackRate: 1.5 });
  await lease.refresh();
  video.load();
  assert.equal(video.src, "http://media.test/1");
  assert.deepEqual([video.currentTime, video.playbackRate, video.paused], [16, 1.5, true]);
});

test("a playing video keeps its URL until it pauses", async (t) => {
  const video = new Video();
  const { lease } = showing(t, video);
  video.load();
  Object.assign(video, { currentTime: 5, paused: false });
  await lease.refresh();
  assert.equal(video.src, "http://media.test/0");
  video.paused = true;
  video.dispatchEvent(new Event("pause"));
  video.load();
  assert.equal(video.src, "http://media.test/1");
  assert.deepEqual([video.currentTime, video.paused], [5, true]);
});

test("a playing video whose read fails plays on from there with a new URL", async (t) => {
  const video = new Video();
  const { seen } = showing(t, video);
  video.load();
  Object.assign(video, { currentTime: 12, paused: false });
  video.fail(2);
  await settle();
  video.load();
  assert.deepEqual([video.src, seen.asked], ["http://media.test/1", 1]);
  assert.deepEqual([video.currentTime, video.paused], [12, false]);
});

test("a playing video that runs dry takes the new URL and plays on from there", async (t) => {
  const video = new Video();
  const { lease } = showing(t, video);
  video.load();
  Object.assign(video, { currentTime: 50, paused: false });
  await lease.refresh();
  video.runDry();
  video.load();
  assert.deepEqual([video.src, video.currentTime], ["http://media.test/1", 50]);
  assert.equal(video.paused, false);
});

test("a video that runs dry on a dead URL asks for another", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  const video = new Video();
  const { delivery, seen } = showing(t, video);
  video.load();
  Object.assign(video, { currentTime: 50, paused: false });
  delivery.sleep();
  t.mock.timers.tick(600_000);
  video.runDry();
  await settle();
  video.load();
  assert.deepEqual([seen.asked, video.src], [1, "http://media.test/1"]);
  assert.deepEqual([video.currentTime, video.paused], [50, false]);
});

test("a video that runs dry while its URL is good is left to its browser", async (t) => {
  const video = new Video();
  const { seen } = showing(t, video);
  video.load();
  Object.assign(video, { currentTime: 50, paused: false });
  video.runDry();
  await settle();
  assert.deepEqual([seen.asked, video.src], [0, "http://media.test/0"]);
  assert.deepEqual([video.currentTime, video.paused], [50, false]);
});

test("a second load that begins before the first is done does not forget the place", async (t) => {
  const video = new Video();
  const { lease } = showing(t, video);
  video.load();
  video.currentTime = 16;
  await lease.refresh();
  await lease.refresh();
  video.load();
  assert.deepEqual([video.src, video.currentTime], ["http://media.test/2", 16]);
});

test("a video that has moved on since its last failure is helped again", async (t) => {
  const video = new Video();
  const { seen } = showing(t, video);
  for (const place of [1, 2, 3, 4, 5]) {
    Object.assign(video, { currentTime: place, paused: false });
    video.fail(2);
    await settle();
    video.load();
  }
  assert.deepEqual([seen.asked, seen.lost], [5, []]);
});

test("a video that cannot be decoded is not loaded again", async (t) => {
  const video = new Video();
  const { seen } = showing(t, video);
  video.fail(3);
  await settle();
  assert.deepEqual([seen.asked, seen.lost], [0, [undefined]]);
});

test("what a view has let go of is left alone", async (t) => {
  const image = new Image();
  const { lease, view } = showing(t, image);
  view.end();
  await lease.refresh();
  assert.equal(image.src, "http://media.test/0");
});

test("what is let go of while it is being helped is left alone too", async (t) => {
  const image = new Image();
  const { view } = showing(t, image);
  image.dispatchEvent(new Event("error"));
  view.end();
  await settle();
  assert.equal(image.src, "http://media.test/0");
});
