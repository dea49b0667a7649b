"""The network between the processes, which can lose, hold back, cut off and repeat.

Each link is a port of its own. A link that speaks HTTP takes whole requests apart and asks for each
on a connection of its own; a database's link hands bytes on, and counts as its messages the COMMITs
that it sees. What happens to a message is for a `Schedule` to say; without one, nothing does.

What a link holds back it delivers, also when its sender has gone. `calm` returns when nothing is
under way any more.
"""

import asyncio
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

from tests.faults.schedule import Fault, Link, Schedule

COMMIT: Final = b"COMMIT\0"
STALL_SECONDS: Final = 2.4
"""How long a message is held back at the most: longer than the shim's patience."""

ANSWER_SECONDS: Final = 40
"""How long an answer may take, before the network forgets that it was asked for."""

LARGEST: Final = 1 << 20
"""Of a head, or of what is read at once, in bytes."""

Notice = Callable[[Link, int], None]
_T = TypeVar("_T")


class _Over(Exception):
    """The connection is at its end."""


@dataclass(frozen=True)
class _Message:
    """One message of HTTP/1.1, as its bytes.

    Attributes:
        head: its first line and its headers, with the empty line.
        body: as it is coded.
        last: whether the connection ends behind it.
    """

    head: bytes
    body: bytes
    last: bool

    @property
    def whole(self) -> bytes:
        return self.head + self.body


