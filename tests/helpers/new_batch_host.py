"""A small app for the screens of a new batch: it opens one of them, and collects the messages it posts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.screens.base import BaseScreen
from tests.helpers.drawn import Bare, check_screen, screen_text

if TYPE_CHECKING:
    from pathlib import Path

    from textual.message import Message
    from textual.pilot import Pilot

    from tbatch_tui.tui.messages import CheckFile, CreateBatch, GoBack, OpenModels, OpenPath, Submitted

SIZES = [(80, 24), (60, 20), (140, 40)]
Open = Callable[[BatchEngine, Bridge], BaseScreen]


class NewBatchHost(Bare):
    """Opens one screen over an empty one."""

    def __init__(self, options: EngineOptions, open_: Open) -> None:
        super().__init__()
        self.bridge = Bridge(self)
        self.engine = BatchEngine(options, self.bridge.emit)
        self.posted: list[Message] = []
        self.copied = ""
        self._open = open_

    async def on_mount(self) -> None:
        await self.engine.open()
        await self.push_screen(self._open(self.engine, self.bridge))

    async def on_unmount(self) -> None:
        await self.engine.aclose()

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text

    def on_check_file(self, message: CheckFile) -> None:
        self.posted.append(message)

    def on_open_path(self, message: OpenPath) -> None:
        self.posted.append(message)

    def on_create_batch(self, message: CreateBatch) -> None:
        self.posted.append(message)

    def on_open_models(self, message: OpenModels) -> None:
        self.posted.append(message)

    def on_submitted(self, message: Submitted) -> None:
        self.posted.append(message)

    def on_go_back(self, message: GoBack) -> None:
        self.posted.append(message)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return screen_text(self)

    @property
    def toasts(self) -> str:
        """The text of all toasts so far."""
        return "\n".join(f"{note.title} {note.message}" for note in self._notifications)


@asynccontextmanager
async def shown(
    options: EngineOptions, open_: Open, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[NewBatchHost, Pilot[object]]]:
    """Open a screen; at the end, every line on it must be harmless and as wide as the terminal."""
    app = NewBatchHost(options, open_)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot
        await pilot.pause()
        check_screen(app)


def offline(tmp_path: Path, **more: object) -> EngineOptions:
    """Return the options of an engine without a key."""
    options: dict[str, object] = {"data_dir": tmp_path / "data", "output_dir": tmp_path / "results", "api_key": None}
    return EngineOptions(**(options | more))  # type: ignore[arg-type]
