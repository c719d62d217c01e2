"""What this app believes of the API, one sentence each, and what shows that it is so or not.

`docs/sandbox.md` lists them: the local API behaves like this. `tbatch-tui doctor --live` holds each against a server.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.client.live_probe import Observations

HELD = ""
"""What a look returns where the fact holds. None where nothing was seen of it; else what came instead."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SEEN = "seen on the live API"
_SDK = "the SDK's source"
_DOCUMENTED = "Together's documentation"


class Fact(NamedTuple):
    """One thing that is believed of the API."""

    id: str
    words: str
    source: str
    date: str
    """Year and month of the source."""
    is_certain: bool
    """Whether it is known; otherwise it is what seems most likely."""
    look: Callable[[Observations], str | None] | None = None
    """Judges what two lines showed; None where they cannot show it."""


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _unwrapped(body: Any) -> Any:
    """Return what is in `error`; the SDK hands an error on with or without that."""
    return _field(body, "error") or body


def _is(value: object, wanted: object) -> str:
    return HELD if value == wanted else f"{value!r}"


def _has(value: Any, *names: str) -> str | None:
    if not isinstance(value, dict):
        return None
    missing = [name for name in names if name not in value]
    return f"without {', '.join(missing)}" if missing else HELD


def _of_rows(rows: list[Any], judge: Callable[[Any], bool]) -> str | None:
    if not rows:
        return None
    return next((f"{row!r}"[:300] for row in rows if not judge(row)), HELD)


def _created(seen: Observations) -> str | None:
    if seen.created_status is None:
        return None
    status = _field(_field(seen.created, "job"), "status")
    return HELD if (seen.created_status, status) == (201, "VALIDATING") else f"{seen.created_status}, {status}"


def _deadline(seen: Observations) -> str | None:
    job = _field(seen.created, "job")
    try:
        made, due = (datetime.fromisoformat(job[name]) for name in ("created_at", "job_deadline"))
    except (KeyError, TypeError, ValueError):
        return None
    hours = (due - made).total_seconds() / 3600
    return HELD if abs(hours - 24) < 0.01 else f"{hours:.2f} hours"


def _ways(seen: Observations) -> str | None:
    if not seen.statuses:
        return None
    usual = ["VALIDATING", "IN_PROGRESS", "COMPLETED"]
    return HELD if seen.statuses == [each for each in usual if each in seen.statuses] else ", ".join(seen.statuses)


def _job_id(seen: Observations) -> str | None:
    job_id = _field(_field(seen.created, "job"), "id")
    return None if job_id is None else HELD if _UUID.fullmatch(str(job_id)) else f"{job_id!r}"


def _missing_model(seen: Observations) -> str | None:
    status = _field(seen.job, "status")
    if status is None:
        return None
    ids = [_field(row, "custom_id") for row in seen.errors]
    return HELD if (status, ids) == ("COMPLETED", ["doctor-without-model"]) else f"{status}, errors of {ids}"


def _usage(seen: Observations) -> str | None:
    def counts(row: Any) -> bool:
        usage = _field(_field(_field(row, "response"), "body"), "usage")
        return isinstance(_field(usage, "prompt_tokens"), int) and isinstance(_field(usage, "completion_tokens"), int)

    return _of_rows(seen.output, counts)


def _limit(seen: Observations) -> str | None:
    def keeps(row: Any) -> bool:
        usage = _field(_field(_field(row, "response"), "body"), "usage")
        return int(_field(usage, "completion_tokens") or 0) <= 16

    return _of_rows(seen.output, keeps)


