"""An engine that talks HTTP to the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.engine.runtime.tasks import STOPPED

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

MakeEngine = Callable[..., BatchEngine]


@pytest.fixture
def events() -> list[Event]:
    """What the engine announced. An engine that stopped working fails the test where it stands."""
    return Announced()


class Announced(list[Event]):
    """Keeps the events, and the words of an engine task that died, which would otherwise only be waited for."""

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, Notice) and event.title == STOPPED:
            print(event.hint)  # noqa: T201 - shown with the failed test


@pytest.fixture
def make_engine(tmp_path: Path, events: list[Event]) -> MakeEngine:
    """A controller at a hurried pace: polls every 0.2 s, looks a lost create up for 1 s."""

    def make(box: Sandbox, **more: object) -> BatchEngine:
        options: dict[str, object] = {
            "data_dir": tmp_path / "data",
            "output_dir": tmp_path / "results",
            "base_url": box.base_url,
            "api_key": box.key,
            "poll_interval": 0.2,
            "lookup_interval": 0.2,
            "lookup_patience": 1.0,
            "first_retry_delay": 0.1,
        }
        return BatchEngine(EngineOptions(**(options | more)), events.append)

    return make
