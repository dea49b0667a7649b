"""Runs one case of one suite for each request: `/<suite>/<case>`."""

import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import js
from pyodide.ffi import JsException, to_js
from workers import import_from_javascript

from media_engine.cloudflare.cache import EdgeCache
from media_engine.cloudflare.carrier import call, connect, drive, running
from media_engine.cloudflare.convert import raw_env, to_object
from media_engine.cloudflare.d1 import D1Database
from media_engine.cloudflare.http_client import FetchClient
from media_engine.cloudflare.queue import CloudflareQueue, deliveries
from media_engine.cloudflare.r2 import R2Store
from media_engine.cloudflare.ratelimit import WorkerdRateLimiter
from media_engine.cloudflare.streams import WorkerdStreams
from media_engine.ports import BrokenOff, HttpRequest
from tests.contracts import (
    cache,
    costs,
    database,
    http_client,
    inventory,
    object_store,
    queue,
    quotas,
    rate_limiter,
    streams,
)

seen: list[queue.Seen] = []
"""What the consumer was given: there is one isolate, here."""


async def stream_of(content: bytes) -> Any:
    return js.Response.new(to_js(content)).body


async def broken_stream_of(content: bytes) -> Any:
    request = HttpRequest("POST", f"{raw_env().SERVER_URL}/cut-short", {}, content)
    return (await FetchClient().send(request, timeout=10_000)).body


class R2Harness:
    def __init__(self, bucket: Any) -> None:
        self.store = R2Store(bucket)
        self._bucket = bucket

    async def put(
        self,
        key: str,
        content: bytes,
        content_type: str,
        content_disposition: str,
        sha256: str | None = None,
    ) -> None:
        given = {"contentType": content_type, "contentDisposition": content_disposition}
        metadata = to_object({name: value for name, value in given.items() if value})
        options = {"httpMetadata": metadata}
        if sha256 is not None:
            options["sha256"] = sha256
        await call(self._bucket, "put", key, to_js(content), to_object(options))

    stream = staticmethod(stream_of)
    broken_stream = staticmethod(broken_stream_of)

    async def read(self, stream: Any) -> bytes:
        content = await call(js.Response.new(stream), "arrayBuffer")
        return bytes(content.to_bytes())


class WorkerdStreamsHarness:
    def __init__(self) -> None:
        self.streams = WorkerdStreams()

    stream = staticmethod(stream_of)
    broken_stream = staticmethod(broken_stream_of)

    async def read_block(self, block: Any) -> bytes:
        return bytes(block.to_bytes())

    async def read(self, stream: Any) -> bytes:
        try:
            content = await call(js.Response.new(stream), "arrayBuffer")
        except JsException as error:
            raise BrokenOff(str(error)) from error
        return bytes(content.to_bytes())

    async def leave(self, stream: Any) -> None:
        reader = stream.getReader()
        await call(reader, "read")
        await call(reader, "cancel")

    async def running(self) -> int:
        # The reader's leaving reaches the pump within some turns of the event loop. What is left
        # running then is the case itself.
        for _ in range(50):
            if running() == 1:
                return 0
            await call(js.scheduler, "wait", 10)
        return running() - 1

    async def kept(self) -> int:
        for _ in range(50):
            if _streams.bytesCollected == 0:
                break
            await call(js.scheduler, "wait", 10)
        return int(_streams.bytesCollected)


class CacheHarness:
    """Its streams come from R2, as all do that the cache is filled with."""

    def __init__(self, bucket: Any) -> None:
        self.cache = EdgeCache("https://media.example.com", 60)
        self._bucket = bucket

    async def stream(self, content: bytes) -> Any:
        await call(self._bucket, "put", "cached", to_js(content))
        return (await call(self._bucket, "get", "cached")).body

    async def broken_stream(self, content: bytes) -> Any:
        # It ends, and its length is not what the cache was told.
        return await self.stream(content)

    async def read(self, stream: Any) -> bytes:
        content = bytearray()
        reader = stream.getReader()
        with suppress(JsException):
            while not (chunk := await call(reader, "read")).done:
                content += chunk.value.to_bytes()
        return bytes(content)

    async def leave(self, stream: Any) -> None:
        reader = stream.getReader()
        await call(reader, "read")
        await call(reader, "cancel")

    async def rest(self) -> None:
        while _streams.bytesFilling:
            await call(js.scheduler, "wait", 5)


class D1Harness:
    def __init__(self, binding: Any) -> None:
        self.database = D1Database(binding)


class RateLimiterHarness:
    def __init__(self, binding: Any) -> None:
        self.limiter = WorkerdRateLimiter(binding)
        self.unlimited = WorkerdRateLimiter(None)


class CloudflareQueueHarness:
    def __init__(self, binding: Any) -> None:
        self.queue = CloudflareQueue(binding)

    def now(self) -> int:
        return int(js.Date.now())

    async def seen(self, case: str, count: int) -> Sequence[queue.Seen]:
        while len(queue.of(case, seen)) < count:
            await call(js.scheduler, "wait", 50)
        return queue.of(case, seen)


class FetchHarness:
    def __init__(self, url: str) -> None:
        self.http = FetchClient()
        self.url = url

    async def read(self, stream: Any) -> bytes:
        content = await call(js.Response.new(stream), "arrayBuffer")
        return bytes(content.to_bytes())


async def answer(url: str) -> Any:
    env = raw_env()
    suites: dict[str, tuple[tuple[Any, ...], Any]] = {
        "cache": (
            cache.CASES + cache.CASES_OF_THE_ADAPTER,
            CacheHarness(env.MEDIA_BUCKET),
        ),
        "object_store": (object_store.CASES, R2Harness(env.MEDIA_BUCKET)),
        "database": (database.CASES, D1Harness(env.DB)),
        "costs": (costs.CASES, D1Harness(env.DB)),
        "rate_limiter": (rate_limiter.CASES, RateLimiterHarness(env.LIMITER)),
        "queue": (queue.CASES, CloudflareQueueHarness(env.MEDIA_QUEUE)),
        "http_client": (http_client.CASES, FetchHarness(env.SERVER_URL)),
        "quotas": (quotas.CASES, D1Harness(env.DB)),
        "inventory": (inventory.CASES, D1Harness(env.DB)),
        "streams": (streams.CASES + streams.CASES_OF_THE_ADAPTER, WorkerdStreamsHarness()),
    }
    suite, name = url.rsplit("/", 2)[1:]
    if suite == "wait":
        await call(js.scheduler, "wait", int(name))
        return js.Response.new("waited")
    if suite == "running":
        return js.Response.new(str(running()))
    if suite not in suites:
        return js.Response.new("ready")
    cases, harness = suites[suite]
    case = next(case for case in cases if case.__name__ == name)
    try:
        await case(harness)
    except Exception:
        return js.Response.new(traceback.format_exc(), status=500)
    return js.Response.new("passed")


_streams = import_from_javascript("media_engine/cloudflare/streams.mjs")

connected = lru_cache(connect)


def on_fetch(request: Any, env: Any, ctx: Any) -> Any:  # noqa: ARG001
    connected()
    return drive(answer(request.url))


def on_queue(batch: Any, env: Any, ctx: Any) -> None:  # noqa: ARG001
    queue.consume(deliveries(batch), seen, int(js.Date.now()))
