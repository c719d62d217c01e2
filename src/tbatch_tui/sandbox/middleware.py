"""The outermost layer: every call is counted, logged, and has done to it what the fault plan says.

Cutting a connection is not something ASGI knows of, so `CuttableProtocol` puts the connection into the scope.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tbatch_tui.sandbox.faults import Fault
    from tbatch_tui.sandbox.state import SandboxState
    from tbatch_tui.sandbox.traffic import Call

BROKEN_JSON = b'{"id": "b7c1", "status": "IN_PROG'
HTML_BODY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
CONTROL_PREFIX = "/_sandbox/"
_VERSIONED = ("/v1/", "/v2/", "/v3/")
_BARE = ("/batches", "/files")


class CuttableProtocol(H11Protocol):
    """uvicorn's own HTTP, with the connection in each request's scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        served = self.app

        async def with_connection(scope: Any, receive: Any, send: Any) -> None:
            scope["sandbox.transport"] = self.transport
            await served(scope, receive, send)

        self.app = with_connection


def canonical_path(path: str) -> str:
    """The path with one version in front, whichever base URL the client was given.

    SDK 3.x puts `/v1` on each path, SDK 2.x has it at the end of its base URL, and a person may set either kind of
    base URL for either SDK: `/v1/v1/batches`, `/v1/v3/whoami` and `/batches` all arrive.
    """
    while path.startswith("/v1/") and path[3:].startswith(_VERSIONED):
        path = path[3:]
    if path.startswith(_BARE):
        path = "/v1" + path
    return path.rstrip("/") or "/"


