"""The least that answers from R2 with one GET, in Python: no token, no headers of its own."""

from typing import Any

import js
from workers import WorkerEntrypoint, import_from_javascript

BUCKET = import_from_javascript("cloudflare:workers").env.MEDIA_BUCKET


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        raw = request.js_object
        headers = raw.headers
        url = raw.url
        key = url[url.index("/m/") + 3 : url.index("?")]
        if headers.has("range"):
            found = await BUCKET.get(key, range=headers)
            return js.Response.new(found.body, status=206)
        if headers.has("if-none-match"):
            found = await BUCKET.get(key, onlyIf=headers)
            # An object whose precondition failed has no body.
            body = getattr(found, "body", None)
            return js.Response.new(body, status=200 if body else 304)
        found = await BUCKET.get(key)
        return js.Response.new(found.body)
