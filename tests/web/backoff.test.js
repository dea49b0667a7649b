import assert from "node:assert/strict";
import { test } from "node:test";
import { pauseAfter, wait } from "../../web/client/backoff.js";

test("each pause is twice the one before", () => {
  assert.deepEqual([1, 2, 3, 4].map(pauseAfter), [1_000, 2_000, 4_000, 8_000]);
});

test("a wait ends when its time has come", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const waiting = wait(1_000, new AbortController().signal);
  t.mock.timers.tick(1_000);
  await waiting;
});

test("a wait ends at once, with the reason, when it is cancelled", async () => {
  const cancelling = new AbortController();
  const reason = new Error("changed my mind");
  const waiting = wait(60_000, cancelling.signal);
  cancelling.abort(reason);
  await assert.rejects(waiting, reason);
});

test("a wait that is cancelled already does not begin", async () => {
  const reason = new Error("changed my mind");
  await assert.rejects(wait(60_000, AbortSignal.abort(reason)), reason);
});
