"""The Worker as it is deployed, but for one thing: where a request says so, it stops for ever.

A request says it in a header, `x-stops: <name> <number>`, and a run of the cron in place of its
pattern: it stops when so many of its awaits are done, before Python goes on. So the last thing that
it did is done, and the next one is not begun. To stop before a call is to stop behind the await in
front of it, because between two awaits there is Python alone, which reaches nothing but by a call.

It stops by asking a server of the test's that never answers. So the test knows of it, and workerd
sees a request that waits for somebody else, as they all do. What ends, stopped or not, tells the
same server how many awaits there were.
"""

from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any
from urllib.parse import quote

import js

from isolate import app
from media_engine.cloudflare.carrier import call, drive
from media_engine.cloudflare.convert import answer, raw_env
from media_engine.cloudflare.queue import deliveries


class Stepped:
    """Awaits a coroutine, and stops behind one of its awaits.

    Args:
        work: the coroutine.
        name: what the test calls it.
        stops: behind how many awaits it stops; None for never.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], name: str, stops: int | None) -> None:
        self._work = work
        self._name = name
        self._stops = stops

    def __await__(self) -> Generator[Any, Any, Any]:
        step = partial(self._work.send, None)
        awaits, place = 0, "nothing"
        while True:
            if awaits == self._stops:
                yield from self._tell("stopped", awaits, place).__await__()
            try:
                pending = step()
            except StopIteration as ended:
                yield from self._tell("ended", awaits, place).__await__()
                return ended.value
            awaits, place = awaits + 1, _place(self._work)
            try:
                step = partial(self._work.send, (yield pending))
            except Exception as error:
                step = partial(self._work.throw, error)

    async def _tell(self, what: str, awaits: int, place: str) -> None:
        where = f"{raw_env().TEST_URL}/{what}/{quote(self._name)}/{awaits}/{quote(place)}"
        await call(js.globalThis, "fetch", where)


def _place(work: Any) -> str:
    """Return the name of the innermost function in which a coroutine waits."""
    name = ""
    while hasattr(work, "cr_code"):
        name, work = work.cr_code.co_qualname, work.cr_await
    return name


def _stepped(work: Coroutine[Any, Any, Any], said: Any) -> Any:
    if not isinstance(said, str) or not said:
        return drive(work)
    name, number = said.split(" ")

    async def run() -> Any:
        return await Stepped(work, name, int(number) if number != "never" else None)

    return drive(run())


def on_fetch(request: Any, env: Any, ctx: Any) -> Any:  # noqa: ARG001
    return _stepped(answer(request, app().fetch), request.headers.get("x-stops"))


def on_scheduled(controller: Any, env: Any, ctx: Any) -> Any:  # noqa: ARG001
    return _stepped(app().clean(), controller.cron)


def on_queue(batch: Any, env: Any, ctx: Any) -> Any:  # noqa: ARG001
    return drive(app().consume(deliveries(batch)))
