"""What an edited copy changes in the whole file, with the first changed line before and after."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import work
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from tbatch_tui.engine.check.edit.edited_copy import (
    SEED_MAX,
    ChangedLine,
    EditSums,
    LineChoice,
    count_edited,
    preview_edited,
    write_edited,
)
from tbatch_tui.engine.check.edit.request_values import make_changes, read_parameters
from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.tables.recipe_rules import parse_range
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text import format as fmt
from tbatch_tui.text.paths import path_of
from tbatch_tui.tui.dialogs.base import Box, KeyHints
from tbatch_tui.tui.dialogs.form import Form
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.render.styled import styled_content
from tbatch_tui.tui.sanitize import fit_styled, line, line_content
from tbatch_tui.tui.screens.check.line_diff import Change, change_pieces, diff_lines
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.events import DescendantFocus

    from tbatch_tui.engine.check.edit.line_changes import LineChanges

_FIELDS = {
    "model": ("Model", "unchanged"),
    "system": ("System prompt", "unchanged; a text, or @file.md"),
    "max-tokens": ("max_tokens", "unchanged"),
    "set": ("Set parameters", "temperature=0 stop='[\"END\"]'"),
    "drop": ("Drop parameters", "seed top_p"),
    "rows": ("Lines", "all; 1-100"),
    "sample": ("Sample", "all; 20, or 20 seed 42"),
}
"""The fields by id: name, and what stands there while it is empty."""
_OWN_KEYS = {
    "model": "It has a field of its own.",
    "messages": "The system prompt has a field of its own.",
    "file": "The recording is what a request is about.",
}
_PAUSE = 0.15
"""Seconds without a key after which the file is read for the preview."""


@dataclass(frozen=True, slots=True)
class EditChoice:
    """What the person chose to change."""

    changes: LineChanges
    lines: LineChoice

    @property
    def is_nothing(self) -> bool:
        """Whether the copy would be the file."""
        return self.changes.is_nothing and self.lines.is_everything

    def write(
        self, path: Path, out: Path, *, progress: Callable[[int, int], object], cancelled: Callable[[], bool]
    ) -> EditSums:
        """Write the copy. For a thread; raises as `write_edited`."""
        return write_edited(path, out, self.changes, self.lines, progress=progress, cancelled=cancelled)


class _Fields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The fields below each other. Up and down move between them, and scroll where they do not all fit."""

    def __init__(self) -> None:
        super().__init__(classes="fields")


