"""The server's JSON to our values. A field of the wrong type is dropped, never the whole list.

Pure functions on bytes, to be called in a thread: msgspec reads 10,000 jobs (4.5 MB) in some 15 ms.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from tbatch_tui.engine.domain.catalogue import ModelInfo
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.server_file import ServerFile, ValidationReport
from tbatch_tui.engine.errors import OutcomeUnknownError
from tbatch_tui.engine.lenient_json import as_number
from tbatch_tui.engine.redaction import redact

_MAX_TEXT = 10_000
"""Characters of any one text: a megabyte of error message helps nobody, and is drawn every second."""
UNREADABLE = "The server's answer could not be understood"


def decode_json(body: bytes) -> Any:
    """Return any JSON value. Raises OutcomeUnknownError when it is none (HTML of a proxy, a cut body)."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # The standard library also takes what others refuse: lone surrogates, NaN.
        return json.loads(body)
    except (ValueError, RecursionError):
        raise OutcomeUnknownError(UNREADABLE, f"It begins with {body[:60]!r}. Trying again.") from None


_NEXT_PAGE = ("has_more", "next_cursor", "next", "next_page", "cursor", "next_page_token")
"""Fields by which APIs say that a list goes on."""


def decode_jobs(body: bytes) -> list[Job]:
    """Return the jobs of `GET /v1/batches`: a bare array (API), or an object with `data`."""
    return decode_job_list(body)[0]


def decode_job_list(body: bytes) -> tuple[list[Job], bool]:
    """Return the jobs of `GET /v1/batches`, and whether it looks whole: all are readable, and no page follows."""
    value = decode_json(body)
    has_more = isinstance(value, dict) and any(value.get(name) for name in _NEXT_PAGE)
    if isinstance(value, dict):
        value = value.get("data")
    if not isinstance(value, list):
        raise OutcomeUnknownError(UNREADABLE, "It is JSON, but not a list of jobs. Trying again.")
    jobs = [job for item in value if (job := decode_job(item)) is not None]
    return jobs, len(jobs) == len(value) and not has_more


def decode_job(value: Any) -> Job | None:
    """Return one job; None for what has no id."""
    if not isinstance(value, dict):
        return None
    job_id = as_text(value.get("id"))
    if not job_id:
        return None
    return Job(
        id=job_id,
        status=as_text(value.get("status")) or "UNKNOWN",
        progress=min(100.0, max(0.0, as_number(value.get("progress")) or 0.0)),
        model=as_text(value.get("model_id")),
        endpoint=as_text(value.get("endpoint")),
        input_file_id=as_text(value.get("input_file_id")),
        file_size=_whole(value.get("file_size_bytes")),
        created_at=as_timestamp(value.get("created_at")),
        completed_at=as_timestamp(value.get("completed_at")),
        deadline=as_timestamp(value.get("job_deadline")),
        output_file_id=as_text(value.get("output_file_id")),
        error_file_id=as_text(value.get("error_file_id")),
        error=_as_message(value.get("error")),
    )


def raw_job(body: bytes, job_id: str) -> str | None:
    """Return one job of the list as the server wrote it, with keys redacted; None if it is not in the list."""
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for item in items:
        raw = bytes(item)
        if (job := decode_job(decode_json(raw))) is not None and job.id == job_id:
            return redact(raw.decode("utf-8", "replace"))
    return None


def decode_created(body: bytes) -> tuple[Job | None, str | None]:
    """Return job and warning of `POST /v1/batches`: 201 `{"job": {...}, "warning"?}`, where job may be null (API)."""
    value = decode_json(body)
    if not isinstance(value, dict):
        raise OutcomeUnknownError(UNREADABLE)
    return decode_job(value.get("job")) or decode_job(value), _as_message(value.get("warning"))


def decode_file_names(body: bytes) -> dict[str, str]:
    """Return the names of `GET /v1/files` by file id."""
    value = decode_json(body)
    items = value.get("data") if isinstance(value, dict) else value
    names: dict[str, str] = {}
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            file_id, name = as_text(item.get("id")), as_text(item.get("filename"))
            if file_id and name:
                names[file_id] = name
    return names


def decode_files(body: bytes) -> list[ServerFile]:
    """Return the files of `GET /v1/files`, each once. Raises OutcomeUnknownError for what is no list of files."""
    value = decode_json(body)
    items = value.get("data") if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise OutcomeUnknownError(UNREADABLE, "It is JSON, but not a list of files.")
    files = {}
    for item in items:
        if isinstance(item, dict) and (file_id := as_text(item.get("id"))):
            files[file_id] = ServerFile(
                file_id,
                as_text(item.get("filename")) or "",
                as_text(item.get("purpose")) or "",
                _whole(item.get("bytes")) or None,
                as_timestamp(item.get("created_at")),
            )
    return list(files.values())


