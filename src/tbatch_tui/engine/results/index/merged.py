"""A job and its retries as one: the requests of the original, each with the last good answer over the family.

    merged = MergedIndex([Member("8f3a…", "reviews", index), Member("41c0…", "reviews.retry1", retry_index)])
    merged.build()

A file that went as several jobs is the first member, with no answers of its own. It is read as any index is. An answer
is never given up for a worse one: of two that are as good, the later counts.
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
from tbatch_tui.engine.results.sources import FileNumber, Source, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tbatch_tui.engine.domain.counts import RequestCounts
    from tbatch_tui.engine.results.record import ResultRecord

_FILES = len(Source)


@dataclass(frozen=True, slots=True)
class MergedMember:
    """One job of the family."""

    job_id: str
    name: str
    index: ResultIndex
    is_part: bool = False
    """It was asked some of the requests of the first member, which is a file that went as several jobs."""


class MergedIndex(ResultIndex):
    """Built once, then read. The original comes first among the members, then its retries, the oldest first."""

    def __init__(self, members: Sequence[MergedMember]) -> None:
        super().__init__(members[0].index.sources)
        self.members = members
        self._asked = array("i")
        """Which row of its member's index the reply of a request answers; -1 where there is no reply."""

    def build(
        self,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda done, total: None,
    ) -> RequestCounts:
        """Read the files of all, as far as they are not read yet. Raises OperationCancelledError, and BatchError
        without an input.
        """
        total = sum(member.index.bytes_to_read() for member in self.members)
        before = 0

        def moved(done: int, _: int) -> None:
            progress(before + done, total)

        for member in self.members:
            if not member.index.is_built:
                member.index.build(cancelled=cancelled, progress=moved)
            before += member.index.bytes_to_read()
        original = self.members[0].index
        if not original.has_input:
            raise BatchError(
                "The jobs cannot be merged: the input file of the first one is not here",
                "Its results, and those of each retry, can be read by themselves.",
            )
        self.input_changed = original.input_changed
        self.absent = dict(original.absent)
        self.stamps = original.stamps
        self._join = self._joined(original)
        self.reconciliation = self._join.count()
        return self.reconciliation

    def _joined(self, original: ResultIndex) -> Join:
        join = Join(has_input=True)
        join.requests.ids, join.requests.places = original.requests.ids, original.requests.places
        count = len(original.requests)
        best = join.requests.reply = array("i", [-1]) * count
        self._asked = array("i", [-1]) * count
        rows = _rows_by_id(original)

        def outcome(row: int) -> int:
            return join.replies.outcome[best[row]] if best[row] >= 0 else Outcome.MISSING

        for number, member in enumerate(self.members):
            index = member.index
            first = join.replies.take(index.replies, number * _FILES)
            join.extras += [ExtraRow(first + extra.reply, extra.issue, extra.custom_id) for extra in index.extras]
            for asked, reply in enumerate(index.requests.reply):
                if reply < 0:
                    continue
                if number == 0:
                    best[asked], self._asked[asked] = reply, asked
                    continue
                custom_id = index.requests.custom_id(asked)
                if (known := rows.get(custom_id)) is None:  # a line that was added to a retry
                    join.extras.append(ExtraRow(first + reply, RowIssue.UNKNOWN, custom_id))
                    continue
                row = known[0] if len(known) == 1 else max(known, key=outcome)
                if index.replies.outcome[reply] <= outcome(row):
                    best[row], self._asked[row] = first + reply, asked
            if number:
                self.absent |= {source: why for source, why in index.absent.items() if source is not Source.INPUT}
        return join

    @property
    def has_results(self) -> bool:
        return any(member.index.has_results for member in self.members)

    # -- which job -----------------------------------------------------------------------------------

    def member_of(self, number: int) -> MergedMember | None:
        """The job that a row's reply comes from; None where there is none."""
        attempt = self._attempt(number)
        return self.members[attempt] if attempt is not None else None

    def _attempt(self, number: int) -> int | None:
        reply = self.reply(number)
        return self.replies.file[reply] // _FILES if reply is not None else None

    def job_of(self, number: int) -> str:
        member = self.member_of(number)
        return member.job_id if member is not None else ""

    def row(self, number: int) -> Row:
        attempt = self._attempt(number)
        return replace(super().row(number), attempt=self._turn(attempt) if attempt is not None else None)

    def _turn(self, attempt: int) -> int:
        """1 for the original, and for the parts of which that was made; then the retries."""
        return sum(not member.is_part for member in self.members[: attempt + 1])

    def record(self, number: int) -> ResultRecord:
        member = self.member_of(number)
        return replace(super().record(number), origin=member.name if member is not None else "")

    # -- files ---------------------------------------------------------------------------------------

    @property
    def files(self) -> Sequence[FileNumber]:
        return list(self._files())

    def _files(self) -> Iterator[FileNumber]:
        """Of a retry not its input: the requests are the original's."""
        for number, member in enumerate(self.members):
            for file in member.index.files:
                if number == 0 or source_of(file) is not Source.INPUT:
                    yield number * _FILES + file

    @contextmanager
    def open(self, file: FileNumber) -> Iterator[BinaryIO]:
        with self.members[file // _FILES].index.open(file % _FILES) as opened:
            yield opened

    def size(self, file: FileNumber) -> int:
        return self.members[file // _FILES].index.size(file % _FILES)

    def asked_place(self, number: int) -> RowLocation | None:
        """The line of the retry where that was answered: it may ask another model, or for more tokens."""
        attempt = self._attempt(number)
        if attempt is None or number >= len(self._asked):
            return super().asked_place(number)
        place = self.members[attempt].index.request_place(self._asked[number])
        return place and place._replace(file=attempt * _FILES + place.file)


def _rows_by_id(index: ResultIndex) -> dict[str, list[int]]:
    """The requests of each id: one, unless it was used more than once."""
    rows: dict[str, list[int]] = {}
    for number in range(len(index.requests)):
        rows.setdefault(index.requests.custom_id(number), []).append(number)
    return rows
