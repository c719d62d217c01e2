"""Readers: every row, every cell as it is, and what is wrong by its row."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as arrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.problems import EncodingError, FaultyTableError, RowProblems
from tbatch_tui.engine.tables.readers.open_source import open_source, split_table
from tbatch_tui.engine.tables.readers.source import CELL_MAX

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path | str, **options: Any) -> tuple[tuple[str, ...], list[list[Any]], list[str]]:
    """Return columns, rows, and problems."""
    source = open_source(str(path), **options)
    problems = RowProblems()
    rows = source.rows(source.columns, problems)
    cells = [list(row) for row in rows if row]
    if source.format not in ("folder", "job", "sqlite"):
        assert source.sha256 == hashlib.sha256(source.path.read_bytes()).hexdigest()
    return rows.columns, cells, [str(problem) for problem in problems.named]


def write(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


# -- CSV -----------------------------------------------------------------------------------------------

_CELL = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.lists(st.lists(_CELL, min_size=2, max_size=2), max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_csv_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, end: str, has_bom: bool
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b"], *rows])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(b"\xef\xbb\xbf" * has_bom + text.getvalue().encode())
    assert read(path) == (("a", "b"), rows, [])


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("a,b\n007,1e3\nNA,\n", ("a", "b"), [["007", "1e3"], ["NA", ""]]),
        ("a;b\n1,5;x\n2,5;y\n", ("a", "b"), [["1,5", "x"], ["2,5", "y"]]),
        ("text\nHello, world\nYes; no\n", ("text",), [["Hello, world"], ["Yes; no"]]),
        ("text\n", ("text",), []),
        ('text\n"a\nb"\n""\n', ("text",), [["a\nb"], [""]]),
        ("a,b\n\n1,2\n\n\n3,4", ("a", "b"), [["1", "2"], ["3", "4"]]),
        ("a,b\r1,2\r3,4\r", ("a", "b"), [["1", "2"], ["3", "4"]]),
        ('a,b\n"x ""y""",{{ b }}\n', ("a", "b"), [['x "y"', "{{ b }}"]]),
        ("a,b\n\x00,\x1b\n", ("a", "b"), [["\x00", "\x1b"]]),
        ("\n\na,b\n1,2\n", ("a", "b"), [["1", "2"]]),
        (",a\n0,x\n", ("", "a"), [["0", "x"]]),
    ],
)
def test_cells_of_csv_stay_what_they_are(
    tmp_path: Path, text: str, columns: tuple[str, ...], rows: list[list[str]]
) -> None:
    assert read(write(tmp_path / "t.csv", text)) == (columns, rows, [])


def test_a_cell_may_be_longer_than_the_csv_module_thinks(tmp_path: Path) -> None:
    long = "x" * 200_000
    assert read(write(tmp_path / "t.csv", f"a,b\n{long},1\n"))[1] == [[long, "1"]]
    _, rows, problems = read(write(tmp_path / "t.csv", f"a,b\n1,2\n{'x' * (CELL_MAX + 1)},1\n"))
    assert rows == [["1", "2"]]
    assert problems == [
        "row 2: a cell has more than 16 MB, perhaps because a quote is never closed (the row begins on line 3)"
    ]


def test_ragged_rows_and_unclosed_quotes_are_named_by_row(tmp_path: Path) -> None:
    _, rows, problems = read(write(tmp_path / "t.csv", 'a,b\n1,2\n3\n\n4,5,6\n7,8\n"9,10\n11,12\n'))
    assert rows == [["1", "2"], ["7", "8"]]
    assert problems == [
        "row 2: 1 cell instead of 2 (line 3)",
        "row 3: 3 cells instead of 2 (line 5)",
        "row 5: a quote that is opened in this row is never closed (the row begins on line 7)",
    ]


@pytest.mark.parametrize("quote", ["", '"'])
def test_blank_lines_are_no_records_but_lines(quote: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", f"\ufeff\n{quote}a{quote},b\n\n1,x\n\n\n2,y\n3\n")
    columns, rows, problems = read(path)
    assert columns == ("a", "b"), "a byte order mark is no part of the first name"
    assert rows == [["1", "x"], ["2", "y"]]
    assert problems == ["row 3: 1 cell instead of 2 (line 8)"]


def test_text_after_a_closing_quote_is_named(tmp_path: Path) -> None:
    _, _, problems = read(write(tmp_path / "t.csv", 'a,b\n1,2\n"x"y,3\n'))
    assert problems == ["row 2: there is text after the quote that closes a cell (the row begins on line 3)"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,a\n1,2,3\n", "the header has a twice: columns 1 and 3"),
        (",a,\n1,2,3\n", "the header has an empty name twice"),
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ('"a,b\n1,2\n', "the header cannot be read"),
        ("a,b;c\n1,2;3\n", "separated by a comma or a semicolon"),
    ],
)
def test_a_header_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FaultyTableError, match=words):
        read(write(tmp_path / "t.csv", text))


