// The least that answers from the edge cache, in JavaScript: no token, no headers of its own.

const CACHE = await caches.open("bench");

export default {
  /**
   * @param {Request} request
   * @param {{ MEDIA_BUCKET: R2Bucket }} env
   */
  async fetch(request, env) {
    const { url } = request;
    const entry = url.slice(0, url.indexOf("?"));
    const hit = await CACHE.match(entry);
    if (hit) return hit;
    const { body } = await env.MEDIA_BUCKET.get(entry.slice(entry.indexOf("/m/") + 3));
    const content = await new Response(body).arrayBuffer();
    await CACHE.put(entry, new Response(content, { headers: { "cache-control": "max-age=3600" } }));
    return new Response(content);
  },
};
