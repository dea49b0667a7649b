"""What workerd calls: the internet, a service binding, a queue, the clock. Delegations only."""

from typing import Any

from workers import WorkerEntrypoint

from isolate import app
from media_engine.cloudflare.carrier import awaited, drive
from media_engine.cloudflare.convert import answer
from media_engine.cloudflare.queue import deliveries


def on_fetch(request: Any, env: Any, ctx: Any) -> Any:  # noqa: ARG001
    """Answer the internet."""
    return drive(answer(request, app().fetch))


def on_scheduled(controller: Any, env: Any, ctx: Any) -> Any:  # noqa: ARG001
    """Do what the cron does."""
    return drive(app().clean())


def on_queue(batch: Any, env: Any, ctx: Any) -> Any:  # noqa: ARG001
    """Do the work that was left for later."""
    return drive(app().consume(deliveries(batch)))


class MediaService(WorkerEntrypoint):
    """The entrypoint of a service binding: what it reaches needs no gateway key."""

    def on_fetch(self, request: Any) -> Any:
        return drive(answer(request.js_object, app().fetch_internal))

    async def presign(self, identity: Any, fields: Any, key: Any = None) -> Any:
        return await awaited(app().rpc.presign(identity, fields, key))

    async def open(self, identity: Any, fields: Any, key: Any = None) -> Any:
        return await awaited(app().rpc.open(identity, fields, key))

    async def token(self, identity: Any, media_id: Any) -> Any:
        return await awaited(app().rpc.token(identity, media_id))

    async def ingest(self, identity: Any, fields: Any, key: Any = None) -> Any:
        return await awaited(app().rpc.ingest(identity, fields, key))

    async def complete(self, identity: Any, media_id: Any) -> Any:
        return await awaited(app().rpc.complete(identity, media_id))

    async def resolve(self, identity: Any, ids: Any) -> Any:
        return await awaited(app().rpc.resolve(identity, ids))

    async def delete(self, identity: Any, media_id: Any, revision: Any = None) -> Any:
        return await awaited(app().rpc.delete(identity, media_id, revision))

    async def update(self, identity: Any, media_id: Any, fields: Any) -> Any:
        return await awaited(app().rpc.update(identity, media_id, fields))
