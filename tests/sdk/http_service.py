"""An HTTP API for tests: it answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What the API says to one request."""

    status: int = 200
    body: Any = None
    """JSON, or bytes as they are."""
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class HttpService:
    """The API: answers to give, in order (the last one for good), and the requests so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[Answer] = [Answer()]
        self.asked: list[Asked] = []
        self.silent = threading.Event()

    def answer(self, *answers: Answer) -> None:
        """Give these from now on."""
        self.answers = list(answers)


@contextmanager
def http_service() -> Iterator[HttpService]:
    """A running API on a free port of the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    service = _Handler.services[server.server_port] = HttpService(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        service.silent.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    services: dict[int, HttpService] = {}  # noqa: RUF012 - by port

    def _answer(self) -> None:
        assert isinstance(self.server, ThreadingHTTPServer)
        service = self.services[self.server.server_port]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.title(): value for name, value in self.headers.items()}
        service.asked.append(Asked(self.command, self.path, headers, body))
        answer = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
        if answer.status == 0:
            self.close_connection = True
            return
        if answer.status < 0:
            service.silent.wait(60)
            return
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        content = b"" if answer.body is None else content
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""
