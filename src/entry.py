"""What workerd calls: the internet, a service binding, and the clock. Delegations only."""

import os
from functools import cache
from typing import Any

from workers import WorkerEntrypoint

from media_engine.app import App, World
from media_engine.cloudflare.clock import SystemClock
from media_engine.cloudflare.convert import answer, raw_env, variables
from media_engine.cloudflare.d1 import D1Database
from media_engine.cloudflare.log import write_line
from media_engine.cloudflare.r2 import R2Store
from media_engine.cloudflare.streams import WorkerdStreams
from media_engine.settings import BINDINGS, DEFAULTS, Settings


@cache
def app() -> App:
    """Wire the engine, at the first request of an isolate: before it there is no environment."""
    env = raw_env()
    bindings = {name: getattr(env, name, None) for name in BINDINGS}
    return App(
        Settings.from_env(
            variables(env, DEFAULTS), [name for name, binding in bindings.items() if binding]
        ),
        World(
            store=R2Store(bindings["MEDIA_BUCKET"]),
            streams=WorkerdStreams(),
            database=D1Database(bindings["DB"]),
            clock=SystemClock(),
            entropy=os.urandom,
            write_line=write_line,
        ),
    )


class Default(WorkerEntrypoint):
    """The host's own entrypoint."""

    async def fetch(self, request: Any) -> Any:
        return await answer(request.js_object, app().fetch)

    async def scheduled(self, controller: Any, env: Any, ctx: Any) -> None:  # noqa: ARG002
        await app().clean()


class MediaService(WorkerEntrypoint):
    """The entrypoint of a service binding: what it reaches needs no gateway key."""

    async def fetch(self, request: Any) -> Any:
        return await answer(request.js_object, app().fetch_internal)

    async def presign(self, identity: Any, fields: Any) -> Any:
        return await app().presign(identity, fields)

    async def complete(self, identity: Any, media_id: Any) -> Any:
        return await app().complete(identity, media_id)

    async def resolve(self, identity: Any, ids: Any) -> Any:
        return await app().resolve(identity, ids)
