// The least that answers from R2 with one GET, in JavaScript: no token, no headers of its own.

export default {
  /**
   * @param {Request} request
   * @param {{ MEDIA_BUCKET: R2Bucket }} env
   */
  async fetch(request, env) {
    const { headers, url } = request;
    const key = url.slice(url.indexOf("/m/") + 3, url.indexOf("?"));
    if (headers.has("range")) {
      const { body } = await env.MEDIA_BUCKET.get(key, { range: headers });
      return new Response(body, { status: 206 });
    }
    if (headers.has("if-none-match")) {
      const { body } = await env.MEDIA_BUCKET.get(key, { onlyIf: headers });
      return new Response(body, { status: body ? 200 : 304 });
    }
    const { body } = await env.MEDIA_BUCKET.get(key);
    return new Response(body);
  },
};
