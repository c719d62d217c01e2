"""A group whose next part the month has no room for any more: why is said, and it goes on once that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.options import Budget
from tbatch_tui.tui.dialogs.type_to_confirm import TypeToConfirm
from tests.conftest import until, write_chat
from tests.helpers.app_host import make_app
from tests.helpers.drawn import check_screen
from tests.tui.scenarios.test_main_path import on, shows

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox


async def test_it_waits_with_the_reason_and_continues_stage_by_stage(still_sandbox: Sandbox, tmp_path: Path) -> None:
    box = still_sandbox
    path = write_chat(tmp_path / "reviews.jsonl", [f"Question {number}?" for number in range(6)])
    other = write_chat(tmp_path / "other.jsonl", [f"What is {number}?" for number in range(24)])
    app = make_app(tmp_path, box, requests_per_job=3, parts_at_once=1, budget=Budget(month=0.0013))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        groups, fingerprint = app.engine.groups, await app.engine.fingerprint(path)
        await groups.submit(path, Endpoint.CHAT, requests=6, fingerprint=fingerprint)
        await until(lambda: len(box.jobs) == 1)
        await app.engine.submit_checked(other, Endpoint.CHAT, over_budget=True)
        await until(lambda: len(box.jobs) == 2)
        box.advance(120)
        await until(lambda: any("on hold; none has been sent" in message.text for message in app.bridge.log))
        await until(lambda: shows(app, "reviews · 2 parts"))
        await until(lambda: shows(app, "other") and shows(app, "all ok"))
        await pilot.press("g", "w")
        await until(lambda: shows(app, "Send the other 3 of reviews?") and shows(app, "Budget: It may cost up to"))
        assert shows(app, "View answers") and shows(app, "Continue") and shows(app, "1 of 2 parts are not sent")
        check_screen(app)
        await pilot.press("down", "down", "enter")  # past the answers, and all of the rest at once
        await until(lambda: shows(app, "Submit above the budget?"))
        question = app.screen
        assert isinstance(question, TypeToConfirm)
        await pilot.press(*question._words[0], "enter")
        await until(lambda: len(box.jobs) == 3)
        await until(lambda: on(app, "Jobs"))
