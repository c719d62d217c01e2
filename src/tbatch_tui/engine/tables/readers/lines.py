"""A text file of lines, or of URLs: a row each, blank lines are none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from tbatch_tui.engine.tables.readers.encoding import encoding_of, not_decodable, text_lines
from tbatch_tui.engine.tables.readers.source import PIECE, Cells, HashingFile, TableRows, TableSource, read_failed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tbatch_tui.engine.tables.problems import RowProblems

COLUMN = "text"


class LinesSource(TableSource):
    """A .txt file. Its column is `text`, which for a list of recordings is their URL."""

    format = "lines"

    def __init__(self, path: Path, *, encoding: str | None = None) -> None:
        super().__init__(path)
        try:
            with path.open("rb") as file:
                self._encoding = encoding_of(file.read(4), encoding)
        except (OSError, ValueError) as error:
            raise read_failed(path, error) from error
        self.encoding = None if self._encoding == "utf-8-sig" else self._encoding
        self.columns = (COLUMN,)

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:  # noqa: ARG002 - no line is faulty
        """Return the lines without their ends."""
        return TableRows(self.columns, self._lines())

    def _lines(self) -> Iterator[Cells]:
        number = 0
        try:
            with io.BufferedReader(raw := HashingFile(self.path), PIECE) as file:
                self.reading = raw
                for line in text_lines(file, self._encoding):
                    number += 1
                    if (text := line.strip("\r\n")) and not text.isspace():
                        yield (text,)
                self.sha256 = raw.finish()
        except UnicodeDecodeError as error:
            raise not_decodable(self.name, error, number + 1, self._encoding) from None
        except OSError as error:
            raise read_failed(self.path, error) from error
