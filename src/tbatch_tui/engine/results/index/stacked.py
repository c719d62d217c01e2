"""Several jobs as one index, their requests below each other: for answers that may be in any of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.join import Join
from tbatch_tui.engine.results.sources import FileNumber, Source, Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.counts import RequestCounts

_FILES_PER_JOB = len(Source)


class StackedIndex(ResultIndex):
    """The requests of all members in their order, each with its own response. Responses without one are left out."""

    def __init__(self, members: Sequence[ResultIndex]) -> None:
        super().__init__(Sources())
        self.members = members
        self._first_files: list[int] = []

    def build(
        self,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda _done, _total: None,
    ) -> RequestCounts:
        """Build the members that are not built yet. Raises as `ResultIndex.build`."""
        join = Join(has_input=False)  # the lines of requests are those of the members
        self._first_files = []
        next_file = 0
        for member in self.members:
            if not member.is_built:
                member.build(cancelled=cancelled, progress=progress)
            self._first_files.append(next_file)
            first = join.responses.extend(member.responses, next_file)
            join.requests.ids.extend(member.requests.ids)
            join.requests.response.extend(
                first + response if response >= 0 else -1 for response in member.requests.response
            )
            next_file += (max(member.files, default=0) // _FILES_PER_JOB + 1) * _FILES_PER_JOB
            self.original_ids = {**member.original_ids, **self.original_ids}
        self._join = join
        self.counts = join.count()
        return self.counts

    def paths(self) -> list[Path]:
        """Return the files of all members."""
        return [path for member in self.members for path in member.paths()]

    @property
    def files(self) -> Sequence[FileNumber]:
        """The files that the rows are in."""
        return [
            first + file for member, first in zip(self.members, self._first_files, strict=True) for file in member.files
        ]

    @contextmanager
    def open_file(self, file: FileNumber) -> Iterator[BinaryIO]:
        """Open one of the files. Raises LocalFileError if it is gone or has changed since the index was built."""
        number = max(at for at, first in enumerate(self._first_files) if first <= file)
        with self.members[number].open_file(file - self._first_files[number]) as opened:
            yield opened

    def __len__(self) -> int:
        """Return the requests."""
        return len(self.requests)
