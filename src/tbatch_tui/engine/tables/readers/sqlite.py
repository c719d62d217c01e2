"""A table or view of an SQLite database, opened for reading alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.problems import FaultyTableError, RowProblem
from tbatch_tui.engine.tables.readers.source import (
    Cells,
    SeveralTablesError,
    TableRows,
    TableSource,
    file_hash,
    read_failed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tbatch_tui.engine.tables.problems import RowProblems


class SqliteSource(TableSource):
    """One table of a database; the only one where none is named."""

    format = "sqlite"
    has_text_only = False

    def __init__(self, path: Path, table: str | None = None) -> None:
        super().__init__(path)
        try:
            with path.open("rb"):  # says what is wrong with it better than SQLite
                pass
            with closing(self._connect()) as database:
                query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
                tables = [str(name) for (name,) in database.execute(f"{query} ORDER BY name")]
                self.sheet = self._table = self._choose(tables, table)
                cursor = database.execute(f"SELECT * FROM {_quoted(self._table)} LIMIT 0")
                self.columns = tuple(str(column[0]) for column in cursor.description)
        except (OSError, ValueError) as error:
            raise read_failed(path, error) from error
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        folded = [name for name in self.columns if self.columns.count(name) > 1]
        if folded:
            raise FaultyTableError(self.name, (RowProblem(0, "", f"{folded[0]} is there twice"),), 1)

    def _choose(self, tables: list[str], wanted: str | None) -> str:
        names = ", ".join(tables[:10])
        if wanted is not None:
            if wanted not in tables:
                raise LocalFileError(f"{self.path.name} has no table {wanted}", f"It has {names or 'none'}.")
            return wanted
        if len(tables) != 1:
            hint = f"Name one: {self.path.name}:TABLE, of {names}." if tables else "Name another file."
            raise SeveralTablesError(f"{self.path.name} has {len(tables)} tables", hint, tables)
        return tables[0]

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(self.path.absolute()))}?mode=ro", uri=True)

    def _unreadable(self, error: sqlite3.Error) -> LocalFileError:
        return LocalFileError(
            f"{self.path} cannot be read as an SQLite database: {error}",
            "It may be damaged or locked: try a copy of it.",
        )

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:  # noqa: ARG002 - no row is faulty
        """Return the rows in the order in which they were stored."""
        columns = tuple(name for name in self.columns if name in needed) or self.columns[:1]
        return TableRows(columns, self._cells(columns))

    def _cells(self, columns: tuple[str, ...]) -> Iterator[Cells]:
        query = f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(self._table)}"
        try:
            before = file_hash(self.path)
            with closing(self._connect()) as database:
                try:
                    cursor = database.execute(f"{query} ORDER BY rowid")
                except sqlite3.OperationalError:  # a view, or a table without row ids
                    cursor = database.execute(query)
                yield from cursor
            self.sha256 = before
        except OSError as error:
            raise read_failed(self.path, error) from error
        except sqlite3.Error as error:
            raise self._unreadable(error) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
