"""The form of a draft: a field a line, texts of several lines for prompt, system, parameters and conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from tbatch_tui.engine.tables.compose.draft import Draft
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.compose.columns import ColumnTable
from tbatch_tui.tui.screens.compose.text_area import TemplateArea
from tbatch_tui.tui.widgets.radio_line import RadioLine
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from tbatch_tui.engine.tables.compose.draft import DraftField
    from tbatch_tui.engine.tables.compose.profile import ColumnProfile
    from tbatch_tui.tui.render.styled import StyledText

_AREAS = {
    "prompt": "What to ask of each row. {{ column }} stands for its cell; {compose.complete} completes a name.",
    "system": "The system prompt, if there is one",
    "parameters": "KEY=VALUE, one a line: top_p=0.9",
    "where": "COLUMN=VALUE, one a line: only rows that have exactly this",
}
_INPUTS = {
    "model": "{go.on} lists the models",
    "max_tokens": "the most that an answer may have: it bounds the cost",
    "temperature": "the model's own",
    "schema": "label: enum[yes,no], why: string; or @schema.json",
    "id": "the column of the custom_id; else row-0001, row-0002 …",
    "image": "the column of an image: a URL, or the path of a file",
    "audio": "the column of the recordings' URLs; a list of URLs needs none",
    "rows": "all; 1-100",
    "sample": "all; a number draws so many",
    "seed": "drawn, and written into the recipe",
    "output": "",
}
_NAMES = {
    "kind": "Ask",
    "prompt": "Prompt",
    "system": "System",
    "model": "Model",
    "max_tokens": "Max tokens",
    "temperature": "Temperature",
    "parameters": "Parameters",
    "schema": "Schema",
    "id": "Id column",
    "image": "Image",
    "audio": "Audio",
    "rows": "Rows",
    "where": "Where",
    "sample": "Sample",
    "seed": "Seed",
    "empty": "Empty cells",
    "once": "Same rows",
    "output": "Write to",
}
_CHAT_ONLY = ("system", "schema", "image", "messages")
_AUDIO_ONLY = ("audio",)


class ChoiceLine(RadioLine[Any], inherit_bindings=False):
    """Options of a field, with the keys that they have on this screen."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.COMPOSE_NEXT, keys.COMPOSE_PREVIOUS]


