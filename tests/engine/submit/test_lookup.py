"""The look-up of a lost create alone: which lists count, and what each of them leads to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.journal.tables.submissions import JobClaimedError, SubmissionLostError
from tbatch_tui.engine.polling.poller import JobList
from tbatch_tui.engine.submit.lookup import HELD, CreateLookup, LookupDecision, LookupOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable

SENT = 1_790_000_000.0
SUBMISSION = Submission(
    1, Path("a.jsonl"), 1, "0", Endpoint.CHAT, "", 1, SENT, SubmissionState.UNCERTAIN, "file-1",
    error="The answer was lost", hint="Wait", create_sent_at=SENT, create_sent_server_at=SENT,
)  # fmt: skip


def ours(job_id: str, **fields: Any) -> Job:
    job = Job(job_id, "VALIDATING", endpoint=Endpoint.CHAT, input_file_id="file-1", created_at=SENT + 1)
    return replace(job, **fields)


@dataclass
class Desk:
    """What a look-up asks and tells: the lists to come, the history, and the steps that it saves."""

    lists: list[JobList] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)
    unended: set[str] = field(default_factory=set)
    steps: list[Submission] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    is_lost: bool = False

    async def next_list(self) -> JobList:
        return self.lists.pop(0) if self.lists else await asyncio.get_running_loop().create_future()

    @property
    def submissions(self) -> Desk:
        """The submissions of the history."""
        return self

    async def claimed_jobs(self) -> set[str]:
        return self.claimed

    async def unended_jobs(self) -> set[str]:
        return self.unended

    async def change(self, submission: Submission, state: SubmissionState, **changes: Any) -> Submission:
        if self.is_lost:
            raise SubmissionLostError
        self.steps.append(replace(submission, state=state, **changes))
        return self.steps[-1]

    async def attach(self, _: Submission, job: Job) -> None:
        if job.id in self.claimed:
            raise JobClaimedError
        self.attached.append(job.id)


def look_up(desk: Desk, submission: Submission = SUBMISSION, patience: float = 30.0) -> CreateLookup:
    stand_in: Any = desk
    return CreateLookup(submission, stand_in, stand_in, stand_in, patience)


def empty_lists(seconds: Iterable[float]) -> list[JobList]:
    return [JobList([], asked_at) for asked_at in seconds]


async def resolved(lookup: CreateLookup) -> Job | LookupOutcome | None:
    """Return what the lists at hand lead to; None if they lead to nothing yet."""
    task = asyncio.create_task(lookup.resolve())
    for _ in range(200):
        await asyncio.sleep(0)
    if task.done():
        return task.result()
    task.cancel()
    return None


@pytest.mark.parametrize(("last", "expected"), [(29.9, None), (30.0, LookupOutcome.NOT_MADE)])
async def test_it_takes_all_of_the_patience_in_lists_without_the_job(
    last: float, expected: LookupOutcome | None
) -> None:
    desk = Desk(empty_lists([0, 10, 20, last]))
    assert await resolved(look_up(desk)) is expected


async def test_an_outage_counts_for_ten_seconds_at_most() -> None:
    assert await resolved(look_up(Desk(empty_lists([0, 3600, 3603])))) is None
    assert await resolved(look_up(Desk(empty_lists([0, 3600, 3610, 3619.9])))) is None
    assert await resolved(look_up(Desk(empty_lists([0, 3600, 3610, 3620])))) is LookupOutcome.NOT_MADE


@pytest.mark.parametrize(("last", "expected"), [(49.9, None), (50.0, LookupOutcome.NOT_MADE)])
async def test_a_list_that_proves_nothing_counts_neither_before_nor_after_it(
    last: float, expected: LookupOutcome | None
) -> None:
    desk = Desk(empty_lists([0, 10, 20, 30, 40, last]))
    desk.lists[2] = replace(desk.lists[2], is_whole=False)
    assert await resolved(look_up(desk)) is expected  # 0 to 10, and from 30 on
    assert [step.error for step in desk.steps] == [
        "It is unknown whether a job was created: the list is incomplete, or part of it is unreadable",
        "The answer was lost",
    ]


async def test_a_list_has_to_have_all_jobs_that_had_not_ended() -> None:
    desk = Desk(empty_lists([0, 10, 20, 30, 40]), unended={"aaaaaaaa-1", "bbbbbbbb-2", "cccccccc-3", "dddddddd-4"})
    lookup = look_up(desk)
    assert await resolved(lookup) is None
    assert lookup.is_hurried
    (step,) = desk.steps
    assert step.error == (
        "It is unknown whether a job was created: jobs aaaaaaaa, bbbbbbbb, cccccccc and 1 more had not ended, "
        "and the list lacks them"
    )
    assert step.hint and "{job.settle}" in step.hint
    desk.unended.clear()
    desk.lists = empty_lists([50, 60, 70, 80])
    assert await resolved(lookup) is LookupOutcome.NOT_MADE
    assert (desk.steps[-1].error, desk.steps[-1].hint) == ("The answer was lost", "Wait")


async def test_the_only_job_that_is_ours_is_the_one() -> None:
    job = ours("new")
    assert await resolved(look_up(Desk([JobList([job], 0)]))) is job
    # Among others that could be it, but were not created after the create: the list says which one is ours.
    older, vague = ours("older", created_at=SENT - 30), ours("vague", input_file_id=None)
    assert await resolved(look_up(Desk([JobList([older, vague, job], 0)]))) is job


async def test_a_job_that_another_submission_has_become_is_not_looked_at() -> None:
    lists = [JobList([ours("taken")], asked_at) for asked_at in (0.0, 10.0, 20.0, 30.0)]
    assert await resolved(look_up(Desk(lists, claimed={"taken"}))) is LookupOutcome.NOT_MADE
    job = ours("new")
    assert await resolved(look_up(Desk([JobList([ours("taken"), job], 0)], claimed={"taken"}))) is job


@pytest.mark.parametrize(
    ("jobs", "question"),
    [
        ([ours("aaaaaaaa-1"), ours("bbbbbbbb-2")], "2 jobs could be this submission: aaaaaaaa, bbbbbbbb"),
        (
            [ours("aaaaaaaa-1", input_file_id=None)],
            "1 job could be this submission, as the list does not say what is in them: aaaaaaaa",
        ),
        (
            [ours("aaaaaaaa-1", created_at=SENT - 30)],
            "1 job could be this submission, although the list doesn't say that it was created after the request: "
            "aaaaaaaa",
        ),
    ],
)
async def test_what_cannot_be_told_apart_is_asked_once_and_nothing_is_created(jobs: list[Job], question: str) -> None:
    desk = Desk([JobList(jobs, asked_at) for asked_at in (0.0, 10.0, 20.0, 30.0, 40.0, 50.0)])
    lookup = look_up(desk)
    assert await resolved(lookup) is None
    assert lookup.candidates == tuple(jobs) and not lookup.is_hurried
    assert [(step.state, step.error, step.hint) for step in desk.steps] == [
        (SubmissionState.UNCERTAIN, question, "Nothing is created until you say which one it is.")
    ]
    # The time in which there were candidates is no time without the job.
    desk.lists = empty_lists([60, 70])
    assert await resolved(lookup) is None
    assert desk.steps[-1].error == "The answer was lost"


async def test_held_it_is_looked_for_and_never_given_up() -> None:
    held = replace(SUBMISSION, state=SubmissionState.HELD, hint=HELD)
    desk = Desk(empty_lists(range(0, 400, 10)))
    lookup = look_up(desk, held)
    assert await resolved(lookup) is None
    assert not desk.steps and not lookup.is_hurried
    job = ours("new")
    desk.lists = [JobList([job], 400)]
    assert await resolved(lookup) is job


async def test_a_redirected_create_is_held_where_the_list_shows_no_job() -> None:
    desk = Desk(empty_lists([0, 10, 20, 30, 40]))
    assert await resolved(look_up(desk, replace(SUBMISSION, redirected_to="https://new.example"))) is None
    (step,) = desk.steps
    assert (step.state, step.error) == (SubmissionState.HELD, "The server has moved to https://new.example")
    desk = Desk(empty_lists([0, 10, 20, 30]))
    assert await resolved(look_up(desk, replace(SUBMISSION, redirected_to=""))) is None
    assert desk.steps[-1].error == "The server redirected the request"


async def test_what_an_earlier_look_up_said_of_its_last_list_is_not_said_of_this_one() -> None:
    for error in ("It is unknown whether a job was created: x", "2 jobs could be this submission: x"):
        desk = Desk(empty_lists([0]))
        assert await resolved(look_up(desk, replace(SUBMISSION, error=error))) is None
        assert [step.error for step in desk.steps] == ["The answer to the create was lost"]


async def test_each_decision_is_committed_and_ends_it_once() -> None:
    two = [ours("aaaaaaaa-1"), ours("bbbbbbbb-2")]
    for decision, state, outcome in (
        (LookupDecision(again=True), SubmissionState.UNCERTAIN, LookupOutcome.AGAIN),
        (LookupDecision(give_up=True), SubmissionState.STOPPED, LookupOutcome.SETTLED),
    ):
        desk = Desk([JobList(two, 0)])
        lookup = look_up(desk, replace(SUBMISSION, known_ids=("zzz",), redirected_to="x", repeated_at=SENT))
        assert await resolved(lookup) is None
        assert await lookup.decide(decision)
        assert desk.steps[-1].state is state
        if decision.again:  # the person said that it is none of those
            assert desk.steps[-1].known_ids == ("aaaaaaaa-1", "bbbbbbbb-2", "zzz")
            assert desk.steps[-1].redirected_to is None and desk.steps[-1].may_have_been_created
            assert lookup.candidates == ()
        else:
            assert not desk.steps[-1].may_have_been_created and desk.steps[-1].repeated_at is None
            assert desk.steps[-1].create_sent_server_at is None
            assert (desk.steps[-1].error, desk.steps[-1].hint) == ("You gave it up while uncertain", None)
        assert await resolved(lookup) is outcome
        assert not await lookup.decide(LookupDecision(wait=True))


async def test_only_a_candidate_that_is_still_free_can_be_chosen() -> None:
    desk = Desk([JobList([ours("one"), ours("two")], 0)])
    lookup = look_up(desk)
    assert await resolved(lookup) is None
    assert not await lookup.decide(LookupDecision(job_id="three"))
    desk.claimed.add("one")
    assert not await lookup.decide(LookupDecision(job_id="one"))
    assert await lookup.decide(LookupDecision(job_id="two"))
    assert desk.attached == ["two"]
    assert await resolved(lookup) is LookupOutcome.SETTLED


async def test_it_waits_and_goes_on_when_the_person_says_so() -> None:
    desk = Desk()
    lookup = look_up(desk)
    assert await lookup.decide(LookupDecision(wait=True))
    assert (desk.steps[-1].state, desk.steps[-1].hint) == (SubmissionState.HELD, HELD)
    job = ours("new")
    desk.lists = [JobList([job], 0)]
    assert await resolved(lookup) is job
    assert not await lookup.decide(LookupDecision(give_up=True))  # the list has settled it


async def test_a_decision_about_what_another_app_works_on_by_now_is_not_taken() -> None:
    desk = Desk(is_lost=True)
    lookup = look_up(desk)
    assert not await lookup.decide(LookupDecision(give_up=True))
    assert await resolved(lookup) is LookupOutcome.LOST


@pytest.mark.parametrize("fields", [{}, {"again": True, "wait": True}, {"job_id": "x", "give_up": True}])
def test_a_decision_is_one_thing(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        LookupDecision(**fields)
