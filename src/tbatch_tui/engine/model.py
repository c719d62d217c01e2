"""The nouns of the engine: small frozen values that every other room passes around.

Times are seconds since the epoch (UTC, float); sizes are bytes; progress is 0-100.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tbatch_tui.engine.endpoint import Endpoint


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


class SubmissionState(StrEnum):
    """How far a submission has come. Each is committed to the journal before the step after it begins."""

    INTENT = "intent"  # the file is known by size and SHA-256; nothing went out
    UPLOADED = "uploaded"  # the server has the bytes under `file_id`
    CREATING = "creating"  # a create may be on its way
    UNCERTAIN = "uncertain"  # a create was asked and its answer is lost; the list is being asked
    HELD = "held"  # uncertain, and the person wants to wait: looked up, but not created again by itself
    CREATED = "created"  # the job is `job_id`
    REJECTED = "rejected"  # certainly not made: `error` says why
    STOPPED = "stopped"  # the person stopped it before a create was asked
    WAITING = "waiting"  # the rest of a group: its file is ready, and goes out after the first requests are back
    READY = "ready"  # the same, and they are back: it waits for the person's word

    @property
    def is_open(self) -> bool:
        """Whether there is still work to do for it."""
        return self not in (SubmissionState.CREATED, SubmissionState.REJECTED, SubmissionState.STOPPED)

    @property
    def is_at_rest(self) -> bool:
        """Whether it waits to be sent: for the first requests of its file, or for the person's word on them."""
        return self in (SubmissionState.WAITING, SubmissionState.READY)

    @property
    def is_uncertain(self) -> bool:
        """Whether a create was asked, its answer lost, and its job not found yet."""
        return self in (SubmissionState.UNCERTAIN, SubmissionState.HELD)


class FileKind(StrEnum):
    """The two result files of a job."""

    OUTPUT = "output"
    ERRORS = "errors"


class TransferState(StrEnum):
    """Where one result file stands."""

    WANTED = "wanted"  # to fetch: the job ended, the file is not verified on disk yet
    FETCHED = "fetched"  # verified on disk under its final name
    FAILED = "failed"  # the last try failed: `message` says why; it is tried again
    GONE = "gone"  # the server says there is no such file any more


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


@dataclass(frozen=True, slots=True)
class Submission:
    """One press of Submit, and all that is known of it. `id` is the journal's."""

    id: int
    path: Path
    size: int
    sha256: str
    endpoint: Endpoint
    label: str
    requests: int
    created_at: float
    state: SubmissionState = SubmissionState.INTENT
    file_id: str | None = None
    known_ids: tuple[str, ...] = ()
    job_id: str | None = None
    error: str | None = None
    hint: str | None = None
    warning: str | None = None
    uncertain_since: float | None = None
    estimate: Estimate | None = None
    parent: str | None = None
    """The job of which this file is a retry; of a part, the group's key."""
    part: int = 0
    """Which part of its group it is, from 1 on; 0 without a group."""


