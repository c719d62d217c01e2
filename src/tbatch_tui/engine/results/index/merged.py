"""A job and its retries as one index: the requests of the original job, each with its best and latest answer.

    original = MergedMember("8f3a…", "reviews", index)
    retry = MergedMember("41c0…", "reviews.retry1", retry_index)
    merged = MergedIndex([original, retry])
    merged.build()

A file that was sent as several jobs is the first member, without responses of its own; the jobs follow, and where they
are all of it, only its first rows are read, and its hash. A better outcome is never replaced by a worse one; of equally
good ones the later counts.
"""

from __future__ import annotations

from array import array
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.local_files.file_slices import is_there
from tbatch_tui.engine.local_files.id_map import read_id_map
from tbatch_tui.engine.local_files.open_files import allow_open_files
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.results.index.index import ResultIndex, RowLocation
from tbatch_tui.engine.results.index.join import ExtraRow, Join
from tbatch_tui.engine.results.index.parts.part_rows import PartRows, first_rows, may_be_parts_of
from tbatch_tui.engine.results.outcomes import Outcome, Row, RowIssue
from tbatch_tui.engine.results.sources import FileNumber, Source, source_of_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.counts import RequestCounts
    from tbatch_tui.engine.results.record import ResultRecord

_FILES_PER_JOB = len(Source)
"""Files of each member: the file numbers of this index count through all members."""


@dataclass(frozen=True, slots=True)
class MergedMember:
    """One job of a merged index."""

    job_id: str
    name: str
    index: ResultIndex
    is_part: bool = False
    """Whether it was sent a part of the first member's requests, which is then a file sent as several jobs."""
    numbers: Sequence[int] = ()
    """Which of those requests it was sent, from 0, in order, where they are not the next ones."""