class Network:
    """All links. Its loop runs in a thread of its own while the block runs."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._links: dict[Link, _Link] = {}

    def __enter__(self) -> "Network":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def lay(self, link: Link, target: int) -> int:
        """Lay a link to a port of 127.0.0.1; return the port at its other end."""
        laid = _Link(link, target)
        self._links[link] = laid
        return self._run(laid.listen())

    def weather(self, schedule: Schedule | None, notice: Notice = lambda *_: None) -> None:
        """From now on let happen what is scheduled; None for nothing.

        Args:
            schedule: what happens.
            notice: is told of each message when it sets out, in the loop's thread.
        """

        async def change() -> None:
            for link in self._links.values():
                link.begin(schedule, notice)

        self._run(change())

    def cut(self, link: Link, seconds: float) -> None:
        """Break a link for a while, now. For the loop's thread."""
        self._links[link].cut(seconds)

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Have something done in the loop's thread."""
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, do)

    def calm(self) -> None:
        """Return when nothing is under way any more on a link that speaks HTTP."""

        async def wait() -> None:
            async with asyncio.timeout(ANSWER_SECONDS + 5):
                while any(link.under_way for link in self._links.values()):
                    await asyncio.sleep(0.01)

        self._run(wait())

    def happened(self) -> Counter[Fault]:
        """Return how often each fault has happened so far."""
        return sum((link.happened for link in self._links.values()), Counter[Fault]())

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(90)

    async def _end(self) -> None:
        for link in self._links.values():
            link.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _Link:
    def __init__(self, link: Link, target: int) -> None:
        self.happened: Counter[Fault] = Counter()
        self._link = link
        self._target = target
        self._schedule: Schedule | None = None
        self._notice: Notice = lambda *_: None
        self._number = 0
        self._broken = 0
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[object]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LARGEST)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut(0)

    def begin(self, schedule: Schedule | None, notice: Notice) -> None:
        self._schedule, self._notice, self._number = schedule, notice, 0

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    def cut(self, seconds: float) -> None:
        for end in list(self._ends):
            _break(end)
        self._broken += 1
        asyncio.get_running_loop().call_later(seconds, self._mend)

    def _mend(self) -> None:
        self._broken -= 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._broken:
            _break(writer)
            return
        self._ends.add(writer)
        try:
            if self._link.speaks_http:
                await self._converse(reader, writer)
            else:
                await self._relay(reader, writer)
        except (OSError, EOFError, _Over):
            _break(writer)
        finally:
            self._ends.discard(writer)
            writer.close()

    def _next(self) -> tuple[Fault | None, Random]:
        """Count a message, and return what happens to it."""
        self._number += 1
        self._notice(self._link, self._number)
        if self._schedule is None:
            return None, Random(0)
        fault, chance = self._schedule.fault(self._link, self._number)
        if fault is not None:
            self.happened[fault] += 1
        return fault, chance

    # HTTP

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await _message(reader)) is not None:
            fault, chance = self._next()
            # It goes on its way whatever becomes of its sender.
            task = asyncio.ensure_future(self._exchange(request, fault, chance, writer))
            self._keep(task)
            if not await asyncio.shield(task) or request.last:
                return

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)

        def end(done: "asyncio.Task[Any]") -> None:
            self._tasks.discard(done)
            if not done.cancelled():
                done.exception()

        task.add_done_callback(end)

    async def _exchange(
        self, request: _Message, fault: Fault | None, chance: Random, writer: asyncio.StreamWriter
    ) -> bool:
        """Carry a request and its answer; return whether the connection is of use still."""
        if fault is Fault.LOSE_REQUEST:
            raise _Over
        if fault is Fault.CUT_REQUEST:
            await self._send_part(request, chance)
            raise _Over
        if fault is Fault.DELAY:
            await asyncio.sleep(chance.uniform(0.01, 0.3))
        if fault is Fault.STALL:
            await asyncio.sleep(STALL_SECONDS)
        if fault is Fault.LATE_TWICE:
            self._keep(asyncio.ensure_future(self._repeat(request, chance.uniform(0.05, 1.2))))
        if fault is Fault.TWICE:
            self._keep(asyncio.ensure_future(self._repeat(request, 0)))
        answer = await self._ask(request, half_close=fault is Fault.HALF_CLOSE)
        if fault is Fault.LOSE_ANSWER:
            raise _Over
        if fault in (Fault.CUT_ANSWER, Fault.END_ANSWER):
            # A body that has no length of its own would seem to be whole.
            writer.write(answer.whole[: chance.randrange(1, len(answer.whole))])
            with suppress(OSError):
                await writer.drain()
            if fault is Fault.CUT_ANSWER:
                raise _Over
            return False
        writer.write(answer.whole)
        await writer.drain()
        return not answer.last

    async def _repeat(self, request: _Message, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._ask(request)

    async def _send_part(self, request: _Message, chance: Random) -> None:
        _, writer = await self._connect()
        writer.write(request.whole[: chance.randrange(1, len(request.whole))])
        with suppress(OSError):
            await writer.drain()
            await asyncio.sleep(chance.choice((0, 0.01)))
        _break(writer)

    async def _ask(self, request: _Message, *, half_close: bool = False) -> _Message:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await self._connect()
            self._ends.add(writer)
            try:
                writer.write(request.whole)
                await writer.drain()
                if half_close:
                    writer.write_eof()
                answer = await _message(reader, of=request.head)
                while answer is not None and answer.head[9:10] == b"1":
                    answer = await _message(reader, of=request.head)
                if answer is None:
                    raise _Over
                return answer
            finally:
                self._ends.discard(writer)
                writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._broken:
            raise _Over
        return await asyncio.open_connection("127.0.0.1", self._target, limit=LARGEST)

    # PostgreSQL

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await self._connect()
        self._ends.add(ours)
        silenced = asyncio.Event()
        back = asyncio.ensure_future(_pump(theirs, writer, silenced))
        try:
            while chunk := await reader.read(65_536):
                if chunk.endswith(COMMIT):
                    await self._commit(chunk, ours, silenced)
                else:
                    ours.write(chunk)
                    await ours.drain()
        finally:
            back.cancel()
            with suppress(OSError, asyncio.CancelledError):
                await back
            self._ends.discard(ours)
            _break(ours)

    async def _commit(
        self, chunk: bytes, ours: asyncio.StreamWriter, silenced: asyncio.Event
    ) -> None:
        fault, chance = self._next()
        if fault is Fault.LOSE_REQUEST:
            raise _Over
        if fault is Fault.DELAY:
            await asyncio.sleep(chance.uniform(0.005, 0.1))
        if fault in (Fault.LOSE_ANSWER, Fault.CUT_ANSWER):
            silenced.set()
        ours.write(chunk)
        await ours.drain()
        if silenced.is_set():
            # The server commits, and whoever asked does not hear of it.
            await asyncio.sleep(0.05)
            raise _Over


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silenced: asyncio.Event
) -> None:
    """Hand the server's bytes on, until its end; then break the client's connection."""
    with suppress(OSError):
        while chunk := await reader.read(65_536):
            if not silenced.is_set():
                writer.write(chunk)
                await writer.drain()
    _break(writer)


async def _message(reader: asyncio.StreamReader, of: bytes | None = None) -> _Message | None:
    """Read a request, or the answer `of` one; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise _Over from None
        return None
    lines = head.lower().split(b"\r\n")
    fields = dict(line.partition(b":")[::2] for line in lines[1:] if line)
    fields = {name: value.strip() for name, value in fields.items()}
    last = fields.get(b"connection") == b"close"
    if of is not None and (of.startswith(b"HEAD ") or lines[0][9:12] in (b"204", b"304", b"100")):
        return _Message(head, b"", last)
    if fields.get(b"transfer-encoding") == b"chunked":
        return _Message(head, await _chunks(reader), last)
    if b"content-length" in fields:
        return _Message(head, await reader.readexactly(int(fields[b"content-length"])), last)
    return _Message(head, b"" if of is None else await reader.read(), last or of is not None)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    read = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        read += line + await reader.readexactly(int(line.split(b";")[0], 16) + 2)
        if line.startswith(b"0"):
            return read


def _break(writer: asyncio.StreamWriter) -> None:
    """Reset a connection."""
    held: Any = writer.get_extra_info("socket")
    if held is not None:
        with suppress(OSError):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
