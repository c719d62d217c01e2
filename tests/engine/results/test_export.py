"""What is exported can be read by others, holds every row once, and never takes another file's place."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.errors import FileTrouble, Stopped
from tbatch_tui.engine.results import COLUMNS, ExportFormat, export_rows
from tests.engine.results.rows import answered, asked, failed, index_of
from tests.nasty import NASTY

csv.field_size_limit(50_000_000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(NASTY) | st.text(max_size=20), min_size=1, max_size=5))
def test_every_row_comes_out_once_whatever_it_says(tmp_path: Path, texts: list[str]) -> None:
    folder = tmp_path / str(abs(hash(tuple(texts))))
    index = index_of(
        folder,
        input=[asked(f"id {number}", text) for number, text in enumerate(texts)],
        output=[answered(f"id {number}", text) for number, text in enumerate(texts)] + [b'{"custom_id": "x", "re'],
    )
    rows = range(len(index))
    paths = {form: folder / f"out{form.ending}" for form in ExportFormat}
    for form, path in paths.items():
        export_rows(index, rows, path, form, columns=list(COLUMNS), replace=True)
    as_written = [text.encode("utf-8", "replace").decode() for text in texts]
    merged = [json.loads(line) for line in paths[ExportFormat.MERGED].read_bytes().split(b"\n")[:-1]]
    assert [row["custom_id"] for row in merged[:-1]] == [f"id {number}" for number in range(len(texts))]
    assert [row["response"]["body"]["choices"][0]["message"]["content"] for row in merged[:-1]] == texts
    assert [row["request"]["messages"][0]["content"] for row in merged[:-1]] == texts
    assert merged[-1]["unreadable"] == '{"custom_id": "x", "re'
    with paths[ExportFormat.CSV].open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    assert table[0] == list(COLUMNS) and len(table) == 1 + len(index)
    plain = [json.loads(line) for line in paths[ExportFormat.ANSWERS].read_bytes().split(b"\n")[:-1]]
    assert len(plain) == len(index) and plain[-1]["answer"] is None
    assert [row["answer"] for row in plain[:-1]] == as_written
    at = table[0].index("prompt")
    assert [row[at] for row in table[1:-1]] == as_written
    assert paths[ExportFormat.MARKDOWN].read_text(encoding="utf-8").count("\n*ok") <= len(index)


def test_the_table_says_what_came_of_each(tmp_path: Path) -> None:
    index = index_of(
        tmp_path,
        input=[asked("a", "Why?"), asked("b"), asked("c")],
        output=[answered("a", "Because, \"so\".", tokens=12)],
        errors=[failed("b", "Request timeout")],
    )  # fmt: skip
    path = tmp_path / "sub" / "t.csv"
    export_rows(index, range(3), path, ExportFormat.CSV, columns=["custom_id", "outcome", "answer", "error"])
    with path.open(newline="") as file:
        assert list(csv.reader(file))[1:] == [
            ["a", "ok", 'Because, "so".', ""],
            ["b", "error", "", "Request timeout"],
            ["c", "missing", "", ""],
        ]


def test_no_file_gives_way_unasked_and_a_stop_leaves_nothing(tmp_path: Path) -> None:
    index = index_of(tmp_path, input=[asked("a")], output=[answered("a")])
    path = tmp_path / "there.csv"
    path.write_text("mine")
    with pytest.raises(FileTrouble, match="already"):
        export_rows(index, [0], path, ExportFormat.CSV)
    with pytest.raises(Stopped):
        export_rows(index, [0], path, ExportFormat.CSV, replace=True, cancelled=lambda: True)
    assert path.read_text() == "mine"
    export_rows(index, [0], path, ExportFormat.CSV, replace=True)
    assert path.read_text().startswith("line,custom_id")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl", "there.csv"]