class MergedIndex(ResultIndex):
    """The merged results of several jobs. The original is the first member, then its retries, the oldest first."""

    def __init__(self, members: Sequence[MergedMember]) -> None:
        schemas = (member.index.sources.answer_schema for member in members)
        super().__init__(replace(members[0].index.sources, answer_schema=next(filter(None, schemas), "")))
        self.members = members
        self._answered_rows = array("i")
        """For each request, the row of its member's index that its response answers; -1 if there is no response."""

    def paths(self) -> list[Path]:
        """Return the files of all members, without the parts of the original, which are ours."""
        paths = []
        for member in self.members:
            place = member.index.sources.place(Source.INPUT) if member.is_part else None
            of_part = place.files if place is not None else ()
            paths += [path for path in member.index.paths() if path not in of_part]
        return paths

    def build(
        self,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda _done, _total: None,
    ) -> RequestCounts:
        """Build the members that are not built yet, and merge them.

        Raises OperationCancelledError, and BatchError if the first member's input file is not here as it was submitted.
        """
        allow_open_files(_FILES_PER_JOB * len(self.members))  # an export has all of them open
        with suppress(OSError):  # no room for columns on disk: in memory there may be some
            if self._build_parts(cancelled, progress):
                return self._finish(self.members[1:])
        self._join = Join(has_input=True)
        sizes = [member.index.bytes_to_read() for member in self.members]
        for number, member in enumerate(self.members):
            _build(member.index, sum(sizes[:number]), sum(sizes), cancelled, progress)
        original = self.members[0].index
        if not original.has_input:
            raise self._no_input(original)
        self.file_stamps = original.file_stamps
        self._join = self._merge(original)
        return self._finish(self.members)

    def _no_input(self, original: ResultIndex) -> BatchError:
        """Return the error of an original whose input file is not here as it was submitted."""
        place = original.sources.place(Source.INPUT)
        of_parts = any(member.is_part for member in self.members)
        if place is not None and of_parts and (gone := [path.name for path in place.files if not is_there(path)]):
            return BatchError(
                f"The parts cannot be merged: {', '.join(gone[:3])}{' and others' if len(gone) > 3 else ''} "
                f"{'is' if len(gone) == 1 else 'are'} not here",
                f"Restore {'it' if len(gone) == 1 else 'them'}, or get the input files of the parts from the server "
                f"({NextStep.FETCH_INPUT}).",
            )
        why = "has changed since it was submitted" if original.input_changed else "is not here"
        if of_parts and place is not None:
            what = f"{place.files[0].name}," if len(place.files) == 1 else "one of their input files"
            return BatchError(
                f"The parts cannot be merged: what they asked, {what} {why}",
                f"Restore the input file, or get those of the parts from the server ({NextStep.FETCH_INPUT}).",
            )
        name = f", {place.files[0].name}," if place is not None else ""
        return BatchError(
            f"The jobs cannot be merged: the input file of the first one{name} {why}",
            "Restore it, or open its results and those of each retry separately.",
        )

    def _finish(self, members: Iterable[MergedMember]) -> RequestCounts:
        """Take over what these members know of their files, and count the rows."""
        self.read_errors = dict(self.members[0].index.read_errors)
        for member in members:
            index = member.index
            self.original_ids = {**index.original_ids, **self.original_ids}
            if index is not self.members[0].index:
                self.read_errors |= {
                    source: reason for source, reason in index.read_errors.items() if source is not Source.INPUT
                }
        self.counts = self._join.count()
        return self.counts

    def _build_parts(self, cancelled: Callable[[], bool], progress: Callable[[int, int], object]) -> bool:
        """Build the index from parts that are all of the original, one after the other; False if they are not.

        Their rows can be read as soon as they are added. What is in memory of a part is freed before the next one.
        Raises OSError and OperationCancelledError.
        """
        original, parts = self.members[0].index, [member for member in self.members if member.is_part]
        place = original.sources.place(Source.INPUT)
        if not all(member.is_part for member in self.members[1 : 1 + len(parts)]):
            return False
        if place is None or not may_be_parts_of(place, [part.index for part in parts]):
            return False
        self.original_ids = original.original_ids = read_id_map(place.path)
        sizes = [member.index.bytes_to_read() for member in self.members[1:]]
        with place.open() as (file, stamp):
            original.file_stamps = self.file_stamps = {Source.INPUT: stamp}
            self._join = first_rows(file)
            rows = PartRows(file, stamp.size, cancelled)
            ahead: list[ResultIndex] = []
            to_free: list[ResultIndex] = []
            for number, part in enumerate(parts):
                if not part.index.is_built:
                    _build(part.index, sum(sizes[:number]), sum(sizes), cancelled, progress)
                    (ahead if part.numbers else to_free).append(part.index)
                if not rows.add(part.index, (1 + number) * _FILES_PER_JOB, part.numbers):
                    return False
                if len(rows.join.requests) >= len(self._join.requests):
                    self._join = rows.join
                _free(to_free)
            if not rows.finish() or place.stamp != stamp:
                return False
            _free(ahead)
            self._join = rows.join
        for number, member in enumerate(self.members[1 + len(parts) :], start=1 + len(parts)):
            _build(member.index, sum(sizes[: number - 1]), sum(sizes), cancelled, progress)
        self._add_retries(1 + len(parts))
        return True

    def _add_retries(self, first: int) -> None:
        """Add the responses of the members from number `first` on to the rows of the parts."""
        retries = self.members[first:]
        if not retries:
            return
        asked = {text for retry in retries for text in retry.index.requests.ids}
        rows: dict[str, list[int]] = {}
        for number, text in enumerate(self.requests.ids):
            if text in asked:
                rows.setdefault(text.decode("utf-8", "surrogatepass"), []).append(number)
        self._answered_rows = array("i", [-1]) * len(self.requests)
        for number, retry in enumerate(retries, start=first):
            self._add(self._join, number, retry, rows)

    def _merge(self, original: ResultIndex) -> Join:
        join = Join(has_input=True)
        join.requests.ids, join.requests.locations = original.requests.ids, original.requests.locations
        count = len(original.requests)
        join.requests.response = array("i", [-1]) * count
        self._answered_rows = array("i", [-1]) * count
        rows = _rows_by_id(original)
        for number, member in enumerate(self.members):
            self._add(join, number, member, rows)
        return join

    def _add(self, join: Join, number: int, member: MergedMember, rows: Mapping[str, Sequence[int]]) -> None:
        """Add the responses of a member. `rows` has the requests of each id."""
        index, best = member.index, join.requests.response

        def outcome(row: int) -> int:
            return join.responses.outcome[best[row]] if best[row] >= 0 else Outcome.MISSING

        first = join.responses.extend(index.responses, number * _FILES_PER_JOB)
        join.extras += [ExtraRow(first + extra.response, extra.issue, extra.custom_id) for extra in index.extras]
        for request, response in enumerate(index.requests.response):
            if response < 0:
                continue
            if number == 0:
                best[request], self._answered_rows[request] = response, request
                continue
            custom_id = index.requests.custom_id(request)
            if (same_id := rows.get(custom_id)) is None:  # a line that was added to a retry
                join.extras.append(ExtraRow(first + response, RowIssue.UNKNOWN, custom_id))
                continue
            row = same_id[0] if len(same_id) == 1 else max(same_id, key=outcome)
            if index.responses.outcome[response] <= outcome(row):
                best[row], self._answered_rows[row] = first + response, request

    @property
    def has_results(self) -> bool:
        """Whether any member has a result file that can be read."""
        return any(member.index.has_results for member in self.members)

    @property
    def changed_inputs(self) -> tuple[Path, ...]:
        """The input files of members that are not those that were submitted: their answers are joined by id alone."""
        return tuple(path for member in self.members for path in member.index.changed_inputs)

    @property
    def changed_downloads(self) -> tuple[Path, ...]:
        """The result files of all members that were changed after they were downloaded."""
        return tuple(path for member in self.members for path in member.index.changed_downloads)

    # -- the job of a row -----------------------------------------------------------------------------------

    def member_of(self, number: int) -> MergedMember | None:
        """Return the job that a row's response comes from, or None if it has no response."""
        member = self._member_number(number)
        return self.members[member] if member is not None else None

    def _member_number(self, number: int) -> int | None:
        response = self.response_of(number)
        return self.responses.file[response] // _FILES_PER_JOB if response is not None else None

    def job_id_of(self, number: int) -> str:
        """Return the id of the job that a row's response comes from; empty if it has no response."""
        member = self.member_of(number)
        return member.job_id if member is not None else ""

    def row(self, number: int) -> Row:
        """Return a row as the list shows it, with the attempt that its response comes from."""
        member = self._member_number(number)
        return replace(super().row(number), attempt=self._attempt(member) if member is not None else None)

    def _attempt(self, member_number: int) -> int:
        """Return 1 for the original and its parts, 2 for the first retry, and so on."""
        return sum(not member.is_part for member in self.members[: member_number + 1])

    def record(self, number: int) -> ResultRecord:
        """Read a row in full, with the name of the job that its response comes from."""
        member = self.member_of(number)
        return replace(super().record(number), origin=member.name if member is not None else "")

    # -- files ---------------------------------------------------------------------------------------

    @property
    def files(self) -> Sequence[FileNumber]:
        """The files that the rows are in, the input file of the original first."""
        return list(self._files())

    def _files(self) -> Iterator[FileNumber]:
        """Yield the files of all members, without the input files of retries: the requests are the original's."""
        for number, member in enumerate(self.members):
            for file in member.index.files:
                if number == 0 or source_of_file(file) is not Source.INPUT:
                    yield number * _FILES_PER_JOB + file

    @contextmanager
    def open_file(self, file: FileNumber) -> Iterator[BinaryIO]:
        """Open one of the files. Raises LocalFileError if it is gone or has changed since the index was built."""
        with self.members[file // _FILES_PER_JOB].index.open_file(file % _FILES_PER_JOB) as opened:
            yield opened

    def file_size(self, file: FileNumber) -> int:
        """Return the bytes of one of the files when it was read; 0 if there is none."""
        return self.members[file // _FILES_PER_JOB].index.file_size(file % _FILES_PER_JOB)

    def answered_location(self, number: int) -> RowLocation | None:
        """Return the retry's line if a retry was answered: it may name another model or token limit."""
        member = self._member_number(number)
        if member is None or number >= len(self._answered_rows) or self._answered_rows[number] < 0:
            return super().answered_location(number)
        location = self.members[member].index.request_location(self._answered_rows[number])
        return location and location._replace(file=member * _FILES_PER_JOB + location.file)


def _build(
    index: ResultIndex,
    read: int,
    total: int,
    cancelled: Callable[[], bool],
    progress: Callable[[int, int], object],
) -> None:
    """Build an index, if it is not built yet, when so many bytes of the total are read."""
    if not index.is_built:
        index.build(cancelled=cancelled, progress=lambda done, _: progress(read + done, total))


def _free(indexes: list[ResultIndex]) -> None:
    """Free what is in memory of the rows of these, which are none then."""
    while indexes:
        indexes.pop().free_rows()


def _rows_by_id(index: ResultIndex) -> dict[str, list[int]]:
    """Return the requests of each id: one, unless the id is used more than once."""
    rows: dict[str, list[int]] = {}
    for number in range(len(index.requests)):
        rows.setdefault(index.requests.custom_id(number), []).append(number)
    return rows
