"""Write an edited copy of an input file, line by line: it gets its name when all of it is written."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.check.edit.line_changes import LineChanges, LineError
from tbatch_tui.engine.check.limits import LINE_BYTES_MAX, MEBIBYTE
from tbatch_tui.engine.check.scan.reader import blocks_of, lines_of, read_error, read_pieces
from tbatch_tui.engine.check.scan.sniff import BOM, sniff
from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.local_files.same_file import is_same_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO
    from pathlib import Path

    from tbatch_tui.engine.check.scan.reader import Piece

NAMED = 20
"""Lines with problems that are named; the rest is counted."""
SEED_MAX = 2**32
"""A seed that is not given is drawn below this."""


@dataclass(frozen=True, slots=True)
class LineChoice:
    """Which lines are copied: a range, and of those a sample, in the order of the file."""

    first: int | None = None
    """The number of the first line, from 1, and of the last one; None: from the beginning, to the end."""
    last: int | None = None
    sample: int | None = None
    seed: int = 0

    @property
    def is_everything(self) -> bool:
        """Whether all lines are copied."""
        return self.first is None and self.last is None and self.sample is None


class ChangedLine(NamedTuple):
    """A line that is another one in the copy."""

    number: int
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class EditSums:
    """What a copy has, or would have."""

    lines: int
    """Requests of the file: blank lines do not count."""
    copied: int
    """Requests of the copy."""
    changed: int
    """Of those, requests that are others than in the file."""


class FaultyLinesError(BatchError):
    """Lines cannot be changed as asked; nothing was written."""

    def __init__(self, path: Path, problems: tuple[tuple[int, str], ...], total: int) -> None:
        number, message = problems[0]
        more = f" (and {total - 1:,} more)" if total > 1 else ""
        super().__init__(f"{path.name}:{number}: {message}{more}", "Nothing was written.")
        self.path = path
        self.problems = problems
        """The first lines, by number, and what is wrong with them."""
        self.total = total


def edited_path(path: Path) -> Path:
    """Return `<stem>.edited.jsonl` next to a file, or the first of `.edited2`, `.edited3` … that is free."""
    number = 1
    while True:
        copy = path.with_name(f"{path.stem}.edited{number if number > 1 else ''}.jsonl")
        if not os.path.lexists(copy):
            return copy
        number += 1


def write_edited(
    path: Path,
    out: Path,
    changes: LineChanges,
    choice: LineChoice = LineChoice(),
    *,
    replace: bool = False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> EditSums:
    """Write the chosen lines of a file with the changes. Lines in which nothing changes stay byte for byte.

    Reads and writes files: run it in a thread. One piece of the file is held at a time.

    Args:
        path: The input file, which is not changed.
        out: The copy.
        changes: What is changed in each line.
        choice: Which lines are copied.
        replace: Whether a file of the copy's name is replaced.
        progress: Called with the bytes done and the bytes in all.
        cancelled: Asked for each piece whether to stop.

    Raises:
        FaultyLinesError: Lines cannot be changed as asked.
        LocalFileError: A file cannot be read or written, is no JSON Lines, or the copy would replace its own source.
        BatchError: No line is left.
        OperationCancelledError: `cancelled` returned true.
    """
    if is_same_file(out, path):
        raise LocalFileError(f"{out} is the file itself", "It was not changed. Use another name with -o.")
    with _open(path) as source, atomic_write(out, replace=replace, rights=rights_of(path)) as file:
        run = EditRun(path, source, changes, choice, progress, cancelled)
        for data in run.pieces():
            file.write(data)
        run.require_good()
    return run.sums


def preview_edited(
    path: Path,
    changes: LineChanges,
    choice: LineChoice = LineChoice(),
    *,
    number: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[ChangedLine]:
    """Return the first lines of the copy that are others than in the file; without changes, its first lines.

    Raises as `write_edited`, for the lines that were looked at.
    """
    with _open(path) as source:
        run = EditRun(path, source, changes, choice, lambda _done, _total: None, cancelled)
        found: list[ChangedLine] = []
        for line in run.lines():
            if line.before != line.after or changes.is_nothing:
                found.append(line)
            if len(found) >= number:
                break
        run.require_good(is_complete=False)
    return found


def count_edited(
    path: Path, changes: LineChanges, choice: LineChoice, *, cancelled: Callable[[], bool] = lambda: False
) -> EditSums:
    """Return what `write_edited` would write, and raise as it would."""
    with _open(path) as source:
        run = EditRun(path, source, changes, choice, lambda _done, _total: None, cancelled)
        for _ in run.pieces():
            pass
        run.require_good()
    return run.sums


def _open(path: Path) -> FileIO:
    try:
        return path.open("rb", buffering=0)
    except (OSError, ValueError) as error:
        raise read_error(path, error) from error


class EditRun:
    """One reading of a file, from its lines to those of the copy."""

    def __init__(
        self,
        path: Path,
        source: FileIO,
        changes: LineChanges,
        choice: LineChoice,
        progress: Callable[[int, int], object],
        cancelled: Callable[[], bool],
        *,
        doing: str = "edited",
    ) -> None:
        self._path = path
        self._source = source
        self._changes = changes
        self._choice = choice
        self._progress, self._cancelled = progress, cancelled
        try:
            head = sniff(source)
        except OSError as error:
            raise read_error(path, error) from error
        if head.rule:
            hint = "`tbatch-tui check` says more." if head.rule == "table-file" else "`tbatch-tui check --fix` may do."
            raise LocalFileError(f"{path} cannot be {doing}: {head.message}", hint)
        self._start = head.start
        status = os.fstat(source.fileno())
        self._size, self._changed_at = status.st_size, status.st_mtime_ns
        self._problems: list[tuple[int, str]] = []
        self._total = 0
        self._number = self._lines = self._copied = self._changed = 0
        self._chosen = _Chosen(choice, self._count_candidates() if choice.sample is not None else 0)

    @property
    def sums(self) -> EditSums:
        """What was read and copied."""
        return EditSums(self._lines, self._copied, self._changed)

    def require_good(self, *, is_complete: bool = True) -> None:
        """Raise if the copy must not be kept.

        Raises FaultyLinesError, LocalFileError where the file has changed meanwhile, and BatchError if no line is left.
        """
        if self._total:
            raise FaultyLinesError(self._path, tuple(self._problems), self._total)
        status = os.fstat(self._source.fileno())
        if (status.st_size, status.st_mtime_ns) != (self._size, self._changed_at):
            raise LocalFileError(f"{self._path} changed while being read", "Nothing was written. Try again.")
        if is_complete and not self._copied:
            reason = "is left" if self._lines else "is there"
            raise BatchError(f"No line of {self._path.name} {reason} to copy", "Nothing was written.")

    def lines(self) -> Iterator[ChangedLine]:
        """Yield the lines of the copy, each without its line end, with what it was. Over-long lines are left out."""
        for piece in self._read_pieces():
            if piece.block:
                for number, line, _ in self._choose(piece.data):
                    if line.strip() and (after := self._change(number, line)) is not None:
                        yield ChangedLine(number, line, after)
            else:
                self._take_long(piece)

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of the copy. After the first problem nothing more."""
        if self._start:
            yield BOM
        for piece in self._read_pieces():
            if piece.block:
                out: list[bytes] = []
                for number, line, end in self._choose(piece.data):
                    after = self._change(number, line) if line.strip() else line
                    if after is not None:
                        out.append(after)
                        out.append(end)
                if not self._total:
                    yield b"".join(out)
            elif self._take_long(piece):
                yield from blocks_of(self._source, piece)
            self._progress(piece.offset + piece.length, self._size)

    def _read_pieces(self) -> Iterator[Piece]:
        try:
            for piece in read_pieces(self._source, self._start, self._size):
                if self._cancelled():
                    raise OperationCancelledError("The edit was stopped")
                yield piece
        except OSError as error:
            raise read_error(self._path, error) from error

    def _choose(self, data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield number, bytes and line end of the lines that are copied."""
        is_everything, chosen = self._choice.is_everything, self._chosen
        for raw in data.splitlines(keepends=True) if b"\r" not in data else lines_of(data):
            self._number += 1
            line = raw.rstrip(b"\r\n")
            is_request = bool(line.strip())
            self._lines += is_request
            if is_everything or chosen.takes(self._number, is_request):
                yield self._number, line, raw[len(line) :]

    def _change(self, number: int, line: bytes) -> bytes | None:
        self._copied += 1
        if self._changes.is_nothing:
            return line
        try:
            after = self._changes.apply(line)
        except LineError as error:
            self._note(number, str(error))
            return None
        self._changed += after != line
        return after

    def _note(self, number: int, message: str) -> None:
        self._total += 1
        if len(self._problems) < NAMED:
            self._problems.append((number, message))

    def _take_long(self, piece: Piece) -> bool:
        """Count a line that is too long to hold; return whether it is copied."""
        self._number += 1
        self._lines += 1
        if not (self._choice.is_everything or self._chosen.takes(self._number, True)):
            return False
        self._copied += 1
        if self._changes.is_nothing:
            return True
        self._note(
            self._number,
            f"the line has {piece.length / MEBIBYTE:,.1f} MiB, over the {LINE_BYTES_MAX // MEBIBYTE} MiB that can be "
            "changed. Make it shorter, or leave it out with --rows",
        )
        return False

    def _count_candidates(self) -> int:
        """Return how many requests there are to draw from."""
        whole = _Chosen(LineChoice(self._choice.first, self._choice.last), 0)
        number = count = 0
        for piece in self._read_pieces():
            for line in piece.data.removesuffix(b"\n").split(b"\n") if piece.block else (b"long",):
                number += 1
                count += bool(line.strip()) and whole.takes(number, True)
        return count


class _Chosen:
    """Says of each line, in order, whether it is copied. A sample is drawn without holding any line."""

    def __init__(self, choice: LineChoice, total: int) -> None:
        self._first, self._last = choice.first or 1, choice.last
        self._is_sample = choice.sample is not None
        self._chance = random.Random(choice.seed)
        self._wanted, self._left = min(choice.sample or 0, total), total

    def takes(self, number: int, is_request: bool) -> bool:
        """Return whether the line of this number is copied; each line is asked about once."""
        if number < self._first or (self._last is not None and number > self._last):
            return False
        if not self._is_sample:
            return True
        if not is_request:
            return False
        is_taken = bool(self._wanted) and self._chance.random() * self._left < self._wanted
        self._wanted -= is_taken
        self._left -= 1
        return is_taken
