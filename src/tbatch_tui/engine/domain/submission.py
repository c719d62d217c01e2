"""A submission: an input file on its way to becoming a job."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.endpoint import Endpoint

SUBMISSION_PREFIX = "submission "
"""What the status of a ProgressPoint begins with where it is the state of a submission, not the server's status."""

GROUP_KEYS = "group:"
"""What the keys of groups begin with."""

REMOVED = "removed"
"""What is noted of a group whose parts have no files of their own any more, as the input file has their bytes."""
REMOVING = "removing"
"""The same, while they are being removed."""


class SubmissionState(StrEnum):
    """How far a submission has come. Each state is committed to the journal before the next step begins."""

    INTENT = "intent"  # the file is known by size and SHA-256; nothing was sent
    UPLOADED = "uploaded"  # the server has the bytes under `file_id`
    CREATING = "creating"  # a create request may be on its way
    UNCERTAIN = "uncertain"  # a create request was sent and its answer lost; the job is looked for in the list
    HELD = "held"  # uncertain, and the person wants to wait: looked for, but not created again by itself
    CREATED = "created"  # the job is `job_id`
    REJECTED = "rejected"  # certainly not created: `error` says why
    STOPPED = "stopped"  # the person stopped it before a create request was sent
    WAITING = "waiting"  # the rest of a group: its file is ready, and is sent after the first requests are answered
    READY = "ready"  # the same, and they are answered: the person decides whether it is sent

    @property
    def is_open(self) -> bool:
        """Whether it may still become a job."""
        return self not in (SubmissionState.CREATED, SubmissionState.REJECTED, SubmissionState.STOPPED)

    @property
    def is_waiting(self) -> bool:
        """Whether it waits to be sent: for the first requests of its file, or for the person's decision."""
        return self in (SubmissionState.WAITING, SubmissionState.READY)

    @property
    def is_uncertain(self) -> bool:
        """Whether a create request was sent, its answer lost, and its job not found yet."""
        return self in (SubmissionState.UNCERTAIN, SubmissionState.HELD)


class Pause(StrEnum):
    """Why what could be sent is not. The values are stored; `Submission.error` says it in words."""

    NONE = ""
    """It is its turn, or what was sent before it is not back."""
    OUTCOME = "outcome"
    """What came of the requests before it is not good enough: the person decides."""
    BUDGET = "budget"
    """It is above the budget: the person decides."""
    BUSY = "busy"
    """Another submit is being judged by the budget: it goes on by itself."""
    COPIED = "copied"
    """The history was copied, and the other copy may have sent it: the person decides."""
    TOKENS = "tokens"
    """So many tokens are enqueued for its model that there is no room: it goes on when a job ends."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission of an input file, and all that is known of it. `id` is the journal's."""

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
    """Jobs of this file that were there before the first create request: none of them can be its job."""
    job_id: str | None = None
    error: str | None = None
    hint: str | None = None
    warning: str | None = None
    uncertain_since: float | None = None
    estimate: Estimate | None = None
    parent: str | None = None
    """The job that this file is a retry of; for a part, the group's key."""
    part: int = 0
    """The number of the part in its group, from 1; 0 without a group."""
    create_sent_at: float | None = None
    """When the first create was sent that may have been carried out (wall time); None if there is none."""
    create_sent_server_at: float | None = None
    """The same moment by the server's clock; None where the server does not say its time."""
    repeated_at: float | None = None
    """When a create was last sent although an earlier one may have been carried out; None if there was none."""
    redirected_to: str | None = None
    """Where the server sent the last create on to. It is not sent again before the person decides."""
    output_dir: Path | None = None
    """The output folder of the app or command that submitted it; None where that was not noted."""
    slices: str = ""
    """Of a part, where its bytes are in the input file, as `format_slices` writes it; empty where that is not known."""
    pause: Pause = Pause.NONE
    """Why it waits, where it does."""

    @property
    def may_have_been_created(self) -> bool:
        """Whether a create may have been carried out whose job is not known. Saved before the first one is sent.

        Only a job or the person's giving up ends it: what a later create is answered says nothing about the first.
        """
        return self.create_sent_at is not None and self.job_id is None

    @property
    def is_unsent(self) -> bool:
        """Whether it certainly made no job, was refused or stopped, and so can be sent again."""
        ended = (SubmissionState.REJECTED, SubmissionState.STOPPED)
        return self.state in ended and self.job_id is None and not self.may_have_been_created


