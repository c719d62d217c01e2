"""A submission: an input file on its way to becoming a job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.endpoint import Endpoint


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
    def is_waiting(self) -> bool:
        """Whether it waits to be sent: for the first requests of its file, or for the person's word on them."""
        return self in (SubmissionState.WAITING, SubmissionState.READY)

    @property
    def is_uncertain(self) -> bool:
        """Whether a create was asked, its answer lost, and its job not found yet."""
        return self in (SubmissionState.UNCERTAIN, SubmissionState.HELD)


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
class JobGroup:
    """One input file that was submitted as several jobs, each with some of its lines."""

    id: int
    path: Path
    size: int
    sha256: str
    requests: int
    parts: int
    first: int = 0
    """How many requests, taken from all over the file, are the first part that goes ahead; 0 where none does."""
    auto_continue: bool = False
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
class PartFile:
    """One of the files that an input file was split into."""

    path: Path
    size: int
    sha256: str
    requests: int
    estimate: Estimate | None = None
