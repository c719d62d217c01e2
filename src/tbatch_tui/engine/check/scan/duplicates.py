"""The same custom_id twice, found among millions by 64-bit hashes, and confirmed by reading the lines again."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import msgspec

from tbatch_tui.engine.check.scan.partial import Chunk, LineLocation, LocatedFinding, PartialReport
from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS
from tbatch_tui.engine.errors import OperationCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from tbatch_tui.engine.check.lines.params import Kind

RULE = "duplicate-custom-id"

_AT_ONCE = 500_000
"""Up to this many hashes are compared in one set; more are first dealt out to buckets, to bound memory."""
_BUCKETS = 64
_NAMED_MAX = 200_000
"""Of more ids than this that are there twice, the rest are counted by their hashes alone."""


class _Identified(msgspec.Struct, gc=False):
    custom_id: str


_decode = msgspec.json.Decoder(_Identified).decode


def custom_id_of(line: bytes) -> str:
    """The custom_id of a line that is sound enough to have one. Raises ValueError and RecursionError."""
    return _decode(line).custom_id


def add_duplicates(part: PartialReport, file: FileIO, kind: Kind, cancelled: Callable[[], bool] | None = None) -> None:
    """Find the ids that stand on more than one line, and add a fault for each line but the first."""
    twice, unnamed = _seen_twice(part.chunks)
    if not twice:
        return
    from tbatch_tui.engine.check.lines.json_spans import locate, spelled_key

    first_lines: dict[str, int] = {}
    kept: list[LocatedFinding] = []
    number = unnamed
    for chunk in part.chunks:
        if cancelled is not None and cancelled():
            raise OperationCancelledError("The check was stopped")
        if twice.isdisjoint(array("q", chunk.hashes)):
            continue
        for place, line, custom_id in _identified(file, chunk, kind):
            if hash(custom_id) not in twice or not _is_readable(line, kind):
                continue
            first = first_lines.setdefault(custom_id, place.line)
            if first == place.line:
                continue
            number += 1
            if len(kept) < MAX_PROBLEMS:
                text = line.decode()
                places = spelled_key(text, "custom_id", 1)
                column = (places[0].end() if places else locate(text, ("custom_id",))) + 1
                kept.append(LocatedFinding(place, column, RULE, f"the same custom_id is on line {first:,}", custom_id))
    if number:
        part.counts[RULE] = number
        part.found = sorted(part.found + kept, key=lambda found: found.location.line)[:MAX_PROBLEMS]


def _is_readable(line: bytes, kind: Kind) -> bool:
    """Whether a line that has an id is otherwise sound enough to be read: else its id did not count."""
    from tbatch_tui.engine.check.lines.check_line import check_line, plain_value

    return plain_value(line, line.decode()) is not None or check_line(line, kind).custom_id is not None


def _seen_twice(chunks: list[Chunk]) -> tuple[set[int], int]:
    """The hashes that are there more than once, and how many more faults there are beyond those we can name."""
    twice: set[int] = set()
    unnamed = 0
    total = sum(len(chunk.hashes) for chunk in chunks) // 8
    buckets = [_joined(chunks)] if total <= _AT_ONCE else _dealt(chunks)
    for bucket in buckets:
        if len(set(bucket)) == len(bucket):
            continue
        seen: set[int] = set()
        again = [value for value in bucket if value in seen or seen.add(value)]  # type: ignore[func-returns-value]
        if len(twice) < _NAMED_MAX:
            twice.update(again)
        else:
            unnamed += len(again)
    return twice, unnamed


def _joined(chunks: list[Chunk]) -> array[int]:
    return array("q", b"".join(chunk.hashes for chunk in chunks))


def _dealt(chunks: list[Chunk]) -> list[array[int]]:
    """The hashes in buckets, equal ones in the same."""
    buckets = [array("q") for _ in range(_BUCKETS)]
    appends = [bucket.append for bucket in buckets]
    for chunk in chunks:
        for value in array("q", chunk.hashes):
            appends[value % _BUCKETS](value)
    return buckets


def _identified(file: FileIO, chunk: Chunk, kind: Kind) -> Iterator[tuple[LineLocation, bytes, str]]:
    """The lines of a piece that have an id, read again."""
    from tbatch_tui.engine.check.lines.check_line import check_line

    file.seek(chunk.offset)
    offset, number = chunk.offset, chunk.line
    for line in file.read(chunk.length).split(b"\n"):
        text = line.removesuffix(b"\r")
        try:
            line.decode()
            custom_id: str | None = _decode(text).custom_id
        except (ValueError, RecursionError):
            custom_id = check_line(text, kind).custom_id
        if custom_id:
            yield LineLocation(number, offset, len(text)), text, custom_id
        offset += len(line) + 1
        number += 1
