"""A sheet of a workbook of Excel or LibreOffice. Needs the extra `excel`."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.cells import plain_cell
from tbatch_tui.engine.tables.problems import FaultyTableError, RowProblem
from tbatch_tui.engine.tables.readers.source import (
    Cells,
    SeveralTablesError,
    TableRows,
    TableSource,
    extra_missing,
    file_hash,
    read_failed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.problems import RowProblems


class ExcelSource(TableSource):
    """One sheet; the only one with cells where none is named. Rows without a cell are none."""

    format = "excel"
    has_text_only = False

    def __init__(self, path: Path, sheet: str | None = None) -> None:
        super().__init__(path)
        if importlib.util.find_spec("python_calamine") is None:
            raise extra_missing("excel", path)
        workbook = self._open()
        self.sheet = self._choose(workbook, sheet)
        header = next(self._rows_of(workbook), None)
        if header is None:
            raise self._faulty("it is empty, without even a header")
        self.columns = self._header(header)

    def _open(self) -> Any:
        import python_calamine as calamine

        try:
            with self.path.open("rb"):
                pass
            return calamine.load_workbook(str(self.path))
        except (calamine.CalamineError, calamine.ZipError, calamine.XmlError) as error:
            raise LocalFileError(
                f"{self.path} cannot be read as a workbook: {error}", "Save it again as .xlsx, or as CSV."
            ) from error
        except (OSError, ValueError) as error:
            raise read_failed(self.path, error) from error

    def _choose(self, workbook: Any, wanted: str | None) -> str:
        names = [str(name) for name in workbook.sheet_names]
        shown = ", ".join(names[:10])
        if wanted is not None:
            if wanted not in names:
                raise LocalFileError(f"{self.path.name} has no sheet {wanted}", f"It has {shown}.")
            return wanted
        filled = names if len(names) == 1 else [name for name in names if workbook.get_sheet_by_name(name).height]
        if len(filled) != 1:
            hint = f"Name one with --sheet, of {shown}."
            raise SeveralTablesError(f"{self.path.name} has {len(filled)} sheets", hint, filled)
        return filled[0]

    def _rows_of(self, workbook: Any) -> Iterator[list[Any]]:
        sheet = workbook.get_sheet_by_name(self.sheet)
        return (row for row in sheet.iter_rows() if any(cell != "" for cell in row))

    def _header(self, row: list[Any]) -> tuple[str, ...]:
        names = [_cell(cell) for cell in row]
        while names and names[-1] == "":
            names.pop()
        for number, name in enumerate(names):
            if name == "" or name is None:
                raise self._faulty(f"the header of column {_letters(number)} is empty")
            if name in names[:number]:
                first = _letters(names.index(name))
                raise self._faulty(f"the header has {name} twice: columns {first} and {_letters(number)}")
        return tuple(str(name) for name in names)

    def _faulty(self, message: str) -> FaultyTableError:
        return FaultyTableError(self.name, (RowProblem(0, "", message),), 1)

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:  # noqa: ARG002 - all are there
        """Return the rows, with all columns."""
        return TableRows(self.columns, self._cells(problems))

    def _cells(self, problems: RowProblems) -> Iterator[Cells]:
        width = len(self.columns)
        try:
            digest = file_hash(self.path)
        except OSError as error:
            raise read_failed(self.path, error) from error
        rows = self._rows_of(self._open())
        next(rows, None)
        for number, row in enumerate(rows, start=1):
            if any(cell != "" for cell in row[width:]):
                problems.add(number, "", f"there is a cell beyond the last header, from column {_letters(width)} on")
                yield ()
                continue
            yield [_cell(cell) for cell in row[:width]] + [None] * (width - len(row))
        self.sha256 = digest


def _cell(value: Any) -> Cell:
    """Return a cell; Excel knows no whole numbers: what looks like one is one."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return plain_cell(value)


def _letters(number: int) -> str:
    """Return what Excel calls a column, which is counted from 0 here: A … Z, AA …"""
    name = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        name = chr(65 + digit) + name
    return name