class Gate(NamedTuple):
    """What the requests of a stage have to come to, so that the next one follows by itself."""

    share: float = 100.0
    """Percent of them that need a whole answer."""
    most_cost: float | None = None
    """Dollars that all requests of the group may cost, at the price of those that are back; None for any."""
    is_within_bound: bool = False
    """Whether that amount is the bound of the group as it is known when it is submitted."""
    asks: bool = False
    """Whether the person is asked, whatever came of them."""

    def __str__(self) -> str:
        """Return it as `parse_gate` takes it."""
        if self.asks:
            return "ask"
        cost = "cost" if self.is_within_bound else ""
        if self.most_cost is not None:
            cost = f"cost={self.most_cost!r}"
        share = f"{self.share:g}" if self.share != WHOLE or not cost else ""
        return ",".join(filter(None, (share, cost)))


WHOLE = 100.0
"""Percent of the requests of a stage where nothing else was said."""


def parse_gate(text: str) -> Gate:
    """Return the gate that a text means: `98`, `cost=40`, `98,cost=40`, `cost` for the bound, or `ask`.

    Raises ValueError with a message for a person.
    """
    wrong = f"{text!r} is not a gate: write 98, cost=40, 98,cost=40, cost or ask"
    words = [word.strip().removesuffix("%").strip() for word in text.split(",")]
    if words == ["ask"]:
        return Gate(asks=True)
    gate = Gate()
    for word in words:
        name, _, amount = word.rpartition("=") if "=" in word else ("", "", word)
        is_cost = name.strip() == "cost" or word == "cost"
        if (name and not is_cost) or (is_cost and (gate.is_within_bound or gate.most_cost is not None)):
            raise ValueError(wrong)
        if word == "cost":
            gate = gate._replace(is_within_bound=True)
            continue
        try:
            number = float(amount.strip().removeprefix("$"))
        except ValueError:
            raise ValueError(wrong) from None
        if not (0 <= number < math.inf if is_cost else 0 <= number <= WHOLE):
            raise ValueError(wrong)
        gate = gate._replace(most_cost=number) if is_cost else gate._replace(share=number)
    return gate


def parse_stages(text: str) -> tuple[int, ...]:
    """Return how many parts each stage has but the last, of a text like `2,rest`. Raises ValueError with a message."""
    *counts, last = (word.strip() for word in text.split(","))
    if last != "rest" or not counts or not all(count.isdecimal() and int(count) for count in counts):
        raise ValueError(f"{text!r} is not like 2,rest: how many parts each stage has")
    return tuple(map(int, counts))


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
    """How many requests, taken from all over the file, are sent first as part 1; 0 if all parts are sent at once."""
    auto_continue: bool = False
    """Whether the rest is sent by itself when all of the first are answered."""
    name: str = ""
    """What it was called when it was submitted; empty for the stem of the file."""
    is_held: bool = False
    """Whether the person holds what has not been sent."""
    stages: tuple[int, ...] = ()
    """The number of the last part of each stage but the last: what follows waits until those are back."""
    gates: tuple[Gate, ...] = ()
    """What lets the stage after each follow by itself; the last one holds for the stages after it too."""
    at_once: int = 0
    """How many parts are out together at most; 0 for all."""
    approved: int = 0
    """How many stages the person has let pass, whatever came of them."""
    over_budget: bool = False
    """Whether the person wants it sent also above the budget."""
    copies: str = ""
    """What became of the files of its parts: `REMOVED`, or the stamp by which the input file was found another one."""

    @property
    def has_no_copies(self) -> bool:
        """Whether the files of its parts were removed, and they are read from the input file."""
        return self.copies in (REMOVED, REMOVING)

    @property
    def key(self) -> str:
        """The key of the whole file as the parent of its jobs."""
        return f"{GROUP_KEYS}{self.id}"

    def part_words(self, part: int) -> str:
        """Return `2 of 3`; where some requests are sent first, `first 10` and `the rest`."""
        if not self.first:
            return f"{part} of {self.parts}"
        if part == 1:
            return f"first {self.first}"
        return "the rest" if self.parts == 2 else f"the rest, {part - 1} of {self.parts - 1}"

    def numbers_of(self, part: int) -> tuple[int, ...]:
        """Return which requests of the file a part has, from 0, where those are not the next ones; else none."""
        return first_requests(self.requests, self.first) if part == 1 else ()

    @property
    def stage_ends(self) -> tuple[int, ...]:
        """The last part of each stage but the last; requests that go first are a stage of their own."""
        return (1,) if self.first else self.stages

    def gate(self, stage: int) -> Gate:
        """Return what a stage, from 0, has to come to for the next one to follow by itself."""
        if not self.auto_continue:
            return Gate(asks=True)
        return self.gates[min(stage, len(self.gates) - 1)] if self.gates else Gate()


