import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, csrfToken, MediaError } from "../../web/client/api.js";
import { refusal, startShim } from "./shim.js";

test("a refusal becomes an error with all that the envelope says", async (t) => {
  const envelope = refusal("INVALID_FIELD", 400, { field: "bytes" });
  const shim = await startShim(t, { "POST /api/media/commit": [envelope] });
  await assert.rejects(new Api(shim).commit({ key: "k" }), {
    name: "MediaError",
    code: "INVALID_FIELD",
    status: 400,
    field: "bytes",
    requestId: "r1",
    message: "It is INVALID_FIELD.",
  });
});

test("an answer of a proxy's that is no envelope still becomes an error", async (t) => {
  const shim = await startShim(t, { "GET /api/gallery": [[502, "<html>Bad gateway</html>"]] });
  await assert.rejects(new Api(shim).call("GET", "/api/gallery"), {
    code: "UNEXPECTED_ANSWER",
    status: 502,
    passing: true,
  });
});

test("a call that nobody answers is a passing error without a status", async (t) => {
  const shim = await startShim(t, { "GET /api/gallery": [null] });
  await assert.rejects(new Api(shim).call("GET", "/api/gallery"), {
    code: "NETWORK_ERROR",
    status: 0,
    passing: true,
  });
});

test("what a person or a setting must mend does not pass", () => {
  const error = "It is.";
  assert.equal(new MediaError({ code: "NOT_FOUND", status: 404, error }).passing, false);
  assert.equal(new MediaError({ code: "X", status: 503, error, setting: "Y" }).passing, false);
  assert.equal(new MediaError({ code: "DB_ERROR", status: 500, error }).passing, true);
});

test("an answer without content is null", async (t) => {
  const shim = await startShim(t, { "DELETE /api/session": [[204, ""]] });
  assert.equal(await new Api(shim).call("DELETE", "/api/session"), null);
});

test("a key is escaped where it travels in a query", async (t) => {
  const shim = await startShim(t, { "GET /api/media/refresh": [[200, {}]] });
  await new Api(shim).refresh("t/acme/a b&c.jpg");
  assert.equal(shim.requests[0].url, "/api/media/refresh?key=t%2Facme%2Fa%20b%26c.jpg");
});

test("an aborted call rejects with the signal's reason", async (t) => {
  const shim = await startShim(t, { "POST /api/media/commit": [[200, { media: {} }]] });
  const reason = new Error("enough");
  await assert.rejects(new Api(shim).commit({ key: "k" }, AbortSignal.abort(reason)), reason);
});

test("the CSRF token is found among other cookies, and not inside of one", () => {
  assert.equal(csrfToken("theme=dark; csrftoken=abc; x=1"), "abc");
  assert.equal(csrfToken("csrftoken=abc"), "abc");
  assert.equal(csrfToken("oldcsrftoken=no"), "");
  assert.equal(csrfToken(""), "");
});

test("the clock follows the server's when this machine's is wrong", async (t) => {
  const inAnHour = new Date(Date.now() + 3_600_000).toUTCString();
  const shim = await startShim(t, { "GET /x": [[200, {}, { Date: inAnHour }]] });
  const api = new Api(shim);
  await api.call("GET", "/x");
  assert.ok(Math.abs(api.now() - Date.parse(inAnHour)) < 2_000);
});

test("the clock stays this machine's while both agree to the second", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: Date.UTC(2026, 10, 20, 11, 25, 0, 900) });
  const date = "Fri, 20 Nov 2026 11:25:00 GMT";
  const shim = await startShim(t, { "GET /x": [[200, {}, { Date: date }]] });
  const api = new Api(shim);
  await api.call("GET", "/x");
  assert.equal(api.now(), Date.now());
});
