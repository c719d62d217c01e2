"""The server's JSON to our values, tolerantly: a field of an odd type is dropped, never the whole list.

Pure functions on bytes, made to be run in a thread: msgspec reads 10,000 jobs (4.5 MB) in some 15 ms.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import msgspec

from tbatch_tui.engine.domain.catalogue import ModelInfo
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.server_file import ServerFile
from tbatch_tui.engine.errors import OutcomeUnknownError
from tbatch_tui.engine.redaction import redact

_LONGEST = 10_000
"""Characters kept of any one thing a server says: a megabyte of error text helps nobody, and is drawn every second."""
UNREADABLE = "The server's answer cannot be read"


def decode(body: bytes) -> Any:
    """Any JSON value. Raises OutcomeUnknownError when it is none (HTML of a proxy, a cut body)."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # The standard library also takes what others refuse: lone surrogates, NaN.
        return json.loads(body)
    except (ValueError, RecursionError):
        raise OutcomeUnknownError(UNREADABLE, f"It begins with {body[:60]!r}. It is asked again.") from None


def decode_jobs(body: bytes) -> list[Job]:
    """The jobs of `GET /v1/batches`: a bare array (API); an object with `data` is taken too."""
    value = decode(body)
    if isinstance(value, dict):
        value = value.get("data")
    if not isinstance(value, list):
        raise OutcomeUnknownError(UNREADABLE, "It is JSON, but not a list of jobs. It is asked again.")
    return [job for item in value if (job := decode_job(item)) is not None]


def decode_job(value: Any) -> Job | None:
    """One job; None for what has no id."""
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
        error=_said(value.get("error")),
    )


def raw_job(body: bytes, job_id: str) -> str | None:
    """One job of the list as the server wrote it, byte for byte but for a key; None if it is not in there."""
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for item in items:
        raw = bytes(item)
        if (job := decode_job(decode(raw))) is not None and job.id == job_id:
            return redact(raw.decode("utf-8", "replace"))
    return None


def decode_created(body: bytes) -> tuple[Job | None, str | None]:
    """Job and warning of `POST /v1/batches`: 201 `{"job": {...}, "warning"?}`, where job may be null (API)."""
    value = decode(body)
    if not isinstance(value, dict):
        raise OutcomeUnknownError(UNREADABLE)
    return decode_job(value.get("job")) or decode_job(value), _said(value.get("warning"))


def decode_file_names(body: bytes) -> dict[str, str]:
    """File id → name, of `GET /v1/files`."""
    value = decode(body)
    items = value.get("data") if isinstance(value, dict) else value
    names: dict[str, str] = {}
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            file_id, name = as_text(item.get("id")), as_text(item.get("filename"))
            if file_id and name:
                names[file_id] = name
    return names


def decode_files(body: bytes) -> list[ServerFile]:
    """The files of `GET /v1/files`, each once. Raises OutcomeUnknownError for what is no list of files."""
    value = decode(body)
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


def decode_deleted(body: bytes) -> None:
    """`DELETE /v1/files/{id}` answers `{id, deleted}`. Raises OutcomeUnknownError when it does not say that it did."""
    value = decode(body)
    if not isinstance(value, dict) or value.get("deleted") is False:
        raise OutcomeUnknownError(UNREADABLE, "It does not say that the file was deleted.")


def decode_account(body: bytes) -> tuple[str | None, str | None, str]:
    """Organisation id, project id and a title to show, of `GET /v3/whoami`."""
    value = decode(body)
    if not isinstance(value, dict):
        return None, None, ""
    ids: list[str | None] = []
    names: list[str] = []
    for part in ("organization", "project"):
        found = value.get(part)
        found = found if isinstance(found, dict) else {}
        ids.append(as_text(found.get("id")))
        if name := as_text(found.get("name")):
            names.append(name)
    return ids[0], ids[1], " / ".join(names)


def decode_models(body: bytes) -> tuple[list[ModelInfo], str | None]:
    """A page of `GET /v2/supported-models`, `{data, next_cursor}`: its models, and the cursor of the next page.

    A model is there under each name a request may give it: its own, and its serverless endpoint's.
    """
    value = decode(body)
    items = value.get("data") if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise OutcomeUnknownError(UNREADABLE, "It is JSON, but not a list of models.")
    models: list[ModelInfo] = []
    for item in items:
        if isinstance(item, dict):
            names = dict.fromkeys((as_text(item.get("name")), as_text(item.get("serverlessEndpoint"))))
            models += [_model_of(name, item) for name in names if name]
    return models, as_text(value.get("next_cursor"))


def _model_of(name: str, item: dict[str, Any]) -> ModelInfo:
    prices = item.get("pricing")
    prices = prices if isinstance(prices, dict) else {}
    return ModelInfo(
        name,
        context_length=_whole(item.get("contextLength")) or None,
        input_price=_price(prices.get("input")),
        output_price=_price(prices.get("output")),
        cached_input_price=_price(prices.get("cachedInput")),
    )


def _price(value: Any) -> float | None:
    number = as_number(value)
    return number if number is not None and number >= 0 else None


def decode_error_message(body: bytes) -> str:
    """What an error answer says: `{"error": "…"}`, `{"error": {"message": "…"}}`, `{"message": "…"}`; else nothing.

    HTML of a proxy says nothing a person could use.
    """
    try:
        value = decode(body)
    except OutcomeUnknownError:
        text = body[:300].decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else text
    for _ in range(3):
        if not isinstance(value, dict):
            break
        value = value.get("error") or value.get("message") or value.get("detail") or ""
    return (as_text(value) or "")[:500] if isinstance(value, str | int | float) else ""


def as_text(value: Any) -> str | None:
    """A non-empty string that SQLite and files take (no lone surrogates), bounded; numbers as text; else None."""
    if isinstance(value, str):
        return value[:_LONGEST].encode("utf-8", "replace").decode() or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _said(value: Any) -> str | None:
    """A sentence of the server's, which may repeat what it was asked with: the key goes no further."""
    text = as_text(value)
    return redact(text) if text else None


def as_number(value: Any) -> float | None:
    """A finite number, also when spelled as text; else None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_timestamp(value: Any) -> float | None:
    """Seconds since the epoch, of ISO 8601 (as the API sends) or a number, also of milliseconds; else None."""
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
