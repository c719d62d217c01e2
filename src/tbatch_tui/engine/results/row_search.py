"""Looking for any text in requests and answers: a streaming scan of the files, row by row marked as it is found."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results.index.jsonl import PIECE_SIZE
from tbatch_tui.engine.results.sources import FileNumber, Source, source_of_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex

_SAFE = re.compile(r"[\w .,:;!?()%=+*#@$|~^{}\[\]-]", re.ASCII)
"""Characters that JSON writers spell as they are."""
_ESCAPE_MAX = 12
"""Bytes of one character at most: a surrogate pair, escaped."""
_CONTEXT = 64
"""Bytes kept before a place to see whether it is in the middle of an escape."""
_BACKSLASH = 0x5C
_SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


def search(
    index: ResultIndex,
    text: str,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda done, total: None,
    hits: bytearray | None = None,
) -> bytearray:
    """Which rows say `text`, in their request or in what came back: a byte a row, 1 for a hit.

    Case does not matter. The lines are searched as they are written, names of fields included, with JSON's escapes
    seen through. `hits` is filled as the scan goes on; `progress` is told bytes. Made to be run in a thread. Raises
    Stopped when `cancelled()`, and LocalFileError when a file has changed.
    """
    hits = bytearray(len(index)) if hits is None else hits
    pattern, longest = re.compile(_pattern(text)), _ESCAPE_MAX * len(text)
    total = sum(index.file_size(file) for file in index.files)
    done = 0
    for number in index.files:
        starts, numbers = _starts(index, number)
        if not len(starts):
            continue
        with index.open_file(number) as file:
            position, carried = 0, b""
            while block := file.read(PIECE_SIZE):
                if cancelled():
                    raise OperationCancelledError("The search was stopped")
                data = carried + block.lower()
                first = max(0, len(carried) - longest)  # what is before it was searched with the last piece
                _mark(hits, pattern, data, first, position - len(carried), starts, numbers)
                position += len(block)
                done += len(block)
                carried = data[-longest - _CONTEXT :]
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
    """Mark the rows that are hit in a piece of a file, from `at` on; one hit a row is enough."""
    while found := pattern.search(data, at):
        if _splits_escape(data, found.start()):
            at = found.start() + 1
            continue
        row = bisect_right(starts, offset + found.start()) - 1
        if row >= 0 and numbers[row] >= 0:
            hits[numbers[row]] = 1
        at = max(found.end(), starts[row + 1] - offset if row + 1 < len(starts) else len(data))


def _splits_escape(data: bytes, at: int) -> bool:
    """Whether this byte is only a part of an escape: the n of `\\n`, or a digit of `\\u2019`."""
    back = data.rfind(b"\\", max(0, at - 5), at)
    if back < 0:
        return False
    first = back
    while first and data[first - 1] == _BACKSLASH:
        first -= 1
    if (back - first) % 2:  # it is itself escaped
        return False
    return at < back + (6 if data[back + 1 : back + 2] == b"u" else 2)


def _pattern(text: str) -> bytes:
    """The text as any JSON writer may have spelled it, for bytes whose ASCII letters are in lower case."""
    spelled: list[bytes] = []
    for character in text:
        if _SAFE.fullmatch(character):
            spelled.append(re.escape(character.lower().encode()))
            continue
        forms = {form for form in (character, character.lower(), character.upper()) if len(form) == 1}
        ways = {form.encode("utf-8", "surrogatepass") for form in forms} | {_escaped(form) for form in forms}
        if character in _SHORT:
            ways.add(_SHORT[character].encode())
        if character in '"\\' or character < " ":
            ways.discard(character.encode())  # never bare inside a string
        spelled.append(b"(?:" + b"|".join(re.escape(way) for way in sorted(ways)) + b")")
    return b"".join(spelled)


def _escaped(character: str) -> bytes:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)).encode()


def _starts(index: ResultIndex, file: FileNumber) -> tuple[Sequence[int], Sequence[int]]:
    """Where the rows of a file begin, in order, and which rows of the list they are; -1 for what is in none."""
    if source_of_file(file) is Source.INPUT:
        count = len(index.requests.locations)
        return index.requests.locations.offset, range(count)
    replies = [reply for reply, of in enumerate(index.responses.file) if of == file]
    shown = {reply: row for row in range(len(index)) if (reply := index.response_of(row)) is not None}
    return [index.responses.locations.offset[reply] for reply in replies], [shown.get(reply, -1) for reply in replies]
