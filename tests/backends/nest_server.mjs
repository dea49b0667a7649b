// Stands where NestJS does: a guard, the body as JSON, and the controller's decorators obeyed.
import { createServer } from "node:http";
import { match } from "@nestjs/common";
import { files } from "./lib/files.mjs";
import { Media } from "./lib/media.mjs";
import { MediaController } from "./media.controller.mjs";

const controller = new MediaController(new Media(process.env, files));

createServer(async (request, outgoing) => {
  if (request.url === "/up") return outgoing.end();
  const chunks = await request.toArray();
  const url = new URL(request.url, "http://app.test");
  const answer = (status, body, headers = {}) => {
    outgoing.writeHead(status, { "content-type": "application/json", ...headers });
    outgoing.end(status === 204 ? undefined : JSON.stringify(body));
  };
  const [id, tenant] = (request.headers["x-test-user"] ?? "").split(":");
  if (!id) return answer(401, { code: "UNAUTHORIZED", status: 401 });
  request.user = { id, tenant };
  const found = match(request.method, url.pathname.replace(`/${MediaController.prefix}/`, ""));
  if (!found) return answer(404, { code: "NOT_FOUND", status: 404 });
  const { route, params } = found;
  const text = Buffer.concat(chunks).toString();
  const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  const body = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text || "{}");
  const call = { request, url, params, body };
  try {
    const result = await controller[route.name](...route.parameters.map((from) => from(call)));
    answer(route.status ?? (route.method === "POST" ? 201 : 200), result, route.headers);
  } catch (error) {
    answer(error.status ?? 500, error.body ?? {});
  }
}).listen(Number(process.env.PORT), "127.0.0.1");
