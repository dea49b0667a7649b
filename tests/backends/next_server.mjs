// Calls the route handlers as Next.js does: with a Request and its params, for a Response.
import { createServer } from "node:http";
import * as route from "./app/api/media/[...path]/route.js";

createServer(async (incoming, outgoing) => {
  if (incoming.url === "/up") return outgoing.end();
  const chunks = await incoming.toArray();
  const url = new URL(incoming.url, "http://app.test");
  const path = url.pathname.replace("/api/media/", "").split("/");
  const body = chunks.length ? Buffer.concat(chunks) : undefined;
  const { method, headers } = incoming;
  const request = new Request(url, { method, headers, body });
  const response = await route[method](request, { params: Promise.resolve({ path }) });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}).listen(Number(process.env.PORT), "127.0.0.1");