def first_requests(requests: int, first: int) -> tuple[int, ...]:
    """Return which of so many requests go first, from 0: so many, evenly from all over the file."""
    return tuple(number * requests // first for number in range(first))


class FileSlice(NamedTuple):
    """Where some bytes of a part are in the file that it is a part of."""

    path: Path
    offset: int
    size: int
    """Bytes of the part, with a line end that the file lacks."""
    at: int
    """Their offset among all requests of the group: that in the file, or in its files one after the other."""
    lacks_end: bool = False
    """Whether the last byte is a line end that is not in the file: its last line had none."""


def format_slices(slices: Sequence[FileSlice]) -> str:
    """Return slices as text, to be stored."""
    if not slices:
        return ""
    import json  # the first rows do not need it

    paths = list(dict.fromkeys(each.path for each in slices))
    numbers = {path: number for number, path in enumerate(paths)}
    rows = [[each.at, numbers[each.path], each.offset, each.size, int(each.lacks_end)] for each in slices]
    return json.dumps({"paths": list(map(str, paths)), "slices": rows}, separators=(",", ":"))


def parse_slices(text: str) -> tuple[FileSlice, ...]:
    """Return the slices that `format_slices` wrote; none of a text that it did not write."""
    if not text:
        return ()
    import json

    try:
        stored = json.loads(text)
        paths = [Path(path) for path in stored["paths"]]
        return tuple(
            FileSlice(paths[number], offset, size, at, bool(lacks_end))
            for at, number, offset, size, lacks_end in stored["slices"]
        )
    except (ValueError, TypeError, LookupError):
        return ()


class PartFile(NamedTuple):
    """One of the files that an input file was split into."""

    path: Path
    size: int
    sha256: str
    requests: int
    estimate: Estimate | None = None
    slices: tuple[FileSlice, ...] = ()
    """Where its bytes are in the input file; none where that was not noted."""


class GroupFile(NamedTuple):
    """One of several files whose requests are one group."""

    path: Path
    size: int
    sha256: str
    requests: int
    begin: int = 0
    """Where its lines begin: after a byte order mark."""
    at: int = 0
    """Where they begin in all files, one after the other."""
    lacks_end: bool = False
    """Whether its last line gets a line end there."""


class NewGroup(NamedTuple):
    """A file that is about to be submitted as several jobs: what is saved of it beside its parts."""

    path: Path
    size: int
    sha256: str
    endpoint: Endpoint
    label: str
    requests: int
    first: int
    """How many requests are the first part. With it only that part is sent, and the others wait; 0 for none."""
    auto_continue: bool
    """Whether the others follow by themselves when all of the first are answered."""
    name: str = ""
    stages: tuple[int, ...] = ()
    gates: tuple[Gate, ...] = ()
    at_once: int = 0
    files: tuple[GroupFile, ...] = ()
    """The files that `path` was joined of, where there are several; no part has lines of two of them."""
    has_room: bool = True
    """Whether the tokens of all parts may be enqueued at once; if not, all wait until it is known which may. Found out
    when the group is committed."""
    over_budget: bool = False

    def is_sent_at_once(self, part: int) -> bool:
        """Return whether a part is sent now: it is of the first stage, and among those that may be out together."""
        if not self.has_room:
            return False
        end = 1 if self.first else self.stages[0] if self.stages else part
        return part <= end and (not self.at_once or part <= self.at_once)
