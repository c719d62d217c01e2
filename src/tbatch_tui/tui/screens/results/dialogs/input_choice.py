"""The input file of results that were opened by their path: the questions of the answers."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.widgets import Static

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.tables.compose.opening import PathKind, kind_of_path
from tbatch_tui.text import format as fmt
from tbatch_tui.text.paths import path_of
from tbatch_tui.tui.dialogs.base import Box, KeyHints
from tbatch_tui.tui.dialogs.line_dialog import LineDialog
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.input_file import fetch_input
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import App, ComposeResult

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.results.family import Family

_SHOWN = 5
"""Files that are named."""


async def get_input(app: App[Any], engine: BatchEngine, bridge: Bridge, family: Family) -> bool:
    """Choose the input file of results that were opened by their path, or download that of a job; False if neither."""
    record = family.record
    if record is None or not record.is_opened:
        return await fetch_input(engine, bridge, family.key)
    known = record.submission.path if record.submission is not None else None
    results = next(each.path for each in record.transfers if each.path is not None)
    path = await app.push_screen_wait(InputDialog(results.parent, engine.opened.inputs(record.key), known))
    if path is None:
        return False
    try:
        await engine.opened.use_input(record.key, path if path.name else None)
    except BatchError as error:
        bridge.report(error)
        return False
    return True


def tell_opened(engine: BatchEngine, bridge: Bridge, record: JobRecord) -> None:
    """Say where the questions are of results that were opened by their path; of a job, nothing."""
    if not record.is_opened:
        return
    if record.submission is not None:
        bridge.notify(
            f"The questions are from {line(record.submission.path.name)}",
            fill_keys("It has the ids of these answers. {job.fetch-input} chooses another file."),
        )
    elif found := engine.opened.inputs(record.key):
        bridge.notify(
            f"{len(found):,} files have the ids of these answers",
            fill_keys("{job.fetch-input} chooses the one whose questions they answer."),
            "warning",
        )
    else:
        bridge.notify(
            "No input file near these answers has their ids",
            fill_keys("They are shown without their questions. {job.fetch-input} chooses a file."),
            "warning",
        )


class InputDialog(LineDialog[Path]):
    """A line for a path; answers the path, `Path()` for no input file, or None if nothing is changed."""

    def __init__(self, folder: Path, found: Sequence[Path], known: Path | None) -> None:
        """Make a dialog.

        Args:
            folder: Of the results: where a relative path begins.
            found: The files that have the ids of the answers.
            known: The one that is used now.
        """
        super().__init__()
        self._folder, self._found = folder, found
        self._first = known or (found[0] if found else None)

    def compose(self) -> ComposeResult:
        """Lay out the line, the files that were found, and the keys."""
        with Box():
            yield Static("Input file of these answers", classes="dialog--title", markup=False)
            text = self._named(self._first) if self._first is not None else ""
            yield TextInput(text, placeholder="the file of the requests; empty for none", id="input")
            yield Static(lines_content(self._help()), classes="help")
            yield Static(id="mistake", markup=False)
            yield KeyHints((self.key_of("answer.save"), "Join"), (self.key_of("answer.discard"), "Cancel"))

    def _named(self, path: Path) -> str:
        return path.name if path.parent == self._folder else str(path)

    def _help(self) -> str:
        if not self._found:
            return "Its requests join the answers by their custom_id. No file near these answers has their ids."
        names = ", ".join(line(self._named(path)) for path in self._found[:_SHOWN])
        more = f" and {len(self._found) - _SHOWN:,} more" if len(self._found) > _SHOWN else ""
        has = "has" if len(self._found) == 1 else "have"
        return f"{fmt.plural(len(self._found), 'file')} near them {has} their ids: {names}{more}. Empty for none."

    @work(group="save", exclusive=True, exit_on_error=False)
    async def action_save(self) -> None:
        """Answer the path; where it is no file of requests, say so."""
        text = self.text
        if not text:
            self.dismiss(Path())
            return
        path = next((each for each in self._found if self._named(each) == text), None) or self._folder / path_of(text)
        if await asyncio.to_thread(_is_input, path):
            self.dismiss(path)
            return
        self.refuse("This file does not hold requests.")


def _is_input(path: Path) -> bool:
    try:
        return os.path.isfile(path) and kind_of_path(path) is PathKind.REQUESTS
    except (OSError, ValueError):
        return False
