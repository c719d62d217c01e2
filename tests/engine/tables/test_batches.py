"""Many rows at once give what each gives alone, also where another process reads them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import Recipe
from tbatch_tui.engine.tables.requests.builder import BoundBuilder, RequestBuilder, RowError
from tbatch_tui.engine.tables.requests.json_cells import JsonCells, json_columns
from tbatch_tui.engine.tables.requests.read_ahead import read_ahead

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.tables.readers.source import Cells, TableSource

CELLS = st.text(min_size=1) | st.sampled_from(
    ['"', "\\", '\\"', '"\n"', "%", "%b", "\x00", "\u2028", "\ud800", "{{ b }}"]
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> TableSource:
    path = tmp_path_factory.mktemp("batches") / "t.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    return open_source(str(path))


def bound(source: TableSource, system: str | None, prompt: str, id_column: str | None) -> BoundBuilder:
    recipe = Recipe(model="m", system=system, prompt=prompt, id=id_column, body={"stop": '"%d"\n'})
    return RequestBuilder(recipe, source).bind(source.columns)


@given(
    system=st.sampled_from([None, '%s "x" {{ b }}\'']),
    prompt=st.sampled_from(["{{ a }}", '50 % "{{ a }}"\n', "{{ a }} {{ b }}", "{{ a | upper }}"]),
    id_column=st.sampled_from([None, "b"]),
    rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4),
)
def test_requests_of_many_rows_are_those_of_each(
    source: TableSource, system: str | None, prompt: str, id_column: str | None, rows: list[tuple[str, str]]
) -> None:
    builder = bound(source, system, prompt, id_column)
    lines = json_columns(list(rows), 2)
    made = None if lines is None else builder.batch(7, JsonCells(lines))
    try:
        alone = [(builder.tail(cells), builder.custom_id(number, cells)) for number, cells in enumerate(rows, start=7)]
    except RowError:
        assert made is None
        return
    if made is not None:
        assert made.lines == [builder.line(custom_id, tail) for (tail, _), custom_id in alone]
        assert made.keys == [key for (_, key), _ in alone], "rows that ask the same are found across both"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-7"])
def test_another_process_reads_the_same_rows_problems_and_hash(encoding: str, tmp_path: Path) -> None:
    rows = [("id", "text"), ("1", 'a "b"\nc'), ("2", "🙂"), ("3",), ("4", "x" * 300_000), ("5", "\u2028,;"), ("6", "")]
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)
        if encoding == "utf-7":
            file.write("7,half \ud800\n")
    source, plain = (open_source(str(path), encoding=None if encoding == "utf-16" else encoding) for _ in range(2))
    problems, expected = RowProblems(), RowProblems()
    read: list[Cells] = []
    for batch in read_ahead(source, ("text",), problems):
        read += batch.rows() if isinstance(batch, JsonCells) else batch
    assert read == [tuple(cells) for cells in plain.rows(("text",), expected)]
    assert len(read) == (7 if encoding == "utf-7" else 6) and read[2] == ()
    assert problems.named == expected.named and problems.total == 1
    assert source.sha256 == plain.sha256
