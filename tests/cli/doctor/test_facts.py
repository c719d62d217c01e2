"""What is believed of the API: the local one behaves so, and each difference is noticed."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.cli.doctor.facts import FACTS, HELD, facts_table, judge
from tbatch_tui.engine.client.live_probe import Observations, run_two_lines
from tbatch_tui.sandbox.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[3] / "docs" / "sandbox.md"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=20) as running:
        yield running


@pytest.fixture(scope="module")
def seen(sandbox: Sandbox) -> Observations:
    """What the local API showed."""
    told: list[str] = []
    seen = run_two_lines(
        base_url=sandbox.base_url,
        api_key=sandbox.key,
        model="openai/gpt-oss-20b",
        tell=told.append,
        poll_every=0.02,
        patience=60.0,
    )
    assert "the job is COMPLETED" in told
    return seen


def test_the_local_api_behaves_as_believed(seen: Observations, sandbox: Sandbox) -> None:
    assert [(fact.id, came) for fact, came in judge(seen) if came not in (HELD, None)] == []
    assert [fact.id for fact, came in judge(seen) if came is None and fact.look is not None] == []
    assert sandbox.count("POST", "/v1/batches") == 1
    deleted = [call.path for call in sandbox.requests if call.method == "DELETE"]
    assert len(set(deleted)) == 3, "input, output and error file are deleted"


def test_nothing_seen_is_not_held() -> None:
    assert {came for _, came in judge(Observations())} == {None}


def _set(*path: str | int, value: Any) -> Callable[[Observations], None]:
    """Return what puts a value into what was seen."""

    def change(seen: Observations) -> None:
        target: Any = seen
        for name in path[:-1]:
            target = getattr(target, name) if isinstance(target, Observations) else target[name]  # type: ignore[arg-type]
        if isinstance(target, Observations):
            setattr(target, str(path[-1]), value)
        else:
            target[path[-1]] = value

    return change


def _drop(*path: str | int) -> Callable[[Observations], None]:
    def change(seen: Observations) -> None:
        target: Any = getattr(seen, str(path[0]))
        for name in path[1:-1]:
            target = target[name]
        del target[path[-1]]

    return change


FALSIFIED: dict[str, Callable[[Observations], None]] = {
    "upload": _drop("uploaded", "LineCount"),
    "same-bytes": _set("was_known", value=False),
    "report": _drop("uploaded", "validation_report"),
    "accepted": _set("created_status", value=200),
    "job-id": _set("created", "job", "id", value="batch_1"),
    "deadline": _set("created", "job", "job_deadline", value="2099-01-01T00:00:00Z"),
    "owners": _drop("created", "job", "project_id"),
    "whole-list": _set("listing", value={"data": []}),
    "ways": _set("statuses", value=["VALIDATING", "QUEUED", "COMPLETED"]),
    "no-counts": _set("job", "request_counts", value={"total": 2}),
    "missing-model": _set("job", "status", value="FAILED"),
    "row-ids": _set("output", 0, "id", value="batch_req_1"),
    "output-row": _set("output", 0, "response", "status_code", value=202),
    "usage": _drop("output", 0, "response", "body", "usage", "prompt_tokens"),
    "limit": _set("output", 0, "response", "body", "usage", "completion_tokens", value=17),
    "error-row": _set("errors", 0, "error", "code", value="invalid_request"),
    "result-names": _set("result_names", value=["job_output.jsonl", "job_error.jsonl"]),
    "range": _set("range_status", value=200),
    "cancel-ended": _set("cancelled", value=(200, {})),
    "unknown-file": _set("unknown_file", value=(404, {"error": "File not found"})),
    "unknown-job": _set("unknown_job", value=(403, {"error": "Job not found"})),
}


def test_every_fact_that_two_lines_show_is_falsified_here() -> None:
    assert set(FALSIFIED) == {fact.id for fact in FACTS if fact.look is not None}


@pytest.mark.parametrize("name", FALSIFIED)
def test_a_difference_is_named(seen: Observations, name: str) -> None:
    other = deepcopy(seen)
    FALSIFIED[name](other)
    differs = {fact.id: came for fact, came in judge(other) if came not in (HELD, None)}
    # The id of the job is also what is looked for in the list.
    assert set(differs) - ({"whole-list"} if name == "job-id" else set()) == {name}
    assert differs[name]


SANDBOX = Path(__file__).parents[2] / "sandbox"
PROVEN = {
    "refused-lines": "test_validation.py::test_the_report_of_a_file_says_what_was_refused",
    "form-name": "test_files.py::test_an_upload_as_a_form_names_its_file",
    "listed-after-put": "test_files.py::test_an_unfinished_upload_is_no_file_yet",
    "not-serverless": "test_validation.py::test_a_model_that_is_not_serverless_fails_the_job",
    "long-id": "test_validation.py::test_only_a_strict_sandbox_refuses_a_long_id",
    "long-line": "test_validation.py::test_a_line_over_ten_megabytes_fails_the_job_later",
    "bad-line": "test_validation.py::test_lines_are_counted_within_a_chunk",
    "canceling": "test_lifecycle.py::test_cancelled_while_running",
    "cancelled-files": "test_lifecycle.py::test_a_job_cancelled_while_validating_has_no_results",
    "expired-files": "test_lifecycle.py::test_an_expired_job_keeps_the_rows_that_are_done",
    "four-stops": "test_answers.py::test_rows_that_fail",
    "tools": "test_answers.py::test_rows_that_fail",
    "parts": "test_answers.py::test_rows_that_fail",
    "audio-file": "test_answers.py::test_rows_that_fail",
}
"""The facts that two lines cannot show, and the test that holds the local API to each."""


def test_every_other_fact_is_proven_by_a_test_of_the_local_api() -> None:
    assert set(PROVEN) == {fact.id for fact in FACTS if fact.look is None}
    for place in PROVEN.values():
        name, _, test = place.partition("::")
        assert f"def {test}(" in (SANDBOX / name).read_text(encoding="utf-8"), place


def test_the_page_has_them_all() -> None:
    assert facts_table() in PAGE.read_text(encoding="utf-8")
