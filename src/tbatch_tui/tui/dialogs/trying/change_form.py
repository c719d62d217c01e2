"""Change what a try asks: model, limit, system prompt and prompt."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import key_display
from tbatch_tui.tui.render.status import ATTENTION
from tbatch_tui.tui.render.styled import styled_content
from tbatch_tui.tui.widgets.text_input import TextInput
from tbatch_tui.tui.widgets.writing.lines_area import LinesArea

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input

    from tbatch_tui.engine.live.change import Asked
    from tbatch_tui.tui.bridge import Bridge

_BAD_LIMIT = "max_tokens must be a whole number, from 1; empty for none."
_AROUND = 8
"""Lines of the dialog around the fields."""


class ChangeTry(Dialog["Asked | None"]):
    """Returns what is to be asked, or None. Nothing is sent here."""

    AUTO_FOCUS = "#model"
    BINDINGS: ClassVar[list[BindingType]] = [keys.SAVE, keys.TRY_DONE, keys.DISCARD, keys.TRY_EDITOR]
    DEFAULT_CSS = """
    ChangeTry {
        Box { width: 100; }
        .fields { height: auto; scrollbar-size-vertical: 1; }
        .field { height: auto; margin-top: 1; }
        .field > .name { width: 12; color: $status-quiet; }
        TextInput { width: 1fr; background: $panel; padding: 0 1; &:focus { background: $cursor-row; } }
        LinesArea { background: $panel; }
        #sum { height: auto; margin-top: 1; }
    }
    """

    def __init__(self, asked: Asked, bridge: Bridge, *, is_audio: bool, with_prompt: bool) -> None:
        """Make a form.

        Args:
            asked: What is asked now.
            bridge: Says what went wrong with an editor.
            is_audio: A recording has neither a limit nor a system prompt.
            with_prompt: Whether the prompt can be changed: that of several requests cannot.
        """
        super().__init__()
        self._asked = asked
        self._bridge = bridge
        self._is_audio, self._with_prompt = is_audio, with_prompt

    def compose(self) -> ComposeResult:
        """Lay out the fields."""
        with Box():
            yield Static("Ask in another way", classes="dialog--title", markup=False)
            with VerticalScroll(classes="fields", can_focus=False):
                yield from self._field("Model", TextInput(self._asked.model, id="model"))
                if not self._is_audio:
                    limit = str(self._asked.max_tokens or "")
                    yield from self._field("max_tokens", TextInput(limit, placeholder="no limit", id="max-tokens"))
                    yield from self._field("System", LinesArea(placeholder="no system prompt", id="system"))
                if self._with_prompt:
                    yield from self._field("Prompt", LinesArea(placeholder="no prompt", id="prompt"))
            yield Static(id="sum", markup=False)
            yield KeyHints(
                (key_display(keys.TRY_DONE), "Done"),
                ("tab", "Next field"),
                (key_display(keys.TRY_EDITOR), "Editor"),
                (self.key_of("answer.discard"), "Cancel"),
            )

    @staticmethod
    def _field(name: str, widget: TextInput | LinesArea) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Static(name, classes="name", markup=False)
            yield widget

    def on_mount(self) -> None:
        """Fill the texts in."""
        for area in self.query(LinesArea):
            area.set_value(self._asked.system if area.id == "system" else self._asked.prompt)

    def on_resize(self) -> None:
        """Let the fields scroll where the terminal is too low for all of them."""
        for fields in self.query(".fields"):  # there are none before the form is whole, and at its end
            fields.styles.max_height = max(3, self.size.height - _AROUND)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a line is done, as in every form."""
        event.stop()
        self.action_save()

    def action_save(self) -> None:
        """Return what is to be asked; with a mistake in it, say so."""
        wanted = replace(self._asked, model=self.query_one("#model", TextInput).value.strip() or self._asked.model)
        if not self._is_audio:
            text = self.query_one("#max-tokens", TextInput).value.strip().replace(",", "")
            if text and not (text.isascii() and text.isdigit() and int(text) > 0):
                self.query_one("#sum", Static).update(styled_content([(_BAD_LIMIT, ATTENTION)]))
                self.app.bell()
                return
            wanted = replace(wanted, max_tokens=int(text) if text else None)
        texts = {area.id: area.value for area in self.query(LinesArea)}
        system, prompt = texts.get("system", wanted.system), texts.get("prompt", wanted.prompt)
        self.dismiss(replace(wanted, system=system, prompt=prompt))

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def action_edit_try(self) -> None:
        """Open the text one is in, else the prompt, in the person's editor."""
        from tbatch_tui.tui.terminal.editor import edit_text

        areas = list(self.query(LinesArea))
        if not areas:
            return
        area = self.focused if isinstance(self.focused, LinesArea) else areas[-1]
        try:
            text = await edit_text(self.app, os.environ, area.value, f"{area.id}.md")
        except BatchError as error:
            self._bridge.report(error)
            return
        if text is not None:
            area.set_value(text)
        area.focus()

    def action_discard(self) -> None:
        """Return None."""
        self.dismiss(None)
