"""The rows of the parts of a file, one part after the other, as the rows of the whole file.

A part is read, its rows are added, and what was in memory of it is freed: however many parts there are, one at a time
is in memory. That the whole file has the lines of a part where they should be is seen by the hash of those bytes.
Requests that went ahead from all over the file stay in memory, to be added between those of the parts.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tbatch_tui.engine.results.index.batches import add_requests
from tbatch_tui.engine.results.index.join import ExtraRow, Join
from tbatch_tui.engine.results.index.jsonl import read_batches
from tbatch_tui.engine.results.index.parts.disk_columns import move_to_disk
from tbatch_tui.engine.results.index.parts.whole_file import WholeFile
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.results.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.local_files.file_slices import InputPlace
    from tbatch_tui.engine.results.index.index import ResultIndex

_IN_MEMORY = 200_000
"""Rows up to which the columns are in memory: some 80 MB."""
_SCREENFUL = 200
"""Rows that are shown before the first part is read."""


class _Part(NamedTuple):
    """A part whose responses were added."""

    rows: ResultIndex
    first_response: int


class _Run(NamedTuple):
    """Rows of a part that follow each other in the whole file, where they are so many lines and bytes further on."""

    part: _Part
    start: int
    stop: int
    line: int
    offset: int


class PartRows:
    """The rows of the parts of a file that were added so far."""

    def __init__(self, file: BinaryIO, size: int, cancelled: Callable[[], bool]) -> None:
        """Begin without rows. Raises OSError.

        Args:
            file: the whole file.
            size: its bytes.
            cancelled: asked while its bytes are compared.
        """
        self.join = Join(has_input=True)
        self.join.outcomes = bytearray()
        self._whole = WholeFile(file, size, cancelled)
        self._has_begun = False
        self._number = 0
        """Requests of the whole file up to its place."""
        self._ahead: _Part | None = None
        self._ahead_numbers: Sequence[int] = ()
        self._ahead_placed = 0
        """How many of them were found in the whole file."""
        self._ahead_hash = hashlib.sha256()

    def add(self, part: ResultIndex, first_file: int, numbers: Sequence[int] = ()) -> bool:
        """Add the rows of the next part, which is built; False where the whole file has other lines there.

        Raises OSError, and OperationCancelledError.

        Args:
            first_file: number that the first file of the part has among all files.
            numbers: which requests of the whole file they are, from 0, in order; none if they are the next ones. Those
                have to come first, and are added with the rows around them: they are needed in memory until `finish`.
        """
        if not part.has_input or Source.INPUT not in part.file_stamps:
            return False
        if not self._has_begun:
            self._has_begun = True
            if self._whole.size * len(part.requests) > _IN_MEMORY * _size(part):
                move_to_disk(self.join)
        if numbers:
            if len(self.join.requests) or self._ahead is not None or len(part.requests) != len(numbers):
                return False
            self._ahead, self._ahead_numbers = self._add_responses(part, first_file), numbers
            return True
        place = self._whole.offset, self._whole.line
        found = self._number, self._ahead_placed, self._ahead_hash.copy()
        runs = self._find(part)
        if runs is None and not self._whole.leaves_out_blanks:  # which the part was made without
            self._number, self._ahead_placed, self._ahead_hash = found
            self._whole.leave_out_blanks(*place)
            runs = self._find(part)
        if runs is None:
            return False
        added = self._add_responses(part, first_file)
        for run in runs:
            self._add_rows(run._replace(part=added) if run.part.rows is part else run)
        return True

    def finish(self) -> bool:
        """Add what went ahead and follows the last part; False where the whole file has other lines there, or more.

        Raises as `add` does.
        """
        self._whole.leave_out_blanks(self._whole.offset, self._whole.line)
        while run := self._next_ahead():
            self._add_rows(run)
        if self._ahead is not None:
            sha256 = self._ahead.rows.sources.input_sha256
            if self._ahead_placed < len(self._ahead_numbers) or self._ahead_hash.hexdigest() != sha256:
                return False
        return self._whole.is_at_end

    def _find(self, part: ResultIndex) -> list[_Run] | None:
        """Return where the lines of a part are in the whole file, from its place on; None if they are not there."""
        whole, offsets, rows = self._whole, part.requests.locations.offset, len(part.requests)
        size, digest, own = _size(part), hashlib.sha256(), _Part(part, 0)
        runs: list[_Run] = []
        row = start = 0  # of the part: the next row, and where its bytes begin
        while row < rows:
            if (ahead := self._next_ahead()) is not None:
                runs.append(ahead)
                continue
            stop = rows
            if self._ahead_placed < len(self._ahead_numbers):
                stop = min(stop, row + self._ahead_numbers[self._ahead_placed] - self._number)
            end = offsets[stop] if stop < rows else size
            if (blank := whole.next_blank(whole.offset + end - start)) < whole.offset + end - start:
                end = start + blank - whole.offset
                stop = bisect_left(offsets, end, row, stop)
                if stop <= row or (stop < rows and offsets[stop] != end):
                    return None
            line = part.requests.locations.line[row] - 1 if start else 0
            runs.append(_Run(own, row, stop, whole.line - line, whole.offset - start))
            if not whole.hash(end - start, digest):
                return None
            self._number, row, start = self._number + stop - row, stop, end
        return runs if digest.hexdigest() == part.sources.input_sha256 else None

    def _next_ahead(self) -> _Run | None:
        """Return the request that went ahead, if it is the next one in the whole file, and pass it."""
        at, ahead, whole = self._ahead_placed, self._ahead, self._whole
        if ahead is None or at == len(self._ahead_numbers) or self._ahead_numbers[at] != self._number:
            return None
        offsets = ahead.rows.requests.locations.offset
        start, end = offsets[at], offsets[at + 1] if at + 1 < len(offsets) else _size(ahead.rows)
        line = ahead.rows.requests.locations.line[at] - 1
        run = _Run(ahead, at, at + 1, whole.line - line, whole.offset - start)
        whole.hash(end - start, self._ahead_hash)
        self._number, self._ahead_placed = self._number + 1, at + 1
        return run

    def _add_responses(self, part: ResultIndex, first_file: int) -> _Part:
        join = self.join
        first = join.responses.extend(part.responses, first_file)
        join.extras += [ExtraRow(first + extra.response, extra.issue, extra.custom_id) for extra in part.extras]
        return _Part(part, first)

    def _add_rows(self, run: _Run) -> None:
        (part, first), start, stop = run.part, run.start, run.stop
        requests, outcomes, codes = self.join.requests, self.join.outcomes, part.responses.outcome
        assert outcomes is not None
        requests.ids.extend(part.requests.ids, start, stop)
        requests.locations.extend_moved(part.requests.locations, start, stop, line=run.line, offset=run.offset)
        responses = part.requests.response[start:stop]
        outcomes += bytes([codes[response] if response >= 0 else Outcome.PENDING for response in responses])
        numbers = array("i", [first + response if response >= 0 else -1 for response in responses])
        requests.response.extend(numbers)  # at last: from now on another thread reads these rows


def _size(part: ResultIndex) -> int:
    """Return the bytes of the input file of a part."""
    return part.file_stamps[Source.INPUT].size


def may_be_parts_of(whole: InputPlace, parts: Sequence[ResultIndex]) -> bool:
    """Return whether the sizes of the files allow that the whole file has the lines of all parts, and blank ones."""
    stamps = [whole.stamp, *(part.sources.stamp(Source.INPUT) for part in parts)]
    if not parts or None in stamps:
        return False
    size, *of_parts = (stamp.size for stamp in stamps if stamp is not None)
    return sum(of_parts) <= size + 1  # 1: the line end it had not


def first_rows(whole: BinaryIO) -> Join:
    """Return the first rows of a file, none of which has a response yet. Raises OSError."""
    join = Join(has_input=True)
    whole.seek(0)
    for batch in read_batches(whole, lambda _piece: None):
        add_requests(join, batch)
        if len(join.requests) >= _SCREENFUL:
            break
    return join