def test_the_delimiter_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b;c\n1,2;3\n")
    assert read(path, delimiter=";")[0] == ("a,b", "c")
    assert read(write(tmp_path / "t.csv", "a\tb\n1\t2\n"), delimiter="\\t")[0] == ("a", "b")
    with pytest.raises(LocalFileError, match="is not a delimiter"):
        read(path, delimiter=";;")


def test_tabs_part_a_tsv_whatever_else_would(tmp_path: Path) -> None:
    assert read(write(tmp_path / "t.tsv", "a,x\tb\n1,2\t3\n"))[0] == ("a,x", "b")


def test_bytes_in_another_encoding_are_shown_and_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "id;text\n1;gut\n2;Größe\n".encode("cp1252"))
    with pytest.raises(EncodingError) as caught:
        read(path)
    assert "line 3 is not UTF-8: byte 0xf6" in str(caught.value)
    assert ("cp1252", "2;Größe") in caught.value.readings
    assert read(path, encoding="cp1252")[1] == [["1", "gut"], ["2", "Größe"]]
    with pytest.raises(LocalFileError, match="Unknown encoding"):
        read(path, encoding="klingon")


def test_a_late_byte_is_found_while_rows_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", b"a,b\n" + b"1,2\n" * 500 + b"3,\xff\n")
    with pytest.raises(EncodingError, match="line 502 is not UTF-8"):
        read(path)


@pytest.mark.parametrize("name", ["t.csv", "t.txt", "t.jsonl", "t.json"])
def test_every_text_is_read_in_the_encoding_that_is_named(tmp_path: Path, name: str) -> None:
    text = {"t.csv": "text\né\n", "t.txt": "é\n", "t.jsonl": '{"text": "é"}\n', "t.json": '[{"text": "é"}]'}[name]
    assert read(write(tmp_path / name, text.encode("cp1252")), encoding="cp1252")[1] == [["é"]]


def test_utf_16_says_so_itself(tmp_path: Path) -> None:
    assert read(write(tmp_path / "t.tsv", "a\tb\r\n1\té\r\n".encode("utf-16")))[1] == [["1", "é"]]


# -- JSON ----------------------------------------------------------------------------------------------

_VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | _CELL,
    lambda values: st.lists(values, max_size=2) | st.dictionaries(_CELL, values, max_size=2),
    max_leaves=4,
)


