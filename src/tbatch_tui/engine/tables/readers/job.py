"""The results of a job, or of a file sent as several jobs, as rows in the order of its input file.

They are there to be judged, or to go on with.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.results.index.merged import MergedIndex
from tbatch_tui.engine.results.sources import Source
from tbatch_tui.engine.tables.readers.source import Cells, TableRows, TableSource, read_failed
from tbatch_tui.text.paths import working_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tbatch_tui.engine.local_files.file_slices import InputPlace
    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.tables.problems import RowProblems

PREFIX = "job:"
GROUP_PREFIX = "group:"


class JobSource(TableSource):
    """What came back for a job whose result files are on disk. The columns are those of an exported table."""

    format = "job"
    has_text_only = False

    def __init__(self, key: str, index: ResultIndex) -> None:
        """Read the results.

        Args:
            key: the id of the job, or `group:N`.
            index: its results; they are built here unless they are.
        """
        super().__init__(working_folder() / f"{PREFIX}{key}")
        from tbatch_tui.engine.results.export.tables import COLUMNS

        self._key, self._index = key, index
        if not index.is_built:
            index.build()
        self.columns = tuple(COLUMNS)

    @property
    def stem(self) -> str:
        """The beginning of the job's id, or the name of the group's file, safe as a part of a file name."""
        from tbatch_tui.engine.local_files.filenames import safe_name

        path = self._index.sources.input
        of_group = f"{path.stem}-answers" if self._key.startswith(GROUP_PREFIX) and path is not None else ""
        return safe_name(of_group or f"job-{self._key[:8]}")

    def rights(self) -> int:
        """Return the rights that the files have in common."""
        return rights_of(*(path for place in self._places() for path in place.files))

    def _places(self) -> list[InputPlace]:
        members = self._index.members if isinstance(self._index, MergedIndex) else None
        indexes = [self._index] if members is None else [member.index for member in members]
        return [
            place
            for number, index in enumerate(indexes)
            for source in Source
            if (place := index.sources.place(source)) is not None and (source is not Source.INPUT or not number)
        ]

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:  # noqa: ARG002 - no row is faulty
        """Return a row for each request; the columns that are needed."""
        columns = tuple(name for name in self.columns if name in needed) or ("custom_id",)
        return TableRows(columns, self._cells(columns))

    def _cells(self, columns: tuple[str, ...]) -> Iterator[Cells]:
        from tbatch_tui.engine.results.export.tables import table_row

        digest = hashlib.sha256()
        for place in self._places():
            try:
                digest.update(place.read().sha256.encode())
            except FileNotFoundError:
                digest.update(b"-")
            except OSError as error:
                raise read_failed(place.files[0], error) from error
        index = self._index
        job_of = index.job_id_of if isinstance(index, MergedIndex) else lambda _: self._key
        for number in range(len(index)):
            yield table_row(index.record(number), columns, job_of)
        self.sha256 = digest.hexdigest()
