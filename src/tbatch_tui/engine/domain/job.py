"""A batch job of the server, and its statuses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class JobStatus(StrEnum):
    """The statuses that the API is known to send. A job keeps the server's own spelling: see `Job.status`."""

    VALIDATING = "VALIDATING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLING = "CANCELING"  # one L: the live API's undocumented spelling
    CANCELLED = "CANCELLED"

    @property
    def words(self) -> str:
        """The name for people."""
        return "Cancelling" if self is JobStatus.CANCELLING else self.value.capitalize().replace("_", " ")


ENDED = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.EXPIRED, JobStatus.CANCELLED})
"""Statuses that do not change any more. A job with an unknown status is polled on."""


class FileKind(StrEnum):
    """The two result files of a job."""

    OUTPUT = "output"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class Job:
    """A batch job as the server lists it.

    Times are seconds since the epoch (UTC); progress is 0-100; sizes are bytes.
    """

    id: str
    status: str
    """As the server spells it. A job with an unknown status has not ended."""
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
        """Whether its status does not change any more."""
        return self.status in ENDED

    def file_id(self, kind: FileKind) -> str | None:
        """Return the server's id of the output or error file; None when there is none."""
        return self.output_file_id if kind is FileKind.OUTPUT else self.error_file_id


class LocalStatus(StrEnum):
    """Statuses of a submission that has no job yet. The server does not know them."""

    UPLOADING = "UPLOADING"
    SUBMITTING = "SUBMITTING"
    UNCERTAIN = "UNCERTAIN"
    NOT_SUBMITTED = "NOT_SUBMITTED"
    WAITING = "WAITING"
    READY = "READY"

    @property
    def words(self) -> str:
        """The name for people."""
        return self.value.capitalize().replace("_", " ")


_KNOWN: dict[str, JobStatus | LocalStatus] = {
    **{status.value: status for status in JobStatus},
    **{status.value: status for status in LocalStatus},
    "CANCELLING": JobStatus.CANCELLING,
    "CANCELED": JobStatus.CANCELLED,
}


def known_status(status: str) -> JobStatus | LocalStatus | None:
    """Return the status that this spelling means; None for an unknown one."""
    return _KNOWN.get(status)
