"""Where the requests of a file end, as what its parts may have is counted by."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from tbatch_tui.engine.groups.line_blocks import BlockPlace, line_begin, opened, raw_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_LONG = 150
"""Bytes of a line from which on it is quicker to look for each line end than to take a block apart."""
_CACHED = 8
"""Blocks whose ends are kept at once. One of very short lines has some 200,000."""


class LineEnds:
    """By request, from 0, the bytes of it and of all before it, without those that go ahead.

    Kept is the sum of each block of half a megabyte. The ends in a block are read again when they are asked for, so
    memory does not grow with the requests.
    """

    def __init__(self, path: Path, ahead: Sequence[int] = (), on_block: Callable[[], object] = lambda: None) -> None:
        """Read the file. Raises LocalFileError if it cannot be read.

        Args:
            ahead: the requests that are left out, in their order.
            on_block: called for each block. It may raise, to stop.
        """
        self.places: list[BlockPlace] = []
        """The blocks of the file."""
        self._path = path
        self._ahead = ahead
        self._numbers = array("Q", [0])  # by block, how many requests come before it, and at last how many there are
        self._sums = array("Q", [0])  # likewise their bytes
        self._all = array("Q", [0])  # likewise with those that go ahead
        self._ends_in_block = lru_cache(_CACHED)(self._read_block)
        offset = 0
        with opened(path) as file:
            for data, end in raw_blocks(file):
                on_block()
                lengths, is_plain = _request_lengths(data, end, offset)
                self.places.append(BlockPlace(offset, end, len(lengths), is_plain))
                offset += end
                rest = self._without_ahead(self._all[-1], lengths)
                self._all.append(self._all[-1] + len(lengths))
                self._numbers.append(self._numbers[-1] + len(rest))
                self._sums.append(self._sums[-1] + sum(rest))

    @property
    def requests(self) -> int:
        """How many the file has, with those that go ahead."""
        return self._all[-1]

    def __len__(self) -> int:
        return self._numbers[-1]

    def __getitem__(self, number: int) -> int:
        block = bisect_right(self._numbers, number) - 1
        return self._ends_in_block(block)[number - self._numbers[block]]

    def count(self, size: int) -> int:
        """Return how many requests, from the first on, have no more than `size` bytes together."""
        block = bisect_right(self._sums, size) - 1
        if block == len(self.places):
            return len(self)
        return self._numbers[block] + bisect_right(self._ends_in_block(block), size)

    def _read_block(self, block: int) -> array[int]:
        place = self.places[block]
        with opened(self._path) as file:
            file.seek(place.offset)
            lengths, _ = _request_lengths(file.read(place.size), place.size, place.offset)
        ends = array("Q", accumulate(self._without_ahead(self._all[block], lengths), initial=self._sums[block]))
        return ends[1:]

    def _without_ahead(self, number: int, lengths: list[int]) -> list[int]:
        """Return the lengths without those of requests that go ahead; `number` is that of the first."""
        begin, end = (bisect_left(self._ahead, at) for at in (number, number + len(lengths)))
        if begin == end:
            return lengths
        left_out = {at - number for at in self._ahead[begin:end]}
        return [length for at, length in enumerate(lengths) if at not in left_out]


def _request_lengths(data: bytes, end: int, offset: int) -> tuple[list[int], bool]:
    """Return the bytes of each request of a block with its line end, and whether the block has no others.

    Args:
        data: of which so many bytes, up to `end`, are the block.
        offset: of the block in its file.
    """
    begin = line_begin(data, offset)
    ends = _line_ends(data, begin, end)
    begins = [begin, *ends]
    last = begins.pop()
    lengths = [stop - start for start, stop in zip(begins, ends, strict=True)]
    firsts = bytes([data[at] for at in begins])
    if len(firsts.translate(None, b" \t\n\r\v\f")) == len(firsts):  # no line can be blank
        return lengths, begin == 0 and data[last - 1] == ord("\n")
    are_blank = [data[start:stop].isspace() for start, stop in zip(begins, ends, strict=True)]
    return [length for length, is_blank in zip(lengths, are_blank, strict=True) if not is_blank], False


def _line_ends(data: bytes, begin: int, end: int) -> list[int]:
    """Return where each line ends, from `begin` to `end`: after its line end, if it has one."""
    if data.find(b"\n", begin, end) - begin < _LONG:
        lines = data[begin:end].split(b"\n")
        if not lines[-1]:
            del lines[-1]
        ends = list(accumulate([len(line) + 1 for line in lines], initial=begin))[1:]
        if ends:
            ends[-1] = end
        return ends
    ends = []
    add, find, at = ends.append, data.find, begin
    while at := find(b"\n", at, end) + 1:
        add(at)
    if not ends or ends[-1] < end:
        add(end)
    return ends