@dataclass(frozen=True, slots=True)
class Group:
    """One input file that was submitted as several jobs, each with some of its lines."""

    id: int
    path: Path
    size: int
    sha256: str
    requests: int
    parts: int
    first: int = 0
    """How many requests, taken from all over the file, are the first part that goes ahead; 0 where none does."""
    goes_on: bool = False
    """Whether the rest follows by itself when all of the first are answered."""

    @property
    def key(self) -> str:
        """What stands for the whole file in the lineage of its jobs."""
        return f"group:{self.id}"

    def part_words(self, part: int) -> str:
        """`2 of 3`; where some went ahead, `first 10` and `the rest`."""
        if not self.first:
            return f"{part} of {self.parts}"
        if part == 1:
            return f"first {self.first}"
        return "the rest" if self.parts == 2 else f"the rest, {part - 1} of {self.parts - 1}"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One result file of one job, and where it is."""

    kind: FileKind
    file_id: str
    state: TransferState
    path: Path | None = None
    size: int | None = None
    rows: int | None = None
    sha256: str | None = None
    etag: str | None = None
    """Of the bytes in the `.part` file: what a resumed download must still be."""
    message: str | None = None
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What the answers of one model took, as their `usage` and `duration` say it: what is paid for."""

    model: str
    """The model that was asked; empty where neither the input nor the answers name one."""
    rows: int
    """Rows of the output file."""
    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    """Of the completion tokens."""
    cached: int = 0
    """Of the prompt tokens."""
    seconds: float = 0.0
    """Of audio."""
    told: int = 0
    """Rows that say both their prompt and completion tokens."""
    heard: int = 0
    """Rows that say how long their audio is."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What the requests of an input file ask of one model, as far as the file tells before it is run."""

    model: str
    requests: int
    prompt_tokens: int = 0
    """About as many: guessed from the bytes of their text."""
    most_output_tokens: int = 0
    """The most that may be answered, of the requests that say so."""
    unbounded: int = 0
    """Requests that do not."""
    attachments: int = 0
    """Requests with an image or the like, whose tokens nobody can guess."""
    audio: int = 0
    """Requests for audio, whose length the file does not tell."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a submission may cost, as it was known before. Dollars."""

    input: float | None = None
    """About; None where there is no price."""
    output: float | None = None
    """At most; None where there is no price, or not every request says how long its answer may be."""
    unbounded: int = 0
    """Requests that do not say it."""
    attachments: int = 0
    """Requests with an image or the like, which are not in it."""
    audio: int = 0
    """Requests for audio, which are not in it: how long that is, is not known before."""
    minute: float | None = None
    """What a minute of it costs, where that is known."""
    unpriced: tuple[str, ...] = ()
    """Models without a known price, which are not in it."""
    discounts: tuple[float, ...] = ()
    """The discounts that were taken off, in percent."""
    own: bool = False
    """Some of the prices or discounts are the person's own."""
    priced_at: float | None = None
    """When the catalogue was fetched."""

    @property
    def most(self) -> float | None:
        """The most it may cost; None where something of it is not known."""
        if self.input is None or self.output is None or self.unpriced or self.audio or self.attachments:
            return None
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class PartFile:
    """One of the files that an input file was split into."""

    path: Path
    size: int
    sha256: str
    requests: int
    estimate: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of a job's requests, counted from its files once they are here and kept in the journal.

    `requests` in = `answered` + `errors` + `missing`, each request counted once.
    """

    requests: int
    """Lines of the input file; without it, what was submitted, or else the ids that came back."""
    answered: int
    errors: int
    missing: int
    cut_short: int = 0
    """Of the answered ones: stopped at the token limit, or empty."""
    unknown: int = 0
    """Rows whose id is in no line of the input file."""
    duplicates: int = 0
    """Rows for a request that has a row already."""
    odd: int = 0
    """Rows that cannot be read, or name no request."""
    has_input: bool = True
    """Whether the input file was there, as it was submitted; else only what came back could be counted."""
    spent: tuple[Spent, ...] = ()
    """What the rows of the output file took, by model."""
    stamps: str = ""
    """What the files were like when they were counted: see `results.stamps`."""

    @property
    def prompt_tokens(self) -> int:
        return sum(spent.prompt for spent in self.spent)

    @property
    def completion_tokens(self) -> int:
        return sum(spent.completion for spent in self.spent)

    @property
    def audio_seconds(self) -> float:
        return sum(spent.seconds for spent in self.spent)

    @property
    def is_accounted(self) -> bool:
        """Whether nothing is known to be missing, to belong to no request, or to be there twice."""
        return not (self.missing or self.unknown or self.duplicates or self.odd)

    @property
    def is_even(self) -> bool:
        """Whether each request of the input file has its one row. Errors are an account, too."""
        return self.has_input and self.is_accounted

    @property
    def needs_attention(self) -> bool:
        """Whether a person would want to look: errors, or rows that do not come out even."""
        return bool(self.errors) or not self.is_accounted


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
    tally: Tally | None = None
    """What came of the requests; None until the files are here and counted."""
    first_seen_at: float = 0.0
    group: Group | None = None
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
        if self.job is not None:
            return not self.job.is_ended
        return self.submission is not None and self.submission.state.is_open and not self.is_at_rest

    @property
    def is_at_rest(self) -> bool:
        """Whether it is the rest of a file that has not been sent yet."""
        return self.job is None and self.submission is not None and self.submission.state.is_at_rest

    @property
    def awaits_files(self) -> bool:
        """Whether a job of ours was completed, but the server does not name a result file yet."""
        job = self.job
        if self.submission is None or job is None or job.status != JobStatus.COMPLETED:
            return False
        return job.output_file_id is None and job.error_file_id is None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes by itself: ended, its files here or gone; or a submission that made no job."""
        if self.job is None:
            return self.submission is not None and not self.submission.state.is_open
        settled = (TransferState.FETCHED, TransferState.GONE)
        return self.job.is_ended and not self.awaits_files and all(t.state in settled for t in self.transfers)

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
        if self.is_active or self.is_at_rest:
            return Rank.ACTIVE
        if self.status in (JobStatus.FAILED, JobStatus.EXPIRED, LocalStatus.NOT_SUBMITTED):
            return Rank.ATTENTION
        if any(t.state in (TransferState.FAILED, TransferState.WANTED) for t in self.transfers):
            return Rank.ATTENTION
        if self.tally.needs_attention if self.tally is not None else self.error_rows:
            return Rank.ATTENTION
        return Rank.DONE

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        return tuple(t for t in (self.output, self.errors) if t is not None)

    @property
    def is_collected(self) -> bool:
        """Whether every result file the job has is here, or certainly gone; not of a job without any."""
        if self.job is None:
            return False
        here = {t.kind: t.state for t in self.transfers}
        kinds = [kind for kind in FileKind if self.job.file_id(kind) is not None]
        settled = (TransferState.FETCHED, TransferState.GONE)
        return TransferState.FETCHED in here.values() and all(here.get(kind) in settled for kind in kinds)

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
class Kin:
    """One job of a family: the original, its retries, theirs."""

    record: JobRecord
    generation: int
    """1 for the original."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose history this is: the organisation and project behind the key, never the key."""

    id: int
    base_url: str
    key_tail: str
    organization: str | None = None
    project: str | None = None
    title: str = ""


class HealthState(StrEnum):
    """How the connection to the server is. It never changes a job's status."""

    STARTING = "starting"
    OK = "ok"
    BACKING_OFF = "backing-off"  # 429 or 5xx: waiting until `next_at`
    OFFLINE = "offline"
    KEY_REFUSED = "key-refused"
    NO_KEY = "no-key"


@dataclass(frozen=True, slots=True)
class Health:
    """Local health: what the last list said of the connection, since when, and when it is asked again."""

    state: HealthState = HealthState.STARTING
    since: float | None = None
    next_at: float | None = None
    title: str = ""
    hint: str = ""
