"""Several files together: each custom_id that a file before has too is named with its file and line."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.check.together import check_together, sum_reports
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tests.conftest import CHAT_MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport


def write(path: Path, ids: list[str], head: bytes = b"", end: bytes = b"\n") -> CheckReport:
    body = {"model": CHAT_MODEL, "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    lines = [json.dumps({"custom_id": each, "body": body}).encode() for each in ids]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(head + b"\n".join(lines) + end)
    return check_file(path, keep_ids=True)


def test_an_id_in_two_files_is_named_with_both_lines(tmp_path: Path) -> None:
    reports = [
        write(tmp_path / "a.jsonl", ["one", "two", "three"], end=b""),
        write(tmp_path / "b.jsonl", ["four", "two"], head=b"\xef\xbb\xbf"),
        write(tmp_path / "more" / "b.jsonl", ["five", "six", "two", "four"]),
    ]
    together = check_together(reports)
    assert together.counts == (0, 1, 2) and together.errors == 3
    [second] = together.problems[1]
    assert (second.line, second.custom_id) == (2, "two") and "(first used in a.jsonl, line 2)" in second.message
    data = reports[1].path.read_bytes()
    assert json.loads(data[second.offset : second.offset + second.length])["custom_id"] == "two"
    assert [problem.line for problem in together.problems[2]] == [3, 4]
    assert f"(first used in {tmp_path / 'b.jsonl'}, line 1)" in together.problems[2][1].message, "another has its name"


def test_files_without_a_common_id_are_not_read_again(tmp_path: Path) -> None:
    reports = [write(tmp_path / "a.jsonl", ["one", "one"]), write(tmp_path / "b.jsonl", ["two"])]
    reports[1].path.unlink()
    together = check_together(reports)
    assert together.errors == 0 and together.problems == ((), ()), "a file's own are in its own report"
    total = sum_reports(reports, tmp_path / "both")
    assert (total.requests, total.errors, total.models) == (3, reports[0].errors, {CHAT_MODEL: 3})
    assert total.jobs == 2 and total.size == reports[0].size + reports[1].size


def test_a_file_that_changed_is_refused_and_the_search_can_be_stopped(tmp_path: Path) -> None:
    reports = [write(tmp_path / f"{name}.jsonl", ["one"]) for name in "ab"]
    with pytest.raises(OperationCancelledError):
        check_together(reports, cancelled=lambda: True)
    write(tmp_path / "b.jsonl", ["one", "two"])
    with pytest.raises(LocalFileError, match=r"b\.jsonl has changed"):
        check_together(reports)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(files=st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1), min_size=1, max_size=4))
def test_each_id_but_its_first_is_a_problem(tmp_path: Path, files: list[list[str]]) -> None:
    together = check_together([write(tmp_path / f"{n}.jsonl", ids) for n, ids in enumerate(files)])
    seen: Counter[str] = Counter()
    for ids, problems in zip(files, together.problems, strict=True):
        assert [problem.custom_id for problem in problems] == [each for each in ids if seen[each]]
        seen.update(ids)
    assert together.errors == sum(together.counts) == sum(seen.values()) - len(seen)
