"""The server's time, as the Date of its answers has it."""

from __future__ import annotations

import email.utils
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


class ServerClock:
    """Remembers the Date of the last answer. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self.host: str | None = None
        """Whose answers count: a redirect may lead to a storage with a clock of its own."""
        self.last_date: float | None = None
        """Seconds since the epoch, whole ones; None while no answer had a Date. The server's time is not before it."""

    def read(self, response: httpx.Response) -> None:
        """Take the Date of an answer; a hook of the client."""
        text = response.headers.get("Date")
        if not text or response.request.url.host != self.host:
            return
        try:
            self.last_date = email.utils.parsedate_to_datetime(text).timestamp()
        except (ValueError, OverflowError, OSError):
            return

    async def read_async(self, response: httpx.Response) -> None:
        """Take the Date of an answer; a hook of the asynchronous client."""
        self.read(response)
