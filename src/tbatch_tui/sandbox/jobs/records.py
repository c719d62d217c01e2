"""What the sandbox stores of a file and of a job: also the lines of its journal, so field names must not change."""

from __future__ import annotations

from typing import Literal

import msgspec

Endpoint = Literal["/v1/chat/completions", "/v1/audio/transcriptions", "/v1/audio/translations"]
"""The endpoints a batch runs against (SDK: `types/batch_create_params.py`)."""

Status = Literal["VALIDATING", "IN_PROGRESS", "COMPLETED", "FAILED", "EXPIRED", "CANCELING", "CANCELLED"]
"""`CANCELING`, with one L, is what the live API sends between a cancel and the end; the others are documented."""

FileType = Literal["csv", "jsonl", "parquet"]
"""SDK: `types/file_type.py`."""

Purpose = Literal["fine-tune", "calibration", "eval", "batch-api"]
"""SDK: `types/file_purpose.py`."""


class Pace(msgspec.Struct, frozen=True):
    """How long the stages of a job take, in sandbox seconds."""

    validating: float = 3.0
    """From the create to IN_PROGRESS (or FAILED)."""

    starting: float = 18.0
    """IN_PROGRESS, whatever the number of rows."""

    per_row: float = 0.01
    """IN_PROGRESS, in addition, for each row."""

    canceling: float = 15.0
    """How long `CANCELING` lasts: about 15 s on the live API."""

    window: float = 86_400.0
    """From the create to `job_deadline`: the completion window, fixed at 24 h."""

    expires: bool = True
    """Whether the deadline ends the job. According to the documentation some jobs run on after it."""


class StoredFile(msgspec.Struct, tag="file"):
    """A file: what the API returns, and what the sandbox needs to serve it."""

    id: str
    filename: str
    purpose: str
    file_type: str
    created_at: float

    claimed: str | None = None
    """The SHA-256 that the client sent with the upload; the bytes must match it."""

    size: int | None = None
    """Bytes; None until the body is there (the upload is done, the result file is written)."""

    sha256: str | None = None
    """SHA-256 of the body; None until it is there."""

    lines: int = 0
    """Lines of the body."""

    ready: bool = False
    """Whether the file is complete: an upload once it is preprocessed, a result file at once."""

    made_by: str | None = None
    """The job of a result file, which is written when it is first needed."""

    refused: str | None = None
    """Why a job on it failed in VALIDATING; None as long as none did."""

    deleted: bool = False
    """Whether a client deleted it. The body stays: a job may still have to read it."""

    @property
    def is_shown(self) -> bool:
        """Whether the API shows the file: an upload as soon as its bytes are there (the npm client needs that)."""
        return (self.ready or self.sha256 is not None) and not self.deleted


class End(msgspec.Struct):
    """How a job ended. This never changes."""

    status: str
    """A final status; in a test, any status that the API might invent."""

    at: float
    """When, in seconds since the epoch."""

    rows: int = 0
    done: int = 0
    error: str | None = None
    model_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None


class ServedJob(msgspec.Struct, tag="job"):
    """A job as it was created, and how it runs. `lifecycle.snapshot` computes what it is at a time."""

    id: str
    endpoint: str
    input_file_id: str
    created_at: float
    pace: Pace
    file_size_bytes: int | None = None
    cancelled_at: float | None = None
    end: End | None = None


class ClockTime(msgspec.Struct, tag="time"):
    """The time of the clock, stored because a clock that runs fast must not go back after a restart."""

    at: float
    id: str = "time"
