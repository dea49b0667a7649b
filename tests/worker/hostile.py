"""An internet on this machine: a server that does what no server should, and a resolver.

Both are one server of plain sockets, because no library would send what it sends. What it does is
in the path that is asked for.
"""

import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.media import PHOTO as PHOTO_FILE
from tests.messages import answer, name_in, record_in

PHOTO = PHOTO_FILE.read_bytes()
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
    + b"<!-- %s -->" % (b"long " * 2000)
    + b'<rect width="9" height="9"/></svg>'
)
HTML = b"<!doctype html><script>alert(document.domain)</script>"
MIB = 1024 * 1024

Send = Callable[[bytes], None]


@dataclass
class Hostile:
    """The server, while it runs.

    Attributes:
        port: where it listens on 127.0.0.1.
        names: the addresses of each name that the resolver knows; a list of lists is answered one
            after the other, the last for ever.
        asked: the paths that were asked for, and each question as `name/type`.
        over: whether the server ends.
        let_go: whether `/held` may send its photo.
    """

    port: int
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    def resolves(self, name: str, *addresses: Sequence[str]) -> None:
        """Have the resolver answer with these addresses, time after time."""
        self.names[name] = [list(each) for each in addresses]

    def serve(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            connection.settimeout(30)
            head, _, rest = _head(connection).partition(b"\r\n\r\n")
            method, target, _ = head.decode("latin-1").split("\r\n")[0].split(" ")
            if method == "POST":
                length = int(_headers(head)["content-length"])
                while len(rest) < length:
                    rest += connection.recv(4096)
                connection.sendall(self._resolve(rest))
                return
            self.asked.append(target)
            url = urlsplit(target)
            act = ACTS[unquote(url.path)]
            act(self, connection, dict(parse_qsl(url.query)))

    def _resolve(self, question: bytes) -> bytes:
        name, record = name_in(question), record_in(question)
        self.asked.append(f"{name}/{record}")
        known = self.names.get(name, [])
        if not known:
            return _response(answer(question, [], code=3), "application/dns-message")
        addresses = [ip_address(text) for text in known[0]]
        # One round of questions is one for each type; AAAA is the last of it.
        if record == 28 and len(known) > 1:
            known.pop(0)
        version: type[IPv4Address | IPv6Address] = IPv4Address if record == 1 else IPv6Address
        wanted = [one for one in addresses if isinstance(one, version)]
        return _response(answer(question, wanted), "application/dns-message")


def _head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(4096)
        if not received:
            raise OSError("it said nothing")
        head += received
    return head


def _headers(head: bytes) -> Mapping[str, str]:
    fields = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in fields}


