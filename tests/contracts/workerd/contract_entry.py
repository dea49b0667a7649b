"""Runs one case of one suite for each request: `/<suite>/<case>`."""

import asyncio
import traceback
from typing import Any

import js
from pyodide.ffi import JsException, to_js
from workers import Response, WorkerEntrypoint

from media_engine.cloudflare.convert import raw_env, to_object
from media_engine.cloudflare.d1 import D1Database
from media_engine.cloudflare.r2 import R2Store
from media_engine.cloudflare.streams import WorkerdStreams
from tests.contracts import database, object_store, streams


class R2Harness:
    def __init__(self, bucket: Any) -> None:
        self.store = R2Store(bucket)
        self._bucket = bucket

    async def put(
        self, key: str, content: bytes, content_type: str, content_disposition: str
    ) -> None:
        given = {"contentType": content_type, "contentDisposition": content_disposition}
        metadata = to_object({name: value for name, value in given.items() if value})
        await self._bucket.put(key, to_js(content), to_object({"httpMetadata": metadata}))

    async def read(self, stream: Any) -> bytes:
        content = await js.Response.new(stream).arrayBuffer()
        return bytes(content.to_bytes())


class WorkerdStreamsHarness:
    def __init__(self) -> None:
        self.streams = WorkerdStreams()

    async def stream(self, content: bytes) -> Any:
        return js.Response.new(to_js(content)).body

    async def read(self, stream: Any) -> bytes:
        try:
            content = await js.Response.new(stream).arrayBuffer()
        except JsException as error:
            raise streams.BrokenOff from error
        return bytes(content.to_bytes())

    async def leave(self, stream: Any) -> None:
        reader = stream.getReader()
        await reader.read()
        await reader.cancel()

    async def running(self) -> int:
        # The reader's leaving reaches the pump within some turns of the event loop.
        for _ in range(50):
            pumps = [task for task in asyncio.all_tasks() if "_pump" in repr(task.get_coro())]
            if not pumps:
                return 0
            await asyncio.sleep(0.01)
        return len(pumps)


class D1Harness:
    def __init__(self, binding: Any) -> None:
        self.database = D1Database(binding)


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Response:
        env = raw_env()
        suites: dict[str, tuple[tuple[Any, ...], Any]] = {
            "object_store": (object_store.CASES, R2Harness(env.MEDIA_BUCKET)),
            "database": (database.CASES, D1Harness(env.DB)),
            "streams": (streams.CASES, WorkerdStreamsHarness()),
        }
        suite, name = request.url.rsplit("/", 2)[1:]
        if suite not in suites:
            return Response("ready")
        cases, harness = suites[suite]
        case = next(case for case in cases if case.__name__ == name)
        try:
            await case(harness)
        except Exception:
            return Response(traceback.format_exc(), status=500)
        return Response("passed")
