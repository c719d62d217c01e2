"""Find custom_ids that are used twice: by 64-bit hashes among millions, confirmed by reading the lines again."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import msgspec

from tbatch_tui.engine.check.lines.stopping import stop_if
from tbatch_tui.engine.check.scan.partial import LineLocation, LocatedFinding, PartialReport, PieceHashes
from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from tbatch_tui.engine.check.lines.params import Kind

RULE = "duplicate-custom-id"

_ONE_SET_MAX = 500_000
"""Up to this many hashes are compared in one set; more are first divided into buckets, to bound memory."""
_BUCKETS = 64
_NAMED_MAX = 200_000
"""If more ids than this are used twice, the others are only counted, by their hashes."""


class _Identified(msgspec.Struct, gc=False):
    custom_id: str


_decode = msgspec.json.Decoder(_Identified).decode


def custom_id_of(line: bytes) -> str:
    """Return the custom_id of a line. Raises ValueError and RecursionError if it cannot be read."""
    return _decode(line).custom_id


def add_duplicates(part: PartialReport, file: FileIO, kind: Kind, cancelled: Callable[[], bool] | None = None) -> None:
    """Find the ids that are on more than one line, and add a finding for each line but the first."""
    repeated, unnamed = repeated_hashes(part.id_hashes)
    if not repeated:
        return
    first_lines: dict[str, int] = {}
    findings: list[LocatedFinding] = []
    number = unnamed
    for piece in part.id_hashes:
        stop_if(cancelled)
        if repeated.isdisjoint(array("q", piece.hashes)):
            continue
        for location, line, custom_id in lines_with_ids(file, piece, kind):
            if hash(custom_id) not in repeated or not _is_readable(line, kind):
                continue
            first = first_lines.setdefault(custom_id, location.line)
            if first == location.line:
                continue
            number += 1
            if len(findings) < MAX_PROBLEMS:
                message = f"duplicate custom_id (first used on line {first:,})"
                findings.append(LocatedFinding(location, column_of_id(line), RULE, message, custom_id))
    if number:
        part.counts[RULE] = number
        part.findings = sorted(part.findings + findings, key=lambda finding: finding.location.line)[:MAX_PROBLEMS]


def column_of_id(line: bytes) -> int:
    """Return where in a line, from 1, its custom_id is."""
    from tbatch_tui.engine.check.lines.json_spans import find_key_colon, locate

    text = line.decode()
    colon = find_key_colon(text, "custom_id")
    return (colon.end() if colon else locate(text, ("custom_id",))) + 1


def _is_readable(line: bytes, kind: Kind) -> bool:
    """Whether the line as a whole can be read. If not, its id did not count either."""
    from tbatch_tui.engine.check.lines.check_line import check_line, plain_value

    return plain_value(line, line.decode()) is not None or check_line(line, kind).custom_id is not None


def repeated_hashes(pieces: list[PieceHashes]) -> tuple[set[int], int]:
    """Return the hashes that are there more than once, and how many more repetitions are only counted."""
    repeated: set[int] = set()
    unnamed = 0
    total = sum(len(piece.hashes) for piece in pieces) // 8
    buckets = [_joined(pieces)] if total <= _ONE_SET_MAX else _divided(pieces)
    for bucket in buckets:
        if len(set(bucket)) == len(bucket):
            continue
        seen: set[int] = set()
        again = [value for value in bucket if value in seen or seen.add(value)]  # type: ignore[func-returns-value]
        if len(repeated) < _NAMED_MAX:
            repeated.update(again)
        else:
            unnamed += len(again)
    return repeated, unnamed


def _joined(pieces: list[PieceHashes]) -> array[int]:
    return array("q", b"".join(piece.hashes for piece in pieces))


def _divided(pieces: list[PieceHashes]) -> list[array[int]]:
    """Return the hashes in buckets, equal hashes in the same bucket."""
    buckets = [array("q") for _ in range(_BUCKETS)]
    appends = [bucket.append for bucket in buckets]
    for piece in pieces:
        for value in array("q", piece.hashes):
            appends[value % _BUCKETS](value)
    return buckets


def lines_with_ids(file: FileIO, piece: PieceHashes, kind: Kind) -> Iterator[tuple[LineLocation, bytes, str]]:
    """Read the lines of a piece again, and yield those that have an id."""
    from tbatch_tui.engine.check.lines.check_line import check_line

    file.seek(piece.offset)
    offset, number = piece.offset, piece.line
    for line in file.read(piece.length).split(b"\n"):
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
