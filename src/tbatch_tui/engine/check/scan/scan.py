"""One pass over a stretch of a file: the fast look at each piece, line by line only where something is odd."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import (
    BYTES_PER_TOKEN,
    LINE_BYTES_ADVISED,
    LINE_BYTES_MAX,
    LINE_MEGABYTES,
    LONG_LINE,
    MEGABYTE,
)
from tbatch_tui.engine.check.scan.fast_path import FastPath, FastResult
from tbatch_tui.engine.check.scan.partial import (
    LONG_LINES_KEPT,
    Chunk,
    LineLocation,
    LocatedFinding,
    LongLine,
    PartialReport,
)
from tbatch_tui.engine.check.scan.reader import Piece, longest, pieces
from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS
from tbatch_tui.engine.errors import OperationCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from io import FileIO

    from tbatch_tui.engine.check.lines.check_line import LineReport
    from tbatch_tui.engine.check.lines.params import Kind

_LINES_BETWEEN = 500
"""After so many lines that are looked at one by one it is asked whether to stop."""
_ODD_RUN_MAX = 8
"""After so many faulty lines in a row the fast look at single lines is not worth its while."""


def scan(
    file: FileIO,
    start: int,
    stop: int,
    kind: Kind,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    measure: bool = True,
) -> PartialReport:
    """Check the lines in [start, stop). `progress` gets the bytes done; raises OperationCancelledError when cancelled.

    Without `measure`, lines are only known to be no longer than `Part.longest`, which begins at 32 kB.
    """
    scanner = _Scanner(kind, PartialReport(longest=0 if measure else LONG_LINE), cancelled)
    for piece in pieces(file, start, stop):
        scanner.stop_if_cancelled()
        scanner.take(piece)
        if progress is not None:
            progress(piece.offset + piece.length - start)
    return scanner.part


class _Scanner:
    def __init__(self, kind: Kind, part: PartialReport, cancelled: Callable[[], bool] | None) -> None:
        self.part = part
        self._cancelled = cancelled
        self._kind = kind
        self._fast = FastPath(kind)
        self._ids: list[str] = []
        self._odd_run = 0  # how many of the last lines in a row had a fault

    def stop_if_cancelled(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise OperationCancelledError("The check was stopped")

    def take(self, piece: Piece) -> None:
        part = self.part
        if not piece.block:
            part.lines += 1
            part.requests += 1
            length = piece.length - piece.ending
            part.longest = max(part.longest, length)
            self._too_long(LineLocation(part.lines, piece.offset, length))
            return
        first = part.lines
        self._ids = []
        has_cr = piece.has_cr
        is_regular = not has_cr or piece.data.count(b"\r") == piece.data.count(b"\r\n")
        look = self._fast.look(piece) if is_regular and piece.length <= LINE_BYTES_ADVISED else None
        part.longest = longest(piece, part.longest, 0 if look is None else len(look.models))
        if look is None:
            self._line_by_line(piece, has_cr)
        else:
            lines = _Lines(piece, first)
            self._note(look, lines)
            part.lines += len(look.models)
            part.requests += len(look.models)
            if has_cr:
                before = piece.data.count(b"\n", 0, piece.block.find(b"\r") - 1)
                part.add_once("crlf", piece.data.count(b"\r"), lines.place(before))
            if part.longest > LONG_LINE:
                self._note_long(look, lines)
            for index in sorted(look.doubtful):
                line = lines.bytes(index)
                if not self._report(self._look_closely(line, lines.place(index).offset), lines.place(index)):
                    self._fast.prove(line)
        if self._ids:
            hashes = array("q", map(hash, self._ids)).tobytes()
            part.chunks.append(Chunk(first + 1, piece.offset, piece.length, hashes))

    def _note(self, look: FastResult, lines: _Lines) -> None:
        """Take over what a fast look learned."""
        part = self.part
        self._ids += look.ids
        models = look.models
        number = models.count(models[0])
        each: Iterable[tuple[str, int]] = (
            [(models[0], number)] if number == len(models) else [(model, 1) for model in models]
        )
        for model, number in each:
            part.models[model] = part.models.get(model, 0) + number
            if model not in part.model_places:
                part.model_places[model] = lines.place(models.index(model))
        for rule, members in look.once.items():
            first = lines.place(min(members)) if rule not in part.once_places else part.once_places[rule]
            part.add_once(rule, len(members), first)

    def _line_by_line(self, piece: Piece, has_cr: bool) -> None:
        part = self.part
        lines = _Lines(piece, part.lines)
        for index in range(len(lines)):
            if not index % _LINES_BETWEEN:  # a piece has 130,000 lines of two bytes: seconds
                self.stop_if_cancelled()
            place = lines.place(index)
            part.lines += 1
            if lines.has_cr_lf(index):
                part.add_once("crlf", 1, place)
            if place.length > LINE_BYTES_MAX:
                part.requests += 1
                self._too_long(place)
                continue
            line = lines.bytes(index)
            if place.length > LINE_BYTES_ADVISED:
                size = place.length / MEGABYTE
                message = f"the line has {size:.2f} MB, documented: {LINE_MEGABYTES} MB at most"
                part.add(LocatedFinding(place, 1, "line-large", message))
            is_hopeless = (has_cr and b"\r" in line) or self._odd_run > _ODD_RUN_MAX
            look = None
            if not is_hopeless and (look := self._fast.look(alone := Piece.of(place.offset, line))) is not None:
                self._note(look, _Lines(alone, place.line - 1))
                if place.length > LONG_LINE:
                    self._long(place, line, look.models[0], look.ids[0])
            if look is not None and not look.doubtful:
                part.requests += 1
                self._odd_run = 0
                continue
            seen = self._look_closely(line, place.offset)
            part.requests += not seen.is_blank
            is_faulty = self._report(seen, place)
            self._odd_run = self._odd_run + 1 if is_faulty else 0
            if look is None:
                self._note_seen(seen, place, line)
            elif not is_faulty:
                self._fast.prove(line)

    def _look_closely(self, line: bytes, offset: int) -> LineReport:
        from tbatch_tui.engine.check.lines.check_line import (
            check_line,  # most files need none, and begin sooner without it
        )

        return check_line(line, self._kind, offset)

    def _note_seen(self, seen: LineReport, place: LineLocation, line: bytes) -> None:
        """Take over what a close look learned of a line that no fast look could take."""
        part = self.part
        if seen.custom_id is not None:
            self._ids.append(seen.custom_id)
        if seen.model is not None:
            part.models[seen.model] = part.models.get(seen.model, 0) + 1
            part.model_places.setdefault(seen.model, place)
            if place.length > LONG_LINE:
                self._long(place, line, seen.model, seen.custom_id or "")
        for rule in seen.once:
            part.add_once(rule, 1, place)

    def _report(self, seen: LineReport, place: LineLocation) -> bool:
        for finding in seen.findings:
            if len(self.part.found) >= MAX_PROBLEMS:  # only counted: where it stands need not be looked for
                self.part.count(finding.rule)
                continue
            found = LocatedFinding(place, seen.column(finding), finding.rule, _sound(finding.message), seen.custom_id)
            self.part.add(found)
        return bool(seen.findings)

    def _too_long(self, place: LineLocation) -> None:
        message = f"the line has {place.length / MEGABYTE:.1f} MB, {LINE_MEGABYTES} MB at most"
        self.part.add(LocatedFinding(place, 1, "line-too-long", message))

    def _note_long(self, look: FastResult, lines: _Lines) -> None:
        """Remember the lines that a model's context may be too short for."""
        if longest(lines.piece, LONG_LINE) == LONG_LINE:
            return
        for index in range(len(lines)):
            place = lines.place(index)
            if place.length > LONG_LINE:
                self._long(place, lines.bytes(index), look.models[index], look.ids[index])

    def _long(self, place: LineLocation, line: bytes, model: str, custom_id: str) -> None:
        if len(self.part.long_lines) < LONG_LINES_KEPT and b"base64," not in line:
            size = len(line) - 3 * line.count(b"\\u")  # an escape is six bytes for two or three
            self.part.long_lines.append(LongLine(place, size // BYTES_PER_TOKEN, model, custom_id))


class _Lines:
    """The lines of a piece by their index. The piece is only taken apart when one is asked for."""

    def __init__(self, piece: Piece, lines_before: int) -> None:
        self.piece = piece
        self._before = lines_before
        self._lines: list[bytes] | None = None
        self._offsets: list[int] = []
        self._is_ended = False

    def _split(self) -> list[bytes]:
        if self._lines is None:
            self._lines = self.piece.data.split(b"\n")
            if not self._lines[-1]:
                self._lines.pop()
                self._is_ended = True
            offset = self.piece.offset
            for line in self._lines:
                self._offsets.append(offset)
                offset += len(line) + 1
        return self._lines

    def __len__(self) -> int:
        return len(self._split())

    def bytes(self, index: int) -> bytes:
        """The line without its line end."""
        return self._split()[index].removesuffix(b"\r")

    def has_cr_lf(self, index: int) -> bool:
        """Whether the line ends in CR LF."""
        lines = self._split()
        return (index < len(lines) - 1 or self._is_ended) and lines[index].endswith(b"\r")

    def place(self, index: int) -> LineLocation:
        line = self.bytes(index)
        return LineLocation(self._before + index + 1, self._offsets[index], len(line))


def _sound(message: str) -> str:
    """A message that can be encoded, whatever the line held."""
    return message.encode("utf-8", "backslashreplace").decode()
