"""The widths of columns: wider shows no less, and what is shown is whole before another column comes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tbatch_tui.engine.domain.counts import JobCounts
from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import JobGroup
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.groups.group_record import make_group
from tbatch_tui.engine.results import Outcome, ResultIndex, Row, Sources
from tbatch_tui.tui.sanitize import fit
from tbatch_tui.tui.screens.jobs.listing.columns import JobRow, job_columns
from tbatch_tui.tui.screens.results.listing.columns import CHAT_COLUMNS, CellData, table_columns
from tbatch_tui.tui.widgets.table.columns import Column, Need, cells_of, place_columns
from tbatch_tui.tui.widgets.table.widths import GAP, WidthRule, column_widths, whole_width
from tests.helpers.drawn import shows_no_less

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOW = 1_772_802_120.0
WIDTHS = range(60, 201)

rules = st.lists(
    st.builds(
        WidthRule,
        least=st.integers(1, 40),
        need=st.integers(1, 120),
        limit=st.sampled_from([0, 0, 12, 40]),
        priority=st.integers(0, 4),
        is_base=st.booleans(),
        names=st.booleans(),
    ),
    min_size=1,
    max_size=9,
)


def base_room(rules: Sequence[WidthRule]) -> int:
    """The room in which all base columns are there."""
    base = [rule.start for rule in rules if rule.is_base]
    return sum(base) + GAP * max(0, len(base) - 1)


@given(rules, st.integers(1, 400))
def test_with_more_room_no_column_goes_and_none_is_narrower(rules: list[WidthRule], more: int) -> None:
    room = base_room(rules) + more
    widths, wider = column_widths(rules, room), column_widths(rules, room + 1)
    assert all(wider.get(index, -1) >= width for index, width in widths.items())


@given(rules, st.integers(0, 600))
def test_columns_fit_and_the_first_is_always_there(rules: list[WidthRule], room: int) -> None:
    widths = column_widths(rules, room)
    assert widths and sum(widths.values()) + GAP * (len(widths) - 1) <= room
    assert all(width <= max(rules[index].start, rules[index].need) for index, width in widths.items())


@given(rules, st.integers(0, 600))
def test_nothing_is_cut_while_a_cell_is_free_before_a_limit(rules: list[WidthRule], room: int) -> None:
    widths = column_widths(rules, room)
    free = room - sum(widths.values()) - GAP * (len(widths) - 1)
    for index, width in widths.items():
        assert free == 0 or width >= min(rules[index].need, rules[index].first_need)


@given(rules)
def test_at_its_whole_width_every_column_is_there_and_none_is_cut(rules: list[WidthRule]) -> None:
    widths = column_widths(rules, whole_width(rules))
    assert len(widths) == len(rules)
    assert all(widths[index] >= rule.need for index, rule in enumerate(rules))


@given(st.text(alphabet="ab要🎉-", max_size=60), st.integers(1, 80), st.integers(0, 14))
def test_a_name_that_is_too_long_loses_its_middle_and_less_of_it_in_more_room(text: str, width: int, tail: int) -> None:
    shorter, longer = (fit(text, each, keep="middle", tail=tail) for each in (width, width + 1))
    assert cell_len(shorter) == width
    assert shows_no_less(shorter, longer)
    if cell_len(text) > width > 2:
        assert shorter[0] == text[0] or cell_len(text[0]) > 1
        assert "…" in shorter


def job_rows() -> list[JobRow]:
    job = Job(
        "8f3a12c4-0000", "IN_PROGRESS", 64.0, model="meta-llama/Llama-3.3-70B-Instruct-Turbo", created_at=NOW - 9e3
    )
    done = replace(job, status="COMPLETED", completed_at=NOW - 60)
    counts = JobCounts(2_024, 1_990, 30, 4, cut_short=34, duplicates=2, stamps="x")
    failed = Transfer(FileKind.OUTPUT, "file-1", TransferState.FAILED, message="The connection was cut, and cut again")
    records = [
        JobRecord("a", job=job, label="reviews-march", requests=2_024),
        JobRecord("b", job=done, label="reviews-march-with-a-long-name-01", counts=counts, requests=2_024),
        JobRecord("c", job=done, label="reviews-march-with-a-long-name-02", counts=replace(counts, errors=0)),
        JobRecord("d", job=replace(done, model="Qwen/Qwen3-235B-A22B-Instruct-2507-tput"), label="x", output=failed),
        JobRecord("e", job=replace(done, status="FAILED", error="Line 2: invalid JSON " * 9), label="要約-三月" * 3),
        JobRecord("f", job=replace(job, status="HIBERNATING"), label="a-name-that-is-very-long-" * 4),
    ]
    return [JobRow(record) for record in records]


def result_rows() -> list[Row]:
    return [
        Row(line, line, f"customer-review-{line:09}", Outcome.OK, preview="positive " * 20, tokens=64)
        for line in (1, 20, 49_999)
    ]


def needs_of(columns: Sequence[Column[Any]], rows: Sequence[Any]) -> dict[str, Need]:
    """What the widest of the rows needs, by column."""
    needs = {column.key: [column.needed(row) for row in rows] for column in columns}
    return {key: Need(max(n.whole for n in each), max(n.first for n in each)) for key, each in needs.items()}


def shown(columns: list[Column[Any]], rows: Sequence[Any], width: int) -> list[dict[str, str]]:
    """What stands in each cell of each row at this width, by column."""
    needs = needs_of(columns, rows)
    cells: list[dict[str, str]] = []
    for row in rows:
        texts = {}
        for placed in place_columns(columns, width, needs):
            cell = placed.column.cell(row, placed.width)
            text = cell if isinstance(cell, str) else "".join(part for part, _ in cell)  # type: ignore[union-attr]
            texts[placed.column.key] = fit(text, placed.width, keep=placed.column.keep).strip()
        cells.append(texts)
    return cells


TABLES: dict[str, tuple[Callable[[], list[Column[Any]]], Callable[[], list[Any]]]] = {
    "jobs": (lambda: job_columns(lambda: NOW, lambda _: "$0.41"), job_rows),
    "results": (lambda: table_columns(CHAT_COLUMNS, CellData(ResultIndex(Sources()))), result_rows),
}


@pytest.mark.parametrize("table", TABLES)
def test_every_row_shows_no_less_in_a_wider_terminal(table: str) -> None:
    columns, rows = TABLES[table][0](), TABLES[table][1]()
    before = shown(columns, rows, WIDTHS[0])
    for width in WIDTHS[1:]:
        after = shown(columns, rows, width)
        for row, wider in zip(before, after, strict=True):
            for key, text in row.items():
                assert shows_no_less(text, wider.get(key, "")), (width, key, text, wider.get(key))
        before = after


@pytest.mark.parametrize("width", WIDTHS)
def test_names_and_sums_are_never_cut_while_a_cell_is_free(width: int) -> None:
    columns, rows = job_columns(lambda: NOW, lambda _: "$0.41"), job_rows()[:-1]
    needs = needs_of(columns, rows)
    placed = place_columns(columns, width, needs)
    end = placed[-1].x + placed[-1].width
    cells = shown(columns, rows, width)
    cut = [row[key] for row in cells[:3] for key in ("name", "progress") if "…" in row[key]]
    assert not cut or end == width - 1, "no cell is free"
    if any("…" in row["name"] for row in cells):
        assert {each.column.key for each in placed} == {"status", "name", "progress"}, "names come first"


def test_a_group_with_results_to_come_drives_no_column_away() -> None:
    """What it says is soon another text, and the width of a column stays."""
    job = Job("j-1", "COMPLETED", 100.0, model="meta-llama/Llama-3.3-70B-Instruct-Turbo", output_file_id="o-1")
    group = JobGroup(7, Path("reviews-october.jsonl"), 100, "00", requests=900, parts=3)
    parts = [JobRecord(f"p{number}", job=job, requests=300, group=group) for number in range(3)]
    parts[0] = replace(parts[0], counts=JobCounts(300, 290, 10, 0, cut_short=17))
    row = JobRow(parts[0], group=make_group(parts))
    columns = job_columns(lambda: NOW, lambda _: "$0.41")
    assert row.group is not None and row.group.is_provisional
    texts = shown(columns, [row], 140)[0]
    assert set(texts) == {column.key for column in columns}
    assert "…" not in texts["model"]


def test_the_least_terminal_shows_what_a_row_is_and_how_it_stands() -> None:
    columns, rows = job_columns(lambda: NOW, lambda _: ""), job_rows()
    first = shown(columns, rows, 60)
    assert [set(row) for row in first] == [{"status", "name", "progress"}] * len(rows)
    assert first[1]["name"] != first[2]["name"], "names that differ at their end are told apart"


@given(st.text(max_size=300))
def test_a_cell_is_measured_as_it_is_painted(text: str) -> None:
    assert cells_of(text[:200]) == cell_len(fit(text[:200], 10_000).rstrip()) or text[:200] != text[:200].rstrip()
    assert cells_of([(text, "bold")]) == cells_of(text)
