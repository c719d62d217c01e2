"""The order of rows by a column: numbers as numbers, stable, both ways, and whatever is unknown at the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.answers import order
from tbatch_tui.engine.answers.order import column_values, cost_values, memory_values, read_columns, sort_rows
from tbatch_tui.engine.domain.catalogue import Catalogue
from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.pricing.prices import PriceList
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row

if TYPE_CHECKING:
    from tbatch_tui.engine.results import ResultIndex


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> ResultIndex:
    ids = ["row-10", "Row-2", "row-1", "other", "row-02x"]
    answers = [{"score": 10, "label": "b"}, {"score": 9.5, "label": "a"}, {"score": -1}, {"score": None, "label": "B"}]
    rows = [
        answer_row(custom_id, json.dumps(answer), tokens=tokens, reason=reason)
        for custom_id, answer, tokens, reason in zip(
            ids, answers, (7, 100, 20, 7), ("stop", "length", "stop", "stop"), strict=False
        )
    ]
    return build_index(
        tmp_path_factory.mktemp("order"),
        requests=[request_row(custom_id) for custom_id in ids],
        output=[*rows[::-1], answer_row("stranger")],
        errors=[error_row("row-02x")],
    )


def by(index: ResultIndex, column: str, *, descending: bool = False) -> list[int]:
    if column in order.IN_MEMORY:
        values, unknown = memory_values(index, column)
    else:
        values, unknown = column_values(read_columns(index, [column])[column]), None
    return list(sort_rows(values, unknown=unknown, descending=descending))


@pytest.mark.parametrize(
    ("column", "rows", "descending"),
    [
        ("line", [0, 1, 2, 3, 4, 5], [4, 3, 2, 1, 0, 5]),
        ("custom_id", [3, 2, 1, 4, 0, 5], [5, 0, 4, 1, 2, 3]),
        ("outcome", [0, 2, 3, 5, 1, 4], [4, 1, 0, 2, 3, 5]),
        ("tokens", [0, 3, 5, 2, 1, 4], [1, 2, 0, 3, 5, 4]),
        ("field:score", [2, 1, 0, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        ("field:label", [1, 0, 3, 2, 4, 5], [0, 3, 1, 2, 4, 5]),
        ("finish_reason", [1, 0, 2, 3, 5, 4], [0, 2, 3, 5, 1, 4]),
    ],
)
def test_rows_by_a_column(index: ResultIndex, column: str, rows: list[int], descending: list[int]) -> None:
    assert by(index, column) == rows
    assert by(index, column, descending=True) == descending


def test_a_field_that_no_answer_has_is_no_column(index: ResultIndex) -> None:
    columns = read_columns(index, ["field:nothing", "length", "field:label"])
    assert [*columns] == ["length", "field:label"]
    assert read_columns(index, ["field:nothing"]) == {} == read_columns(index, [])


def test_rows_by_what_they_cost(index: ResultIndex) -> None:
    prices = PriceList(Catalogue(), {"m/chat": {"input": 1.0, "output": 1.0}})
    costs = cost_values(index, prices, "m/chat")
    assert costs[1] == pytest.approx(103e-6) and costs[4] is None
    assert list(sort_rows(costs, descending=True))[:2] == [1, 2]


@given(st.lists(st.none() | st.integers(-5, 5) | st.just(10**20), max_size=30), st.booleans(), st.integers(1, 7))
def test_it_is_the_stable_order_of_one_sort(values: list[Any], descending: bool, piece: int) -> None:
    known = [row for row, value in enumerate(values) if value is not None]
    expected = sorted(known, key=values.__getitem__, reverse=descending)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "_PIECE", piece)
        result = list(sort_rows(values, descending=descending))
    assert result == [*expected, *(row for row, value in enumerate(values) if value is None)]


def test_sorting_can_be_stopped() -> None:
    with pytest.raises(OperationCancelledError):
        sort_rows([1, 2, 3], cancelled=lambda: True)
