"""What Jobs looks like at every size: empty, busy, with 10,000 jobs, offline, with marks. The clock stands still."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.journal.journal import Journal
from tests.conftest import until
from tests.helpers.app_host import ALL_SIZES, make_app
from tests.helpers.drawn import check_screen, same_as_before, screen_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_772_802_120.0
"""2026-03-06 13:02 UTC."""
MINUTE, HOUR = 60.0, 3_600.0
MODELS = ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "openai/whisper-large-v3", None)
BUSY = [
    ("reviews-march", "IN_PROGRESS", 64.0),
    ("clips", "VALIDATING", 0.0),
    ("要約-三月-とても長い名前のファイルです-その二", "CANCELING", 20.0),
    ("party-🎉-👩‍👩‍👧-survey", "HIBERNATING", 5.0),
    ("bad-lines", "FAILED", 0.0),
    ("nightly", "EXPIRED", 71.0),
    ("safety-eval", "COMPLETED", 100.0),
    ("reviews-february", "COMPLETED", 100.0),
    ("a-name-that-is-very-long-" * 4, "CANCELLED", 12.0),
]
ENDED = ("COMPLETED", "FAILED", "EXPIRED", "CANCELLED")


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.pop("TZ", None)
    time.tzset()


def job(number: int, status: str, progress: float) -> Job:
    created = NOW - (40 + 13 * number) * MINUTE
    ended = status in ENDED
    return Job(
        id=f"{number:08x}-0000-4000-8000-000000000000",
        status=status,
        progress=progress,
        model=MODELS[number % 3],
        endpoint=(Endpoint.CHAT, Endpoint.TRANSCRIPTION, Endpoint.TRANSLATION)[number % 3],
        created_at=created,
        completed_at=created + 9 * MINUTE if ended else None,
        deadline=created + 24 * HOUR,
        output_file_id=f"file-{number}" if status in ("COMPLETED", "EXPIRED") else None,
        error="Line 2 (within chunk): invalid JSON" if status == "FAILED" else None,
    )


def fill(folder: Path, jobs: list[Job], names: list[str]) -> None:
    journal = Journal(folder / "data" / "history.db")
    account = journal.accounts.at_start("together", "", NOW - 7 * 24 * HOUR).id  # the first start was a week ago
    journal.jobs.apply(account, jobs, NOW, lambda _: False)
    for one, name in zip(jobs, names, strict=False):
        journal.records.annotate(account, one.id, name, "")
    if len(names) == len(BUSY):
        for number, state in ((6, TransferState.FETCHED), (7, TransferState.FAILED)):
            path = folder / "results" / "safety-eval.output.jsonl"
            message = "The connection was cut" if state is TransferState.FAILED else None
            transfer = Transfer(FileKind.OUTPUT, f"file-{number}", state, path, 4_000, 1_980, message=message)
            journal.transfers.save(account, jobs[number].id, transfer)
    journal.close()


@pytest.mark.parametrize("state", ["empty", "busy", "many", "offline", "marked"])
@pytest.mark.parametrize("size", ALL_SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_it_looks_as_it_did(
    state: str, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = [] if state == "empty" else [job(number, *rest) for number, (_, *rest) in enumerate(BUSY)]  # type: ignore[arg-type]
    if state == "many":
        jobs += [job(number, "COMPLETED", 100.0) for number in range(len(BUSY), 10_000)]
    fill(tmp_path, jobs, [name for name, *_ in BUSY] if jobs else [])
    app = make_app(tmp_path, None, now=lambda: NOW)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.engine.health.state is HealthState.NO_KEY)
        await until(lambda: app.jobs.table.row_count == len(jobs), within=40)
        health = ConnectionHealth(HealthState.OK, NOW, next_at=NOW + 22)
        if state == "offline":
            health = ConnectionHealth(HealthState.OFFLINE, NOW - 300, NOW + 12, "Together cannot be reached", "")
        app.engine._runtime.set_health(health)
        if jobs:
            await pilot.press("g", *(("space", "j", "space") if state == "marked" else ("j", "k")))
        await pilot.pause(0.3)
        await pilot.pause()
        check_screen(app)
        same_as_before(screen_text(app) + "\n", f"jobs-{state}-{size[0]}x{size[1]}.txt")
