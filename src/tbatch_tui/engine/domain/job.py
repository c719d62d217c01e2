"""A job as the server tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class JobStatus(StrEnum):
    """The statuses the API is known to send. A job keeps the server's own spelling: see `Job.status`."""

    VALIDATING = "VALIDATING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLING = "CANCELING"  # one L: the live API's undocumented spelling
    CANCELLED = "CANCELLED"

    @property
    def words(self) -> str:
        """The words a person reads."""
        return "Cancelling" if self is JobStatus.CANCELLING else self.value.capitalize().replace("_", " ")


ENDED = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.EXPIRED, JobStatus.CANCELLED})
"""Statuses that do not change any more. An unknown status is not among them: it is polled on."""


class FileKind(StrEnum):
    """The two result files of a job."""

    OUTPUT = "output"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class Job:
    """A batch job as the server tells it. `status` is kept as spelled; unknown ones are not ended."""

    id: str
    status: str
    progress: float = 0.0
    model: str | None = None
    endpoint: str | None = None
    input_file_id: str | None = None
    file_size: int | None = None
    created_at: float | None = None
    completed_at: float | None = None
    deadline: float | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    error: str | None = None

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    def file_id(self, kind: FileKind) -> str | None:
        """The server's id of the output or error file; None when there is none."""
        return self.output_file_id if kind is FileKind.OUTPUT else self.error_file_id


class LocalStatus(StrEnum):
    """Statuses that only we know: of a submission that has no job yet."""

    UPLOADING = "UPLOADING"
    SUBMITTING = "SUBMITTING"
    UNCERTAIN = "UNCERTAIN"
    NOT_SUBMITTED = "NOT_SUBMITTED"
    WAITING = "WAITING"
    READY = "READY"

    @property
    def words(self) -> str:
        """The words a person reads."""
        return self.value.capitalize().replace("_", " ")


_KNOWN: dict[str, JobStatus | LocalStatus] = {
    **{status.value: status for status in JobStatus},
    **{status.value: status for status in LocalStatus},
    "CANCELLING": JobStatus.CANCELLING,
    "CANCELED": JobStatus.CANCELLED,
}


def known_status(status: str) -> JobStatus | LocalStatus | None:
    """The status that this spelling means; None for one that nobody knows."""
    return _KNOWN.get(status)
