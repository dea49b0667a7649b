"""The least that answers from the edge cache, in Python: no token, no headers of its own."""

from typing import Any

import js
from workers import WorkerEntrypoint, import_from_javascript

BUCKET = import_from_javascript("cloudflare:workers").env.MEDIA_BUCKET
CACHE = js.caches.default


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        url = request.js_object.url
        entry = url[: url.index("?")]
        hit = await CACHE.match(entry)
        if hit is not None:
            return hit
        found = await BUCKET.get(entry[entry.index("/m/") + 3 :])
        content = await js.Response.new(found.body).arrayBuffer()
        kept = js.Response.new(content)
        kept.headers.set("cache-control", "max-age=3600")
        await CACHE.put(entry, kept)
        return js.Response.new(content)
