"""The results of a job as rows, in the order of its input file: to judge answers, or to go on with them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.tables.readers.source import Cells, TableRows, TableSource, file_hash, read_failed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tbatch_tui.engine.results.sources import Sources
    from tbatch_tui.engine.tables.problems import RowProblems

PREFIX = "job:"


class JobSource(TableSource):
    """What came back for a job whose result files are on disk. The columns are those of an exported table."""

    format = "job"
    has_text_only = False

    def __init__(self, key: str, sources: Sources) -> None:
        """Read the results.

        Args:
            key: the id of the job.
            sources: its files.
        """
        super().__init__(Path.cwd() / f"{PREFIX}{key}")
        from tbatch_tui.engine.results.export.tables import COLUMNS
        from tbatch_tui.engine.results.index.index import ResultIndex

        if sources.output is None and sources.errors is None:
            raise BatchError(f"The results of {key} are not here", f"tbatch-tui fetch {key} downloads them.")
        self._key, self._sources = key, sources
        self._index = ResultIndex(sources)
        self._index.build()
        self.columns = tuple(COLUMNS)

    @property
    def stem(self) -> str:
        """The beginning of the job's id, which is safe as a part of a file name."""
        from tbatch_tui.engine.local_files.filenames import safe_name

        return safe_name(f"job-{self._key[:8]}")

    def rights(self) -> int:
        """Return the rights that the files have in common."""
        return rights_of(*self._paths())

    def _paths(self) -> list[Path]:
        sources = self._sources
        return [path for path in (sources.input, sources.output, sources.errors) if path is not None]

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:  # noqa: ARG002 - no row is faulty
        """Return a row for each request; the columns that are needed."""
        columns = tuple(name for name in self.columns if name in needed) or ("custom_id",)
        return TableRows(columns, self._cells(columns))

    def _cells(self, columns: tuple[str, ...]) -> Iterator[Cells]:
        from tbatch_tui.engine.results.export.tables import table_row

        digest = hashlib.sha256()
        for path in self._paths():
            try:
                digest.update(file_hash(path).encode())
            except FileNotFoundError:
                digest.update(b"-")
            except OSError as error:
                raise read_failed(path, error) from error
        for number in range(len(self._index)):
            yield table_row(self._index.record(number), columns, lambda _: self._key)
        self.sha256 = digest.hexdigest()
