"""A job as the history has it, and every rule about what its state means and allows.

Screens, commands and the engine ask these properties; none of them has a rule of its own. Times are seconds since the
epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.domain.job import FileKind, Job, JobStatus, LocalStatus, known_status
from tbatch_tui.engine.domain.submission import FileSlice, JobGroup, Submission, SubmissionState, parse_slices
from tbatch_tui.engine.domain.transfer import Transfer, TransferState

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.counts import JobCounts


OPENED_PREFIX = "file:"
"""What the keys of records begin with that stand for result files opened by their path."""


class Rank(StrEnum):
    """The three groups of the Jobs list. Their values sort them, and are stored."""

    ACTIVE = "0-active"
    ATTENTION = "1-attention"
    DONE = "2-done"


class Attention(StrEnum):
    """Why a job needs a person. The values are stored."""

    UNCERTAIN = "uncertain"
    """Whether the job was created is not known."""
    READY = "ready"
    """The rest of a file waits for a decision."""
    FAILED = "failed"
    """It failed or expired, or was never submitted."""
    FILES = "files"
    """Files that are wanted are not on disk."""
    ROWS = "rows"
    """There are errors, or rows that do not add up."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One row of the Jobs list: the server's job, our submission, or both, and what the history adds to them."""

    key: str
    """The id of the job, or `submission:N` until there is one."""
    job: Job | None = None
    """The job as the server listed it last; None before there is one."""
    submission: Submission | None = None
    """What was submitted from this machine; None for a job made elsewhere."""
    label: str = ""
    note: str = ""
    input_name: str = ""
    """The name of the uploaded file; empty if it is not known."""
    requests: int | None = None
    output: Transfer | None = None
    """The output file, once it is to be downloaded; None before, and for a job that has none."""
    errors: Transfer | None = None
    """The error file, likewise."""
    counts: JobCounts | None = None
    """How many requests were answered, failed and so on; None until the files are downloaded and counted."""
    first_seen_at: float = 0.0
    group: JobGroup | None = None
    """The file that this is a part of, if it was submitted as several jobs."""
    acknowledged: str = ""
    """The `Attention` that the person has acknowledged; empty for none."""
    answer_schema: str = ""
    """The JSON Schema, as JSON, by which a person had the answers judged of requests that ask for nothing."""
    is_old: bool = False
    """Whether it was made elsewhere, more than 72 hours ago or before the account was first used here."""

    @property
    def is_opened(self) -> bool:
        """Whether it stands for result files that were opened by their path: it is no job of the list."""
        return self.key.startswith(OPENED_PREFIX)

    @property
    def name(self) -> str:
        """The name of the row: that of its file, and which part of it this is."""
        return f"{self.name_of_file} · {part}" if (part := self.part_words) else self.name_of_file

    @property
    def name_of_file(self) -> str:
        """The label, else the group's name, else the input file's stem, else the first 8 characters of the key."""
        group = self.group
        stem = (group.name or group.path.stem) if group is not None else Path(self.input_name).stem
        return self.label or stem or self.key[:8]

    @property
    def part_words(self) -> str:
        """Which part of its file it is, such as `2 of 3`; empty for a whole file."""
        if self.group is None or self.submission is None:
            return ""
        return self.group.part_words(self.submission.part)

    @property
    def status(self) -> str:
        """The server's status; before there is a job, a `LocalStatus`; empty for neither."""
        if self.job is not None:
            return self.job.status
        if self.submission is None:
            return ""
        return _LOCAL_STATUS[self.submission.state]

    @property
    def status_words(self) -> str:
        """The status for a person to read; an unknown one as the server spells it."""
        known = known_status(self.status)
        return known.words if known is not None else self.status

    @property
    def created_at(self) -> float:
        """When the job was created, else submitted, else first listed."""
        if self.job is not None and self.job.created_at is not None:
            return self.job.created_at
        return self.submission.created_at if self.submission is not None else self.first_seen_at

    @property
    def endpoint(self) -> str | None:
        """The endpoint as the API names it; None if it is not known."""
        if self.job is not None and self.job.endpoint:
            return self.job.endpoint
        return self.submission.endpoint if self.submission is not None else None

    @property
    def is_active(self) -> bool:
        """Whether it can still change by itself: a job that has not ended, or a submission under way."""
        return self.is_being_submitted if self.job is None else not self.job.is_ended

    @property
    def is_being_submitted(self) -> bool:
        """Whether there is no job yet, but a submission that some engine on this data folder works on."""
        if self.job is not None or self.submission is None:
            return False
        return self.submission.state.is_open and not self.is_waiting

    @property
    def is_resolved(self) -> bool:
        """Whether it is known what the submission became: a job, or certainly none."""
        return self.job is not None or self.status == LocalStatus.NOT_SUBMITTED

    @property
    def is_waiting(self) -> bool:
        """Whether it is the rest of a file, which has not been sent yet."""
        return self.job is None and self.submission is not None and self.submission.state.is_waiting

    @property
    def is_awaiting_file_ids(self) -> bool:
        """Whether a job submitted here is completed, but the server names no result file.

        The server may report COMPLETED some lists before the ids of the files.
        """
        job = self.job
        if self.submission is None or job is None or job.status != JobStatus.COMPLETED:
            return False
        return job.output_file_id is None and job.error_file_id is None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more comes by itself.

        That is a job that has ended and whose files are on disk or gone, or a submission that made no job.
        """
        if self.job is None:
            return self.is_resolved
        return self.job.is_ended and not self.is_awaiting_file_ids and not self.has_files_to_fetch

    @property
    def rank(self) -> Rank:
        """The group of the Jobs list that it is in.

        ATTENTION is for what needs a person, unless that was acknowledged, or the job is an old one made elsewhere.
        """
        reason = self.attention
        if reason in (Attention.UNCERTAIN, Attention.READY):
            return Rank.ATTENTION
        if self.is_active or self.is_waiting:
            return Rank.ACTIVE
        return Rank.DONE if reason is None or self.is_old or self.is_acknowledged else Rank.ATTENTION

    @property
    def attention(self) -> Attention | None:
        """Why it needs a person, acknowledged or not; None where it does not."""
        if self.status == LocalStatus.UNCERTAIN:
            return Attention.UNCERTAIN
        if self.status == LocalStatus.READY:
            return Attention.READY
        if self.is_active or self.is_waiting:
            return None
        if self.status in (JobStatus.FAILED, JobStatus.EXPIRED, LocalStatus.NOT_SUBMITTED):
            return Attention.FAILED
        if self.has_files_to_fetch:
            return Attention.FILES
        if self.counts.needs_attention if self.counts is not None else self.error_rows:
            return Attention.ROWS
        return None

    @property
    def is_acknowledged(self) -> bool:
        """Whether the person has acknowledged why it needs one. Another reason counts anew."""
        return bool(self.acknowledged) and self.acknowledged == self.attention

    @property
    def can_acknowledge(self) -> bool:
        """Whether it needs a person for something that can be acknowledged, or that was."""
        return self.attention in (Attention.FAILED, Attention.FILES, Attention.ROWS) and not self.is_old

    @property
    def can_fetch_input(self) -> bool:
        """Whether its input file may be on the server alone: the job was not submitted from here.

        Or it is a part that is read from the file it is a part of, which may have changed.
        """
        is_here = self.submission is not None and not self.slices_read
        return not is_here and self.job is not None and self.job.input_file_id is not None

    @property
    def can_cancel(self) -> bool:
        """Whether there is something to cancel: a job that runs, or a submission that can still be stopped.

        Not while a create is uncertain (there may be no job to cancel), nor when it is being cancelled already.
        """
        return self.is_active and self.status not in (LocalStatus.UNCERTAIN, JobStatus.CANCELLING)

    @property
    def can_decide(self) -> bool:
        """Whether the person has something to decide: an uncertain create, the rest of a file, what was not sent."""
        return self.status == LocalStatus.UNCERTAIN or self.is_waiting or self.can_send_again

    @property
    def can_send_again(self) -> bool:
        """Whether it is a submission that was refused or stopped, and certainly made no job."""
        return self.job is None and self.submission is not None and self.submission.is_unsent

    @property
    def can_download(self) -> bool:
        """Whether there are files to download, again or for the first time."""
        return self.has_result_files

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """The result files that were to be downloaded, in whatever state."""
        return tuple(t for t in (self.output, self.errors) if t is not None)

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
    def has_results_here(self) -> bool:
        """Whether every result file of the job is on disk or gone for good, and at least one is on disk."""
        if self.job is None:
            return False
        states = {t.kind: t.state for t in self.transfers}
        final = (TransferState.FETCHED, TransferState.GONE)
        return TransferState.FETCHED in states.values() and all(states.get(kind) in final for kind in self.result_kinds)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The result files on disk: output, then errors."""
        return tuple(t.path for t in self.transfers if t.state is TransferState.FETCHED and t.path is not None)

    @property
    def is_counted(self) -> bool:
        """Whether its results are counted, or there are none on disk to count."""
        return self.counts is not None or not self.has_results_here

    @property
    def slices_read(self) -> tuple[FileSlice, ...]:
        """Where a part is read from, if its own file was removed; none for any other record."""
        group, submission = self.group, self.submission
        if group is None or submission is None or not group.has_no_copies or not self.paths:
            return ()
        return parse_slices(submission.slices)

    @property
    def source_words(self) -> str:
        """Where in its file a part is read, such as `from byte 98,200,000`; empty if it has a file of its own."""
        slices = self.slices_read
        if len(slices) > 1:
            return f"in {len(slices):,} pieces"
        return f"from byte {slices[0].offset:,}" if slices else ""

    @property
    def source_files(self) -> list[Path]:
        """The files that a part was made of, in their order; of a whole file, that."""
        slices = parse_slices(self.submission.slices) if self.submission is not None else ()
        found = dict.fromkeys(each.path for each in sorted(slices, key=lambda each: each.at))
        own = self.submission.path if self.submission is not None else Path(self.input_name)
        return [*found] or [self.group.path if self.group is not None else own]

    @property
    def answered_rows(self) -> int | None:
        """The number of rows of the output file once it is on disk."""
        return self.output.rows if self.output is not None else None

    @property
    def error_rows(self) -> int | None:
        """The number of rows of the error file once it is on disk."""
        return self.errors.rows if self.errors is not None else None


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


class FamilyMember(NamedTuple):
    """One job of a family, which is an original with its retries, their retries and so on."""

    record: JobRecord
    generation: int
    """1 for the original."""
