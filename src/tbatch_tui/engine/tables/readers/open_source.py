"""Opens a source: what it is, its name says."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.readers.source import TableSource, read_failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.results.index.index import ResultIndex

JOB_PREFIX = "job:"
CSV = (".csv", ".tsv", ".tab")
JSON = (".jsonl", ".ndjson", ".json")
SQLITE = (".sqlite", ".sqlite3", ".db")
EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_KNOWN = ".csv .tsv .jsonl .json .parquet .xlsx .sqlite .txt, a folder, or job:ID"


def split_table(text: str) -> tuple[str, str | None]:
    """Return the path and the table of `shop.sqlite:orders`; None for the table where none is named."""
    path, colon, table = text.rpartition(":")
    if colon and Path(path).suffix.lower() in SQLITE and table and not os.path.exists(text):
        return path, table
    return text, None


def open_source(
    text: str,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    job_results: Callable[[str], tuple[str, ResultIndex]] | None = None,
) -> TableSource:
    """Open a table, a folder, a list of lines, or `job:ID`.

    Raises LocalFileError where it cannot be read, FaultyTableError where its header cannot be used, and BatchError.

    Args:
        text: The path as it was given, with `:TABLE` behind a database.
        encoding: Of text, where it is not UTF-8.
        delimiter: Of CSV, where it cannot be told.
        sheet: Of a workbook, or the table of a database.
        job_results: Returns the id and the results of a job, or of a group; raises BatchError where there is none.
    """
    if text.startswith(JOB_PREFIX):
        if job_results is None:
            raise LocalFileError(f"{text} cannot be read here", "Use a table or a folder.")
        from tbatch_tui.engine.tables.readers.job import JobSource

        return JobSource(*job_results(text.removeprefix(JOB_PREFIX)))
    name, table = split_table(text)
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise read_failed(path, error) from error
    if stat.S_ISDIR(mode):
        from tbatch_tui.engine.tables.readers.folder import FolderSource

        return FolderSource(path, encoding=encoding)
    if not stat.S_ISREG(mode):
        raise LocalFileError(f"{path} is neither a file nor a folder", f"Use {_KNOWN}.")
    return _open_file(path, encoding, delimiter, table or sheet)


def _open_file(path: Path, encoding: str | None, delimiter: str | None, sheet: str | None) -> TableSource:
    suffix = path.suffix.lower()
    if suffix in CSV:
        from tbatch_tui.engine.tables.readers.csv_file import CsvSource

        return CsvSource(path, encoding=encoding, delimiter=delimiter)
    if suffix in JSON:
        from tbatch_tui.engine.tables.readers.json_rows import JsonSource

        return JsonSource(path, encoding=encoding)
    if suffix == ".parquet":
        from tbatch_tui.engine.tables.readers.parquet import ParquetSource

        return ParquetSource(path)
    if suffix in EXCEL:
        from tbatch_tui.engine.tables.readers.excel import ExcelSource

        return ExcelSource(path, sheet)
    if suffix in SQLITE:
        from tbatch_tui.engine.tables.readers.sqlite import SqliteSource

        return SqliteSource(path, sheet)
    if suffix == ".txt":
        from tbatch_tui.engine.tables.readers.lines import LinesSource

        return LinesSource(path, encoding=encoding)
    raise LocalFileError(f"{path.name} is not a table in a known format", f"Use {_KNOWN}.")
