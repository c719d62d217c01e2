"""An engine that talks HTTP to the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.engine.runtime.tasks import STOPPED, UNFORESEEN

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

MakeEngine = Callable[..., BatchEngine]


@pytest.fixture
def events() -> list[Event]:
    """The events of the engine, with the reason printed if one of its tasks failed."""
    return EventList()


class EventList(list[Event]):
    """A list of events that prints why a task of the engine failed: the test would only time out."""

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, Notice) and event.title.startswith((STOPPED, UNFORESEEN)):
            print(event.hint)  # noqa: T201 - shown with the failed test


@pytest.fixture
def make_engine(tmp_path: Path, events: list[Event]) -> MakeEngine:
    """Return a function that makes an engine in a hurry: it polls every 0.1 s and looks up a lost create for 1 s."""

    def make(box: Sandbox, **more: Any) -> BatchEngine:
        options: dict[str, Any] = {
            "data_dir": tmp_path / "data",
            "output_dir": tmp_path / "results",
            "base_url": box.base_url,
            "api_key": box.key,
            "poll_interval": 0.1,
            "lookup_interval": 0.1,
            "lookup_patience": 1.0,
            "create_patience": 1.0,
            "first_retry_delay": 0.1,
        }
        return BatchEngine(EngineOptions(**(options | more)), events.append)

    return make