class DraftForm(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The fields of a draft. Posts `Changed` when one was changed by the person."""

    DEFAULT_CSS = """
    DraftForm {
        scrollbar-size-vertical: 1; height: 1fr;
        .field { height: auto; padding: 0 1; }
        .field > .name { width: 13; color: $status-quiet; }
        .field > .name.-faulty { color: $status-failed; }
        TextInput { width: 1fr; background: $surface; &:focus { background: $cursor-row; } }
        #model-facts, #conversation { height: auto; padding: 0 1 0 14; color: $status-quiet; }
        #prompt { min-height: 3; }
        #parameters, #where, #system { max-height: 4; }
    }
    """

    class Changed(Message):
        """A field was changed."""

        def can_replace(self, message: Message) -> bool:
            """Let the last of several stand for all."""
            return isinstance(message, DraftForm.Changed)

    class ModelsRequested(Message):
        """Enter was pressed on the model's field."""

    class Submitted(Message):
        """Enter was pressed on another field of one line."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._messages: tuple[tuple[str, str], ...] = ()
        self._given: dict[str, tuple[str, str]] = {}
        """What was set in a line, and how it is shown."""

    def compose(self) -> ComposeResult:
        """Compose the columns and the fields."""
        yield ColumnTable(id="columns")
        kinds = [("chat", "a chat model"), ("audio", "for transcriptions")]
        yield from self._field("kind", ChoiceLine(kinds, "chat", id="kind"))
        yield Static(id="conversation", markup=False)
        for name in ("prompt", "system"):
            yield from self._field(name, TemplateArea(placeholder=fill_keys(_AREAS[name]), id=name, completes=True))
        yield from self._field("model", self._input("model"))
        yield Static(id="model-facts", markup=False)
        for name in ("max_tokens", "temperature", "schema"):
            yield from self._field(name, self._input(name))
        yield from self._field("parameters", TemplateArea(placeholder=fill_keys(_AREAS["parameters"]), id="parameters"))
        for name in ("id", "image", "audio", "rows"):
            yield from self._field(name, self._input(name))
        yield from self._field("where", TemplateArea(placeholder=fill_keys(_AREAS["where"]), id="where"))
        for name in ("sample", "seed"):
            yield from self._field(name, self._input(name))
        empty = [("error", "stop"), ("skip", "leave the row out"), ("keep", "ask anyway")]
        yield from self._field("empty", ChoiceLine(empty, "error", id="empty"))
        once = [(False, "ask each"), (True, "ask once, answer all")]
        yield from self._field("once", ChoiceLine(once, False, id="once"))
        yield from self._field("output", self._input("output"))

    def _input(self, name: str) -> TextInput:
        return TextInput(placeholder=fill_keys(_INPUTS[name]), id=name)

    @staticmethod
    def _field(name: str, widget: Widget) -> Iterable[Widget]:
        row = Horizontal(
            Static(_NAMES[name], classes="name", markup=False), widget, classes="field", id=f"{name}-field"
        )
        yield row

    # -- the draft -----------------------------------------------------------------------------------

    @property
    def draft(self) -> Draft:
        """What the fields hold now."""
        values: dict[str, Any] = {name: self.query_one(f"#{name}", TemplateArea).value for name in _AREAS}
        values |= {name: self._line(name) for name in _INPUTS}
        values |= {name: self.query_one(f"#{name}", ChoiceLine).chosen for name in ("kind", "empty", "once")}
        return Draft(**values, messages=self._messages)

    def _line(self, name: str) -> str:
        value = self.query_one(f"#{name}", TextInput).value
        given = self._given.get(name)
        return given[0] if given is not None and given[1] == value else value

    def show(self, draft: Draft) -> None:
        """Show a draft."""
        self._messages = draft.messages
        with self.prevent(TextArea.Changed, Input.Changed, RadioLine.Changed):
            for name in _AREAS:
                self.query_one(f"#{name}", TemplateArea).set_value(getattr(draft, name))
            for name in _INPUTS:
                self.set_line(name, getattr(draft, name))
            for name in ("kind", "empty", "once"):
                self.query_one(f"#{name}", ChoiceLine).choose(getattr(draft, name))
        self._show_fields()

    def set_line(self, name: DraftField, text: str) -> None:
        """Set a field of one line."""
        field = self.query_one(f"#{name}", TextInput)
        self._given[name] = (text, line(text))
        field.value = line(text)
        field.cursor_position = len(field.value)

    def choose(self, name: DraftField, value: object) -> None:
        """Choose an option of a field."""
        self.query_one(f"#{name}", ChoiceLine).choose(value)

    def _show_fields(self) -> None:
        """Show the fields that this kind of request has."""
        is_audio = self.query_one("#kind", ChoiceLine).chosen == "audio"
        has_messages = bool(self._messages) and not is_audio
        for name in _NAMES:
            hidden = (is_audio and name in _CHAT_ONLY) or (not is_audio and name in _AUDIO_ONLY)
            hidden = hidden or (has_messages and name in ("prompt", "system"))
            self.query_one(f"#{name}-field").display = not hidden
        note = self.query_one("#conversation", Static)
        note.display = has_messages
        roles = ", ".join(role for role, _ in self._messages)
        note.update(f"{len(self._messages)} messages: {line(roles)}. {fill_keys('{compose.editor} edits them.')}")

    # -- what is shown beside the fields -------------------------------------------------------------

    def show_columns(self, columns: tuple[ColumnProfile, ...]) -> None:
        """Show the columns of the table."""
        self.query_one(ColumnTable).show(columns)
        self.call_after_refresh(self._show_focused)
        for area in self.query(TemplateArea):
            area.columns = [column.name for column in columns]

    def on_resize(self) -> None:
        """Leave room for what is typed."""
        for table in self.query(ColumnTable):  # there is none before the form is whole, and at its end
            table.fit_into(self.size.height)
        self.call_after_refresh(self._show_focused)

    def _show_focused(self) -> None:
        """Scroll to the field with the focus, which may have been pushed out of sight."""
        focused = self.screen.focused if self.is_attached else None
        if focused is not None and self in focused.ancestors:
            focused.scroll_visible(animate=False)

    def show_model(self, facts: StyledText) -> None:
        """Show what is known of the model. The text must be safe for the screen."""
        from tbatch_tui.tui.render.styled import styled_content

        static = self.query_one("#model-facts", Static)
        static.display = bool(facts)
        static.update(styled_content(facts))

    def show_default_output(self, text: str) -> None:
        """Show where the file goes if nothing is typed."""
        self.query_one("#output", TextInput).placeholder = line(text)

    def mark_faulty(self, names: Sequence[DraftField]) -> None:
        """Colour the names of fields with a fault."""
        for name in _NAMES:
            title = self.query_one(f"#{name}-field > .name")
            title.set_class(name in names, "-faulty")

    def focus_field(self, name: DraftField) -> None:
        """Go to a field."""
        self.query_one(f"#{name}").focus()

    # -- changes -------------------------------------------------------------------------------------

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Say that a text was changed."""
        event.stop()
        self.post_message(self.Changed())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say that a line was changed."""
        event.stop()
        self.post_message(self.Changed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask for the list of models, or to go on."""
        event.stop()
        self.post_message(self.ModelsRequested() if event.input.id == "model" else self.Submitted())

    def on_radio_line_changed(self, event: RadioLine.Changed) -> None:
        """Say that another option was chosen."""
        event.stop()
        self._show_fields()
        self.post_message(self.Changed())