class EditDialog(Form[EditChoice]):
    """Fields for what is changed, and below them a line before and after; answers what was chosen, or None."""

    AUTO_FOCUS = "#model"
    MODEL_FIELD = "model"
    AROUND = 15
    DEFAULT_CSS = """
    EditDialog {
        Box { width: 100; }
        _Fields { height: auto; margin-top: 1; scrollbar-size-vertical: 1; }
        .field { margin-top: 0; }
        .field > .name { width: 17; }
        Divider { margin-top: 1; }
        #change { height: 2; }
    }
    """

    def __init__(self, path: Path, copy_name: str, models: Sequence[str]) -> None:
        """Ask about a file.

        Args:
            path: The file.
            copy_name: The name of the copy.
            models: The models of its requests.
        """
        super().__init__()
        self._path = path
        self._copy_name = copy_name
        self._models = models
        self._seed = secrets.randbelow(SEED_MAX)
        self._change: tuple[int, Change] | None = None
        self._stop = threading.Event()

    def compose(self) -> ComposeResult:
        """Compose the fields, the change and the sum."""
        with Box():
            yield Static(line_content(f"Edit a copy of {self._path.name}"), classes="dialog--title")
            with _Fields():
                for field_id, (name, placeholder) in _FIELDS.items():
                    if field_id == "model":
                        placeholder = self._models[0] if len(self._models) == 1 else placeholder
                    with Horizontal(classes="field"):
                        yield Static(name, classes="name", markup=False)
                        yield TextInput("", placeholder=placeholder, id=field_id)
            yield Divider()
            yield Static(id="change", markup=False)
            yield Static(id="sum", markup=False)
            yield KeyHints((self.key_of("answer.save"), "Write and check"), (self.key_of("answer.discard"), "Cancel"))

    def on_resize(self) -> None:
        """Fit the change to the width."""
        self.call_after_refresh(self._show_change)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Keep the field that is typed into in sight."""
        event.widget.scroll_visible(animate=False)

    def on_unmount(self) -> None:
        """Stop reading the file."""
        self._stop.set()

    def _value(self, field_id: str) -> str:
        return self.query_one(f"#{field_id}", TextInput).value.strip()

    def _choice(self) -> EditChoice:
        """Return what is chosen. Raises LocalFileError for what makes no sense; reads the file of a system prompt."""
        limit = self._value("max-tokens")
        if limit and not (limit.isascii() and limit.isdecimal() and int(limit)):
            raise LocalFileError("The token limit must be a whole number, from 1", "Leave it empty to change nothing.")
        changes = make_changes(
            model=self._value("model") or None,
            system=_read_system(self._value("system")),
            parameters=read_parameters(_split(self._value("set")), _OWN_KEYS),
            dropped=self._value("drop").replace(",", " ").split(),
            max_tokens=int(limit) if limit else None,
            own_keys=_OWN_KEYS,
        )
        return EditChoice(changes, self._lines())

    def _lines(self) -> LineChoice:
        first = last = sample = None
        seed = self._seed
        if rows := self._value("rows"):
            try:
                first, last = parse_range(rows)
            except ValueError as error:
                raise LocalFileError(f"{error}".capitalize(), "Use 1-100, 5- or -20.") from None
        words = self._value("sample").split()
        if words:
            number, *rest = words
            is_good = number.isdecimal() and int(number) and rest[:1] in ([], ["seed"]) and len(rest) in (0, 2)
            if not is_good or not all(word.isdecimal() for word in rest[1:]):
                raise LocalFileError("A sample is a number of lines, such as 20", "Add seed 42 to draw the same again.")
            sample, seed = int(number), int(rest[1]) if rest else seed
        return LineChoice(first, last, sample, seed)

    def update_summary(self) -> None:
        """Show the first change, then how many there are."""
        self._stop.set()
        self._read()

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        try:
            choice = self._choice()
            if choice.is_nothing:
                self._take(None)
                self.show_summary([("Nothing is changed yet.", QUIET)])
                return
            await asyncio.sleep(_PAUSE)
            self._stop = stop = threading.Event()
            found = await run_reading(_first_change, self._path, choice, stop=stop)
            self._take(found)
            self._show_sum("counting …")
            stop = self._stop = threading.Event()
            sums = await run_reading(count_edited, self._path, choice.changes, choice.lines, stop=stop)
            self._show_sum(f"{sums.copied:,} of {fmt.plural(sums.lines, 'line')}, {sums.changed:,} changed")
        except OperationCancelledError:
            return
        except BatchError as error:
            self._take(None)
            self.show_summary([(line(str(error)), ATTENTION)])

    def _take(self, change: tuple[int, Change] | None) -> None:
        self._change = change
        self._show_change()

    def _show_sum(self, counts: str) -> None:
        self.show_summary([(line(self._copy_name), "bold"), (f" next to it: {counts}.", "")])

    def _show_change(self) -> None:
        """Show the first changed line before and after."""
        change = self.query_one("#change", Static)
        number, shown = self._change or (0, Change("", "", "", "", note="No line changes." if self._change else " "))
        self.query_one(Divider).set_title(f"line {number:,}" if number else "")
        width = change.size.width
        fitted = [fit_styled(pieces, width, fill="") for pieces in change_pieces(shown, width)]
        change.update(styled_content([*fitted[0], ("\n", ""), *fitted[1]]))

    def action_save(self) -> None:
        """Answer what is chosen; ring the bell if that is nothing, or makes no sense."""
        try:
            choice = self._choice()
        except BatchError:
            self.app.bell()
            return
        if choice.is_nothing:
            self.app.bell()
        else:
            self.dismiss(choice)


def _first_change(path: Path, choice: EditChoice, *, cancelled: Callable[[], bool]) -> tuple[int, Change] | None:
    """Return number and change of the first line that is another in the copy; None if there is none. For a thread."""
    found = preview_edited(path, choice.changes, choice.lines, number=1, cancelled=cancelled)
    return (found[0].number, _change_of(found[0])) if found else None


def _change_of(changed: ChangedLine) -> Change:
    before, after = (data.decode("utf-8", "replace") for data in (changed.before, changed.after))
    return diff_lines("", before, after)


def _split(text: str) -> list[str]:
    """Return the words of a text, as a shell parts them."""
    try:
        return shlex.split(text)
    except ValueError:
        raise LocalFileError("A quote is not closed", "Quote values that contain a space.") from None


def _read_system(text: str) -> str | None:
    """Return the system prompt, which a small file may have; None where it stays."""
    if not text.startswith("@"):
        return text or None
    path = path_of(text[1:])
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        raise LocalFileError(f"{path} cannot be read", "Name a text file in UTF-8.") from None
