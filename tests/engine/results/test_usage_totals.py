"""Tokens summed from `usage`: what is in the output file is paid for, whatever list it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.counts import ModelUsage
from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.results import Outcome, usage_by_model
from tbatch_tui.engine.results.index.classify import classify, classify_value
from tests.helpers.result_rows import answered, asked, failed, index_of, line_of, with_body

if TYPE_CHECKING:
    from pathlib import Path


def of_model(row: dict, model: str) -> dict:
    row["body"]["model"] = model
    return row


def with_usage(custom_id: str, **usage: object) -> dict:
    row = answered(custom_id)
    row["response"]["body"]["usage"] = {"prompt_tokens": 10, "completion_tokens": 5, **usage}
    return row


def test_by_the_model_that_was_asked(tmp_path: Path):
    index = index_of(
        tmp_path,
        input=[asked("a"), of_model(asked("b"), "m/other"), asked("c"), asked("d")],
        output=[with_usage("a"), with_usage("b", cached_tokens=4), with_usage("stranger"), with_usage("a")],
        errors=[failed("c")],
    )
    assert usage_by_model(index) == (
        ModelUsage("m/chat", 2, 20, 10, rows_with_tokens=2),
        ModelUsage("", 1, 10, 5, rows_with_tokens=1),
        ModelUsage("m/other", 1, 10, 5, cached=4, rows_with_tokens=1),
    )
    assert usage_by_model(index, [1, 2]) == (ModelUsage("m/other", 1, 10, 5, cached=4, rows_with_tokens=1),)
    assert usage_by_model(index, index.select([Outcome.ERROR, Outcome.MISSING])) == ()


def test_without_the_input_file_the_answers_say_their_model(tmp_path: Path):
    row = with_usage("a")
    row["response"]["body"]["model"] = "m/said"
    heard = with_body("b", {"text": "Hello", "duration": 61.5, "language": "en"})
    index = index_of(tmp_path, output=[row, heard, answered("c", None), b"not json"])
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
def test_reasoning_and_cached_tokens_wherever_they_are_said(usage: dict, reasoning: int | None, cached: int | None):
    line = line_of(with_usage("a", **usage)).replace(b"Infinity", b"1e400")
    for verdict in (classify(line), classify_value(loads(line))):
        assert (verdict.reasoning_tokens, verdict.cached_tokens) == (reasoning, cached)
        assert (verdict.prompt_tokens, verdict.tokens) == (10, 5)
