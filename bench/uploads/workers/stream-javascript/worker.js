// The least that takes a part and streams it to R2, in JavaScript: no token, no database. Beginning
// and giving up a multipart upload are beside what is measured.

export default {
  /**
   * @param {Request} request
   * @param {{ MEDIA_BUCKET: R2Bucket }} env
   */
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/health") {
      return new Response("ok");
    }
    const key = searchParams.get("key");
    if (request.method === "POST") {
      const { uploadId } = await env.MEDIA_BUCKET.createMultipartUpload(key);
      return Response.json({ uploadId });
    }
    const upload = env.MEDIA_BUCKET.resumeMultipartUpload(key, searchParams.get("id"));
    if (request.method === "DELETE") {
      await upload.abort();
      return Response.json({});
    }
    const { etag } = await upload.uploadPart(Number(searchParams.get("n")), request.body);
    return Response.json({ etag });
  },
};
