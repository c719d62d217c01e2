"""`w` sends again what was refused or stopped; a key that cannot do it says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.options import Budget
from tbatch_tui.tui.dialogs.type_to_confirm import TypeToConfirm
from tests.conftest import until, write_chat
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import check_screen, screen_opened
from tests.tui.scenarios.test_main_path import on, shows
from tests.tui.screens.test_groups import COUNT, open_create

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_chat(tmp_path / "reviews.jsonl", [f"Say {number}." for number in range(COUNT)])


def toasts(app: TbatchApp) -> str:
    return "\n".join(f"{note.title} {note.message}" for note in app._notifications)


async def submit_refused(app: TbatchApp, sandbox: Sandbox, file: Path, *, over_budget: bool = False) -> str:
    """Submit a file as three jobs, of which one is refused; return the key of that."""
    await until(lambda: app.engine.health.state is HealthState.OK)
    sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    fingerprint = await app.engine.fingerprint(file)
    key = await app.engine.groups.submit(
        file, Endpoint.CHAT, requests=COUNT, fingerprint=fingerprint, label="mine", over_budget=over_budget
    )
    parts = [await app.engine.wait_until(p.key, lambda r: r.is_resolved) for p in await app.engine.groups.parts(key)]
    [refused] = [part.key for part in parts if part.job is None]
    return refused


async def go_to(app: TbatchApp, pilot: Pilot[str], key: str) -> None:
    """Put the cursor on a part, in its open group."""
    await until(lambda: shows(app, "mine · 3 parts"))
    await pilot.press("g", *([] if shows(app, "▾ mine") else ["enter"]), "j")
    while app.screen.current is None or app.screen.current.key != key:  # type: ignore[attr-defined]
        await pilot.press("j")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_w_asks_and_sends_the_part_that_was_refused(
    sandbox: Sandbox, tmp_path: Path, file: Path, size: tuple[int, int]
) -> None:
    app = make_app(tmp_path, sandbox, requests_per_job=25)
    async with app.run_test(size=size) as pilot:
        key = await submit_refused(app, sandbox, file)
        await go_to(app, pilot, key)
        await until(lambda: shows(app, "w to send it again"))
        check_screen(app)
        await pilot.press("w")
        await until(lambda: shows(app, "again?") and shows(app, "Why it was not sent"))
        check_screen(app)
        await pilot.press("escape")
        await until(lambda: on(app, "Jobs"))
        assert len(sandbox.jobs) == 2
        await pilot.press("w")
        await until(lambda: shows(app, "Why it was not sent"))
        await pilot.press("y")
        record = await app.engine.wait_until(key, lambda record: record.job is not None)
        assert len(sandbox.jobs) == 3
        await until(lambda: not shows(app, "Not submitted"))
        await go_to(app, pilot, record.key)
        await pilot.press("w")
        await until(lambda: "this job was created" in toasts(app))


async def test_a_file_that_is_gone_is_told_and_nothing_is_sent(sandbox: Sandbox, tmp_path: Path, file: Path) -> None:
    app = make_app(tmp_path, sandbox, requests_per_job=25)
    async with app.run_test(size=(100, 30)) as pilot:
        key = await submit_refused(app, sandbox, file)
        record = app.engine.record(key)
        assert record is not None and record.submission is not None
        record.submission.path.unlink()
        file.unlink()
        await go_to(app, pilot, key)
        await pilot.press("w")
        await until(lambda: shows(app, "Why it was not sent"))
        await pilot.press("y")
        await until(lambda: "reviews.jsonl is gone: it cannot be sent again" in toasts(app))
        assert len(sandbox.jobs) == 2


async def test_create_of_the_same_bytes_sends_only_what_was_not_sent(
    sandbox: Sandbox, tmp_path: Path, file: Path
) -> None:
    app = make_app(tmp_path, sandbox, file=file, requests_per_job=25)
    async with app.run_test(size=(100, 30)) as pilot:
        key = await submit_refused(app, sandbox, file)
        await open_create(app, pilot)
        await until(lambda: shows(app, "You already submitted this exact file"))
        await pilot.press("enter")
        await until(lambda: shows(app, "Why it was not sent"))
        check_screen(app)
        await pilot.press("y")
        await app.engine.wait_until(key, lambda record: record.job is not None)
        await until(lambda: on(app, "Jobs"))
        assert len(sandbox.jobs) == 3


async def test_above_the_budget_it_is_sent_once_the_amount_is_typed(
    sandbox: Sandbox, tmp_path: Path, file: Path
) -> None:
    app = make_app(tmp_path, sandbox, requests_per_job=25, budget=Budget(job=0.0001))
    async with app.run_test(size=(80, 24)) as pilot:
        key = await submit_refused(app, sandbox, file, over_budget=True)
        await go_to(app, pilot, key)
        await until(lambda: shows(app, "w to send it again"))
        await pilot.press("w")
        await until(lambda: shows(app, "again?"))
        await pilot.press("y")
        await until(lambda: shows(app, "Submit above the budget?") and shows(app, "the budget for a job is $0.0001"))
        check_screen(app)
        await pilot.press("escape")
        await until(lambda: on(app, "Jobs"))
        assert len(sandbox.jobs) == 2
        await pilot.press("w")
        await until(lambda: shows(app, "again?"))
        await pilot.press("y")
        await screen_opened(app, TypeToConfirm)
        question = app.screen
        assert isinstance(question, TypeToConfirm)
        await pilot.press(*question._words[0], "enter")
        await until(lambda: len(sandbox.jobs) == 3)
