"""Which rows of the results pass a filter, a search and a selection, and where they stand in the list."""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.answers.order import SortedRows
from tbatch_tui.engine.results import ErrorGroup, ResultIndex, count_outcomes
from tbatch_tui.tui.messages import ResultSelection
from tbatch_tui.tui.render.outcome import EXTRA, FILTERS
from tbatch_tui.tui.screens.results.rows import RowFilter
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row


@pytest.fixture(scope="module")
def index() -> ResultIndex:
    """Return twelve requests of every outcome, and two rows that belong to none."""
    ids = [f"id-{number}" for number in range(12)]
    rows: list[Any] = [
        answer_row("id-0"),
        answer_row("id-5", "cut", reason="length"),
        answer_row("id-3", ""),
        answer_row("id-2"),
        answer_row("id-9"),
        answer_row("stranger"),
        answer_row("id-0"),
    ]
    with tempfile.TemporaryDirectory() as name:
        errors = [error_row("id-1"), error_row("id-7")]
        return build_index(Path(name), requests=[*map(request_row, ids)], output=rows, errors=errors)


@settings(max_examples=60)
@given(
    kind=st.sampled_from([*FILTERS]),
    selected=st.none() | st.lists(st.integers(-1, 15)),
    ids=st.sets(st.sampled_from(["id-1", "id-4", "nobody"])),
    cause=st.none() | st.just([1, 7]),
    hits=st.none() | st.lists(st.booleans(), min_size=14, max_size=14),
    order=st.none() | st.permutations(range(14)),
)
def test_rows_that_pass(
    index: ResultIndex,
    kind: str,
    selected: list[int] | None,
    ids: set[str],
    cause: list[int] | None,
    hits: list[bool] | None,
    order: list[int] | None,
) -> None:
    assert len(index) == 14
    shown = RowFilter(kind, selection=ResultSelection("some", selected, ids) if selected is not None else None)
    if cause is not None:
        shown.show_cause(ErrorGroup("timeout", 2, 1, cause))
    chosen = [row for row in range(14) if selected is None or row in selected or index.row(row).custom_id in ids]
    chosen = [row for row in chosen if row < 12 or selected is None or row in selected]
    counts = shown.counts(index)
    if shown.selection is not None:
        outcomes = Counter(index.outcome(row) for row in chosen if row < 12)
        issues = Counter(index.extras[row - 12].issue for row in chosen if row >= 12)
        assert counts == count_outcomes(outcomes, issues, has_input=True)
    if cause is not None:
        chosen = cause
    elif kind == EXTRA:
        chosen = [row for row in chosen if row >= 12]
    elif kind != "all":
        chosen = [row for row in chosen if row < 12 and index.outcome(row) in FILTERS[kind]]
    if hits is not None:
        chosen = [row for row in chosen if hits[row]]
    marks = bytearray(hits) if hits is not None else None
    rows = shown.apply(index, marks, SortedRows(array("I", order)) if order is not None else None)
    assert list(rows.numbers()) == chosen
    listed = [row for row in order if row in chosen] if order is not None else chosen
    assert [rows.row(place).number for place in range(len(rows))] == listed
    assert [rows.find(str(row)) for row in range(16)] == [
        listed.index(row) if row in listed else None for row in range(16)
    ]


def test_the_next_kind_is_one_that_has_rows(index: ResultIndex) -> None:
    shown = RowFilter(selection=ResultSelection("two", [1, 5]))
    kinds = []
    for _ in range(4):
        shown.next_kind(index)
        kinds.append(shown.kind)
    assert kinds == ["cut short", "errors", "all", "cut short"]


def test_the_same_rows_are_found_once(index: ResultIndex) -> None:
    shown, hits = RowFilter("ok"), bytearray(14)
    rows = shown.apply(index, hits)
    assert shown.apply(index, hits) is rows and len(rows) == 0
    hits[0] = 1
    assert [*shown.apply(index, hits).numbers()] == [0], "another hit was found"
    assert shown.apply(index, bytearray(hits)) is not shown.apply(index, hits), "another search has other snippets"