def _start(status: str, *headers: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", "Connection: close", *headers, "", "")).encode()


def _response(body: bytes, content_type: str, *headers: str, status: str = "200 OK") -> bytes:
    length = f"Content-Length: {len(body)}"
    return _start(status, f"Content-Type: {content_type}", length, *headers) + body


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


Act = Callable[[Hostile, socket.socket, Mapping[str, str]], None]


def _send(response: bytes) -> Act:
    return lambda _, connection, __: connection.sendall(response)


def _redirect(_: Hostile, connection: socket.socket, query: Mapping[str, str]) -> None:
    status = query.get("status", "302")
    connection.sendall(_start(f"{status} Over There", f"Location: {query['to']}") + b"over there")


def _hops(_: Hostile, connection: socket.socket, query: Mapping[str, str]) -> None:
    left = int(query["left"])
    target = f"/hops?left={left - 1}" if left else "/photo.jpg"
    connection.sendall(_start("302 Found", f"Location: {target}", "Content-Length: 0"))


def _chunked(_: Hostile, connection: socket.socket, __: Mapping[str, str]) -> None:
    connection.sendall(_start("200 OK", "Content-Type: image/jpeg", "Transfer-Encoding: chunked"))
    for start in range(0, len(PHOTO), 10_000):
        connection.sendall(_chunk(PHOTO[start : start + 10_000]))
    connection.sendall(b"0\r\n\r\n")


def _endless(_: Hostile, connection: socket.socket, __: Mapping[str, str]) -> None:
    connection.sendall(_start("200 OK", "Content-Type: image/jpeg", "Transfer-Encoding: chunked"))
    while True:
        connection.sendall(_chunk(bytes(65_536)))


def _until_closed(_: Hostile, connection: socket.socket, __: Mapping[str, str]) -> None:
    connection.sendall(_start("200 OK", "Content-Type: image/jpeg") + PHOTO)


def _cut_chunks(_: Hostile, connection: socket.socket, __: Mapping[str, str]) -> None:
    connection.sendall(_start("200 OK", "Content-Type: image/jpeg", "Transfer-Encoding: chunked"))
    connection.sendall(_chunk(PHOTO[:10_000]))


def _drip(hostile: Hostile, connection: socket.socket, query: Mapping[str, str]) -> None:
    """Send the photo in so many pieces, one every 0.2 seconds."""
    connection.sendall(_response(PHOTO, "image/jpeg")[: -len(PHOTO)])
    pieces = int(query["pieces"])
    step = -(-len(PHOTO) // pieces)
    for start in range(0, len(PHOTO), step):
        connection.sendall(PHOTO[start : start + step])
        if hostile.over.wait(0.2):
            return


def _drip_head(hostile: Hostile, connection: socket.socket, __: Mapping[str, str]) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not hostile.over.wait(0.1):
        connection.sendall(b"x")


def _hang(hostile: Hostile, _: socket.socket, __: Mapping[str, str]) -> None:
    hostile.over.wait(30)


def _held(hostile: Hostile, connection: socket.socket, __: Mapping[str, str]) -> None:
    """Send the photo when the test says so."""
    hostile.let_go.wait(30)
    connection.sendall(_response(PHOTO, "image/jpeg"))


def _reset(_: Hostile, connection: socket.socket, __: Mapping[str, str]) -> None:
    connection.sendall(_response(PHOTO, "image/jpeg")[:-100_000])
    # With a linger of nothing, closing is a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _close(_: Hostile, __: socket.socket, ___: Mapping[str, str]) -> None:
    """Hang up."""


def _lie(_: Hostile, connection: socket.socket, query: Mapping[str, str]) -> None:
    connection.sendall(
        _start("200 OK", "Content-Type: image/jpeg", f"Content-Length: {query['length']}") + PHOTO
    )


def _flood_head(_: Hostile, connection: socket.socket, __: Mapping[str, str]) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(2_000):
        connection.sendall(f"X-{number}: {'x' * 1_000}\r\n".encode())
    connection.sendall(_response(PHOTO, "image/jpeg").partition(b"\r\n")[2])


ACTS: Mapping[str, Act] = {
    "/photo.jpg": _send(_response(PHOTO, "image/jpeg", "Set-Cookie: a=b", "X-Secret: inside")),
    "/held": _held,
    "/blob": _send(_response(PHOTO, "application/octet-stream")),
    "/svg.gz": _send(_response(gzip.compress(SVG), "image/svg+xml", "Content-Encoding: gzip")),
    "/bomb": _send(
        _response(gzip.compress(bytes(40 * MIB)), "image/jpeg", "Content-Encoding: gzip")
    ),
    "/zstd": _send(_response(PHOTO, "image/jpeg", "Content-Encoding: zstd")),
    "/html": _send(_response(HTML, "text/html")),
    "/html.jpg": _send(_response(HTML, "image/jpeg")),
    "/empty": _send(_response(b"", "image/jpeg")),
    "/large": _send(_start("200 OK", "Content-Type: image/jpeg", "Content-Length: 10485761")),
    "/both": _send(
        _start(
            "200 OK",
            "Content-Type: image/jpeg",
            "Content-Length: 20",
            "Transfer-Encoding: chunked",
        )
        + _chunk(PHOTO)
        + b"0\r\n\r\n"
    ),
    "/garbage": _send(b"\x00\x01\x02 this is no HTTP\r\n\r\n"),
    **{
        f"/{status}": _send(
            _response(f"the secret of {status}".encode(), "text/plain", status=f"{status} Sorry")
        )
        for status in (206, 304, 401, 403, 404, 500, 503)
    },
    "/redirect": _redirect,
    "/hops": _hops,
    "/chunked": _chunked,
    "/endless": _endless,
    "/until-closed": _until_closed,
    "/cut-chunks": _cut_chunks,
    "/drip": _drip,
    "/drip-head": _drip_head,
    "/flood-head": _flood_head,
    "/hang": _hang,
    "/reset": _reset,
    "/close": _close,
    "/lie": _lie,
}


@contextmanager
def hostile_server() -> Iterator[Hostile]:
    """Run the server while the block runs."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as listener:
        listener.settimeout(0.1)
        hostile = Hostile(listener.getsockname()[1])

        def accept() -> None:
            while not hostile.over.is_set():
                with suppress(TimeoutError):
                    connection, _ = listener.accept()
                    threads.append(threading.Thread(target=hostile.serve, args=(connection,)))
                    threads[-1].start()

        threads: list[threading.Thread] = []
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield hostile
        finally:
            hostile.over.set()
            accepting.join()
            for thread in threads:
                thread.join()


@contextmanager
def untouched_port() -> Iterator[tuple[int, Callable[[], bool]]]:
    """Listen on a port of 127.0.0.1; give it, with what tells whether anybody ever came."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)

        def visited() -> bool:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield listener.getsockname()[1], visited
