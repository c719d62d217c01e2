"""Ids in the API's own shapes, the same ones in the same order for a seed."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container


class Ids:
    """Draws ids; never one that `taken` holds, since a kept sandbox draws the same sequence again when restarted."""

    def __init__(self, seed: int | None = None) -> None:
        # Without a seed two sandboxes must not share ids: a client's history would mix their jobs up.
        self._random = random.Random(seed)

    def job(self, taken: Container[str]) -> str:
        """A job's id: a UUID."""
        return self._draw("", taken)

    def file(self, taken: Container[str]) -> str:
        """A file's id: a UUID after `file-`."""
        return self._draw("file-", taken)

    def _draw(self, prefix: str, taken: Container[str]) -> str:
        while True:
            drawn = prefix + str(uuid.UUID(int=self._random.getrandbits(128), version=4))
            if drawn not in taken:
                return drawn
