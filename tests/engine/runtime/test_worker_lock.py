"""The lock that decides which app does the work, where nobody can take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tests.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


async def test_a_lock_that_cannot_be_taken_is_announced_with_the_reason(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event], chat_file: Path
) -> None:
    def notices() -> list[Notice]:
        return [event for event in events if isinstance(event, Notice) and "lock" in event.title]

    async with make_engine(sandbox) as engine:
        blocker = engine.options.data_dir / "work-1.lock"
        await until(lambda: engine.listed_at is not None or blocker.exists())
    blocker.unlink(missing_ok=True)
    blocker.mkdir()
    async with make_engine(sandbox) as engine:
        await until(lambda: len(notices()) == 1)
        assert notices()[0].severity == "error" and "cannot be taken" in notices()[0].title
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        blocker.rmdir()
        record = await engine.wait_until(key, lambda record: record.job is not None)
        assert record.job is not None and len(notices()) == 1
