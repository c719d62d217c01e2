"""Search for text in requests and responses: a scan of the files that marks matching rows as it goes."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from itertools import groupby
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results.index.jsonl import PIECE_SIZE
from tbatch_tui.engine.results.sources import FileNumber, Source, source_of_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex

_SAFE = re.compile(r"[\w .,:;!?()%=+*#@$|~^{}\[\]-]", re.ASCII)
"""Characters that JSON writers never escape."""
_ESCAPE_MAX = 12
"""Bytes of the longest character: an escaped surrogate pair."""
_CONTEXT = 64
"""Bytes kept before a piece, to see whether a match starts in the middle of an escape."""
_BACKSLASH = 0x5C
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


def search(
    index: ResultIndex,
    text: str,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
    hits: bytearray | None = None,
) -> bytearray:
    """Return which rows contain `text` in their request or response: one byte a row, 1 for a match.

    Case does not matter. The raw lines are searched, names of fields included, and text matches whether JSON escapes
    it or not. Reads all files: run it in a thread. Raises OperationCancelledError when `cancelled()`, and
    LocalFileError if a file has changed.

    Args:
        progress: Called with the bytes read and the bytes in all.
        hits: An array to fill while the scan goes on, so that another thread can show rows early.
    """
    hits = bytearray(len(index)) if hits is None else hits
    pattern, longest = re.compile(_pattern(text)), _ESCAPE_MAX * len(text)
    total = sum(index.file_size(file) for file in index.files)
    done, row_starts = 0, _RowStarts(index)
    for number in index.files:
        starts, numbers = row_starts.of(number)
        if not len(starts):
            continue
        with index.open_file(number) as file:
            position, tail = 0, b""
            while block := file.read(PIECE_SIZE):
                if cancelled():
                    raise OperationCancelledError("The search was stopped")
                data = tail + block.lower()
                first = max(0, len(tail) - longest)  # the bytes before were searched with the last piece
                _mark(hits, pattern, data, first, position - len(tail), starts, numbers)
                position += len(block)
                done += len(block)
                tail = data[-longest - _CONTEXT :]
                progress(done, total)
    return hits


def _mark(
    hits: bytearray,
    pattern: re.Pattern[bytes],
    data: bytes,
    at: int,
    offset: int,
    starts: Sequence[int],
    numbers: Sequence[int],
) -> None:
    """Mark the rows that match in a piece of a file, from `at` on. One match a row is enough."""
    while match := pattern.search(data, at):
        if _splits_escape(data, match.start()):
            at = match.start() + 1
            continue
        row = bisect_right(starts, offset + match.start()) - 1
        if row >= 0 and numbers[row] >= 0:
            hits[numbers[row]] = 1
        at = max(match.end(), starts[row + 1] - offset if row + 1 < len(starts) else len(data))


def _splits_escape(data: bytes, at: int) -> bool:
    """Return whether this byte is part of an escape: the n of `\\n`, or a digit of `\\u2019`."""
    back = data.rfind(b"\\", max(0, at - 5), at)
    if back < 0:
        return False
    first = back
    while first and data[first - 1] == _BACKSLASH:
        first -= 1
    if (back - first) % 2:  # an escaped backslash
        return False
    return at < back + (6 if data[back + 1 : back + 2] == b"u" else 2)


def _pattern(text: str) -> bytes:
    """Return a pattern for the text however JSON escapes it, for bytes whose ASCII letters are in lower case."""
    patterns: list[bytes] = []
    for character in text:
        if _SAFE.fullmatch(character):
            patterns.append(re.escape(character.lower().encode()))
            continue
        forms = {form for form in (character, character.lower(), character.upper()) if len(form) == 1}
        spellings = {form.encode("utf-8", "surrogatepass") for form in forms} | {_escaped(form) for form in forms}
        if character in _SHORT_ESCAPES:
            spellings.add(_SHORT_ESCAPES[character].encode())
        if character in '"\\' or character < " ":
            spellings.discard(character.encode())  # always escaped inside a string
        patterns.append(b"(?:" + b"|".join(re.escape(spelling) for spelling in sorted(spellings)) + b")")
    return b"".join(patterns)


def _escaped(character: str) -> bytes:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)).encode()


class _RowStarts:
    """Where the rows begin in each file, and their numbers in the list."""

    def __init__(self, index: ResultIndex) -> None:
        self._index = index
        self._rows = array("i", [-1]) * len(index.responses)
        """By response its row; -1 if it is not listed."""
        for row, response in enumerate(index.requests.response):
            if response >= 0:
                self._rows[response] = row
        for row in index.extra_rows:
            self._rows[index.extras[row - len(index.requests)].response] = row
        self._ranges: dict[FileNumber, list[range]] = {}
        """By file the numbers of its responses: those of a file follow each other in nearly every index."""
        first = 0
        for file, run in groupby(index.responses.file):
            count = sum(1 for _ in run)
            self._ranges.setdefault(file, []).append(range(first, first + count))
            first += count

    def of(self, file: FileNumber) -> tuple[Sequence[int], Sequence[int]]:
        """Return the offsets of a file's rows, in order, and their numbers; -1 for a row that is not listed."""
        if source_of_file(file) is Source.INPUT:
            count = len(self._index.requests.locations)
            return self._index.requests.locations.offset, range(count)
        starts, numbers = array("Q"), array("i")
        for run in self._ranges.get(file, ()):
            starts.extend(self._index.responses.locations.offset[run.start : run.stop])
            numbers.extend(self._rows[run.start : run.stop])
        return starts, numbers
