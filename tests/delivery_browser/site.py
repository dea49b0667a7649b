"""The application's own web server, as far as a browser needs one to have an origin."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

PAGE = b"<!doctype html><title>A page of the application</title>"
OF_ONE_CONNECTION = ("connection", "transfer-encoding")


@contextmanager
def serve(worker_url: str) -> Iterator[int]:
    """Serve an empty page at `/`, under every name, and hand `/m/` on to the Worker.

    Args:
        worker_url: where the Worker listens.

    Yields:
        The port.
    """

    class Application(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/m/"):
                answer = httpx.get(worker_url + self.path, headers={"accept-encoding": "identity"})
                self._answer(answer.status_code, dict(answer.headers), answer.content)
            else:
                self._answer(200, {"content-type": "text/html"}, PAGE)

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name not in OF_ONE_CONNECTION:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Application) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
