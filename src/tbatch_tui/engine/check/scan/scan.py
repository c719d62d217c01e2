"""Scan a stretch of a file: each piece by the fast path, and line by line only where that refuses it."""

from __future__ import annotations

import time
from array import array
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import (
    LINE_BYTES_ADVISED,
    LINE_BYTES_MAX,
    LINE_MEGABYTES,
    LONG_LINE,
    MEGABYTE,
)
from tbatch_tui.engine.check.lines.stopping import stop_if
from tbatch_tui.engine.check.scan.fast_path import FastPath, FastResult
from tbatch_tui.engine.check.scan.partial import (
    LONG_LINES_MAX,
    LineLocation,
    LocatedFinding,
    LongLine,
    PartialReport,
    PieceHashes,
)
from tbatch_tui.engine.check.scan.reader import Piece, longest_line, read_pieces
from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from io import FileIO

    from tbatch_tui.engine.check.lines.check_line import LineReport
    from tbatch_tui.engine.check.lines.params import Kind

_LINES_BETWEEN_STOPS = 500
"""After so many lines that are checked one by one, `cancelled` is asked."""
_FAULTY_RUN_MAX = 8
"""After so many faulty lines in a row, the fast path is not worth trying on single lines."""


def scan(
    file: FileIO,
    start: int,
    stop: int,
    kind: Kind,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    measure: bool = True,
    now: float | None = None,
    store: str = "",
) -> PartialReport:
    """Check the lines in [start, stop). Raises OperationCancelledError soon after `cancelled` returns true.

    Args:
        progress: Called with the bytes done, from `start` on.
        measure: Without it the longest line is only measured above 32 kB: `longest_line` begins there.
        now: When the job would begin, in seconds since the epoch; now if None.
        store: `s3://bucket/prefix`, where recordings may be; empty for none.
    """
    now = time.time() if now is None else now
    scanner = _Scanner(kind, PartialReport(longest_line=0 if measure else LONG_LINE), now, cancelled, store)
    for piece in read_pieces(file, start, stop):
        scanner.stop_if_cancelled()
        scanner.add_piece(piece)
        if progress is not None:
            progress(piece.offset + piece.length - start)
    return scanner.part


