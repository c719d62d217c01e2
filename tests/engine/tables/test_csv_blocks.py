"""The plain records of a CSV file are those that `csv.reader` reads, and the rest is left to it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.csv_blocks import PlainRecords
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.requests.json_cells import json_lines, json_lines_of_utf8

if TYPE_CHECKING:
    from pathlib import Path

CELLS = st.text(alphabet='a",\n\r\t\\é🙂 ', max_size=6)
"""Cells of a table that was written as it should be."""


def reference(data: bytes) -> tuple[list[list[str]], str]:
    """Return the records that are no blank lines, and the error that reading ends with."""
    records: list[list[str]] = []
    try:
        records.extend(filter(None, csv.reader(map(bytes.decode, io.BytesIO(data)), strict=True)))
    except csv.Error as error:
        return records, str(error)
    return records, ""


def assert_reads_the_same(text: str, width: int, piece: int) -> int:
    """Compare with `csv.reader`; return the number of records that were plain."""
    data = text.encode()
    file = io.BytesIO(data)
    plain = PlainRecords(file, ",", width, range(width), piece)
    records = [list(record) for together in plain for record in together]
    left = plain.rest + file.read()
    rest, error = reference(left)
    assert (records + rest, error) == reference(data)
    assert all(len(record) == width for record in records)
    assert plain.lines == data[: len(data) - len(left)].count(b"\n")
    return len(records)


@given(text=st.text(alphabet='a",\n\r\0é', max_size=40), width=st.integers(1, 3), piece=st.integers(1, 30))
@example(text='a,"""b""c",d\n5" nail,x,y\n', width=3, piece=30)
@example(text='"","""",a\r\n\r\n,,\n', width=3, piece=30)
@example(text='a,"b"c\n', width=2, piece=30)
@example(text='a,b\r"c",d\n', width=2, piece=30)
def test_any_text_is_read_as_csv_reader_reads_it(text: str, width: int, piece: int) -> None:
    assert_reads_the_same(text, width, piece)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8),
    dialect=st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]),
    piece=st.integers(1, 60),
)
def test_a_table_that_was_written_by_the_csv_module_is_plain(
    rows: list[tuple[str, str, str]], dialect: tuple[Any, str], piece: int
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=dialect[0], lineterminator=dialect[1]).writerows(rows)
    assert assert_reads_the_same(file.getvalue(), 3, piece) == len(rows)


def test_a_long_cell_takes_as_few_readings_as_it_needs() -> None:
    class Counting(io.BytesIO):
        readings = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.readings += 1
            return super().read(size)

    file = Counting(b'"' + b"x" * 1_000_000 + b'",b\n')
    assert [len(together) for together in PlainRecords(file, ",", 2, (1,), 1_000)] == [1]
    assert file.readings < 20


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_cells_in_utf8_become_the_same_json(texts: list[str]) -> None:
    assert json_lines_of_utf8([text.encode() for text in texts]) == json_lines(texts)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ('3,"x\n', "row 20,002: a quote that is opened in this row is never closed (the row begins on line 20,004)"),
        ("3\n4,x\n", "row 20,002: 1 cell instead of 2 (line 20,004)"),
        ('3,"x"y\n', "row 20,002: there is text after the quote that closes a cell (the row begins on line 20,004)"),
    ],
)
def test_faults_behind_plain_records_are_named_with_row_and_line(fault: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,"x\ny"\n' + "2,zz\n" * 20_000 + fault, encoding="utf-8")
    problems = RowProblems()
    rows = list(open_source(str(path)).rows(("b",), problems))
    assert rows[:2] == [("x\ny",), ("zz",)]
    assert str(problems.named[0]) == message
