"""A server between a client and the sandbox, which may change what either sends."""

from __future__ import annotations

import http.client
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HOP = {"connection", "transfer-encoding", "content-length", "host"}


class Call(NamedTuple):
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@contextmanager
def serve_between(
    base_url: str, asked: Callable[[Call], Call], answered: Callable[[Call, Answer], Answer]
) -> Iterator[str]:
    """Serve on a loopback port, and give the base URL.

    Args:
        base_url: Of the server behind it.
        asked: Is given each call, and returns what is passed on.
        answered: Is given each call as the client sent it and its answer, and returns what the client gets.
    """
    target = urlsplit(base_url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            call = Call(self.command, self.path, headers, body)
            self.send(answered(call, pass_on(asked(call))))

        def send(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

    def pass_on(call: Call) -> Answer:
        connection = http.client.HTTPConnection(target, timeout=30)
        connection.request(call.method, call.path, call.body, call.headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return Answer(response.status, response.getheaders(), content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
