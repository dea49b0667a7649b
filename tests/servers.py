"""Servers that a test plays, over real connections: the other side of `fakes.MemoryHttp`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from media_engine.ports import HttpRequest
from tests.fakes import NoAnswer, Serve, Served


@contextmanager
def serving(serve: Serve) -> Iterator[str]:
    """Play a server on 127.0.0.1 while the block runs; give its URL, without a slash at the end."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _play(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            request = HttpRequest(
                self.command,
                url + self.path,
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            try:
                hangs = self._send(serve(request))
            except NoAnswer as silence:
                hangs = silence.hangs
                self.close_connection = True
            if hangs:
                over.wait()

        do_GET = do_POST = do_PUT = _play  # noqa: N815

        def _send(self, served: Served) -> bool:
            self.send_response(served.status)
            for name, value in served.headers.items():
                self.send_header(name, value)
            if served.status != 204:
                self.send_header("content-length", str(len(served.body) + served.missing))
            self.end_headers()
            over.wait(served.pause / 1_000)
            # A client may leave in the middle.
            with suppress(OSError):
                self.wfile.write(served.body)
            self.close_connection = served.missing > 0
            return served.hangs

        def log_message(self, *_: Any) -> None:
            """Say nothing: what was asked is for the test."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield url
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()
