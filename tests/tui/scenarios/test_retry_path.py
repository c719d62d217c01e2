"""Two retries through the whole app: from Results to Check, to Create, and merged with the results before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.tui.messages import OpenResults
from tbatch_tui.tui.screens.results.retry_dialog import RetryDialog
from tests.conftest import until, write_chat
from tests.engine.journal.test_lineage import lose
from tests.helpers.app_host import make_app
from tests.helpers.drawn import screen_opened, screen_text

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from textual.pilot import Pilot

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp


def shows_all(app: TbatchApp, *words: str) -> bool:
    text = " ".join(screen_text(app).split())
    return all(word in text for word in words)


async def counted(app: TbatchApp, number: int) -> JobRecord:
    """Wait until so many jobs are counted, and return the newest."""

    def counted_records() -> list[JobRecord]:
        return [record for record in app.engine._store.records if record.counts is not None]

    await until(lambda: len(counted_records()) == number)
    return max(counted_records(), key=lambda record: record.created_at)


async def retry(app: TbatchApp, pilot: Pilot[str]) -> None:
    """Retry what is left, as the dialog offers it."""
    await pilot.press("R")
    await screen_opened(app, RetryDialog)
    await pilot.press("enter")
    await until(lambda: shows_all(app, "Check", "No problems"))
    await pilot.press("enter")
    await until(lambda: shows_all(app, "Create", "Submit"))
    await pilot.press("enter")
    await until(lambda: len(app.screen_stack) == 1)


async def test_two_retries_leave_nothing_unanswered(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_chat(tmp_path / "asked.jsonl", [f"Say {number}." for number in range(9)])
    lines = path.read_bytes().splitlines(keepends=True)
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(lambda: shows_all(app, "No jobs yet"))
        await app.engine.submit_checked(path, Endpoint.CHAT, requests=9)
        first = await counted(app, 1)
        lose(first, keep=4)
        app.post_message(OpenResults(first.key))
        await until(lambda: shows_all(app, "Results", "5 missing"))
        await retry(app, pilot)
        second = await counted(app, 2)
        lose(second, keep=3)
        app.post_message(OpenResults(first.key))
        await until(lambda: shows_all(app, "Results", "job 1 of 2", "5 missing"))
        await pilot.press("m")
        await until(lambda: shows_all(app, "merged from 2 jobs", "2 missing"))
        await retry(app, pilot)
        third = await counted(app, 3)
        assert (tmp_path / "asked.retry1.jsonl").read_bytes() == b"".join(lines[4:])
        assert (tmp_path / "asked.retry2.jsonl").read_bytes() == b"".join(lines[7:])
        family = await app.engine.family(third.key)
        assert [member.generation for member in family] == [1, 2, 3]
        app.post_message(OpenResults(third.key))
        await until(lambda: shows_all(app, "Results", "job 3 of 3"))
        await pilot.press("m")
        await until(lambda: shows_all(app, "merged from 3 jobs", "+ 0 missing", "#2", "#3"))
