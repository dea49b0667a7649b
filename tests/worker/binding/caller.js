// What another Worker of the application does with its binding: calls methods, and fetches.
//
//   POST /rpc/<method>  [identity, argument]  → what the method returned
//   *    /…                                   → the same request, through the binding
const METHODS = ["presign", "complete", "resolve"];

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/ready") return new Response("ready");
    const method = url.pathname.replace("/rpc/", "");
    if (!METHODS.includes(method)) return env.MEDIA.fetch(request);
    const call = await request.json();
    switch (method) {
      case "presign":
        return Response.json(await env.MEDIA.presign(...call));
      case "complete":
        return Response.json(await env.MEDIA.complete(...call));
      default:
        return Response.json(await env.MEDIA.resolve(...call));
    }
  },
};
