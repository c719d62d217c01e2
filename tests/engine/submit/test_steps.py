"""What is saved and said at each step of a submission, and what is refused before the first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import AuthenticationError, BatchError, LocalFileError, RequestRejectedError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.journal.tables.submissions import SubmissionLostError
from tbatch_tui.engine.polling.poller import JobList
from tbatch_tui.engine.submit.admission import count_requests, require_submittable
from tbatch_tui.engine.submit.create import lookup_hint
from tbatch_tui.engine.submit.input_upload import retry_hint
from tbatch_tui.engine.submit.proof import why_no_proof
from tbatch_tui.engine.submit.steps import SubmissionSteps

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_790_000_000.0
SUBMISSION = Submission(
    7, Path("a.jsonl"), 1, "0", Endpoint.CHAT, "", 1, NOW, SubmissionState.CREATING, "file-1", create_sent_at=NOW - 5
)
JOB = Job("job-0123456789", "VALIDATING")
OK = ConnectionHealth(HealthState.OK)


@dataclass
class History:
    """Keeps what is saved; whoever works on a submission in another app has it."""

    saved: list[tuple[Submission, tuple[SubmissionState, ...] | None]] = field(default_factory=list)
    attached: list[tuple[str, tuple[SubmissionState, ...] | None]] = field(default_factory=list)
    unended: set[str] = field(default_factory=set)
    is_lost: bool = False
    unsent: Submission | None = None
    hurried: int = 0
    created: int = 0

    @property
    def submissions(self) -> History:
        return self

    async def save(self, submission: Submission, before: tuple[SubmissionState, ...]) -> None:
        if self.is_lost:
            self.is_lost = False
            raise SubmissionLostError
        self.saved.append((submission, before))

    async def attach_job(self, _: Submission, job: Job, before: tuple[SubmissionState, ...] | None) -> None:
        if self.is_lost:
            raise SubmissionLostError
        self.attached.append((job.id, before))

    async def claim(self, _: int, *, only_unsent: bool = False) -> Submission | None:
        return self.unsent if only_unsent else SUBMISSION

    async def unended_jobs(self) -> set[str]:
        return self.unended

    def hurry(self) -> None:
        self.hurried += 1

    def note_created(self) -> None:
        self.created += 1


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def steps(history: History, events: list[Event]) -> SubmissionSteps:
    stand_in: Any = history
    steps = SubmissionSteps(stand_in, stand_in, events.append, on_created=history.note_created, now=lambda: NOW)
    steps.open[SUBMISSION.id] = SUBMISSION
    return steps


async def test_a_step_is_saved_from_the_state_before_it(steps: SubmissionSteps, history: History) -> None:
    uncertain = await steps.set_uncertain(SUBMISSION, "lost", "wait")
    expected = replace(SUBMISSION, state=SubmissionState.UNCERTAIN, error="lost", hint="wait", uncertain_since=NOW)
    assert uncertain == expected == steps.open[7]
    again = await steps.set_uncertain(replace(uncertain, uncertain_since=NOW - 60), "lost", "wait")
    assert again.uncertain_since == NOW - 60
    certain = await steps.change(replace(again, create_sent_at=None), SubmissionState.UPLOADED, error=None)
    assert (certain.uncertain_since, certain.error) == (None, None)
    befores = [before for _, before in history.saved]
    assert befores == [(SubmissionState.CREATING,), (SubmissionState.UNCERTAIN,), (SubmissionState.UNCERTAIN,)]


async def test_a_job_of_the_list_is_attached_only_as_it_was_last_saved_and_an_answer_always(
    steps: SubmissionSteps, history: History, events: list[Event]
) -> None:
    await steps.attach(SUBMISSION, JOB)
    await steps.attach_answer(SUBMISSION, JOB)
    assert history.attached == [(JOB.id, (SubmissionState.CREATING,)), (JOB.id, None)]
    assert (history.hurried, history.created, events) == (2, 2, [])
    await steps.attach(replace(SUBMISSION, warning="slow today"), JOB)
    assert events == [Notice("The server accepted the job with a warning", "slow today", "warning", JOB.id)]


async def test_a_job_of_a_submission_that_has_become_another_is_told_of(
    steps: SubmissionSteps, history: History, events: list[Event]
) -> None:
    history.is_lost = True
    with pytest.raises(SubmissionLostError):
        await steps.attach_answer(SUBMISSION, JOB)
    [notice] = events
    assert isinstance(notice, Notice) and (notice.severity, notice.key) == ("warning", JOB.id)
    assert notice.title == "Job job-0123 was made of a submission that has become another job meanwhile"
    assert notice.hint.startswith("It would be billed in addition: ") and notice.hint.endswith(" cancels it.")
    with pytest.raises(SubmissionLostError):
        await steps.attach(SUBMISSION, JOB)
    assert len(events) == 1, "a job of the list is nobody's yet"


@pytest.mark.parametrize(
    ("error", "severity"),
    [(RequestRejectedError("no", "why"), "error"), (AuthenticationError("key", "why"), "warning")],
)
async def test_what_is_rejected_says_why(
    error: BatchError, severity: str, steps: SubmissionSteps, history: History, events: list[Event]
) -> None:
    await steps.reject(SUBMISSION, error)
    saved = history.saved[0][0]
    assert (saved.state, saved.error, saved.hint) == (SubmissionState.REJECTED, error.title, "why")
    [notice] = events
    assert isinstance(notice, Notice)
    assert (notice.title, notice.hint, notice.severity, notice.key) == (error.title, "why", severity, "submission:7")


async def test_a_submission_is_stopped_unless_a_create_may_be_out(steps: SubmissionSteps, history: History) -> None:
    unsent = (SubmissionState.INTENT, SubmissionState.UPLOADED)
    assert await steps.stop(replace(SUBMISSION, hint="wait"))
    stopped, before = history.saved[-1]
    assert (stopped.state, stopped.error, stopped.hint) == (SubmissionState.STOPPED, "Stopped before it was sent", None)
    assert stopped.create_sent_at is None and before == (*unsent, SubmissionState.CREATING)
    history.is_lost = True
    assert not await steps.stop(SUBMISSION)
    history.is_lost, history.unsent = True, SUBMISSION
    assert await steps.stop(SUBMISSION)
    assert history.saved[-1][1] == unsent


async def test_the_first_loss_is_told_and_each_is_taken_back_later(
    steps: SubmissionSteps, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: at)
    for wait in (300.0, 600.0, 1200.0):
        steps.lose(7)
        start = at
        at = start + wait - 0.1
        assert steps.is_lost(7) and not steps.pop_overdue()
        at = start + wait
        assert not steps.is_lost(7) and steps.pop_overdue() and not steps.pop_overdue()
    assert len(events) == 1 and isinstance(events[0], Notice) and events[0].key == "submission:7"
    steps.lose(7)
    steps.forget_lost()
    assert not steps.is_lost(7)


@pytest.mark.parametrize(
    ("unended", "whole", "why"),
    [
        (set(), True, ""),
        ({"listed"}, True, ""),
        (set(), False, "the list is incomplete, or part of it is unreadable"),
        ({"b-23456789"}, True, "job b-234567 had not ended, and the list lacks it"),
        ({"b", "a"}, False, "jobs a, b had not ended, and the list lacks them"),
        ({"a", "b", "c"}, True, "jobs a, b, c had not ended, and the list lacks them"),
        ({*"abcde"}, True, "jobs a, b, c and 2 more had not ended, and the list lacks them"),
    ],
)
async def test_what_a_list_lacks_to_be_a_proof(unended: set[str], whole: bool, why: str, history: History) -> None:
    history.unended = unended
    stand_in: Any = history
    assert await why_no_proof(JobList([Job("listed", "X")], NOW, is_whole=whole), stand_in) == why


@pytest.mark.parametrize(
    ("name", "health", "has_key", "kind", "title", "hint"),
    [
        ("a.json", OK, True, LocalFileError, "a.json cannot be uploaded: Together only", "Rename it and check it"),
        ("a\udcff.jsonl", OK, True, LocalFileError, "its name is not UTF-8", "Rename it and check it again."),
        ("a.jsonl", OK, False, AuthenticationError, "There is no API key", "Set TOGETHER_API_KEY and restart."),
        (
            "a.json",
            ConnectionHealth(HealthState.KEY_REFUSED, title="Refused", hint="Log in."),
            True,
            AuthenticationError,
            "Refused",
            "Log in.",
        ),
    ],
    ids=["suffix", "name", "no key", "refused"],
)
def test_what_cannot_be_submitted_is_refused_before_anything_is_sent(
    name: str, health: ConnectionHealth, has_key: bool, kind: type[BatchError], title: str, hint: str
) -> None:
    with pytest.raises(kind) as error:
        require_submittable(Path(name), health, has_key=has_key)
    assert title in error.value.title and error.value.hint.startswith("Nothing was submitted. ")
    assert hint in error.value.hint
    require_submittable(Path("a.jsonl"), OK, has_key=True)


def test_lines_that_are_not_blank_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{}\n\n \t\n{}\r\n{"last": 1}')
    assert count_requests(path) == 3
    with pytest.raises(LocalFileError) as error:
        count_requests(tmp_path)
    assert str(error.value.title) == f"{tmp_path} cannot be read: Is a directory"
    assert error.value.hint == "Nothing was submitted."


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (lambda: retry_hint(None), "No job was created. It is retried automatically."),
        (lambda: retry_hint(0.2), "No job was created. The server asked for 1 second of patience."),
        (lambda: retry_hint(7.6), "No job was created. The server asked for 8 seconds of patience."),
        (lambda: lookup_hint(30.0), "If it isn't listed for 30 s, it will be created again."),
        (lambda: lookup_hint(58.5887), "If it isn't listed for 59 s, it will be created again."),
    ],
)
def test_when_a_step_is_tried_again(hint: Callable[[], str], expected: str) -> None:
    assert hint() == expected


def test_a_refused_repeat_is_tried_ever_more_slowly() -> None:
    hint = lookup_hint(120.0, is_refused=True)
    assert hint.startswith("The server refused to create it again. Trying again after 120 s of lists without the job")
