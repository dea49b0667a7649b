import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, unanswered } from "../../web/client/api.js";
import { kindOf, upload } from "../../web/client/upload.js";
import { refusal, startShim } from "./shim.js";

const SIGN = "POST /api/media/sign-upload";
const COMMIT = "POST /api/media/commit";
const KEY = "t/acme/demo/2026/11/aB3nR7kW.jpg";
const TICKET = {
  mediaId: "media_aB3nR7kW",
  key: KEY,
  upload: {
    method: "PUT",
    url: "http://store.test/put",
    headers: { "content-type": "image/jpeg", "if-none-match": "*" },
    expiresAt: "2026-11-20T12:25:00.000Z",
  },
};
const MEDIA = { mediaId: TICKET.mediaId, key: KEY, fileName: "photo.jpg" };
const FILE = new File(["0123456789"], "photo.jpg", { type: "image/jpeg" });
const INCOMPLETE = refusal("UPLOAD_INCOMPLETE", 409);

/**
 * Uploads FILE, with a store that answers from a list: a status, or "silence".
 *
 * @param {import("node:test").TestContext} t
 * @param {{sign?: any[], puts?: (number | "silence")[], commit?: any[], options?: object}} story
 */
async function uploading(t, { sign = [[201, TICKET]], puts = [200], commit, options }) {
  const shim = await startShim(t, { [SIGN]: sign, [COMMIT]: commit ?? [[200, { media: MEDIA }]] });
  /** @type {{pauses: number[], puts: any[], progress: any[]}} */
  const seen = { pauses: [], puts: [], progress: [] };
  const result = upload(FILE, {
    api: new Api(shim),
    onProgress: (progress) => seen.progress.push(progress),
    delay: async (milliseconds) => void seen.pauses.push(milliseconds),
    put: async (signed, file, { onProgress }) => {
      seen.puts.push({ signed, file });
      onProgress(4);
      const answer = puts.length > 1 ? puts.shift() : puts[0];
      if (answer === "silence") throw unanswered();
      return answer ?? 200;
    },
    ...options,
  });
  return { result, seen, shim };
}

test("a file is signed for, sent and committed", async (t) => {
  const { result, seen, shim } = await uploading(t, { options: { attachTo: "post:17" } });
  assert.deepEqual(await result, MEDIA);
  assert.deepEqual(shim.calls(), [SIGN, COMMIT]);
  assert.deepEqual(shim.requests[0].body, {
    kind: "image",
    contentType: "image/jpeg",
    bytes: 10,
    fileName: "photo.jpg",
  });
  assert.deepEqual(seen.puts, [{ signed: TICKET.upload, file: FILE }]);
  assert.deepEqual(shim.requests[1].body, { key: KEY, attachTo: "post:17" });
});

test("progress goes from signing through bytes to committing", async (t) => {
  const { result, seen } = await uploading(t, {});
  await result;
  assert.deepEqual(seen.progress, [
    { phase: "signing", loaded: 0, total: 10 },
    { phase: "sending", loaded: 0, total: 10 },
    { phase: "sending", loaded: 4, total: 10 },
    { phase: "committing", loaded: 10, total: 10 },
  ]);
});

test("signing is tried again after one, two and four seconds", async (t) => {
  const sign = [null, refusal("DB_ERROR", 500), refusal("WORKER_UNAVAILABLE", 502), [201, TICKET]];
  const { result, seen } = await uploading(t, { sign });
  assert.deepEqual(await result, MEDIA);
  assert.deepEqual(seen.pauses, [1_000, 2_000, 4_000]);
});

test("signing is given up after three retries", async (t) => {
  const { result, shim } = await uploading(t, { sign: [refusal("DB_ERROR", 500)] });
  await assert.rejects(result, { code: "DB_ERROR" });
  assert.equal(shim.calls().length, 4);
});

test("a refused description is not sent again", async (t) => {
  const { result, seen, shim } = await uploading(t, { sign: [refusal("UNSUPPORTED_MIME", 400)] });
  await assert.rejects(result, { code: "UNSUPPORTED_MIME", status: 400 });
  assert.deepEqual([shim.calls(), seen.pauses, seen.puts], [[SIGN], [], []]);
});

