"""A server of links on loopback: files, faults, redirects, and pages where a file is meant."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WAV = b"RIFF" + b"\0" * 50_000
LOGIN = b"\n <!-- x --><!DOCTYPE html><title>Sign in</title>"


class LinkServer(ThreadingHTTPServer):
    """Answers by the path of a URL, and notes what it is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.go_on = threading.Event()

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that leave in the middle of an answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LinkServer

    def do_GET(self) -> None:
        server = self.server
        with server.lock:
            server.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            self._answer(self.path.strip("/").partition("?")[0])
        finally:
            with server.lock:
                server.at_once -= 1

    def do_HEAD(self) -> None:
        raise AssertionError("never HEAD")

    def _answer(self, name: str) -> None:
        if name.isdigit() and not name.startswith("3"):
            self._send(int(name), b"<html>an error page")
            return
        match name:
            case "ranged":
                self._send(206, WAV[:1024], {"Content-Type": "audio/wav", "Content-Range": f"bytes 0-1023/{len(WAV)}"})
            case "whole":
                self._send(200, WAV, {"Content-Type": "audio/wav"})
            case "empty":
                self._send(200, b"", {"Content-Type": "audio/wav"})
            case "empty-ranged":
                self._send(416, b"", {"Content-Range": "bytes */0"})
            case "login":
                self._send(200, LOGIN, {"Content-Type": "text/html; charset=utf-8"})
            case "html-as-audio":
                self._send(200, LOGIN, {"Content-Type": "audio/wav"})
            case "audio-as-html":
                self._send(200, WAV, {"Content-Type": "text/html"})
            case "moved":
                self._send(302, b"", {"Location": "/ranged"})
            case "to-login":
                self._send(303, b"", {"Location": "/login", "Set-Cookie": "session=1"})
            case "loop":
                self._send(302, b"", {"Location": "/loop"})
            case "elsewhere":
                self._send(302, b"", {"Location": "ftp://127.0.0.1/a"})
            case "cookie":
                self._send(200, b"x", {"Set-Cookie": "seen=1; Path=/"})
            case "slow":
                self.server.go_on.wait(10)
                self._send(200, b"x")
            case _:
                time.sleep(0.02)
                self._send(200, b"x")

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def serving() -> Iterator[LinkServer]:
    """Run a server of links."""
    with LinkServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            server.shutdown()
            thread.join()
