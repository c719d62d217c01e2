"""The demo's past jobs: two weeks of jobs in every status, their files validated like any other.

Their result files are written when they are needed, so that the sandbox starts at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tbatch_tui.sandbox.demo.review_table import RUNS, review_requests
from tbatch_tui.sandbox.demo.samples import encode_line, faulty_lines, questions, recordings, reviews
from tbatch_tui.sandbox.jobs.records import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.sandbox.state import SandboxState

CHAT = "/v1/chat/completions"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
TRANSLATIONS = "/v1/audio/translations"
DAY = 86_400.0
HOUR = 3_600.0
MINUTE = 60.0

QWEN = "Qwen/Qwen3-235B-A22B-Instruct-2507-tput"
OSS = "openai/gpt-oss-120b"
MAVERICK = "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"
SMALL = "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo"
KIMI = "moonshotai/Kimi-K2-Instruct-0905"
LLAMA = "meta-llama/Llama-3.3-70B-Instruct-Turbo"


IN_PARTS = "reviews-october.jsonl"
"""The file that was sent as several jobs."""
_PARTS = 3


def parts_of_a_file() -> dict[str, list[dict[str, Any]]]:
    """Return the requests of the parts of `IN_PARTS` by the names of their files, as a submission in parts has them."""
    rows = list(reviews(900, 18))
    size = len(rows) // _PARTS
    stem = IN_PARTS.removesuffix(".jsonl")
    return {
        f"{stem}.part{number + 1}of{_PARTS}.jsonl": rows[number * size : (number + 1) * size]
        for number in range(_PARTS)
    }


@dataclass(frozen=True, slots=True)
class PastJob:
    """One past job."""

    filename: str
    ago: float
    """When it was created, in seconds before now."""

    rows: Iterable[dict[str, Any]] = ()
    duration: float = 6 * MINUTE
    """How long it ran, or would have run, in seconds."""

    endpoint: str = CHAT
    cancelled_after: float | None = None
    """When it was cancelled, in seconds after the create."""

    content: bytes = field(default=b"")
    """The bytes of its file, if they are not made from `rows`."""


def _past_jobs() -> list[PastJob]:
    """Return the jobs, oldest first."""
    return [
        PastJob("reviews-pilot.jsonl", 14 * DAY, reviews(50, 1), 2 * MINUTE),
        PastJob("reviews-september.jsonl", 13.6 * DAY, reviews(2000, 2), 31 * MINUTE),
        PastJob("faq-answers.jsonl", 13.1 * DAY, questions(240, 3, QWEN, "faq"), 9 * MINUTE),
        PastJob("interviews-a.jsonl", 12.4 * DAY, recordings(24), 14 * MINUTE, TRANSCRIPTIONS),
        PastJob("tickets-export.jsonl", 12.2 * DAY, content=faulty_lines()),
        PastJob("tickets-fixed.jsonl", 12.15 * DAY, questions(380, 5, SMALL, "ticket"), 7 * MINUTE),
        PastJob("judge-round-1.jsonl", 11.3 * DAY, questions(600, 6, OSS, "judge"), 22 * MINUTE),
        PastJob(
            "judge-round-2.jsonl", 10.7 * DAY, questions(600, 7, OSS, "judge"), 90 * MINUTE, cancelled_after=38 * MINUTE
        ),
        PastJob("synthetic-dialogues.jsonl", 10.1 * DAY, questions(700, 8, MAVERICK, "dialogue"), 47 * MINUTE),
        PastJob("hotline-monday.jsonl", 9.4 * DAY, recordings(40, "call"), 18 * MINUTE, TRANSCRIPTIONS),
        PastJob("hotline-monday-en.jsonl", 9.3 * DAY, recordings(40, "call"), 20 * MINUTE, TRANSLATIONS),
        PastJob("long-documents.jsonl", 8.5 * DAY, questions(500, 11, KIMI, "document"), 40 * HOUR),
        PastJob("wrong-upload.jsonl", 8.2 * DAY, questions(30, 12, QWEN), cancelled_after=1.5),
        PastJob("reviews-germany.jsonl", 7.6 * DAY, reviews(800, 13), 12 * MINUTE),
        PastJob("summaries-legal.jsonl", 6.9 * DAY, questions(150, 14, KIMI, "clause"), 8 * MINUTE),
        PastJob("ab-test-prompts-a.jsonl", 6.1 * DAY, questions(200, 15, QWEN, "prompt"), 5 * MINUTE),
        PastJob("ab-test-prompts-b.jsonl", 6.08 * DAY, questions(200, 16, LLAMA, "prompt"), 6 * MINUTE),
        PastJob("podcast-season-2.jsonl", 5.2 * DAY, recordings(14, "episode"), 26 * MINUTE, TRANSCRIPTIONS),
        *(
            PastJob(name, 4.3 * DAY - number, rows, (20 + 2 * number) * MINUTE)
            for number, (name, rows) in enumerate(parts_of_a_file().items())
        ),
        PastJob("old-model.jsonl", 3.5 * DAY, questions(20, 19, "acme/retired-model-7b"), 2 * MINUTE),
        PastJob("red-team.jsonl", 2.8 * DAY, questions(320, 20, OSS, "attack"), 11 * MINUTE),
        PastJob("tags-catalogue.jsonl", 1.9 * DAY, reviews(600, 21, SMALL), 13 * MINUTE),
        PastJob("eval-nightly.jsonl", 1.2 * DAY, questions(500, 22, LLAMA, "case"), 10 * MINUTE),
        PastJob("eval-nightly.jsonl", 5 * HOUR, questions(500, 23, LLAMA, "case"), 10 * MINUTE),
        *(
            PastJob(name, 3.5 * HOUR - number * 9 * MINUTE, review_requests(model), 8 * MINUTE)
            for number, (name, model) in enumerate(RUNS.items())
        ),
        PastJob("translations-draft.jsonl", 2 * HOUR, questions(60, 24, QWEN, "string"), 3 * MINUTE),
        PastJob("reviews-november.jsonl", 7 * MINUTE, reviews(1400, 25), 18 * MINUTE),
        PastJob("judge-round-3.jsonl", 2 * MINUTE, questions(160, 26, OSS, "judge"), 165.0),
    ]


def add_past_jobs(state: SandboxState) -> None:
    """Add the past jobs to a sandbox. Those that have not ended yet go on running."""
    if any(True for _ in state.jobs):
        return  # a sandbox with a data folder has them from its first start
    now = state.clock.now()
    for past in _past_jobs():
        body = past.content or b"".join(map(encode_line, past.rows))
        created = now - past.ago
        file = state.files.start_upload(past.filename, "batch-api", "jsonl", None)
        file.created_at = created - 4.0
        with state.files.writer(file) as writer:
            writer.write(body)
            state.files.set_body(file, writer.finish())
        state.files.complete_upload(file)
        pace = Pace(starting=past.duration, per_row=0.0)
        state.jobs.add_past_job(past.endpoint, file, created, pace, past.cancelled_after)