FACTS = (
    Fact(
        "upload",
        "After an upload the file is there with its size, `processing_status` and `LineCount`.",
        _SEEN,
        "2026-09",
        True,
        lambda seen: _has(seen.uploaded, "id", "bytes", "filename", "purpose", "processing_status", "LineCount"),
    ),
    Fact(
        "same-bytes",
        "A second upload of the same bytes is answered 409 with the id of the first.",
        _SDK,
        "2026-11",
        True,
        lambda seen: None if seen.was_known is None else HELD if seen.was_known else "a second file",
    ),
    Fact(
        "report",
        "A file that is there has a `validation_report` that says whether it is `valid`.",
        _SEEN,
        "2026-09",
        True,
        lambda seen: (
            None
            if seen.uploaded is None
            else HELD
            if isinstance(_field(_field(seen.uploaded, "validation_report"), "valid"), bool)
            else f"{_field(seen.uploaded, 'validation_report')!r}"[:300]
        ),
    ),
    Fact(
        "refused-lines",
        "Once a job failed on its lines, the report of its file has the `error` and an `error_type`.",
        _SDK,
        "2026-11",
        False,
    ),
    Fact("form-name", "`POST /v1/files/upload` requires `file_name`.", _SEEN, "2026-09", True),
    Fact("listed-after-put", "An upload is listed right after its PUT.", "the npm client's source", "2026-11", True),
    Fact(
        "accepted",
        "A create is answered 201 with a job in VALIDATING: accepted, not valid.",
        _SEEN,
        "2026-09",
        True,
        _created,
    ),
    Fact("job-id", "A job's id is a UUID.", _SEEN, "2026-09", True, _job_id),
    Fact("deadline", "`job_deadline` is 24 hours after `created_at`.", _DOCUMENTED, "2026-09", True, _deadline),
    Fact(
        "owners",
        "A job names `user_id`, `organization_id` and `project_id`.",
        _SEEN,
        "2026-09",
        True,
        lambda seen: _has(_field(seen.created, "job"), "user_id", "organization_id", "project_id"),
    ),
    Fact(
        "whole-list",
        "The list of jobs is one array with every job, the newest too.",
        _SDK,
        "2026-11",
        True,
        lambda seen: (
            None
            if seen.listing is None
            else HELD
            if isinstance(seen.listing, list)
            and _field(_field(seen.created, "job"), "id") in [_field(job, "id") for job in seen.listing]
            else f"{type(seen.listing).__name__} without the new job"
        ),
    ),
    Fact("ways", "A job goes from VALIDATING to IN_PROGRESS to COMPLETED.", _DOCUMENTED, "2026-09", True, _ways),
    Fact(
        "no-counts",
        "A job has no counts of requests and no usage.",
        _SDK,
        "2026-11",
        True,
        lambda seen: (
            None
            if not isinstance(seen.job, dict)
            else _is([name for name in ("request_counts", "usage", "metadata") if seen.job.get(name)], [])
        ),
    ),
    Fact(
        "missing-model", "A line without a model costs that row, not the job.", _SEEN, "2026-09", True, _missing_model
    ),
    Fact(
        "not-serverless",
        "A model that is not serverless fails the whole job in VALIDATING: `Invalid model ID: Unable to access "
        "non-serverless model …`.",
        _SEEN,
        "2026-09",
        True,
    ),
    Fact("long-id", "A `custom_id` of 65 characters is taken, although 64 are documented.", _SEEN, "2026-09", True),
    Fact(
        "long-line",
        "A line over 10 MB passes validation; the job fails later: `error reading input file`.",
        _SEEN,
        "2026-09",
        True,
    ),
    Fact(
        "bad-line",
        "One line that is not a request fails the job, with a line number counted within a chunk.",
        _SEEN,
        "2026-09",
        True,
    ),
    Fact(
        "row-ids",
        "Rows of the output and the error file have ids that begin with `br_`.",
        _SEEN,
        "2026-09",
        True,
        lambda seen: _of_rows([*seen.output, *seen.errors], lambda row: str(_field(row, "id")).startswith("br_")),
    ),
    Fact(
        "output-row",
        "An answer is `{custom_id, response: {status_code: 200, body}}`.",
        _DOCUMENTED,
        "2026-09",
        True,
        lambda seen: _of_rows(
            seen.output,
            lambda row: (
                _field(_field(row, "response"), "status_code") == 200
                and isinstance(_field(_field(_field(row, "response"), "body"), "choices"), list)
            ),
        ),
    ),
    Fact("usage", "An answer has its tokens in `usage`.", _DOCUMENTED, "2026-09", True, _usage),
    Fact("limit", "`max_tokens` is kept, reasoning included.", _SEEN, "2026-09", True, _limit),
    Fact(
        "error-row",
        "An error row is `{custom_id, error: {message, code}}`, its code `batch_client_error`.",
        _SEEN,
        "2026-09",
        True,
        lambda seen: _of_rows(
            seen.errors,
            lambda row: (
                _field(_field(row, "error"), "code") == "batch_client_error"
                and isinstance(_field(_field(row, "error"), "message"), str)
            ),
        ),
    ),
    Fact(
        "result-names",
        "Every output file is called `output.jsonl` and every error file `errors.jsonl`.",
        _SEEN,
        "2026-09",
        True,
        lambda seen: (
            _is(sorted(seen.result_names), ["errors.jsonl", "output.jsonl"][-len(seen.result_names) :])
            if len(seen.result_names) == 2
            else None
        ),
    ),
    Fact(
        "range",
        "A download can be resumed: a Range is answered 206.",
        "most object stores",
        "2026-09",
        False,
        lambda seen: None if seen.range_status is None else _is(seen.range_status, 206),
    ),
    Fact(
        "cancel-ended",
        "Cancelling an ended job is answered 409: `Cannot cancel job - already in terminal state: …`.",
        _SEEN,
        "2026-09",
        True,
        lambda seen: (
            None
            if seen.cancelled is None
            else HELD
            if seen.cancelled[0] == 409 and "already in terminal state" in str(_field(seen.cancelled[1], "error"))
            else f"{seen.cancelled[0]}, {seen.cancelled[1]!r}"[:300]
        ),
    ),
    Fact(
        "unknown-job",
        'A job that does not exist is answered 404: `{error: "Job not found", request_id}`.',
        _SEEN,
        "2026-09",
        True,
        lambda seen: (
            None
            if seen.unknown_job is None
            else HELD
            if seen.unknown_job[0] == 404 and _field(seen.unknown_job[1], "error") == "Job not found"
            else f"{seen.unknown_job[0]}, {seen.unknown_job[1]!r}"[:300]
        ),
    ),
    Fact(
        "unknown-file",
        'A file that does not exist is answered 404 in another shape: `{error: {message, type: "not_found"}}`.',
        _SEEN,
        "2026-09",
        True,
        lambda seen: (
            None
            if seen.unknown_file is None
            else HELD
            if seen.unknown_file[0] == 404 and _field(_unwrapped(seen.unknown_file[1]), "type") == "not_found"
            else f"{seen.unknown_file[0]}, {seen.unknown_file[1]!r}"[:300]
        ),
    ),
    Fact(
        "canceling",
        "A cancelled job is CANCELING (so spelled) for about 15 seconds, then CANCELLED.",
        _SEEN,
        "2026-09",
        True,
    ),
    Fact(
        "cancelled-files",
        "A cancelled job keeps the rows that were finished; one in VALIDATING has no files.",
        _SEEN,
        "2026-09",
        True,
    ),
    Fact(
        "expired-files",
        "An expired job keeps the rows that were finished, and they are billed.",
        _DOCUMENTED,
        "2025-11",
        False,
    ),
    Fact(
        "four-stops",
        "More than four `stop` sequences cost the row: `Maximum four stop sequences allowed`.",
        _SEEN,
        "2026-09",
        True,
    ),
    Fact(
        "tools",
        "A tool without `function`, and a `tool_choice` that names no tool, cost the row: `tools[0]: missing field "
        "'function'`, `Selected function was not found in the tools list`.",
        _SEEN,
        "2026-09",
        True,
    ),
    Fact(
        "parts",
        "An unknown content part costs the row: `data did not match any variant of untagged enum MessageContent`.",
        _SEEN,
        "2026-09",
        True,
    ),
    Fact(
        "audio-file",
        'An audio line without `"method": "FILE"` fails: `Content-Type must be multipart/form-data`.',
        _DOCUMENTED,
        "2026-09",
        True,
    ),
)


def judge(seen: Observations) -> list[tuple[Fact, str | None]]:
    """Return for each fact HELD, what came instead, or None where nothing was seen of it."""
    return [(fact, fact.look(seen) if fact.look is not None else None) for fact in FACTS]


def facts_table() -> str:
    """Return the facts as a table of Markdown."""
    rows = [
        f"| {fact.words} | {fact.source}, {fact.date} | {'certain' if fact.is_certain else 'guessed'} |"
        for fact in FACTS
    ]
    return "\n".join(["| behaviour | source | |", "| --- | --- | --- |", *rows, ""])
