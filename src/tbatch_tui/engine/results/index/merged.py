"""A job and its retries as one index: the requests of the original job, each with its best and latest answer.

    original = MergedMember("8f3a…", "reviews", index)
    retry = MergedMember("41c0…", "reviews.retry1", retry_index)
    merged = MergedIndex([original, retry])
    merged.build()

A file that was sent as several jobs is the first member, without responses of its own; the jobs follow. A better
outcome is never replaced by a worse one; of equally good ones the later counts.
"""

from __future__ import annotations

from array import array
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.results.index.index import ResultIndex, RowLocation
from tbatch_tui.engine.results.index.join import ExtraRow, Join
from tbatch_tui.engine.results.outcomes import Outcome, Row, RowIssue
from tbatch_tui.engine.results.sources import FileNumber, Source, source_of_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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
        parts = {member.index.sources.input for member in self.members if member.is_part}
        return [path for member in self.members for path in member.index.paths() if path not in parts]

    def build(
        self,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda _done, _total: None,
    ) -> RequestCounts:
        """Build the members that are not built yet, and merge them.

        Raises OperationCancelledError, and BatchError if the first member's input file is not here as it was submitted.
        """
        total = sum(member.index.bytes_to_read() for member in self.members)
        bytes_before = 0

        def on_progress(done: int, _: int) -> None:
            progress(bytes_before + done, total)

        for member in self.members:
            if not member.index.is_built:
                member.index.build(cancelled=cancelled, progress=on_progress)
            bytes_before += member.index.bytes_to_read()
        original = self.members[0].index
        if not original.has_input:
            why = "has changed since it was submitted" if original.input_changed else "is not here"
            raise BatchError(
                f"The jobs cannot be merged: the input file of the first one {why}",
                "Open its results and those of each retry separately.",
            )
        for member in self.members:
            self.original_ids = {**member.index.original_ids, **self.original_ids}
        self.read_errors = dict(original.read_errors)
        self.file_stamps = original.file_stamps
        self._join = self._merge(original)
        self.counts = self._join.count()
        return self.counts

    def _merge(self, original: ResultIndex) -> Join:
        join = Join(has_input=True)
        join.requests.ids, join.requests.locations = original.requests.ids, original.requests.locations
        count = len(original.requests)
        best = join.requests.response = array("i", [-1]) * count
        self._answered_rows = array("i", [-1]) * count
        rows = _rows_by_id(original)

        def outcome(row: int) -> int:
            return join.responses.outcome[best[row]] if best[row] >= 0 else Outcome.MISSING

        for number, member in enumerate(self.members):
            index = member.index
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
            if number:
                self.read_errors |= {
                    source: reason for source, reason in index.read_errors.items() if source is not Source.INPUT
                }
        return join

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
        if member is None or number >= len(self._answered_rows):
            return super().answered_location(number)
        location = self.members[member].index.request_location(self._answered_rows[number])
        return location and location._replace(file=member * _FILES_PER_JOB + location.file)


def _rows_by_id(index: ResultIndex) -> dict[str, list[int]]:
    """Return the requests of each id: one, unless the id is used more than once."""
    rows: dict[str, list[int]] = {}
    for number in range(len(index.requests)):
        rows.setdefault(index.requests.custom_id(number), []).append(number)
    return rows
