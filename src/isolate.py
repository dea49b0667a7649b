"""The engine of one isolate: the adapters in the ports, wired at its first request."""

import os
from functools import cache

from media_engine.app import App, World
from media_engine.cloudflare.cache import EdgeCache
from media_engine.cloudflare.carrier import connect, drive
from media_engine.cloudflare.clock import SystemClock
from media_engine.cloudflare.convert import raw_env, variables
from media_engine.cloudflare.d1 import D1Database
from media_engine.cloudflare.http_client import FetchClient
from media_engine.cloudflare.log import write_line
from media_engine.cloudflare.queue import CloudflareQueue
from media_engine.cloudflare.r2 import R2Store
from media_engine.cloudflare.ratelimit import WorkerdRateLimiter
from media_engine.cloudflare.streams import WorkerdStreams
from media_engine.settings import ALL_BINDINGS, DEFAULTS, Settings


@cache
def app() -> App:
    """Return the engine. It is wired once: before the first request there is no environment."""
    connect()
    env = raw_env()
    bindings = {name: getattr(env, name, None) for name in ALL_BINDINGS}
    bound = [name for name, binding in bindings.items() if binding]
    settings = Settings.from_env(variables(env, DEFAULTS), bound)
    return App(
        settings,
        World(
            store=R2Store(bindings["MEDIA_BUCKET"]),
            cache=EdgeCache(settings.public_url, settings.cache_ttl),
            streams=WorkerdStreams(),
            database=D1Database(bindings["DB"]),
            queue=CloudflareQueue(bindings["MEDIA_QUEUE"]),
            http=FetchClient(),
            clock=SystemClock(),
            entropy=os.urandom,
            ingest_limiter=WorkerdRateLimiter(bindings["INGEST_LIMITER"]),
            presign_limiter=WorkerdRateLimiter(bindings["PRESIGN_LIMITER"]),
            background=drive,
            guess_limiter=WorkerdRateLimiter(bindings["GUESS_LIMITER"]),
            write_line=write_line,
        ),
    )
