"""Ids as the API writes them. The same seed gives the same ids in the same order."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container


class Ids:
    """A source of ids. None is in `taken`: after a restart the same seed starts the same sequence again."""

    def __init__(self, seed: int | None = None) -> None:
        # Without a seed two sandboxes must not share ids: a client's history would mix their jobs up.
        self._random = random.Random(seed)

    def job(self, taken: Container[str]) -> str:
        """Return a new job id: a UUID."""
        return self._draw("", taken)

    def file(self, taken: Container[str]) -> str:
        """Return a new file id: `file-` and a UUID."""
        return self._draw("file-", taken)

    def _draw(self, prefix: str, taken: Container[str]) -> str:
        while True:
            new_id = prefix + str(uuid.UUID(int=self._random.getrandbits(128), version=4))
            if new_id not in taken:
                return new_id
