"""The nouns of the engine: small frozen values that every other room passes around.

Times are seconds since the epoch (UTC, float); sizes are bytes; progress is 0-100.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind, Job, JobStatus, LocalStatus, known_status
from tbatch_tui.engine.domain.submission import JobGroup, Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.counts import JobCounts


class Rank(StrEnum):
    """The three groups of the Jobs list, in the order they are shown."""

    ACTIVE = "0-active"
    ATTENTION = "1-attention"
    DONE = "2-done"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One row of the Jobs list: the server's job, our submission, or both, with what we keep beside them.

    `key` is the job id, or `submission:N` until the server has given one.
    """

    key: str
    job: Job | None = None
    submission: Submission | None = None
    label: str = ""
    note: str = ""
    input_name: str = ""
    """The uploaded file's name, where known; with `label` empty it is what the row is called."""
    requests: int | None = None
    output: Transfer | None = None
    errors: Transfer | None = None
    counts: JobCounts | None = None
    """What came of the requests; None until the files are here and counted."""
    first_seen_at: float = 0.0
    group: JobGroup | None = None
    """The file that this is a part of, where that was submitted as several jobs."""

    @property
    def name(self) -> str:
        """What the row is called: `name_of_file`, and which part of it this is."""
        return f"{self.name_of_file} · {part}" if (part := self.part_words) else self.name_of_file

    @property
    def name_of_file(self) -> str:
        """The label, else the input file's stem, else the id's first 8."""
        stem = self.group.path.stem if self.group is not None else Path(self.input_name).stem
        return self.label or stem or self.key[:8]

    @property
    def part_words(self) -> str:
        """Which part of its file it is; empty of a whole one."""
        if self.group is None or self.submission is None:
            return ""
        return self.group.part_words(self.submission.part)

    @property
    def status(self) -> str:
        """The server's status; before there is a job, a `LocalStatus`."""
        if self.job is not None:
            return self.job.status
        if self.submission is None:
            return ""
        return _LOCAL_STATUS[self.submission.state]

    @property
    def status_words(self) -> str:
        """The status as a person reads it; one that nobody knows as the server spells it."""
        known = known_status(self.status)
        return known.words if known is not None else self.status

    @property
    def created_at(self) -> float:
        if self.job is not None and self.job.created_at is not None:
            return self.job.created_at
        return self.submission.created_at if self.submission is not None else self.first_seen_at

    @property
    def is_active(self) -> bool:
        """Whether it can still change without the person: not ended, or a submission at work."""
        return self.is_being_submitted if self.job is None else not self.job.is_ended

    @property
    def is_being_submitted(self) -> bool:
        """Whether there is no job yet, but a submission that is worked on, here or in another app."""
        if self.job is not None or self.submission is None:
            return False
        return self.submission.state.is_open and not self.is_waiting

    @property
    def is_resolved(self) -> bool:
        """Whether it is known what the submission became: a job, or certainly none."""
        return self.job is not None or self.status == LocalStatus.NOT_SUBMITTED

    @property
    def is_waiting(self) -> bool:
        """Whether it is the rest of a file that has not been sent yet."""
        return self.job is None and self.submission is not None and self.submission.state.is_waiting

    @property
    def is_awaiting_file_ids(self) -> bool:
        """Whether a job of ours was completed, but the server does not name a result file yet."""
        job = self.job
        if self.submission is None or job is None or job.status != JobStatus.COMPLETED:
            return False
        return job.output_file_id is None and job.error_file_id is None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more comes by itself: ended, its files here or gone; or a submission that made no job."""
        if self.job is None:
            return self.is_resolved
        return self.job.is_ended and not self.is_awaiting_file_ids and not self.has_files_to_fetch

    @property
    def can_cancel(self) -> bool:
        """Whether there is something to cancel: a job that runs, or a submission that can still be stopped.

        Not while a create is uncertain (there may be no job to cancel), nor when it is being cancelled already.
        """
        return self.is_active and self.status not in (LocalStatus.UNCERTAIN, JobStatus.CANCELLING)

    @property
    def can_decide(self) -> bool:
        """Whether the person has something to decide: about an uncertain create, or the rest of a file."""
        return self.status == LocalStatus.UNCERTAIN or self.is_waiting

    @property
    def can_download(self) -> bool:
        """Whether there are files to download, again or for the first time."""
        return self.has_result_files

    @property
    def result_kinds(self) -> tuple[FileKind, ...]:
        """The result files that the server names."""
        job = self.job
        return () if job is None else tuple(kind for kind in FileKind if job.file_id(kind) is not None)

    @property
    def has_result_files(self) -> bool:
        """Whether the server names at least one result file, here or not."""
        return bool(self.result_kinds)

    @property
    def has_files_to_fetch(self) -> bool:
        """Whether a file that is wanted is not on disk yet; one that is gone from the server is not wanted any more."""
        return any(t.state in (TransferState.WANTED, TransferState.FAILED) for t in self.transfers)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The result files that are here: output, then errors."""
        return tuple(t.path for t in self.transfers if t.state is TransferState.FETCHED and t.path is not None)

    @property
    def rank(self) -> Rank:
        """Active; then what needs a person (uncertain, failed, expired, not fetched, errors or rows that do not come
        out even, to be sent or not); then the rest.
        """
        if self.status in (LocalStatus.UNCERTAIN, LocalStatus.READY):
            return Rank.ATTENTION
        if self.is_active or self.is_waiting:
            return Rank.ACTIVE
        if self.status in (JobStatus.FAILED, JobStatus.EXPIRED, LocalStatus.NOT_SUBMITTED):
            return Rank.ATTENTION
        if self.has_files_to_fetch:
            return Rank.ATTENTION
        if self.counts.needs_attention if self.counts is not None else self.error_rows:
            return Rank.ATTENTION
        return Rank.DONE

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        return tuple(t for t in (self.output, self.errors) if t is not None)

    @property
    def has_results_here(self) -> bool:
        """Whether every result file the job has is here, or certainly gone; not of a job without any."""
        if self.job is None:
            return False
        states = {t.kind: t.state for t in self.transfers}
        here_or_gone = (TransferState.FETCHED, TransferState.GONE)
        return TransferState.FETCHED in states.values() and all(
            states.get(kind) in here_or_gone for kind in self.result_kinds
        )

    @property
    def is_counted(self) -> bool:
        """Whether what came of its requests is counted, or there is nothing here to count."""
        return self.counts is not None or not self.has_results_here

    @property
    def answered_rows(self) -> int | None:
        """Rows of the output file once it is on disk."""
        return self.output.rows if self.output is not None else None

    @property
    def error_rows(self) -> int | None:
        """Rows of the error file once it is on disk."""
        return self.errors.rows if self.errors is not None else None

    @property
    def endpoint(self) -> str | None:
        if self.job is not None and self.job.endpoint:
            return self.job.endpoint
        return self.submission.endpoint if self.submission is not None else None


_LOCAL_STATUS = {
    SubmissionState.INTENT: LocalStatus.UPLOADING,
    SubmissionState.UPLOADED: LocalStatus.SUBMITTING,
    SubmissionState.CREATING: LocalStatus.SUBMITTING,
    SubmissionState.CREATED: LocalStatus.SUBMITTING,
    SubmissionState.UNCERTAIN: LocalStatus.UNCERTAIN,
    SubmissionState.HELD: LocalStatus.UNCERTAIN,
    SubmissionState.REJECTED: LocalStatus.NOT_SUBMITTED,
    SubmissionState.STOPPED: LocalStatus.NOT_SUBMITTED,
    SubmissionState.WAITING: LocalStatus.WAITING,
    SubmissionState.READY: LocalStatus.READY,
}


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """One job of a family: the original, its retries, theirs."""

    record: JobRecord
    generation: int
    """1 for the original."""