test("a missing setting of the server's is not waited for", async (t) => {
  const missing = refusal("r2_not_configured", 503, { setting: "MEDIA_SHIM.GATEWAY_KEY" });
  const { result, shim } = await uploading(t, { sign: [missing] });
  await assert.rejects(result, { setting: "MEDIA_SHIM.GATEWAY_KEY" });
  assert.deepEqual(shim.calls(), [SIGN]);
});

test("a PUT whose answer was lost is committed without sending the bytes again", async (t) => {
  const { result, seen } = await uploading(t, { puts: ["silence"] });
  assert.deepEqual(await result, MEDIA);
  assert.equal(seen.puts.length, 1);
});

test("a PUT that did not arrive is sent again, twice at most", async (t) => {
  const { result, seen, shim } = await uploading(t, {
    puts: ["silence", "silence", 200],
    commit: [INCOMPLETE, INCOMPLETE, [200, { media: MEDIA }]],
  });
  assert.deepEqual(await result, MEDIA);
  assert.equal(seen.puts.length, 3);
  assert.deepEqual(seen.pauses, [1_000, 2_000]);
  assert.deepEqual(shim.calls(), [SIGN, COMMIT, COMMIT, COMMIT]);
});

test("three PUTs that did not arrive are a network error", async (t) => {
  const { result, seen } = await uploading(t, { puts: ["silence"], commit: [INCOMPLETE] });
  await assert.rejects(result, { code: "NETWORK_ERROR" });
  assert.equal(seen.puts.length, 3);
});

test("412 on a retry means that the first PUT was stored", async (t) => {
  const { result, seen } = await uploading(t, {
    puts: ["silence", 412],
    commit: [INCOMPLETE, [200, { media: MEDIA }]],
  });
  assert.deepEqual(await result, MEDIA);
  assert.equal(seen.puts.length, 2);
});

test("a store that says it has the file, and has not, is asked again and then believed", async (t) => {
  const { result, seen } = await uploading(t, { puts: [200], commit: [INCOMPLETE] });
  await assert.rejects(result, { code: "UPLOAD_INCOMPLETE" });
  assert.equal(seen.puts.length, 3);
});

for (const status of [400, 403, 500, 503]) {
  test(`a PUT that the store refuses with ${status} is neither repeated nor committed`, async (t) => {
    const { result, seen, shim } = await uploading(t, { puts: [status] });
    await assert.rejects(result, { code: "UPLOAD_REFUSED", status });
    assert.deepEqual([seen.puts.length, shim.calls()], [1, [SIGN]]);
  });
}

test("a commit is tried again on 5xx, three times at most", async (t) => {
  const { result, seen, shim } = await uploading(t, { commit: [refusal("DB_ERROR", 500)] });
  await assert.rejects(result, { code: "DB_ERROR" });
  assert.deepEqual(shim.calls(), [SIGN, COMMIT, COMMIT, COMMIT, COMMIT]);
  assert.deepEqual([seen.puts.length, seen.pauses], [1, [1_000, 2_000, 4_000]]);
});

test("a commit that is refused is final", async (t) => {
  const { result, seen, shim } = await uploading(t, { commit: [refusal("CONTENT_MISMATCH", 422)] });
  await assert.rejects(result, { code: "CONTENT_MISMATCH" });
  assert.deepEqual([shim.calls(), seen.puts.length], [[SIGN, COMMIT], 1]);
});

test("a cancelled upload stops where it is, with the reason", async (t) => {
  const cancelling = new AbortController();
  const reason = new Error("changed my mind");
  const { result, shim } = await uploading(t, {
    options: {
      signal: cancelling.signal,
      put: async () => {
        cancelling.abort(reason);
        throw reason;
      },
    },
  });
  await assert.rejects(result, reason);
  assert.deepEqual(shim.calls(), [SIGN]);
});

test("a file whose type nobody knows is declared as bytes", async (t) => {
  const shim = await startShim(t, { [SIGN]: [refusal("UNSUPPORTED_MIME", 400)] });
  const result = upload(new File(["?"], "riddle"), { api: new Api(shim) });
  await assert.rejects(result, { code: "UNSUPPORTED_MIME" });
  assert.equal(shim.requests[0].body.contentType, "application/octet-stream");
});

test("the kind follows from the type", () => {
  assert.deepEqual(["image/avif", "video/mp4", "application/pdf", ""].map(kindOf), [
    "image",
    "video",
    "document",
    "document",
  ]);
});
