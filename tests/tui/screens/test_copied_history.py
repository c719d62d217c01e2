"""A history that was copied: what waits says so, and `w` sends it from here or discards it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.endpoint import Endpoint
from tests.conftest import until, write_chat
from tests.helpers.app_host import make_app
from tests.helpers.copied import make_copied
from tests.helpers.drawn import check_screen
from tests.tui.scenarios.test_main_path import on, shows

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox


async def test_a_group_and_a_file_wait_and_are_decided_about(still_sandbox: Sandbox, tmp_path: Path) -> None:
    box, size = still_sandbox, (60, 20)
    path = write_chat(tmp_path / "reviews.jsonl", [f"Question {number}?" for number in range(6)])
    alone = write_chat(tmp_path / "alone.jsonl", ["Hello."])
    app = make_app(tmp_path, box, requests_per_job=3, background_work=False)
    async with app.run_test(size=size):
        await until(lambda: app.engine.health.state is HealthState.OK)
        fingerprint = await app.engine.fingerprint(path)
        await app.engine.groups.submit(path, Endpoint.CHAT, requests=6, fingerprint=fingerprint)
        file_key = await app.engine.submit_checked(alone, Endpoint.CHAT)
    await asyncio.to_thread(make_copied, tmp_path / "data")
    app = make_app(tmp_path, box, requests_per_job=3)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        await until(lambda: any("3 parts or files wait" in message.title for message in app.bridge.log))
        await until(lambda: shows(app, "Ready") and shows(app, "alone") and shows(app, "reviews"))
        await until(lambda: shows(app, "w sends it from here") and shows(app, "copied: send it?"))
        check_screen(app)
        await pilot.press("g", "w")
        await until(lambda: shows(app, "Send alone from here?") and shows(app, "send 1 request from here"))
        check_screen(app)
        await pilot.press("down", "enter")
        await until(lambda: on(app, "Jobs") and app.engine.record(file_key).status == LocalStatus.NOT_SUBMITTED)  # type: ignore[union-attr]
        await pilot.press("g", "down", "w")
        await until(lambda: shows(app, "Send reviews from here?") and shows(app, "send 6 requests from here"))
        check_screen(app)
        await pilot.press("enter")
        await until(lambda: len(box.jobs) == 2)