@given(
    st.lists(st.fixed_dictionaries({"a": _VALUE, "b": _VALUE}), min_size=1),
    st.sampled_from(["lines", "array", "pretty"]),
)
def test_any_json_rows(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], form: str) -> None:
    path = tmp_path_factory.mktemp("json") / "t.jsonl"
    if form == "lines":
        text = "\n".join(json.dumps(row) for row in rows)
    else:
        text = json.dumps(rows, indent=2 if form == "pretty" else None, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    columns, cells, problems = read(path)
    assert [dict(zip(columns, row, strict=True)) for row in cells] == rows
    assert problems == []


def test_a_large_array_is_read_piece_by_piece(tmp_path: Path) -> None:
    rows = [{"n": number, "t": "x" * 3_000, "f": 1.5} for number in range(400)]
    _, cells, problems = read(write(tmp_path / "t.json", json.dumps(rows)))
    assert (cells, problems) == ([[row["n"], row["t"], row["f"]] for row in rows], [])


def test_json_lines_that_are_no_objects_are_named(tmp_path: Path) -> None:
    _, rows, problems = read(write(tmp_path / "t.jsonl", '{"a": 1}\n\n[2]\n{"a"\n{"a": NaN}\n{"a": "\\ud800"}\n'))
    assert rows == [[1], [None]]
    assert problems == ["row 2: line 3 is not a JSON object", "row 3: line 4 is not JSON", "row 5: line 6 is not JSON"]


@pytest.mark.parametrize("text", ['[{"a": 1}', '[{"a": 1} {"a": 2}]', '[{"a": 1}] x', '[{"a": 01}]'])
def test_an_array_with_a_mistake(tmp_path: Path, text: str) -> None:
    with pytest.raises(FaultyTableError, match="not JSON"):
        read(write(tmp_path / "t.json", text))


def test_a_key_that_only_late_rows_have_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", '{"a": 1}\n' * 2_000 + '{"a": 2, "late": "x"}\n')
    source = open_source(str(path))
    assert source.columns == ("a",)
    assert source.has_column("late")
    assert not source.has_column("never")
    assert list(source.rows(["late"], RowProblems()))[-2:] == [[None], ["x"]]


# -- the others ----------------------------------------------------------------------------------------


def test_lines_of_a_text_file(tmp_path: Path) -> None:
    path = write(tmp_path / "t.txt", "\ufeffone\r\n\n  \ntwo {{ x }} \n")
    assert read(path) == (("text",), [["one"], ["two {{ x }} "]], [])
    with pytest.raises(EncodingError, match="line 2"):
        read(write(path, b"a\n\xff\n"))


def test_files_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    (folder / "sub" / "deep").mkdir(parents=True)
    write(folder / "b.txt", "two")
    write(folder / "a b.md", "\ufeffone")
    write(folder / "sub" / "deep" / "c.txt", "three")
    write(folder / ".hidden", "no")
    columns, rows, problems = read(folder)
    assert columns == ("path", "name", "text")
    assert rows == [["a b.md", "a b.md", "one"], ["b.txt", "b.txt", "two"], ["sub/deep/c.txt", "c.txt", "three"]]
    assert problems == []
    write(folder / "b.txt", b"x\n\xff")
    assert read(folder)[2] == ["row 2, column text: line 2 of b.txt is not UTF-8; --encoding names another one"]


def test_a_folder_is_another_one_when_a_file_is(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    hashes = set()
    for name, text in (("a", "1"), ("a", "2"), ("b", "2")):
        write(folder / name, text)
        source = open_source(str(folder))
        list(source.rows((), RowProblems()))
        hashes.add(source.sha256)
    assert len(hashes) == 3


def test_a_table_of_a_database(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute('CREATE TABLE "my rows" (id INTEGER, "a ""b" TEXT, x REAL, raw BLOB)')
        database.execute('INSERT INTO "my rows" VALUES (7, ?, 1.5, ?), (3, NULL, NULL, NULL)', ("007", b"\x00"))
        database.commit()
    expected = [[7, "007", 1.5, b"\x00"], [3, None, None, None]]
    assert read(path) == (("id", 'a "b', "x", "raw"), expected, [])
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE VIEW other AS SELECT 1 AS one")
    with pytest.raises(LocalFileError, match="has 2 tables"):
        read(path)
    assert read(f"{path}:my rows")[1] == expected
    assert read(f"{path}:other")[1] == [[1]]
    with pytest.raises(LocalFileError, match="no table none"):
        read(f"{path}:none")
    with pytest.raises(LocalFileError, match="cannot be read as an SQLite"):
        read(write(tmp_path / "u.sqlite", "no database" * 100))


def test_only_a_database_has_a_table_behind_a_colon() -> None:
    assert split_table("a/b.sqlite:t u") == ("a/b.sqlite", "t u")
    assert split_table("a:b.csv") == ("a:b.csv", None)


def test_parquet_with_nulls_and_nested_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = arrow.table(
        {
            "n": [1, None],
            "f": [3.0, float("nan")],
            "when": [datetime.date(2026, 1, 2), None],
            "tags": [["a", None], []],
            "who": [{"name": "x"}, None],
        }
    )
    parquet.write_table(table, path)
    assert read(path)[1] == [
        [1, 3.0, "2026-01-02", ["a", None], {"name": "x"}],
        [None, None, None, [], None],
    ]
    source = open_source(str(path))
    assert list(source.rows(["who"], RowProblems())) == [[{"name": "x"}], [None]]
    with pytest.raises(LocalFileError, match="cannot be read as Parquet"):
        read(write(tmp_path / "u.parquet", "no"))


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_sheet_of_a_workbook(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["id", "text", "when"],
        [1, "007", datetime.datetime(2026, 1, 2, 3, 4)],
        [None] * 3,
        [2.5, None, None],
    ]
    path = workbook(tmp_path / "t.xlsx", data=rows)
    assert read(path)[:2] == (("id", "text", "when"), [[1, "007", "2026-01-02T03:04:00"], [2.5, "", ""]])
    two = workbook(tmp_path / "u.xlsx", one=[["a"], [1]], two=[["b"], [2]])
    with pytest.raises(LocalFileError, match="has 2 sheets"):
        read(two)
    assert read(two, sheet="two")[1] == [[2]]
    with pytest.raises(LocalFileError, match="no sheet three"):
        read(two, sheet="three")


@pytest.mark.parametrize(
    ("header", "words"),
    [(["a", "b", "a"], "a twice: columns A and C"), (["a", None, "c"], "header of column B is empty")],
)
def test_a_header_of_a_workbook_twice_or_empty(tmp_path: Path, header: list[Any], words: str) -> None:
    with pytest.raises(FaultyTableError, match=words):
        read(workbook(tmp_path / "t.xlsx", data=[header, [1, 2, 3]]))


@pytest.mark.parametrize(
    "name", ["no.csv", "no.jsonl", "no.parquet", "no.xlsx", "no.sqlite", "no.txt", "no", "a\0.csv"]
)
def test_a_source_that_is_not_there(tmp_path: Path, name: str) -> None:
    words = "cannot be read" if "\0" in name else "does not exist"
    with pytest.raises(LocalFileError, match=words):
        read(f"{tmp_path}/{name}")


def test_what_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match="not a table in a known format"):
        read(write(tmp_path / "t.pdf", "x"))
    with pytest.raises(LocalFileError, match="neither a file nor a folder"):
        read("/dev/null")
    with pytest.raises(LocalFileError, match="cannot be read here"):
        read("job:abc")


@pytest.mark.parametrize(("name", "module"), [("t.parquet", "pyarrow"), ("t.xlsx", "python_calamine")])
def test_an_extra_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    find = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda asked: None if asked == module else find(asked))
    with pytest.raises(LocalFileError, match=r"pip install 'tbatch-tui\["):
        read(write(tmp_path / name, "x"))
