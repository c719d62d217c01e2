"""The outermost middleware: it records every call and makes calls go wrong as the fault plan says.

ASGI has no message to cut a connection, so `CuttableProtocol` puts the connection's transport into the scope.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tbatch_tui.sandbox.clock import Clock
    from tbatch_tui.sandbox.faults import Fault
    from tbatch_tui.sandbox.state import SandboxState
    from tbatch_tui.sandbox.traffic import Call

BROKEN_JSON = b'{"id": "b7c1", "status": "IN_PROG'
HTML_BODY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
CONTROL_PREFIX = "/_sandbox/"
"""Path prefix of the sandbox's own calls (`api.control`): never recorded, and no fault applies to them."""
_VERSIONED = ("/v1/", "/v2/", "/v3/")
_BARE = ("/batches", "/files", "/models", "/chat/completions", "/audio/")


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with the transport in each request's scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner_app = self.app

        async def with_connection(scope: Any, receive: Any, send: Any) -> None:
            scope["sandbox.transport"] = self.transport
            await inner_app(scope, receive, send)

        self.app = with_connection


def canonical_path(path: str) -> str:
    """Return the path with exactly one version in front, whatever base URL the client uses.

    SDK 3.x puts `/v1` on each path, SDK 2.x has it at the end of its base URL, and people set either kind of base URL
    for either SDK and the npm client: `/v1/v1/batches`, `/v1/v3/whoami`, `/batches` and `/models` all arrive.
    """
    while path.startswith("/v1/") and path[3:].startswith(_VERSIONED):
        path = path[3:]
    if path.startswith(_BARE):
        path = "/v1" + path
    return path.rstrip("/") or "/"


class FaultMiddleware:
    """Records each call, and applies the fault that the plan has for it."""

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
        recording_send = _recording_send(call, _dated_send(self._state.clock, send))
        try:
            if fault is None:
                await self._app(scope, receive, recording_send)
            else:
                call.fault = fault.kind
                await self._serve_with_fault(fault, scope, receive, recording_send)
        except ClientDisconnect:
            pass  # the client left in the middle of its request: there is nobody to answer
        finally:
            traffic.end(call)

    async def _serve_with_fault(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call that is to go wrong."""
        connection = _Connection(scope["sandbox.transport"], receive)
        receive = connection.receive
        match fault.kind:
            case "close":
                await connection.drain(fault.bytes)
                await connection.cut()
            case "delay" if fault.does_work:
                await self._app(scope, receive, _DelayedSend(send, fault.seconds or 0.0))
            case "delay":
                await asyncio.sleep(fault.seconds or 0.0)
                await self._app(scope, receive, send)
            case "drip" | "truncate" | "truncate-no-length" | "close-body" | "wrong-byte":
                await self._app(scope, receive, _BodyFault(fault, connection, send))
            case "status" | "status-after" | "close-after" | "garbage" | "html":
                if fault.does_work:
                    await self._app(scope, receive, _discard)
                if fault.kind == "close-after":
                    await connection.cut()
                else:
                    await connection.drain()
                    await _send_planned_response(fault, send)


def _dated_send(clock: Clock, send: Send) -> Send:
    """Return a `send` that adds the sandbox's time to the headers, as Together's servers do theirs."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not any(name.lower() == b"date" for name, _ in headers):
                headers.append((b"date", formatdate(clock.now(), usegmt=True).encode()))
            message = {**message, "headers": headers}
        await send(message)

    return dated


class _Connection:
    """The connection of one request, and the ways to cut it."""

    def __init__(self, transport: asyncio.Transport, receive: Receive) -> None:
        self._transport = transport
        self._receive = receive
        self._is_received = False

    async def receive(self) -> Message:
        """Receive a message for the app, and note whether the request is complete."""
        message = await self._receive()
        self._is_received = not message.get("more_body", False)
        return message

    async def cut(self, *, flush: bool = False, reset: bool = False) -> None:
        """Cut the connection.

        Args:
            flush: Send what is in the buffer first.
            reset: Send a TCP reset (RST).
        """
        if reset:
            sock: socket.socket = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if flush:
            self._transport.close()
        else:
            self._transport.abort()
        # uvicorn logs an error if the app returns before the connection is known to be lost.
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def drain(self, limit: int | None = None) -> None:
        """Receive the rest of the request, or up to `limit` bytes: a client that is still sending reads no response."""
        received = 0
        while not self._is_received and (limit is None or received < limit):
            received += len((await self.receive()).get("body", b""))


class _BodyFault:
    """A `send` that damages the body: sends it in small pieces, cuts it off, or changes one byte."""

    def __init__(self, fault: Fault, connection: _Connection, send: Send) -> None:
        self._fault = fault
        self._connection = connection
        self._send = send
        self._sent = 0
        self._at = 0
        self._is_cut = False

    async def __call__(self, message: Message) -> None:
        if self._is_cut:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._fault.kind == "drip":
            await self._drip(message)
        elif self._fault.kind == "wrong-byte":
            await self._send({**message, "body": self._with_wrong_byte(message.get("body", b""))})
        else:
            await self._cut(message)

    async def _start(self, message: Message) -> None:
        """Send the headers, and decide at which byte the fault happens: in the middle, unless the plan says."""
        length = dict(message["headers"]).get(b"content-length")
        size = int(length) if length is not None else 0
        self._at = self._fault.bytes if self._fault.bytes is not None else size // 2
        if self._fault.kind == "truncate-no-length":
            headers = [pair for pair in message["headers"] if pair[0] != b"content-length"]
            message = {**message, "headers": headers}
        await self._send(message)

    async def _drip(self, message: Message) -> None:
        body = message.get("body", b"")
        size = self._fault.bytes or 64
        for start in range(0, len(body), size):
            await self._send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
            await asyncio.sleep(self._fault.seconds if self._fault.seconds is not None else 0.05)
        if not message.get("more_body", False):
            await self._send({"type": "http.response.body"})

    def _with_wrong_byte(self, body: bytes) -> bytes:
        at = self._at - self._sent
        self._sent += len(body)
        if not 0 <= at < len(body):
            return body
        return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]

    async def _cut(self, message: Message) -> None:
        body = message.get("body", b"")[: self._at - self._sent]
        self._sent += len(body)
        if self._sent < self._at:
            await self._send({**message, "body": body})
            return
        self._is_cut = True
        if self._fault.kind == "truncate-no-length":
            await self._send({"type": "http.response.body", "body": body})
            return
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        await self._connection.cut(flush=self._fault.kind == "truncate", reset=self._fault.kind == "close-body")


class _DelayedSend:
    """A `send` that waits before the response starts."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(self._seconds)
        await self._send(message)


def _recording_send(call: Call, send: Send) -> Callable[[Message], Awaitable[None]]:
    """Return a `send` that records the status of a call and adds its request id to the headers."""

    async def record_and_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.status = message["status"]
            request_id = (b"x-request-id", f"req-{call.n:08d}".encode())
            message = {**message, "headers": [*message["headers"], request_id]}
        await send(message)

    return record_and_send


async def _discard(_: Message) -> None:
    """Drop the app's response."""


async def _send_planned_response(fault: Fault, send: Send) -> None:
    """Send the response that the plan describes."""
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
    error = {"message": f"planned fault: {fault.status}", "type": "server_error", "param": None, "code": None}
    return msgspec.json.encode({"error": error}), "application/json"
