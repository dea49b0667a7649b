/**
 * A server on this machine that answers from a script: for each `METHOD /path` a list, of which
 * the last entry is repeated. An entry is `[status, body]`, or `null` to hang up unanswered.
 */

import { createServer } from "node:http";

/** @typedef {[number, unknown, Record<string, string>?] | null} Answer */

/**
 * @param {import("node:test").TestContext} t ends the server with the test
 * @param {Record<string, Answer[]>} script
 */
export async function startShim(t, script) {
  /** @type {{call: string, url: string, headers: import("node:http").IncomingHttpHeaders, body: any}[]} */
  const requests = [];
  const server = createServer(async (request, response) => {
    const text = (await request.toArray()).join("");
    const call = `${request.method} ${request.url?.split("?")[0]}`;
    requests.push({
      call,
      url: request.url ?? "",
      headers: request.headers,
      body: text && JSON.parse(text),
    });
    const answers = script[call];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (!answer) return request.socket.destroy();
    const [status, body, headers] = answer;
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    calls: () => requests.map((request) => request.call),
  };
}

/**
 * @param {string} code
 * @param {number} status
 * @param {object} [more]
 * @returns {Answer}
 */
export function refusal(code, status, more = {}) {
  return [status, { error: `It is ${code}.`, code, status, requestId: "r1", ...more }];
}
