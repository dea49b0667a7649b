"""How the engine's coroutines run in workerd: JavaScript waits, and Python has no event loop.

An asyncio task takes several turns of an event loop for each promise it awaits, and each turn
crosses between Python and JavaScript. Here a coroutine yields the promise itself (`call`), a
JavaScript function waits for it and calls Python back once (`carrier.mjs`). That halves what the
runtime costs.

So whatever runs here may await coroutines, `call` and `settled`, and nothing else: no promise as it
is, no `asyncio`. A coroutine that must be awaited by asyncio, because workerd calls it so (a method
over RPC), goes through `awaited`.
"""

from collections.abc import Awaitable, Coroutine, Generator
from itertools import count
from typing import Any, TypeVar

from pyodide.ffi import create_proxy
from workers import import_from_javascript

T = TypeVar("T")

carrier = import_from_javascript("media_engine/cloudflare/carrier.mjs")
"""The JavaScript beside this file. What is called often has a name of its own: looking it up there
would be a crossing more."""

_call = carrier.call
_drive = carrier.drive

_numbers = count(1)
_running: dict[int, Coroutine[Any, Any, Any]] = {}


def connect() -> None:
    """Let JavaScript call Python back: once for each isolate, before anything runs.

    Not at import: the platform keeps a snapshot of what was imported, and JavaScript's side of
    this would not be in it.
    """
    carrier.connect(create_proxy(_resume))


class settled:  # noqa: N801
    """Awaits a promise that is in its box: its value, or its `JsException`.

    Args:
        pending: the box.
    """

    __slots__ = ("_pending",)

    def __init__(self, pending: Any) -> None:
        self._pending = pending

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self._pending)


def call(target: Any, method: str, *args: Any) -> settled:
    """Call a method of a JavaScript object that returns a promise, and await that.

    Args:
        target: the object.
        method: the method's name.
        args: what it is called with.
    """
    return settled(_call(target, method, *args))


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine: at once as far as it goes without waiting, then whenever it can go on.

    Returns:
        What it returned, if it never waited; otherwise a promise of that.
    """
    try:
        pending = coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    number = next(_numbers)
    _running[number] = coroutine
    return _drive(number, pending).promise


async def awaited(work: Awaitable[T]) -> T:
    """Run what `drive` can run, for somebody who is run by asyncio."""
    results: list[T] = []

    async def collect() -> None:
        results.append(await work)

    promise = drive(collect())
    if promise is not None:
        await promise
    return results[0]


def running() -> int:
    """Return how many coroutines wait for something."""
    return len(_running)


def _resume(number: int, value: Any, failed: bool) -> Any:
    coroutine = _running[number]
    try:
        return coroutine.throw(value) if failed else coroutine.send(value)
    except StopIteration as finished:
        del _running[number]
        return finished.value
    except BaseException:
        del _running[number]
        raise
