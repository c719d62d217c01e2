"""Rows that a mask has, as a sequence of their numbers that is made at once however many they are."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, compress
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 12
"""Rows whose numbers are made together."""


class MaskedRows(Sequence[int]):
    """The numbers of the rows that have a 1 in a mask, in order. The rows of one block are numbered at a time."""

    def __init__(self, mask: bytes | bytearray) -> None:
        """`mask` has a byte for each row, 0 or 1."""
        self._mask = bytes(mask)
        starts = range(0, len(self._mask), _BLOCK)
        self._before = [*accumulate((self._mask.count(1, at, at + _BLOCK) for at in starts), initial=0)]
        """For each block how many rows come before it, and how many there are."""
        self._block: tuple[int, array[int]] = (-1, array("I"))

    def __len__(self) -> int:
        return self._before[-1]

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> array[int]: ...
    def __getitem__(self, place: int | slice) -> int | array[int]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step == 1:
                return self._slice(start, stop)
            return array("I", [self[at] for at in range(start, stop, step)])
        if place < 0:
            place += len(self)
        if not 0 <= place < len(self):
            raise IndexError("row out of range")
        number = bisect_right(self._before, place) - 1
        return self._numbers(number)[place - self._before[number]]

    def __iter__(self) -> Iterator[int]:
        return compress(range(len(self._mask)), self._mask)

    def find(self, row: int) -> int | None:
        """Return the place of a row; None if it is not among them."""
        if not 0 <= row < len(self._mask) or not self._mask[row]:
            return None
        number = row // _BLOCK
        return self._before[number] + self._mask.count(1, number * _BLOCK, row)

    def _slice(self, start: int, stop: int) -> array[int]:
        found = array("I")
        while start < stop:
            number = bisect_right(self._before, start) - 1
            first = self._before[number]
            found += self._numbers(number)[start - first : stop - first]
            start = self._before[number + 1]
        return found

    def _numbers(self, number: int) -> array[int]:
        """Return the numbers of the rows of a block."""
        known, numbers = self._block
        if known != number:
            first = number * _BLOCK
            mask = self._mask[first : first + _BLOCK]
            numbers = array("I", compress(range(first, first + len(mask)), mask))
            self._block = (number, numbers)
        return numbers
