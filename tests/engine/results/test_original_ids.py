"""Results of requests whose ids a mend shortened: joined by the short ids, shown and exported with those they had."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.local_files.id_map import COLUMNS, id_map_line, id_map_path
from tbatch_tui.engine.results import ExportFormat, MergedIndex, MergedMember, Outcome, export_rows
from tbatch_tui.engine.results.index.cache import CachedIndex, IndexCache
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.results import ResultIndex

LONG = {f"short-{number}": f"{'documents/' * 8}{number}" for number in range(3)}
SHOWN = [*LONG.values(), "as it was"]


@pytest.fixture
def index(tmp_path: Path) -> ResultIndex:
    """Three requests with shortened ids, and one whose id was short: an answer, an error, none, an answer."""
    folder = tmp_path / "job"
    folder.mkdir()
    lines = [COLUMNS, *LONG.items()]
    id_map_path(folder / "in.jsonl").write_bytes(b"".join(id_map_line(*line) for line in lines))
    ids = [*LONG, "as it was"]
    return build_index(
        folder,
        requests=[request_row(custom_id) for custom_id in ids],
        output=[answer_row("as it was"), answer_row(ids[0])],
        errors=[error_row(ids[1]), error_row("unknown")],
    )


def test_rows_show_the_ids_that_the_requests_had(index: ResultIndex) -> None:
    assert [row.custom_id for row in index] == [*SHOWN, "unknown"]
    assert [row.outcome for row in index][:4] == [Outcome.OK, Outcome.ERROR, Outcome.MISSING, Outcome.OK]
    assert index.record(0).row.custom_id == SHOWN[0]


@pytest.mark.parametrize("form", [ExportFormat.MERGED, ExportFormat.ANSWERS, ExportFormat.CSV, ExportFormat.MARKDOWN])
def test_exports_have_the_ids_that_the_requests_had(index: ResultIndex, tmp_path: Path, form: ExportFormat) -> None:
    path = tmp_path / f"export{form.suffix}"
    export_rows(index, range(4), path, form)
    match form:
        case ExportFormat.CSV:
            with path.open(newline="") as file:
                assert [row["custom_id"] for row in csv.DictReader(file)] == SHOWN
        case ExportFormat.MARKDOWN:
            assert [line[3:] for line in path.read_text().splitlines() if line.startswith("## ")] == SHOWN
        case _:
            assert [json.loads(line)["custom_id"] for line in path.read_bytes().splitlines()] == SHOWN


def test_an_index_that_was_stored_has_them_too(index: ResultIndex, tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "cache")
    CachedIndex(index.sources, cache, "job").build()
    again = CachedIndex(index.sources, cache, "job")
    again.build()
    assert [row.custom_id for row in again][:4] == SHOWN


def test_jobs_that_are_merged_have_them_too(index: ResultIndex, tmp_path: Path) -> None:
    retry = build_index(
        tmp_path / "retry", requests=[request_row("short-2")], output=[answer_row("short-2")], errors=[]
    )
    merged = MergedIndex([MergedMember("a", "a", index), MergedMember("b", "b", retry)])
    merged.build()
    assert [row.custom_id for row in merged][:4] == SHOWN
    assert merged.row(2).outcome is Outcome.OK


def test_a_copy_or_a_retry_of_the_copy_has_them_too(tmp_path: Path) -> None:
    from tbatch_tui.engine.local_files.id_map import read_id_map

    first, second = tmp_path / "a.fixed.jsonl", tmp_path / "a.fixed.fixed2.jsonl"
    id_map_path(first).write_bytes(id_map_line(*COLUMNS) + id_map_line("x", 'first,\n"one"'))
    id_map_path(second).write_bytes(id_map_line(*COLUMNS) + id_map_line("y", "second"))
    assert read_id_map(first) == {"x": 'first,\n"one"'}
    assert read_id_map(second.with_name("a.fixed.fixed2.retry1.jsonl")) == {"x": 'first,\n"one"', "y": "second"}
    assert read_id_map(tmp_path / "a.jsonl") == {}
    assert read_id_map(None) == {}