def decode_validation_report(value: Any) -> ValidationReport | None:
    """Return the `validation_report` of a file; None for a file without one that says whether it is valid."""
    report = value.get("validation_report") if isinstance(value, dict) else None
    if not isinstance(report, dict) or not isinstance(report.get("valid"), bool):
        return None
    return ValidationReport(report["valid"], _as_message(report.get("error")) or "", _whole(report.get("nlines")))


def decode_deleted(body: bytes) -> None:
    """Check the answer of `DELETE /v1/files/{id}`, `{id, deleted}`. Raises OutcomeUnknownError for `deleted: false`."""
    value = decode_json(body)
    if not isinstance(value, dict) or value.get("deleted") is False:
        raise OutcomeUnknownError(UNREADABLE, "It does not say that the file was deleted.")


def decode_account(body: bytes) -> tuple[str | None, str | None, str]:
    """Return organisation id, project id and a title to show, of `GET /v3/whoami`."""
    value = decode_json(body)
    if not isinstance(value, dict):
        return None, None, ""
    ids: list[str | None] = []
    names: list[str] = []
    for part in ("organization", "project"):
        owner = value.get(part)
        owner = owner if isinstance(owner, dict) else {}
        ids.append(as_text(owner.get("id")))
        if name := as_text(owner.get("name")):
            names.append(name)
    return ids[0], ids[1], " / ".join(names)


def decode_models(body: bytes) -> tuple[list[ModelInfo], str | None]:
    """Return the models of a page of `GET /v2/supported-models`, `{data, next_cursor}`, and the next page's cursor.

    A model is listed under each name that a request may give it: its own, and its serverless endpoint's.
    """
    value = decode_json(body)
    items = value.get("data") if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise OutcomeUnknownError(UNREADABLE, "It is JSON, but not a list of models.")
    models: list[ModelInfo] = []
    for item in items:
        if isinstance(item, dict):
            names = dict.fromkeys((as_text(item.get("name")), as_text(item.get("serverlessEndpoint"))))
            models += [_decode_model(name, item) for name in names if name]
    return models, as_text(value.get("next_cursor"))


def _decode_model(name: str, item: dict[str, Any]) -> ModelInfo:
    prices = item.get("pricing")
    prices = prices if isinstance(prices, dict) else {}
    return ModelInfo(
        name,
        context_length=_whole(item.get("contextLength")) or None,
        input_price=_price(prices.get("input")),
        output_price=_price(prices.get("output")),
        cached_input_price=_price(prices.get("cachedInput")),
        display_type=(as_text(item.get("displayType")) or "").lower(),
        input_modalities=tuple(_modalities(item.get("inputModalities"))),
        status=(as_text(item.get("status")) or "").removeprefix("SUPPORTED_MODEL_STATUS_").lower(),
    )


def _modalities(value: Any) -> list[str]:
    names = [as_text(item) or "" for item in value] if isinstance(value, list) else []
    return [name.removeprefix("MODALITY_").lower() for name in names if name]


def _price(value: Any) -> float | None:
    number = as_number(value)
    return number if number is not None and number >= 0 else None


def decode_error_message(body: bytes) -> str:
    """Return the message of `{"error": "…"}`, `{"error": {"message": "…"}}` or `{"message": "…"}`; empty without one.

    HTML of a proxy has nothing that a person could use.
    """
    try:
        value = decode_json(body)
    except OutcomeUnknownError:
        text = body[:300].decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else text
    for _ in range(3):
        if not isinstance(value, dict):
            break
        value = value.get("error") or value.get("message") or value.get("detail") or ""
    return (as_text(value) or "")[:500] if isinstance(value, str | int | float) else ""


def as_text(value: Any) -> str | None:
    """Return a non-empty string that SQLite and files accept (no lone surrogates), cut to 10,000 characters.

    A number becomes text; anything else is None.
    """
    if isinstance(value, str):
        return value[:_MAX_TEXT].encode("utf-8", "replace").decode() or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _as_message(value: Any) -> str | None:
    """Return a sentence of the server's. It may repeat the request, so keys are redacted."""
    text = as_text(value)
    return redact(text) if text else None


def as_timestamp(value: Any) -> float | None:
    """Return seconds since the epoch, of ISO 8601 (as the API sends) or a number, also of milliseconds; else None."""
    number = as_number(value)
    if number is not None and 1e11 <= number < 1e14:
        number /= 1000
    if number is None and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            number = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    return number if number is not None and 0 < number < 1e11 else None


def _whole(value: Any) -> int | None:
    number = as_number(value)
    return int(number) if number is not None and 0 <= number < 2**62 else None
