"""Ten jobs whose costs were added up by hand, for the tests of spending and budgets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.domain.cost import Estimate
from tbatch_tui.engine.domain.counts import JobCounts, ModelUsage
from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import JobGroup, Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.pricing.prices import PriceList

LLAMA = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
"""$0.88 a million tokens, half of that in a batch by the dated list; cached prompts a quarter."""
PLAIN = "acme/plain"
"""$1 and $3 a million, no discount."""
UNPRICED = "acme/unpriced"
WHISPER = "openai/whisper-large-v3"
"""$0.0015 a minute by the dated list, half of that in a batch."""

PRICES = PriceList(
    Catalogue(
        {
            LLAMA: ModelInfo(LLAMA, 131_072, 0.88, 0.88, 0.44, "chat", status="supported"),
            PLAIN: ModelInfo(PLAIN, 8_192, 1.0, 3.0, None, "chat"),
            WHISPER: ModelInfo(WHISPER, display_type="transcribe"),
        },
        fetched_at=1_795_000_000.0,
    )
)


def utc(text: str) -> float:
    """Return the moment of an ISO date in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def tokens(model: str, rows: int, prompt: int, completion: int, cached: int = 0) -> ModelUsage:
    """Return what rows of a chat model used."""
    return ModelUsage(model, rows, prompt=prompt, completion=completion, cached=cached, rows_with_tokens=rows)


def audio(rows: int, seconds: float) -> ModelUsage:
    """Return what rows of Whisper used."""
    return ModelUsage(WHISPER, rows, seconds=seconds, rows_with_duration=rows)


def a_record(
    key: str,
    *usage: ModelUsage,
    ended: str = "2026-11-10T12:00",
    model: str = LLAMA,
    status: str = "COMPLETED",
    endpoint: Endpoint = Endpoint.CHAT,
    label: str = "",
    estimate: Estimate | None = None,
    parent: str | None = None,
    group: JobGroup | None = None,
    part: int = 0,
    requests: int | None = None,
    is_ours: bool = True,
    is_fetched: bool = True,
    has_output: bool = True,
    state: SubmissionState = SubmissionState.CREATED,
    took: float = 600.0,
) -> JobRecord:
    """Return a job of the history; without `usage` its results are not counted."""
    rows = sum(part.rows for part in usage)
    requests = rows if requests is None else requests
    ended_at = utc(ended) if status in ("COMPLETED", "FAILED", "EXPIRED", "CANCELLED") else None
    job = Job(
        key,
        status,
        model=model,
        endpoint=endpoint,
        created_at=utc(ended) - took,
        completed_at=ended_at,
        output_file_id=f"out-{key}" if has_output and ended_at is not None else None,
    )
    submission = Submission(
        1, Path(f"/data/{label or key}.jsonl"), 1, "0", endpoint, label, requests, utc(ended) - took, state,
        job_id=key, estimate=estimate, parent=parent, part=part,
    )  # fmt: skip
    output = Transfer(
        FileKind.OUTPUT, f"out-{key}", TransferState.FETCHED, Path(f"/data/{key}.output.jsonl"), rows=rows
    )
    return JobRecord(
        key,
        job if state is SubmissionState.CREATED else None,
        submission if is_ours else None,
        label,
        input_name=f"{label or key}.jsonl",
        requests=requests,
        output=output if is_fetched and usage else None,
        counts=JobCounts(requests, rows, 0, requests - rows, usage=usage) if usage else None,
        group=group,
    )


SHARDS = JobGroup(1, Path("/data/shards.jsonl"), 1, "0", 4_000, 2)
ABOUT_TWO = Estimate(input=0.5, output=1.5, most_input=1.0)
"""About $2.00, and $2.50 at most."""

RECORDS = [
    # 1: 1,000,000 in, of which 400,000 are cached, and 200,000 out:
    # 0.6 × 0.44 + 0.4 × 0.22 + 0.2 × 0.44 = 0.264 + 0.088 + 0.088 = 0.44
    a_record("one", tokens(LLAMA, 1_000, 1_000_000, 200_000, 400_000), label="reviews", estimate=ABOUT_TWO),
    # 2: its retry: 0.1 × 0.44 + 0.05 × 0.44 = 0.066
    a_record(
        "two",
        tokens(LLAMA, 100, 100_000, 50_000),
        label="reviews",
        parent="one",
        ended="2026-11-11T00:00",
        estimate=Estimate(input=0.05, output=0.05, most_input=0.1),
    ),
    # 3 and 4: two parts of a file: 2 × 1 + 1 × 3 = 5, and 1 × 1 + 0.5 × 3 = 2.5
    a_record(
        "three",
        tokens(PLAIN, 2_000, 2_000_000, 1_000_000),
        model=PLAIN,
        label="shards",
        group=SHARDS,
        part=1,
        parent="group:1",
        ended="2026-11-30T23:59:59",
    ),
    a_record(
        "four",
        tokens(PLAIN, 2_000, 1_000_000, 500_000),
        model=PLAIN,
        label="shards",
        group=SHARDS,
        part=2,
        parent="group:1",
        ended="2026-11-29T00:00",
    ),
    # 5: no price is known
    a_record("five", tokens(UNPRICED, 10, 1_000, 1_000), model=UNPRICED, label="odd", ended="2026-11-12T08:00"),
    # 6: two models in one file, one without a price: 0.3 × 1 + 0.1 × 3 = 0.6, and what is not known
    a_record(
        "six",
        tokens(PLAIN, 300, 300_000, 100_000),
        tokens(UNPRICED, 5, 500, 500),
        model=PLAIN,
        label="odd",
        ended="2026-11-12T09:00",
    ),
    # 7: two hours of audio: 120 × 0.00075 = 0.09
    a_record(
        "seven",
        audio(24, 7_200.0),
        model=WHISPER,
        endpoint=Endpoint.TRANSCRIPTION,
        label="calls",
        ended="2026-11-13T10:00",
    ),
    # 8: made elsewhere and not fetched
    a_record("eight", is_ours=False, is_fetched=False, ended="2026-11-14T10:00"),
    # 9: in another month by a second: 1 × 0.44 = 0.44
    a_record("nine", tokens(LLAMA, 100, 1_000_000, 0), label="october", ended="2026-10-31T23:59:59"),
    # 10: failed, without a row that is paid for
    a_record("ten", status="FAILED", has_output=False, ended="2026-11-15T10:00", label="faulty"),
]
"""In November: 0.44 + 0.066 + 5 + 2.5 + 0.6 + 0.09 = 8.696 dollars, of which 0.066 are a retry's."""
RETRIES = frozenset({"two"})
