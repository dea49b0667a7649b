import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { MediaError, unanswered } from "../../web/client/api.js";
import { Delivery, remaining, renewIn } from "../../web/client/delivery.js";

const NOW = Date.UTC(2026, 10, 20, 11, 25);
const KEY = "t/acme/demo/2026/11/aB3nR7kW.jpg";

/** A server that grants a numbered URL for each refresh, or what `answers` says instead. */
class Server {
  /** @type {(Error | null)[]} */
  answers = [];
  asked = 0;

  /** @param {number} life milliseconds that a URL lives */
  constructor(life) {
    this.life = life;
  }

  now() {
    return Date.now();
  }

  async refresh(/** @type {string} */ key) {
    this.asked += 1;
    const refusal = this.answers.shift();
    if (refusal) throw refusal;
    return this.link(key, this.asked);
  }

  link(/** @type {string} */ key, number = 0) {
    const urlExpiresAt = new Date(Date.now() + this.life).toISOString();
    return { key, url: `http://media.test/m/${key}?t=${number}`, urlExpiresAt };
  }
}

/** @param {number} milliseconds lets them pass, and what was due happen */
async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  // The refresh, what it awaits and what follows are microtasks, all done by the next macrotask.
  await new Promise((resolve) => setImmediate(resolve));
}

/** @param {import("../../web/client/delivery.js").Lease} lease */
function eventsOf(lease) {
  /** @type {any[]} */
  const events = [];
  for (const name of ["renewed", "failed"]) {
    lease.addEventListener(name, (event) => {
      events.push([name, /** @type {CustomEvent} */ (event).detail]);
    });
  }
  return events;
}

test("what is left of a life never goes below nothing", () => {
  assert.equal(remaining("2026-11-20T11:26:00.000Z", NOW), 60_000);
  assert.equal(remaining("2026-11-20T11:25:00.000Z", NOW), 0);
  assert.equal(remaining("2026-11-20T11:00:00.000Z", NOW), 0);
});

test("a URL is renewed thirty seconds before its end, or with a tenth of a short life left", () => {
  assert.equal(renewIn(600_000, 600_000), 570_000);
  assert.equal(renewIn(86_400_000, 86_400_000), 86_370_000);
  assert.equal(renewIn(8_000, 8_000), 7_200);
  assert.equal(renewIn(600_000, 100_000), 70_000);
});

test("a URL is never renewed without a pause, however short its life", () => {
  assert.equal(renewIn(0, 0), 1_000);
  assert.equal(renewIn(600_000, 10_000), 1_000);
});

