"""Object storage that keeps to HTTP but not to what one hopes for: each request is answered by a function of the test.

The sandbox sends downloads here by a redirect, as the real server does.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tbatch_tui.sandbox.testing import Sandbox

CONTENT = "/v1/files/*/content"

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class Storage:
    """The requests that came, and the function that answers them."""

    def __init__(self, answer: Callable[[int, int | None], Answer]) -> None:
        """`answer` is called with the number of the request, from 1, and the first byte that it asks for, if any."""
        self._answer = answer
        self.offsets: list[int | None] = []
        """The first byte that each request asked for; None where it asked for the whole file."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        wanted = re.search(r"(?im)^range: bytes=(\d+)-", head)
        self.offsets.append(int(wanted[1]) if wanted else None)
        status, headers, body = self._answer(len(self.offsets), self.offsets[-1])
        headers = {"Content-Length": str(len(body)), "Connection": "close"} | headers
        lines = [f"HTTP/1.1 {status} Answer", *(f"{name}: {value}" for name, value in headers.items() if value)]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def storage_of(box: Sandbox, answer: Callable[[int, int | None], Answer]) -> AsyncIterator[Storage]:
    """Let a storage of the test answer every download of the sandbox."""
    storage = Storage(answer)
    server = await asyncio.start_server(storage.serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/object"
    box.plan_fault("status", CONTENT, status=302, headers={"Location": address}, last=None)
    async with server:
        yield storage


def part_of(content: bytes, first: int, end: int, *, total: int | str | None = None, etag: str = '"v1"') -> Answer:
    """Return a 206 with the bytes from `first` up to `end`."""
    end = min(end, len(content))
    stated = len(content) if total is None else total
    return 206, {"Content-Range": f"bytes {first}-{end - 1}/{stated}", "ETag": etag}, content[first:end]


def cut_off(content: bytes, at: int, *, etag: str = '"v1"') -> Answer:
    """Return a 200 that states the whole length and ends before it."""
    return 200, {"Content-Length": str(len(content)), "ETag": etag}, content[:at]
