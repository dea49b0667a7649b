// What another Worker of the application does with its binding: calls methods, and fetches.
//
//   POST /rpc/<method>  [identity, argument]  → what the method returned
//   POST /queue         [message, …]          → sends them where the engine consumes
//   *    /…                                   → the same request, through the binding
const METHODS = ["presign", "open", "token", "ingest", "complete", "resolve", "delete", "update"];

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/ready") return new Response("ready");
    if (url.pathname === "/queue") {
      for (const message of await request.json()) await env.MEDIA_QUEUE.send(message);
      return new Response("sent");
    }
    const method = url.pathname.replace("/rpc/", "");
    if (!METHODS.includes(method)) return env.MEDIA.fetch(request);
    const call = await request.json();
    switch (method) {
      case "presign":
        return Response.json(await env.MEDIA.presign(...call));
      case "open":
        return Response.json(await env.MEDIA.open(...call));
      case "token":
        return Response.json(await env.MEDIA.token(...call));
      case "ingest":
        return Response.json(await env.MEDIA.ingest(...call));
      case "complete":
        return Response.json(await env.MEDIA.complete(...call));
      case "delete":
        return Response.json(await env.MEDIA.delete(...call));
      case "update":
        return Response.json(await env.MEDIA.update(...call));
      default:
        return Response.json(await env.MEDIA.resolve(...call));
    }
  },
};
