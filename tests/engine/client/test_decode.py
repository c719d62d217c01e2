"""The server's JSON to values of ours, field by field; what is of the wrong type is left out, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tbatch_tui.engine.client.decode import (
    as_text,
    as_timestamp,
    decode_account,
    decode_created,
    decode_deleted,
    decode_error_message,
    decode_file_names,
    decode_files,
    decode_job,
    decode_job_list,
    decode_jobs,
    decode_models,
    decode_validation_report,
    raw_job,
)
from tbatch_tui.engine.domain.catalogue import ModelInfo
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.server_file import ServerFile, ValidationReport, refused_lines
from tbatch_tui.engine.errors import OutcomeUnknownError

SECOND = 1_767_323_045.0
JOB = {
    "id": "job-1",
    "status": "COMPLETED",
    "progress": 12.5,
    "model_id": "qwen",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file-in",
    "file_size_bytes": 7,
    "created_at": "2026-01-02T03:04:05Z",
    "completed_at": "2026-01-02T03:04:06Z",
    "job_deadline": "2026-01-02T03:04:07Z",
    "output_file_id": "file-out",
    "error_file_id": "file-err",
    "error": "why",
}


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_every_field_of_a_job_is_read() -> None:
    assert decode_job(JOB) == Job(
        "job-1", "COMPLETED", 12.5, "qwen", "/v1/chat/completions", "file-in", 7,
        SECOND, SECOND + 1, SECOND + 2, "file-out", "file-err", "why",
    )  # fmt: skip
    assert decode_job({"id": "a", "status": 7, "progress": 170, "created_at": [], "input_file_id": {}}) == Job(
        "a", "7", 100.0
    )
    assert decode_job({"id": "a", "progress": -1}) == Job("a", "UNKNOWN")
    no_jobs: list[Any] = [None, [], {}, {"id": ""}, {"id": True}]
    assert not any(decode_job(value) for value in no_jobs)


@pytest.mark.parametrize(
    ("value", "ids", "is_whole"),
    [
        ([{"id": "a"}, {"id": "b"}], ["a", "b"], True),
        ({"data": [{"id": "a"}]}, ["a"], True),
        ([{"id": "a"}, {"id": None}], ["a"], False),
        ([{"id": "a"}, "b"], ["a"], False),
        ([], [], True),
        *(
            ({"data": [{"id": "a"}], name: "x"}, ["a"], False)
            for name in ("has_more", "next_cursor", "next", "next_page", "cursor", "next_page_token")
        ),
        ({"data": [{"id": "a"}], "has_more": False, "next_cursor": None}, ["a"], True),
    ],
)
def test_a_list_says_whether_it_is_whole(value: Any, ids: list[str], is_whole: bool) -> None:
    jobs, whole = decode_job_list(dumped(value))
    assert ([job.id for job in jobs], whole) == (ids, is_whole)
    assert decode_jobs(dumped(value)) == jobs


@pytest.mark.parametrize("body", [b"<html>", b"{", b'{"data": {}}', b'"a"', b"null", b'{"DATA": []}'])
def test_what_is_no_list_is_an_error(body: bytes) -> None:
    for decode in decode_job_list, decode_files, decode_models:
        with pytest.raises(OutcomeUnknownError, match="could not be understood"):
            decode(body)


def test_of_what_is_no_json_the_beginning_is_shown() -> None:
    with pytest.raises(OutcomeUnknownError) as error:
        decode_jobs(b"<html>" + b"x" * 100)
    assert error.value.hint == f"It begins with {b'<html>' + b'x' * 54!r}. Trying again."


def test_a_job_is_shown_as_the_server_wrote_it() -> None:
    body = b'[{"id":"a"}, {"id" : "b",  "x": 1.0}]'
    assert raw_job(body, "b") == '{"id" : "b",  "x": 1.0}'
    assert raw_job(body, "c") is None and raw_job(b"{}", "a") is None


def test_a_created_job_comes_with_its_warning() -> None:
    job, warning = decode_created(dumped({"job": {"id": "a", "status": "VALIDATING"}, "warning": "slow"}))
    assert (job, warning) == (Job("a", "VALIDATING"), "slow")
    assert decode_created(dumped({"id": "a", "status": "VALIDATING"})) == (Job("a", "VALIDATING"), None)
    assert decode_created(b'{"job": null}') == (None, None)
    with pytest.raises(OutcomeUnknownError):
        decode_created(b"[]")


def test_every_field_of_a_file_is_read() -> None:
    items = [
        {"id": "f", "filename": "a.jsonl", "purpose": "batch-api", "bytes": 12, "created_at": SECOND},
        {"id": "g", "bytes": 0},
        {"filename": "no id"},
        7,
    ]
    files = [ServerFile("f", "a.jsonl", "batch-api", 12, SECOND), ServerFile("g", "", "", None, None)]
    assert decode_files(dumped({"data": items})) == decode_files(dumped(items)) == files
    assert decode_file_names(dumped({"data": items})) == decode_file_names(dumped(items)) == {"f": "a.jsonl"}
    assert decode_file_names(b"7") == {}


def test_a_deletion_is_believed_unless_it_is_denied() -> None:
    decode_deleted(b'{"id": "f", "deleted": true}')
    decode_deleted(b"{}")
    for body in b'{"deleted": false}', b"[]":
        with pytest.raises(OutcomeUnknownError):
            decode_deleted(body)


def test_an_account_has_ids_and_a_title() -> None:
    whole = {"organization": {"id": "o", "name": "Lab"}, "project": {"id": "p", "name": "Evals"}}
    assert decode_account(dumped(whole)) == ("o", "p", "Lab / Evals")
    assert decode_account(b'{"organization": {"id": "o"}, "project": 7}') == ("o", None, "")
    assert decode_account(b"[]") == (None, None, "")


@pytest.mark.parametrize(
    ("kind", "account"),
    [
        ({"type": "project_api_key", "organization": {"id": "o"}, "project": {"id": "p"}}, ("o", "p", "")),
        ({"type": "organization_api_key", "organization": {"id": "o", "name": "Lab"}}, ("o", None, "Lab")),
        ({"type": "organization_api_key", "organization": {"id": "o"}, "project": None}, ("o", None, "")),
        ({"type": "user_token", "user": {"id": "u"}}, (None, None, "")),
        ({"type": "user_token", "organization": None, "project": {"id": "p", "name": "P"}}, (None, "p", "P")),
    ],
)
def test_each_kind_of_key_has_an_account(kind: dict[str, Any], account: tuple[str | None, str | None, str]) -> None:
    assert decode_account(dumped(kind)) == account


def test_a_model_is_listed_under_each_of_its_names() -> None:
    item = {
        "name": "qwen",
        "serverlessEndpoint": "qwen-turbo",
        "contextLength": 4096,
        "pricing": {"input": 0.5, "output": "1.5", "cachedInput": -1},
        "displayType": "CHAT",
        "inputModalities": ["MODALITY_TEXT", "audio", None],
        "status": "SUPPORTED_MODEL_STATUS_DEPRECATED",
    }
    models, cursor = decode_models(dumped({"data": [item, {"name": "bare"}, {}, 7], "next_cursor": "next"}))
    assert cursor == "next"
    known: dict[str, Any] = {
        "context_length": 4096,
        "input_price": 0.5,
        "output_price": 1.5,
        "display_type": "chat",
        "input_modalities": ("text", "audio"),
        "status": "deprecated",
    }
    assert models == [ModelInfo("qwen", **known), ModelInfo("qwen-turbo", **known), ModelInfo("bare")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": "a"}', "a"),
        (b'{"error": {"message": "b"}}', "b"),
        (b'{"message": "c"}', "c"),
        (b'{"detail": "d"}', "d"),
        (b'{"error": {"error": {"message": "deep"}}}', "deep"),
        (b'{"error": ["a"]}', ""),
        (b"plain words", "plain words"),
        (b"  <html>502</html>", ""),
        (b"x" * 400, "x" * 300),
        (dumped({"error": "y" * 600}), "y" * 500),
        (b'{"error": 7}', "7"),
        (b"", ""),
    ],
)
def test_the_message_of_an_error(body: bytes, message: str) -> None:
    assert decode_error_message(body) == message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (SECOND, SECOND),
        (SECOND * 1000, SECOND),
        (1e11, 1e8),
        (99_999_999_999, 99_999_999_999.0),
        (1e14, None),
        (0, None),
        (-1, None),
        (1, 1.0),
        ("2026-01-02T03:04:05Z", SECOND),
        ("yesterday", None),
        ("0001-01-01T00:00:00Z", None),
        (None, None),
        ([], None),
    ],
)
def test_a_time_is_in_seconds_whatever_it_was_sent_in(value: Any, seconds: float | None) -> None:
    assert as_timestamp(value) == seconds


def test_text_is_what_a_database_and_a_file_can_hold() -> None:
    assert as_text("x" * 20_000) == "x" * 10_000
    assert as_text("a\ud800") == "a?"
    values: list[Any] = [7, 1.5, True, "", None, {}]
    assert [as_text(value) for value in values] == ["7", "1.5", None, None, None, None]


@pytest.mark.parametrize(
    ("file", "report"),
    [
        ({"validation_report": {"valid": True, "nlines": 2}}, ValidationReport(True, "", 2)),
        ({"validation_report": {"valid": False, "error": "line 3: no"}}, ValidationReport(False, "line 3: no")),
        ({"validation_report": {"valid": False, "error": ["x"], "nlines": "many"}}, ValidationReport(False)),
        ({"validation_report": {"valid": "no"}}, None),
        ({"validation_report": {}}, None),
        ({"validation_report": None}, None),
        ({}, None),
        ([], None),
    ],
)
def test_the_report_of_a_file(file: Any, report: ValidationReport | None) -> None:
    assert decode_validation_report(file) == report


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("Error validating input file: Line 2 (within chunk): invalid JSON", ["line 2 within a chunk: invalid JSON"]),
        ("line 7: body is required\nLine 1002: invalid JSON", ["line 7: body is required", "line 1,002: invalid JSON"]),
        ("Could not parse JSON on line 3", ["line 3"]),
        ("input file is empty", []),
        ("deadline 3", []),
        ("", []),
    ],
)
def test_the_lines_that_an_error_names(error: str, words: list[str]) -> None:
    assert [refused.words for refused in refused_lines(error)] == words


def test_what_a_report_adds_to_the_error_of_the_job() -> None:
    error = "Line 2: no\nLine 3: neither"
    assert ValidationReport(False, error).words_beside("Line 2: no") == ["line 2: no", "line 3: neither"]
    assert ValidationReport(False, "It is a picture\nof a cat").words_beside(None) == ["It is a picture", "of a cat"]
    assert ValidationReport(False, error).words_beside(error) == [], "it says the same"
    assert ValidationReport(True, error).words_beside(None) == []
