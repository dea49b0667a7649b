"""What workerd calls: the internet, a service binding, and the clock. Delegations only."""

import os
from functools import cache
from typing import Any

from workers import WorkerEntrypoint

from media_engine.app import App, World
from media_engine.cloudflare.cache import EdgeCache
from media_engine.cloudflare.carrier import awaited, connect, drive
from media_engine.cloudflare.clock import SystemClock
from media_engine.cloudflare.convert import answer, raw_env, variables
from media_engine.cloudflare.d1 import D1Database
from media_engine.cloudflare.log import write_line
from media_engine.cloudflare.r2 import R2Store
from media_engine.cloudflare.ratelimit import WorkerdRateLimiter
from media_engine.cloudflare.streams import WorkerdStreams
from media_engine.settings import BINDINGS, DEFAULTS, OPTIONAL_BINDINGS, Settings


@cache
def app() -> App:
    """Wire the engine, at the first request of an isolate: before it there is no environment."""
    connect()
    env = raw_env()
    bindings = {name: getattr(env, name, None) for name in (*BINDINGS, *OPTIONAL_BINDINGS)}
    settings = Settings.from_env(
        variables(env, DEFAULTS), [name for name, binding in bindings.items() if binding]
    )
    return App(
        settings,
        World(
            store=R2Store(bindings["MEDIA_BUCKET"]),
            cache=EdgeCache(settings.public_url, settings.cache_ttl),
            streams=WorkerdStreams(),
            database=D1Database(bindings["DB"]),
            clock=SystemClock(),
            entropy=os.urandom,
            guess_limiter=WorkerdRateLimiter(bindings["GUESS_LIMITER"]),
            write_line=write_line,
        ),
    )


def on_fetch(request: Any, env: Any, ctx: Any) -> Any:  # noqa: ARG001
    """Answer the internet."""
    return drive(answer(request, app().fetch))


def on_scheduled(controller: Any, env: Any, ctx: Any) -> Any:  # noqa: ARG001
    """Do what the cron does."""
    return drive(app().clean())


class MediaService(WorkerEntrypoint):
    """The entrypoint of a service binding: what it reaches needs no gateway key."""

    def on_fetch(self, request: Any) -> Any:
        return drive(answer(request.js_object, app().fetch_internal))

    async def presign(self, identity: Any, fields: Any) -> Any:
        return await awaited(app().presign(identity, fields))

    async def complete(self, identity: Any, media_id: Any) -> Any:
        return await awaited(app().complete(identity, media_id))

    async def resolve(self, identity: Any, ids: Any) -> Any:
        return await awaited(app().resolve(identity, ids))
