// The same job in JavaScript: the token verified through WebCrypto, conditions, one range, and
// every header of a delivery, with one R2 operation. A refusal is a bare status.

const DAY = 86_400;
const SKEW = 60;
const SHOWN = { "image/jpeg": true, "image/png": true, "image/webp": true, "video/mp4": true };
const VIDEO_POLICY = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'";
const POLICY = { "video/mp4": VIDEO_POLICY, "video/webm": VIDEO_POLICY };
const RANGE = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/;

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

/** @type {Map<string, Promise<CryptoKey>>} */
let keys;
/** @type {Map<string, Promise<CryptoKey> | undefined>} */
const keyOfHeader = new Map();

class Refused extends Error {
  /** @param {number} status */
  constructor(status) {
    super();
    this.status = status;
  }
}

export default {
  /**
   * @param {Request} request
   * @param {{ MEDIA_BUCKET: R2Bucket, MEDIA_TOKEN_KEYS: string, PRIVATE_RESOURCE_POLICY: string }} env
   */
  async fetch(request, env) {
    try {
      const url = new URL(request.url);
      const key = decodeURIComponent(url.pathname.slice("/m/".length));
      const claims = await verify(url.searchParams.get("t") ?? "", env);
      if (claims.key !== key) throw new Refused(403);
      return await deliver(request, env, key, claims);
    } catch (error) {
      if (error instanceof Refused) return new Response(null, { status: error.status });
      throw error;
    }
  },
};

async function deliver(request, env, key, claims) {
  const range = RANGE.exec(request.headers.get("range") ?? "");
  const found = await env.MEDIA_BUCKET.get(key, range ? { range: wanted(range) } : undefined);
  if (found === null) throw new Refused(404);
  const headers = headersOf(found, claims, env);
  if (isFresh(request.headers, found)) {
    found.body.cancel();
    return new Response(null, { status: 304, headers });
  }
  if (!range) return new Response(found.body, { headers });
  const { offset, length } = found.range;
  headers["Content-Range"] = `bytes ${offset}-${offset + length - 1}/${found.size}`;
  return new Response(found.body, { status: 206, headers });
}

function wanted([, first, last, suffix]) {
  if (suffix) return { suffix: Number(suffix) };
  const offset = Number(first);
  return last ? { offset, length: Number(last) - offset + 1 } : { offset };
}

function isFresh(headers, found) {
  const tags = headers.get("if-none-match");
  if (tags !== null) {
    return tags === "*" || tags.split(",").some((tag) => tag.trim() === found.httpEtag);
  }
  const since = headers.get("if-modified-since");
  return since !== null && Math.floor(found.uploaded.getTime() / 1000) * 1000 <= Date.parse(since);
}

function headersOf(found, claims, env) {
  const { contentType = "", contentDisposition = "inline" } = found.httpMetadata;
  const shown = SHOWN[contentType] === true;
  return {
    "Content-Type": shown ? contentType : "application/octet-stream",
    "Content-Disposition": claims.dl ? `attachment; filename="${claims.dl}"` : contentDisposition,
    "Content-Security-Policy": POLICY[contentType] ?? "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Accept-Ranges": "bytes",
    ETag: found.httpEtag,
    "Last-Modified": found.uploaded.toUTCString(),
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": env.PRIVATE_RESOURCE_POLICY,
  };
}

async function verify(token, env) {
  const [header, payload, signature, ...more] = token.split(".");
  if (token.length > 4096 || !signature || more.length) throw new Refused(401);
  const key = await keyFor(header, env);
  const signed = utf8.encode(`${header}.${payload}`);
  if (!key || !(await crypto.subtle.verify("HMAC", key, decode(signature), signed))) {
    throw new Refused(401);
  }
  const claims = JSON.parse(text.decode(decode(payload)));
  const now = Math.floor(Date.now() / 1000);
  const born = Math.min(claims.iat ?? now, now);
  const life = claims.jti ? DAY + SKEW : 3600;
  const alive = now < claims.exp && claims.exp - born <= life;
  const begun = (claims.nbf ?? now) <= now + SKEW && (claims.iat ?? now) <= now + SKEW;
  if (claims.aud !== "media" || !alive || !begun) throw new Refused(401);
  return claims;
}

function keyFor(header, env) {
  if (!keyOfHeader.has(header)) {
    const { alg, kid } = JSON.parse(text.decode(decode(header)));
    if (alg !== "HS256") throw new Refused(401);
    keys ??= new Map(env.MEDIA_TOKEN_KEYS.split(",").map(importKey));
    if (keys.has(kid)) keyOfHeader.set(header, keys.get(kid));
  }
  return keyOfHeader.get(header);
}

function importKey(entry) {
  const [kid, secret] = entry.trim().split(":");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return [kid, crypto.subtle.importKey("raw", decode(secret), algorithm, false, ["verify"])];
}

function decode(segment) {
  return Uint8Array.fromBase64(segment, { alphabet: "base64url" });
}
