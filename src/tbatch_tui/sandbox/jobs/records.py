"""What the sandbox keeps of a file and of a job. These are also the lines of its journal on disk."""

from __future__ import annotations

from typing import Literal

import msgspec

Endpoint = Literal["/v1/chat/completions", "/v1/audio/transcriptions", "/v1/audio/translations"]
"""The endpoints a batch runs against (SDK: `types/batch_create_params.py`)."""

Status = Literal["VALIDATING", "IN_PROGRESS", "COMPLETED", "FAILED", "EXPIRED", "CANCELING", "CANCELLED"]
"""`CANCELING`, with one L, is what the live API says between the cancel and its end; the rest are documented."""

FileType = Literal["csv", "jsonl", "parquet"]
"""SDK: `types/file_type.py`."""

Purpose = Literal["fine-tune", "calibration", "eval", "batch-api"]
"""SDK: `types/file_purpose.py`."""


class Pace(msgspec.Struct, frozen=True):
    """How long the stages of a job take, in sandbox seconds."""

    validating: float = 3.0
    """From the create to IN_PROGRESS (or FAILED)."""

    starting: float = 18.0
    """IN_PROGRESS, however few the rows."""

    per_row: float = 0.01
    """IN_PROGRESS, for each row more."""

    canceling: float = 15.0
    """How long `CANCELING` lasts: about 15 s on the live API."""

    window: float = 86_400.0
    """From the create to `job_deadline`: the completion window, fixed at 24 h."""

    expires: bool = True
    """Whether the deadline ends the job. The documentation also knows jobs that run on past it."""


class StoredFile(msgspec.Struct, tag="file"):
    """A file: what the API tells of it, and what the sandbox needs to serve it."""

    id: str
    filename: str
    purpose: str
    file_type: str
    created_at: float

    claimed: str | None = None
    """The SHA-256 the client announced; the bytes must agree."""

    size: int | None = None
    """Unknown until the body is there: an upload not yet put, a result file not yet written."""

    sha256: str | None = None
    """Of the body, once it is there."""

    ready: bool = False
    """Whether the API shows the file: uploads once they are preprocessed, result files at once."""

    made_by: str | None = None
    """The job whose results these are. Such a file is written when it is first needed."""

    deleted: bool = False
    """Gone for the client. The body stays while a job may still be reading it."""


class End(msgspec.Struct):
    """How a job ended. It does not change any more."""

    status: str
    """One of the ended ones, or in a test anything the API might come up with."""

    at: float
    rows: int = 0
    done: int = 0
    error: str | None = None
    model_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None


class ServedJob(msgspec.Struct, tag="job"):
    """A job: what was asked and how it will go. What it is at a moment, `life.moment` says."""

    id: str
    endpoint: str
    input_file_id: str
    created_at: float
    pace: Pace
    file_size_bytes: int | None = None
    cancelled_at: float | None = None
    end: End | None = None


class ClockTime(msgspec.Struct, tag="time"):
    """How far the clock has come: with a clock that runs fast or jumps, restarting must not turn it back."""

    at: float
    id: str = "time"
