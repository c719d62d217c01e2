"""Fields that a pattern takes out of answers, and patterns that would never end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.answers.fields import find_fields
from tbatch_tui.engine.answers.pattern import PatternError, read_by_pattern
from tbatch_tui.engine.errors import OperationCancelledError
from tests.helpers.result_rows import answer_row, build_index

if TYPE_CHECKING:
    from pathlib import Path


def test_named_groups_become_fields(tmp_path: Path) -> None:
    answers = ["Verdict: yes (9/10)", "Verdict: no (2/10)", "I cannot tell \ud800", "Verdict: yes (10/10)"]
    index = build_index(tmp_path, output=[answer_row(f"r{n}", text) for n, text in enumerate(answers)])
    rows = range(4)
    field = find_fields(index, rows).find("answer")
    verdict, score = read_by_pattern(index, rows, field, r"(?P<verdict>yes|no) \((?P<score>\d+)/")
    assert (verdict.name, [verdict.label(code) for code in verdict.codes]) == (
        "verdict",
        ["yes", "no", "(none)", "yes"],
    )
    assert (score.type, score.filled) == ("number", 3)
    for wrong, why in (("(", "not a regular expression"), ("yes", "no named group")):
        with pytest.raises(PatternError, match=why):
            read_by_pattern(index, rows, field, wrong)
    with pytest.raises(OperationCancelledError):
        read_by_pattern(index, rows, field, "(?P<a>a)", cancelled=lambda: True)


def test_a_pattern_that_would_never_end_is_ended(tmp_path: Path) -> None:
    index = build_index(tmp_path, output=[answer_row("a", "a" * 60 + "!")])
    field = find_fields(index, [0]).find("answer")
    began = time.monotonic()
    with pytest.raises(PatternError, match="takes more than"):
        read_by_pattern(index, [0], field, r"(?P<x>(a+)+)$", seconds=0.3)
    assert time.monotonic() - began < 10