describe("a lease", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOW }));
  afterEach(() => mock.timers.reset());

  test("renews itself before its end, again and again", async () => {
    const server = new Server(600_000);
    const lease = new Delivery(server).lease(server.link(KEY));
    const events = eventsOf(lease);
    await pass(569_999);
    assert.equal(server.asked, 0);
    await pass(1);
    assert.match(lease.url, /t=1$/);
    assert.equal(lease.remaining, 600_000);
    await pass(570_000);
    assert.match(lease.url, /t=2$/);
    assert.deepEqual(events, [
      ["renewed", { late: false }],
      ["renewed", { late: false }],
    ]);
  });

  test("of a public file lives on and asks for nothing", async () => {
    const server = new Server(600_000);
    const delivery = new Delivery(server);
    const lease = delivery.lease({ key: KEY, url: "http://media.test/m", urlExpiresAt: null });
    await pass(86_400_000);
    delivery.sleep();
    delivery.wake();
    await pass(86_400_000);
    assert.deepEqual([lease.fraction, lease.remaining], [1, Number.POSITIVE_INFINITY]);
    assert.equal(server.asked, 0);
  });

  test("says how much of its life is left", async () => {
    const server = new Server(100_000);
    const lease = new Delivery(server).lease(server.link(KEY));
    assert.equal(lease.fraction, 1);
    await pass(75_000);
    assert.deepEqual([lease.fraction, lease.remaining], [0.25, 25_000]);
  });

  test("of a key that is already being refreshed does not ask again", async () => {
    const server = new Server(600_000);
    const delivery = new Delivery(server);
    const [one, two] = [delivery.lease(server.link(KEY)), delivery.lease(server.link(KEY))];
    await Promise.all([one.refresh(), two.refresh(), delivery.refresh(KEY)]);
    assert.equal(server.asked, 1);
    assert.match(one.url, /t=1$/);
    assert.equal(two.url, one.url);
  });

  test("of another key is refreshed on its own", async () => {
    const server = new Server(600_000);
    const delivery = new Delivery(server);
    const [one, two] = [delivery.lease(server.link(KEY)), delivery.lease(server.link("t/x/y"))];
    await Promise.all([one.refresh(), two.refresh()]);
    assert.equal(server.asked, 2);
    assert.match(one.url, /aB3nR7kW.jpg\?t=1$/);
    assert.match(two.url, /t\/x\/y\?t=2$/);
  });

  test("asks anew once the flight before has landed, well or badly", async () => {
    const server = new Server(600_000);
    server.answers = [unanswered()];
    const lease = new Delivery(server).lease(server.link(KEY));
    await assert.rejects(lease.refresh(), { code: "NETWORK_ERROR" });
    await lease.refresh();
    assert.equal(server.asked, 2);
    assert.match(lease.url, /t=2$/);
  });

  test("outlives a server that is away, and says that it had died meanwhile", async () => {
    const server = new Server(8_000);
    server.answers = [unanswered(), unanswered()];
    const lease = new Delivery(server).lease(server.link(KEY));
    const events = eventsOf(lease);
    await pass(7_200);
    await pass(1_000);
    assert.equal(lease.remaining, 0);
    assert.deepEqual(events, []);
    await pass(2_000);
    assert.equal(server.asked, 3);
    assert.deepEqual(events, [["renewed", { late: true }]]);
  });

  test("of a file that is gone stops asking", async () => {
    const server = new Server(600_000);
    const gone = new MediaError({ code: "MEDIA_GONE", status: 410, error: "Gone." });
    server.answers = [gone];
    const events = eventsOf(new Delivery(server).lease(server.link(KEY)));
    await pass(570_000);
    await pass(3_600_000);
    assert.equal(server.asked, 1);
    assert.deepEqual(events, [["failed", gone]]);
  });

  test("that was renewed after failures begins its patience anew", async () => {
    const server = new Server(8_000);
    server.answers = [unanswered(), unanswered(), null, unanswered()];
    new Delivery(server).lease(server.link(KEY));
    await pass(7_200);
    await pass(1_000);
    await pass(2_000);
    assert.equal(server.asked, 3);
    await pass(7_200);
    await pass(1_000);
    assert.equal(server.asked, 5);
  });

  test("that has ended is neither renewed nor woken", async () => {
    const server = new Server(600_000);
    const delivery = new Delivery(server);
    const lease = delivery.lease(server.link(KEY));
    lease.end();
    delivery.wake();
    await pass(3_600_000);
    assert.equal(server.asked, 0);
  });

  test("whose refresh fails after the page was hidden does not try again until it is seen", async () => {
    const server = new Server(600_000);
    server.answers = [unanswered()];
    const delivery = new Delivery(server);
    delivery.lease(server.link(KEY));
    mock.timers.tick(570_000);
    delivery.sleep();
    await pass(0);
    await pass(3_600_000);
    assert.equal(server.asked, 1);
  });

  test("rests while the page is hidden, and is renewed at once when it is seen", async () => {
    const server = new Server(600_000);
    const delivery = new Delivery(server);
    const lease = delivery.lease(server.link(KEY));
    const events = eventsOf(lease);
    delivery.sleep();
    await pass(3_600_000);
    assert.equal(server.asked, 0);
    delivery.wake();
    await pass(0);
    assert.deepEqual(events, [["renewed", { late: true }]]);
    await pass(570_000);
    assert.equal(server.asked, 2);
  });

  test("that wakes in time waits for its time", async () => {
    const server = new Server(600_000);
    const delivery = new Delivery(server);
    delivery.lease(server.link(KEY));
    delivery.sleep();
    await pass(100_000);
    delivery.wake();
    await pass(469_999);
    assert.equal(server.asked, 0);
    await pass(1);
    assert.equal(server.asked, 1);
  });

  test("that is made while the page is hidden rests too", async () => {
    const server = new Server(600_000);
    const delivery = new Delivery(server);
    delivery.sleep();
    delivery.lease(server.link(KEY));
    await pass(3_600_000);
    assert.equal(server.asked, 0);
  });

  test("whose URLs are born dead asks once a second", async () => {
    const server = new Server(0);
    new Delivery(server).lease(server.link(KEY));
    for (let half = 0; half < 10; half += 1) await pass(500);
    assert.equal(server.asked, 5);
  });
});
