"""The body of an answer as it comes in, in large pieces, read ahead by a thread: half the cost of the async client.

httpx hands out 64 KB at a time, and asyncio as little. Where the length is known and the bytes are plain, the rest of
the body is read from the connection itself (httpx's `network_stream`) into three buffers that take turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import NamedTuple

import httpcore
import httpx

from tbatch_tui.engine.errors import OutcomeUnknownError
from tbatch_tui.engine.lenient_json import as_number

PIECE = 4 << 20
"""Bytes of a piece, but for the last."""
_READ_TIMEOUT = 60.0
"""Seconds without a byte after which the connection counts as lost."""


OnPiece = Callable[[bytes | bytearray], object]
"""Called with each piece, in the thread that reads."""


async def no_pieces(_: OnPiece) -> AsyncIterator[bytes | bytearray]:
    """Yield nothing: what `ResponseStream.pieces` is where there is nothing to read."""
    for piece in tuple[bytes, ...]():
        yield piece


class ResponseStream:
    """The body of one answer. Iterate over `pieces` once, and `close` at the end or at any time before it."""

    def __init__(
        self,
        response: httpx.Response,
        length: int | None,
        translate_errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Prepare to read; nothing is read yet.

        Args:
            length: Bytes to come, where that is known and they come as they are.
            translate_errors: Raises errors of ours for those of httpx.
        """
        self._response = response
        self._translate_errors = translate_errors
        self._pieces = self._plain(length) if length is not None else self._decoded()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="body")

    async def pieces(self, on_piece: OnPiece) -> AsyncIterator[bytes | bytearray]:
        """Yield the bytes in pieces of 4 MB, each valid until the next but one is asked for.

        The next piece is read while the caller works on the last one.

        Args:
            on_piece: Called with each piece in the thread that reads: in a thread of its own it would take turns with
                the reading for every call.

        Raises:
            OutcomeUnknownError: The connection was cut.
        """
        loop = asyncio.get_running_loop()
        ahead = loop.run_in_executor(self._thread, self._next, on_piece)
        while piece := await ahead:
            ahead = loop.run_in_executor(self._thread, self._next, on_piece)
            yield piece

    async def close(self) -> None:
        """Close the connection. A read that is under way is cut off, not waited for."""
        stream = self._response.extensions.get("network_stream")
        connection = stream.get_extra_info("socket") if stream is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.submit(self._response.close)
        self._thread.shutdown(wait=False)

    def _next(self, on_piece: OnPiece) -> bytes | bytearray:
        with self._translate_errors():
            try:
                piece = next(self._pieces, b"")
            except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
                raise OutcomeUnknownError("The connection was cut in the middle of the download", str(error)) from error
        on_piece(piece)
        return piece

    def _decoded(self) -> Iterator[bytes]:
        parts: list[bytes] = []
        size = 0
        try:
            for part in self._response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size >= PIECE:
                    yield b"".join(parts)
                    parts, size = [], 0
        except (httpx.HTTPError, httpx.StreamError):
            if parts:
                yield b"".join(parts)  # what came before the cut is not asked for again
            raise
        yield b"".join(parts)

    def _plain(self, left: int) -> Iterator[bytes | bytearray]:
        connection = self._plain_connection()
        if connection is None:
            yield from self._decoded()
            return
        # What came with the head of the answer is in httpx's hands; after that nothing is.
        raw = self._response.iter_raw()  # referenced to the end: httpx closes the connection when this is finalized
        first = next(raw, b"") if left else b""
        left -= len(first)
        if first:
            yield first
        connection.settimeout(_READ_TIMEOUT)
        buffers = itertools.cycle([bytearray(min(PIECE, max(left, 1))) for _ in range(3)])
        while left > 0:
            whole = next(buffers)
            buffer = memoryview(whole)
            wanted = min(len(whole), left)
            filled = 0
            while filled < wanted:
                try:
                    count = connection.recv_into(buffer[filled:wanted])
                except OSError:
                    if filled:
                        yield bytes(buffer[:filled])  # what came before the cut is not asked for again
                    raise
                if not count:
                    if filled:
                        yield bytes(buffer[:filled])
                    raise OutcomeUnknownError(
                        f"The download was cut off {left - filled:,} bytes before its end", "It continues from there."
                    )
                filled += count
            left -= filled
            yield whole if filled == len(whole) else bytes(buffer[:filled])

    def _plain_connection(self) -> socket.socket | None:
        """Return the connection that the bytes come from as they are (decrypted); None if it is not such a one."""
        stream = self._response.extensions.get("network_stream")
        if stream is None or self._response.http_version != "HTTP/1.1":
            return None
        connection, secured = stream.get_extra_info("socket"), stream.get_extra_info("ssl_object")
        if not isinstance(connection, socket.socket) or secured is not getattr(connection, "_sslobj", None):
            return None  # TLS within TLS, through a proxy: httpx decrypts that itself
        return connection


class ResponseHead(NamedTuple):
    """What the headers say of the body that follows."""

    start: int
    """Where in the file it begins; -1 if it is not the part that was asked for."""
    end: int | None
    """Where in the file it ends, of a part (206); None of a whole file."""
    total: int | None
    """Bytes of the whole file, as the server states them."""
    etag: str | None
    length: int | None
    """Bytes that follow, where they come as they are."""


_NOT_ASKED_FOR = ResponseHead(-1, None, None, None, None)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


def read_head(response: httpx.Response, offset: int, etag: str | None) -> ResponseHead:
    """Read the headers of an answer. A part that is not the part asked for must never be taken for the whole.

    A part may be shorter than what was asked for (RFC 9110, 15.3.7): how long the file is only the server knows.

    Args:
        offset: Where the body has to begin; 0 for the whole file.
        etag: What the file has to be still, where only a part of it was asked for.
    """
    is_encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    is_chunked = "chunked" in response.headers.get("Transfer-Encoding", "")
    number = as_number(response.headers.get("Content-Length"))
    length = int(number) if number is not None and number >= 0 and not is_encoded and not is_chunked else None
    new_etag = response.headers.get("ETag")
    if response.status_code != 206:
        return ResponseHead(0, None, length, None if is_encoded else new_etag, length)
    stated = _CONTENT_RANGE.fullmatch(str(response.headers.get("Content-Range", "")).strip())
    if stated is None or is_encoded or not offset or new_etag not in (None, etag):
        return _NOT_ASKED_FOR
    start, end, total = int(stated[1]), int(stated[2]) + 1, None if stated[3] == "*" else int(stated[3])
    if start != offset or end <= start or (total is not None and end > total) or length not in (None, end - start):
        return _NOT_ASKED_FOR
    return ResponseHead(start, end, total, new_etag or etag, length)