class _Scanner:
    """Adds the pieces of a stretch to a PartialReport, in order."""

    def __init__(
        self, kind: Kind, part: PartialReport, now: float, cancelled: Callable[[], bool] | None, store: str
    ) -> None:
        self.part = part
        self._store = store
        self._cancelled = cancelled
        self._kind = kind
        self._now = now
        self._fast = FastPath(kind, now)
        self._ids: list[str] = []
        self._faulty_run = 0  # how many lines before this one were faulty, without a valid one between

    def stop_if_cancelled(self) -> None:
        stop_if(self._cancelled)

    def add_piece(self, piece: Piece) -> None:
        """Check the next piece."""
        part = self.part
        if not piece.block:
            part.lines += 1
            part.requests += 1
            length = piece.length - piece.line_end_bytes
            part.longest_line = max(part.longest_line, length)
            self._add_too_long(LineLocation(part.lines, piece.offset, length))
            return
        lines_before = part.lines
        self._ids = []
        has_cr = piece.has_cr
        is_regular = not has_cr or piece.data.count(b"\r") == piece.data.count(b"\r\n")
        result = self._fast.check(piece) if is_regular and piece.length <= LINE_BYTES_ADVISED else None
        part.longest_line = longest_line(piece, part.longest_line, 0 if result is None else len(result.models))
        if result is None:
            self._check_line_by_line(piece, has_cr)
        else:
            lines = _Lines(piece, lines_before)
            self._add_fast_result(result, lines)
            part.lines += len(result.models)
            part.requests += len(result.models)
            if has_cr:
                before = piece.data.count(b"\n", 0, piece.block.find(b"\r") - 1)
                part.add_once("crlf", piece.data.count(b"\r"), lines.location(before))
            if part.longest_line > LONG_LINE:
                self._add_long_lines(result, lines)
            for index in sorted(result.doubtful):
                line, location = lines.bytes(index), lines.location(index)
                if not self._add_findings(self._check_line(line, location.offset), location):
                    self._fast.remember_valid(line)
        if self._ids:
            hashes = array("q", map(hash, self._ids)).tobytes()
            part.id_hashes.append(PieceHashes(lines_before + 1, piece.offset, piece.length, hashes))

    def _add_fast_result(self, result: FastResult, lines: _Lines) -> None:
        """Add what the fast path learned."""
        part = self.part
        self._ids += result.ids
        models = result.models
        number = models.count(models[0])
        counts: Iterable[tuple[str, int]] = (
            [(models[0], number)] if number == len(models) else [(model, 1) for model in models]
        )
        for model, number in counts:
            part.models[model] = part.models.get(model, 0) + number
            if model not in part.model_locations:
                part.model_locations[model] = lines.location(models.index(model))
        for rule, members in result.once_per_file.items():
            first = part.once_locations.get(rule) or lines.location(min(members))
            part.add_once(rule, len(members), first)

    def _check_line_by_line(self, piece: Piece, has_cr: bool) -> None:
        """Check the lines of a piece that the fast path refused as a whole."""
        part = self.part
        lines = _Lines(piece, part.lines)
        for index in range(len(lines)):
            if not index % _LINES_BETWEEN_STOPS:  # a piece can have 130,000 lines of two bytes, which take seconds
                self.stop_if_cancelled()
            location = lines.location(index)
            part.lines += 1
            if lines.has_cr_lf(index):
                part.add_once("crlf", 1, location)
            if location.length > LINE_BYTES_MAX:
                part.requests += 1
                self._add_too_long(location)
                continue
            line = lines.bytes(index)
            if location.length > LINE_BYTES_ADVISED:
                size = location.length / MEGABYTE
                message = f"the line has {size:.2f} MB (documented max. {LINE_MEGABYTES} MB)"
                part.add(LocatedFinding(location, 1, "line-large", message))
            self._check_single_line(line, location, has_cr)

    def _check_single_line(self, line: bytes, location: LineLocation, has_cr: bool) -> None:
        """Check a line by the fast path if that may take it, and else by `check_line`."""
        part = self.part
        is_hopeless = (has_cr and b"\r" in line) or self._faulty_run > _FAULTY_RUN_MAX
        piece = Piece.from_lines(location.offset, line)
        result = None if is_hopeless else self._fast.check(piece)
        if result is not None:
            self._add_fast_result(result, _Lines(piece, location.line - 1))
            if location.length > LONG_LINE:
                self._add_long_line(location, line, result.models[0], result.ids[0])
            if not result.doubtful:
                part.requests += 1
                self._faulty_run = 0
                return
        report = self._check_line(line, location.offset)
        part.requests += not report.is_blank
        is_faulty = self._add_findings(report, location)
        self._faulty_run = self._faulty_run + 1 if is_faulty else 0
        if result is None:
            self._add_line_report(report, location, line)
        elif not is_faulty:
            self._fast.remember_valid(line)

    def _check_line(self, line: bytes, offset: int) -> LineReport:
        from tbatch_tui.engine.check.lines.check_line import check_line  # most files need none, and begin sooner so

        return check_line(line, self._kind, offset, self._cancelled, self._now, self._store)

    def _add_line_report(self, report: LineReport, location: LineLocation, line: bytes) -> None:
        """Add what `check_line` learned of a line that the fast path refused."""
        part = self.part
        if report.custom_id is not None:
            self._ids.append(report.custom_id)
        if report.model is not None:
            part.models[report.model] = part.models.get(report.model, 0) + 1
            part.model_locations.setdefault(report.model, location)
            if location.length > LONG_LINE:
                self._add_long_line(location, line, report.model, report.custom_id or "")
        for rule in report.once_per_file:
            part.add_once(rule, 1, location)

    def _add_findings(self, report: LineReport, location: LineLocation) -> bool:
        """Add the findings of a line; return whether it has any."""
        if not report.findings:
            return False
        part = self.part
        if len(part.findings) >= MAX_PROBLEMS:  # only counted, so the columns are not needed
            for finding in report.findings:
                part.count(finding.rule)
        else:
            for finding, column in zip(report.findings, report.columns(), strict=True):
                message = _encodable(finding.message)
                part.add(LocatedFinding(location, column, finding.rule, message, report.custom_id))
        for rule, number in report.others.items():
            part.count(rule, number)
        return True

    def _add_too_long(self, location: LineLocation) -> None:
        message = f"the line has {location.length / MEGABYTE:.1f} MB (max. {LINE_MEGABYTES} MB)"
        self.part.add(LocatedFinding(location, 1, "line-too-long", message))

    def _add_long_lines(self, result: FastResult, lines: _Lines) -> None:
        """Remember the lines that may be too long for their model's context."""
        if longest_line(lines.piece, LONG_LINE) == LONG_LINE:
            return
        for index in range(len(lines)):
            location = lines.location(index)
            if location.length > LONG_LINE:
                self._add_long_line(location, lines.bytes(index), result.models[index], result.ids[index])

    def _add_long_line(self, location: LineLocation, line: bytes, model: str, custom_id: str) -> None:
        """Remember a long line and about how many tokens it has, by all of its bytes: it is not decoded for that."""
        if len(self.part.long_lines) < LONG_LINES_MAX and b"base64," not in line:
            from tbatch_tui.engine.token_estimate import BYTES_PER_TOKEN  # most files have no long line

            size = len(line) - 3 * line.count(b"\\u")  # an escape has six bytes for two or three
            self.part.long_lines.append(LongLine(location, size // BYTES_PER_TOKEN, model, custom_id))


class _Lines:
    """The lines of a piece by their index. The piece is only split when one is asked for."""

    def __init__(self, piece: Piece, lines_before: int) -> None:
        self.piece = piece
        self._before = lines_before
        self._lines: list[bytes] | None = None
        self._offsets: list[int] = []
        self._ends_with_newline = False

    def _split(self) -> list[bytes]:
        if self._lines is None:
            self._lines = self.piece.data.split(b"\n")
            if not self._lines[-1]:
                self._lines.pop()
                self._ends_with_newline = True
            offset = self.piece.offset
            for line in self._lines:
                self._offsets.append(offset)
                offset += len(line) + 1
        return self._lines

    def __len__(self) -> int:
        return len(self._split())

    def bytes(self, index: int) -> bytes:
        """Return the line without its line end."""
        return self._split()[index].removesuffix(b"\r")

    def has_cr_lf(self, index: int) -> bool:
        """Whether the line ends in CR LF."""
        lines = self._split()
        return (index < len(lines) - 1 or self._ends_with_newline) and lines[index].endswith(b"\r")

    def location(self, index: int) -> LineLocation:
        """Return where the line is in the file."""
        line = self.bytes(index)
        return LineLocation(self._before + index + 1, self._offsets[index], len(line))


def _encodable(message: str) -> str:
    """Return a message that can be encoded, whatever the line contained."""
    return message.encode("utf-8", "backslashreplace").decode()
