"""Small servers of what stands between a client and its server: proxies, a TLS server, an answer as it is written."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SELF_SIGNED = Path(__file__).parents[1] / "data" / "network" / "self-signed.pem"
"""A certificate for localhost that no authority has signed, and its key."""


@contextmanager
def closed_sockets() -> Iterator[None]:
    """Fail if a socket that was opened in here is left to the garbage collector."""
    gc.collect()
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [str(warning.message) for warning in left] == []


@contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[bytes]]]:
    """Let `talk` deal with each connection to a port of loopback, which is returned with what each sent first."""
    listener = socket.create_server(("127.0.0.1", 0))
    heads: list[bytes] = []

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    heads.append(connection.recv(65_536, socket.MSG_PEEK))
                    talk(connection)
                except OSError:
                    pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], heads
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    """Answer every request with these bytes."""

    def talk(connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data and (more := connection.recv(65_536)):
            data += more
        connection.sendall(answer)

    return talk


def http_answer(status: str, *headers: str, body: str = "") -> bytes:
    """Return an HTTP answer that ends its connection."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body.encode())}", "Connection: close", "", body]
    return "\r\n".join(lines).encode()


def tls(connection: socket.socket) -> None:
    """Offer the certificate that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SELF_SIGNED)
    with context.wrap_socket(connection, server_side=True) as wrapped:
        answering(http_answer("200 OK", "Content-Type: application/json", body="[]"))(wrapped)


def socks(connection: socket.socket) -> None:
    """Agree to SOCKS 5 without a password, and then make no connection."""
    connection.recv(65_536)
    connection.sendall(b"\x05\x00")
    connection.recv(65_536)
    connection.sendall(b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00")


class Keeper:
    """Answers a request and keeps the connection, perhaps behind a SOCKS 5 greeting that waits for `go_on`."""

    def __init__(self) -> None:
        self.was_greeted = threading.Event()
        self.go_on = threading.Event()
        self.was_closed = threading.Event()
        """Whether the client has closed the connection."""

    def talk(self, connection: socket.socket) -> None:
        """Deal with one connection."""
        try:
            if connection.recv(1, socket.MSG_PEEK) == b"\x05":
                self._agree(connection)
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(connection)
            connection.recv(1)
        except TimeoutError:
            return
        except ConnectionError:
            pass
        self.was_closed.set()

    def _agree(self, connection: socket.socket) -> None:
        connection.recv(65_536)
        self.was_greeted.set()
        assert self.go_on.wait(5)
        connection.sendall(b"\x05\x00")
        connection.recv(65_536)
        connection.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
