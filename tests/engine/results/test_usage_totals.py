"""Tokens summed from `usage`: every row of the output file counts, because it is billed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.counts import ModelUsage
from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.results import Outcome, usage_by_model, usage_totals
from tbatch_tui.engine.results.index.classify import classify, classify_value
from tests.helpers.result_rows import answer_row, build_index, encode_row, error_row, request_row, response_row

if TYPE_CHECKING:
    from pathlib import Path


def of_model(row: dict[str, Any], model: str) -> dict[str, Any]:
    row["body"]["model"] = model
    return row


def with_usage(custom_id: str, **usage: object) -> dict[str, Any]:
    row: dict[str, Any] = answer_row(custom_id)
    row["response"]["body"]["usage"] = {"prompt_tokens": 10, "completion_tokens": 5, **usage}
    return row


def test_usage_counts_for_the_model_of_the_request(tmp_path: Path) -> None:
    index = build_index(
        tmp_path,
        requests=[request_row("a"), of_model(request_row("b"), "m/other"), request_row("c"), request_row("d")],
        output=[with_usage("a"), with_usage("b", cached_tokens=4), with_usage("stranger"), with_usage("a")],
        errors=[error_row("c")],
    )
    assert usage_by_model(index) == (
        ModelUsage("m/chat", 2, 20, 10, rows_with_tokens=2),
        ModelUsage("", 1, 10, 5, rows_with_tokens=1),
        ModelUsage("m/other", 1, 10, 5, cached=4, rows_with_tokens=1),
    )
    assert usage_by_model(index, [1, 2]) == (ModelUsage("m/other", 1, 10, 5, cached=4, rows_with_tokens=1),)
    assert usage_by_model(index, index.select([Outcome.ERROR, Outcome.MISSING])) == ()


def test_without_the_input_file_usage_counts_for_the_model_of_the_answer(tmp_path: Path) -> None:
    row = with_usage("a")
    row["response"]["body"]["model"] = "m/said"
    transcribed = response_row("b", {"text": "Hello", "duration": 61.5, "language": "en"})
    index = build_index(tmp_path, output=[row, transcribed, answer_row("c", None), b"not json"])
    assert usage_by_model(index) == (
        ModelUsage("", 3, 3, 7, seconds=61.5, rows_with_tokens=1, rows_with_duration=1),
        ModelUsage("m/said", 1, 10, 5, rows_with_tokens=1),
    )


@pytest.mark.parametrize(
    ("usage", "reasoning", "cached"),
    [
        ({}, None, None),
        ({"reasoning_tokens": 3, "cached_tokens": 2}, 3, 2),
        ({"completion_tokens_details": {"reasoning_tokens": 3}, "prompt_tokens_details": {"cached_tokens": 2}}, 3, 2),
        ({"completion_tokens_details": None, "prompt_tokens_details": None, "cached_tokens": 1}, None, 1),
        ({"completion_tokens_details": {"reasoning_tokens": 0}, "reasoning_tokens": 9}, 0, None),
        ({"completion_tokens_details": "x", "prompt_tokens_details": [1], "cached_tokens": "7"}, None, 7),
        ({"reasoning_tokens": -1, "cached_tokens": 1e400}, None, None),
    ],
)
def test_reasoning_and_cached_tokens_are_read_in_either_place(
    usage: dict[str, Any], reasoning: int | None, cached: int | None
) -> None:
    line = encode_row(with_usage("a", **usage)).replace(b"Infinity", b"1e400")
    for classified in (classify(line), classify_value(loads(line))):
        assert (classified.reasoning_tokens, classified.cached_tokens) == (reasoning, cached)
        assert (classified.prompt_tokens, classified.tokens) == (10, 5)


def test_many_batches_are_added_up_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with several models, files and unknown counts in one batch."""
    ids = [f"id-{number}" for number in range(30)]
    output = [answer_row(custom_id) if n % 7 else with_usage(custom_id) for n, custom_id in enumerate(ids)]
    output[8]["response"]["body"].pop("usage")
    index = build_index(
        tmp_path,
        requests=[of_model(request_row(custom_id), f"m/{n // 3 % 2}") for n, custom_id in enumerate(ids)],
        output=output,
        errors=[error_row(custom_id) for custom_id in ids[3:9]],
    )
    at_once = [usage_by_model(index), usage_by_model(index, range(2, 20)), usage_by_model(index, [29, 3, 8])]
    assert [sum(usage.rows for usage in usages) for usages in at_once] == [30, 18, 3]
    monkeypatch.setattr(usage_totals, "_BATCH", 4)
    assert [
        usage_by_model(index),
        usage_by_model(index, range(2, 20)),
        usage_by_model(index, [29, 3, 8]),
    ] == at_once
