"""A create whose answer is lost, on the screen: explained in the details, and decided by the person."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tests.conftest import until
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import check_screen, screen_text
from tests.tui.scenarios.test_main_path import shows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp

LIST, CREATE = "/v1/batches", "/v1/batches"


@asynccontextmanager
async def uncertain(
    box: Sandbox, folder: Path, file: Path, *, jobs: int, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[TbatchApp, Pilot[str], str, list[str]]]:
    """The app on Jobs, the cursor on a create whose answer is lost; `jobs` on the same input have shown up since."""
    app = make_app(folder, box, lookup_patience=60.0)
    async with asyncio.timeout(40), app.run_test(size=size) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        box.plan_fault("close", CREATE, method="POST")
        box.plan_fault("status", LIST, method="GET", last=None, status=503)
        key = await app.engine.submit_checked(file, Endpoint.CHAT, requests=2, label="mine")
        await until(lambda: shows(app, "Uncertain"))
        candidates = [box.add_job(content=file.read_bytes()) for _ in range(jobs)]
        box.clear_faults()
        await until(lambda: len(app.engine.candidates(key) or ()) == jobs)
        await until(lambda: app.engine.health.state is HealthState.OK)
        if jobs:
            await until(lambda: shows(app, f"{jobs} jobs could be"))
        yield app, pilot, key, candidates


async def open_dialog(app: TbatchApp, pilot: Pilot[str]) -> None:
    await pilot.press("w")
    await until(lambda: shows(app, "Was mine created?") and shows(app, "Give up"))
    check_screen(app)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_person_chooses_among_the_candidates(
    size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path, chat_file: Path
) -> None:
    async with uncertain(still_sandbox, tmp_path, chat_file, jobs=2, size=size) as (app, pilot, key, candidates):
        assert shows(app, "w decides · since")
        await open_dialog(app, pilot)
        for job_id in candidates:
            assert shows(app, f"It is {job_id[:8]}")
        assert shows(app, "Validating · created") or size[0] == 60
        second = [job.id for job in app.engine.candidates(key) or ()][1]
        await pilot.press("down", "down", "enter")
        await until(lambda: app.engine.record(second) is not None and app.engine.record(key) is not None)
        await until(lambda: (record := app.engine.record(key)) is not None and record.key == second)
        [other] = set(candidates) - {second}
        await until(lambda: app.engine.refresh() or app.engine.record(other) is not None)
        await until(lambda: app.engine.record(other) is not None)
    assert still_sandbox.count("POST", CREATE) == 1


async def test_enter_alone_waits_and_creates_nothing(still_sandbox: Sandbox, tmp_path: Path, chat_file: Path) -> None:
    async with uncertain(still_sandbox, tmp_path, chat_file, jobs=0) as (app, pilot, key, _):
        assert shows(app, "listed for 60 s")
        await open_dialog(app, pilot)
        await pilot.press("enter")
        await until(
            lambda: (r := app.engine.record(key)) and r.submission and r.submission.state is SubmissionState.HELD
        )
        await until(lambda: shows(app, "You chose to wait"))
    assert still_sandbox.count("POST", CREATE) == 1


async def test_creating_again_is_confirmed_and_no_is_the_default(
    still_sandbox: Sandbox, tmp_path: Path, chat_file: Path
) -> None:
    async with uncertain(still_sandbox, tmp_path, chat_file, jobs=0) as (app, pilot, key, _):
        await open_dialog(app, pilot)
        await pilot.press("down", "enter")
        await until(lambda: shows(app, "Keep looking"))
        await pilot.press("enter")
        await until(lambda: not shows(app, "Keep looking"))
        await pilot.pause(0.3)
        assert still_sandbox.count("POST", CREATE) == 1
        await open_dialog(app, pilot)
        await pilot.press("down", "enter")
        await until(lambda: shows(app, "Keep looking"))
        await pilot.press("y")
        await until(lambda: (r := app.engine.record(key)) is not None and r.job is not None)
    assert still_sandbox.count("POST", CREATE) == 2


async def test_on_job_the_create_can_be_left_alone_or_given_up(
    still_sandbox: Sandbox, tmp_path: Path, chat_file: Path
) -> None:
    async with uncertain(still_sandbox, tmp_path, chat_file, jobs=0) as (app, pilot, key, _):
        await pilot.press("enter")
        await until(lambda: shows(app, "Answer lost"))
        assert "w Decide" in screen_text(app)
        await open_dialog(app, pilot)
        await pilot.press("escape")
        await until(lambda: not shows(app, "Give up"))
        assert app.engine.candidates(key) == ()
        await open_dialog(app, pilot)
        await pilot.press("G", "enter")
        await until(lambda: shows(app, "You gave it up"))
        assert "w Decide" in screen_text(app), "what was given up can be sent again, after a question"
    assert still_sandbox.count("POST", CREATE) == 1