class FaultMiddleware:
    """The ASGI app around the app."""

    def __init__(self, app: ASGIApp, state: SandboxState) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        assert scope["type"] == "http"  # the server has neither lifespan nor web sockets
        path = canonical_path(scope["path"])
        scope["path"], scope["raw_path"] = path, quote(path).encode()
        if path.startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        traffic = self._state.traffic
        call = traffic.begin(scope["method"], path)
        scope["sandbox.request_id"] = f"req-{call.n:08d}"
        fault = self._state.faults.next_fault(call.method, path)
        noting = _recording_send(call, send)
        try:
            if fault is None:
                await self._app(scope, receive, noting)
            else:
                call.fault = fault.kind
                await self._serve_with_fault(fault, scope, receive, noting)
        except ClientDisconnect:
            pass  # gone in the middle of its request: nobody is there to answer, and it is no mistake of ours
        finally:
            traffic.end(call)

    async def _serve_with_fault(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call that is to go wrong."""
        line = _Connection(scope["sandbox.transport"], receive)
        receive = line.receive
        match fault.kind:
            case "close":
                await line.drain(fault.bytes)
                await line.cut()
            case "delay" if fault.does_work:
                await self._app(scope, receive, _DelayedSend(send, fault.seconds or 0.0))
            case "delay":
                await asyncio.sleep(fault.seconds or 0.0)
                await self._app(scope, receive, send)
            case "drip" | "truncate" | "truncate-no-length" | "close-body" | "wrong-byte":
                await self._app(scope, receive, _BodyFault(fault, line, send))
            case "status" | "status-after" | "close-after" | "garbage" | "html":
                if fault.does_work:
                    await self._app(scope, receive, _discard)
                if fault.kind == "close-after":
                    await line.cut()
                else:
                    await line.drain()
                    await _send_planned_response(fault, send)


class _Connection:
    """One request's connection, and the ways to end it."""

    def __init__(self, transport: asyncio.Transport, receive: Receive) -> None:
        self._transport = transport
        self._receive = receive
        self._taken_in = False

    async def receive(self) -> Message:
        """A `receive` for the app, so that it is known how much of the request it has taken in."""
        message = await self._receive()
        self._taken_in = not message.get("more_body", False)
        return message

    async def cut(self, *, flush: bool = False, reset: bool = False) -> None:
        """Close the connection; `flush`: after what was sent has gone out; `reset`: rudely, by RST."""
        if reset:
            connection: socket.socket = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if flush:
            self._transport.close()
        else:
            self._transport.abort()
        # The server calls it an error of the app if the app returns before the connection is known to be lost.
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def drain(self, most: int | None = None) -> None:
        """Take in the rest of the request, or so many bytes: who is still sending does not listen."""
        taken = 0
        while not self._taken_in and (most is None or taken < most):
            taken += len((await self.receive()).get("body", b""))


class _BodyFault:
    """A `send` that spoils the body on its way: drips it, cuts it off, or turns one byte over."""

    def __init__(self, fault: Fault, line: _Connection, send: Send) -> None:
        self._fault = fault
        self._line = line
        self._send = send
        self._sent = 0
        self._at = 0
        self._over = False

    async def __call__(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._fault.kind == "drip":
            await self._drip(message)
        elif self._fault.kind == "wrong-byte":
            await self._send({**message, "body": self._turned(message.get("body", b""))})
        else:
            await self._cut(message)

    async def _start(self, message: Message) -> None:
        """Find the byte where it happens: the middle, unless the plan says which."""
        length = dict(message["headers"]).get(b"content-length")
        whole = int(length) if length is not None else 0
        self._at = self._fault.bytes if self._fault.bytes is not None else whole // 2
        if self._fault.kind == "truncate-no-length":
            kept = [pair for pair in message["headers"] if pair[0] != b"content-length"]
            message = {**message, "headers": kept}
        await self._send(message)

    async def _drip(self, message: Message) -> None:
        body = message.get("body", b"")
        size = self._fault.bytes or 64
        for start in range(0, len(body), size):
            await self._send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
            await asyncio.sleep(self._fault.seconds if self._fault.seconds is not None else 0.05)
        if not message.get("more_body", False):
            await self._send({"type": "http.response.body"})

    def _turned(self, body: bytes) -> bytes:
        where = self._at - self._sent
        self._sent += len(body)
        if not 0 <= where < len(body):
            return body
        return body[:where] + bytes([body[where] ^ 1]) + body[where + 1 :]

    async def _cut(self, message: Message) -> None:
        body = message.get("body", b"")[: self._at - self._sent]
        self._sent += len(body)
        if self._sent < self._at:
            await self._send({**message, "body": body})
            return
        self._over = True
        if self._fault.kind == "truncate-no-length":
            await self._send({"type": "http.response.body", "body": body})
            return
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        await self._line.cut(flush=self._fault.kind == "truncate", reset=self._fault.kind == "close-body")


class _DelayedSend:
    """A `send` that is slow to begin."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(self._seconds)
        await self._send(message)


def _recording_send(call: Call, send: Send) -> Callable[[Message], Awaitable[None]]:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.status = message["status"]
            request_id = (b"x-request-id", f"req-{call.n:08d}".encode())
            message = {**message, "headers": [*message["headers"], request_id]}
        await send(message)

    return noting


async def _discard(_: Message) -> None:
    """A `send` that keeps the app's answer to itself."""


async def _send_planned_response(fault: Fault, send: Send) -> None:
    """The plan's own answer."""
    body, media = _planned_body(fault)
    headers = {"content-type": media, **{name.lower(): value for name, value in fault.headers.items()}}
    headers["content-length"] = str(len(body))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": fault.status or 200, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _planned_body(fault: Fault) -> tuple[bytes, str]:
    if isinstance(fault.body, str):
        media = "text/html; charset=utf-8" if fault.kind == "html" else "application/json"
        return fault.body.encode(), media
    if fault.body is not None:
        return msgspec.json.encode(fault.body), "application/json"
    if fault.kind == "html":
        return HTML_BODY, "text/html; charset=utf-8"
    if fault.kind == "garbage":
        return BROKEN_JSON, "application/json"
    told = {"message": f"planned fault: {fault.status}", "type": "server_error", "param": None, "code": None}
    return msgspec.json.encode({"error": told}), "application/json"
