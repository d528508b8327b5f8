"""A proxy between the loop and the emulator that loses what the network may lose."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Loss = Callable[[str, str], str]
"""Given method and path: `request` (never arrives), `answer` (carried out, answer lost) or `nothing`."""


class Nth:
    """Loses one thing at the *number*-th POST to *path*, by default the creation of a job, and counts them."""

    def __init__(
        self, loss: str, number: int = 1, then: Callable[[], None] = lambda: None, path: str = "/fine_tuning/jobs"
    ) -> None:
        self.loss, self.number, self.then, self.path, self.count = loss, number, then, path, 0

    def __call__(self, method: str, path: str) -> str:
        if method != "POST" or not path.endswith(self.path):
            return "nothing"
        self.count += 1
        return self.loss if self.count == self.number else "nothing"


@contextmanager
def lossy(target: str, loss: Nth) -> Iterator[str]:
    """Yield the address of a proxy to *target*; *loss* says what gets lost."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urlsplit(target).netloc, loss))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(target: str, loss: Nth) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            what = loss(self.command, urlsplit(self.path).path)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if what == "request":
                self._hang_up()
                return
            upstream = http.client.HTTPConnection(target, timeout=60)
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            content = answer.read()
            upstream.close()
            if what == "answer":
                loss.then()
                self._hang_up()
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length", "server", "date"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.close()

        do_GET = do_POST = do_DELETE = do_PUT = _pass  # noqa: N815  (the names are http.server's)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
