"""The body of an answer as it comes in, in large pieces, read ahead by a thread: half the cost of the async client.

httpx hands out 64 KB at a time, and asyncio as little. Where the length is known and the bytes are plain, the rest of
the body is read from the connection itself (httpx's `network_stream`) into three buffers that take turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import httpcore

from tbatch_tui.engine.errors import OutcomeUnknownError

if TYPE_CHECKING:
    import httpx

PIECE = 4 << 20
"""Bytes of a piece, but for the last."""
_PATIENCE = 60.0
"""Seconds without a byte after which the connection counts as lost."""


OnPiece = Callable[[bytes | bytearray], object]


class ResponseStream:
    """One answer's body. `pieces` may be gone through once; `close` at the end, or at any time before it."""

    def __init__(self, response: httpx.Response, length: int | None, told: Callable[[], AbstractContextManager[None]]):
        """`length` is that of the plain bytes to come, where it is known; `told` explains what httpx raises."""
        self._response = response
        self._told = told
        self._pieces = self._plain(length) if length is not None else self._decoded()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="body")

    async def pieces(self, seen: OnPiece) -> AsyncIterator[bytes | bytearray]:
        """The bytes, in pieces of 4 MB; each is good until the next but one is asked for. Raises OutcomeUnknownError.

        The next one is read while the last one is worked on. `seen` is called with each in the thread that reads:
        in one of its own it would take turns with the reading for every call.
        """
        loop = asyncio.get_running_loop()
        ahead = loop.run_in_executor(self._thread, self._next, seen)
        while piece := await ahead:
            ahead = loop.run_in_executor(self._thread, self._next, seen)
            yield piece

    async def close(self) -> None:
        """Let go of the connection. A read that is under way is cut off, not waited for."""
        stream = self._response.extensions.get("network_stream")
        line = stream.get_extra_info("socket") if stream is not None else None
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._thread.submit(self._response.close)
        self._thread.shutdown(wait=False)

    def _next(self, seen: OnPiece) -> bytes | bytearray:
        with self._told():
            try:
                piece = next(self._pieces, b"")
            except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
                raise OutcomeUnknownError("The connection was cut in the middle of the download", str(error)) from error
        seen(piece)
        return piece

    def _decoded(self) -> Iterator[bytes]:
        parts: list[bytes] = []
        size = 0
        for part in self._response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size >= PIECE:
                yield b"".join(parts)
                parts, size = [], 0
        yield b"".join(parts)

    def _plain(self, left: int) -> Iterator[bytes | bytearray]:
        line = self._line()
        if line is None:
            yield from self._decoded()
            return
        # What came with the head of the answer is in httpx's hands; after that nothing is.
        raw = self._response.iter_raw()  # kept: httpx closes the connection when this ends
        first = next(raw, b"") if left else b""
        left -= len(first)
        if first:
            yield first
        line.settimeout(_PATIENCE)
        buffers = itertools.cycle([bytearray(min(PIECE, max(left, 1))) for _ in range(3)])
        while left > 0:
            whole = next(buffers)
            buffer = memoryview(whole)
            most = min(len(whole), left)
            filled = 0
            while filled < most:
                came = line.recv_into(buffer[filled:most])
                if not came:
                    raise OutcomeUnknownError(
                        f"The download was cut off {left - filled:,} bytes before its end", "It goes on from there."
                    )
                filled += came
            left -= filled
            yield whole if filled == len(whole) else bytes(buffer[:filled])

    def _line(self) -> socket.socket | None:
        """The connection that the bytes come from as they are (decrypted), if it is such a one."""
        stream = self._response.extensions.get("network_stream")
        if stream is None or self._response.http_version != "HTTP/1.1":
            return None
        line, secured = stream.get_extra_info("socket"), stream.get_extra_info("ssl_object")
        if not isinstance(line, socket.socket) or secured is not getattr(line, "_sslobj", None):
            return None  # TLS within TLS, through a proxy: httpx decrypts that itself
        return line
