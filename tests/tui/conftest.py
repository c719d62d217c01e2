"""How the tests of the screens wait."""

from __future__ import annotations

import asyncio

import pytest
from textual import _wait
from textual._context import active_app

from tests.helpers.at_rest import AtRest


@pytest.fixture(autouse=True)
def short_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's Pilot takes an app for idle that used a twentieth of a nap at most; two naps or more for each key.

    Of the same kind, but four times shorter: those of 20 ms were two thirds of all the time the screens' tests took.
    Where the name is another one by now, the tests take longer, and that is all.
    """
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.005, raising=False)
    monkeypatch.setattr("textual._wait.SLEEP_IDLE", 0.005 / 20, raising=False)


@pytest.fixture(autouse=True)
def patient_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the Pilot wait for messages and threads too: on a busy machine a process that has much to do uses no CPU."""
    at_rest = AtRest(asyncio.BaseEventLoop.run_in_executor)
    monkeypatch.setattr(
        asyncio.BaseEventLoop,
        "run_in_executor",
        lambda loop, executor, func, *args: at_rest.run_in_executor(loop, executor, func, *args),
    )
    is_idle = _wait.wait_for_idle

    async def wait_for_idle(min_sleep: float = 1 / 50, max_sleep: float = 1) -> None:
        await is_idle(min_sleep, max_sleep)
        await at_rest.wait(active_app.get())

    for user in ("app", "pilot"):
        monkeypatch.setattr(f"textual.{user}.wait_for_idle", wait_for_idle)
