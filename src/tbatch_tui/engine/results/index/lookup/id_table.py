"""Find requests by their ids without holding the ids: a number and a hash for each, whatever the ids are."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_HASH = 0xFFFFFFFF
"""The bits of a hash that are kept."""


class IdTable:
    """The first request with each id. Takes 16 to 32 bytes a request."""

    def __init__(self, ids: Iterable[bytes], count: int, id_of: Callable[[int], bytes]) -> None:
        """Number the requests. Takes a second for a million of them.

        Args:
            ids: of all requests, in their order.
            count: how many these are.
            id_of: returns the id of one.
        """
        size = 1 << (2 * count).bit_length()
        self._last = size - 1
        self._numbers = array("i", [-1]) * size
        self._hashes = array("I", bytes(4 * size))
        self._id_of = id_of
        for number, name in enumerate(ids):
            place = self._place(name)
            if self._numbers[place] < 0:
                self._numbers[place], self._hashes[place] = number, hash(name) & _HASH

    def find(self, name: bytes) -> int:
        """Return the number of the first request with an id; -1 if there is none."""
        return self._numbers[self._place(name)]

    def _place(self, name: bytes) -> int:
        """Return where a name is, or would be."""
        hashed = hash(name)
        place, kept = (hashed >> 32) & self._last, hashed & _HASH
        while (number := self._numbers[place]) >= 0:
            if self._hashes[place] == kept and self._id_of(number) == name:
                break
            place = (place + 1) & self._last
        return place
