"""A schema that judges the answers of a job whose requests asked for none: a short text, or a file."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from textual import work
from textual.widgets import Static

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.schemas.spec import format_spec, parse_spec
from tbatch_tui.engine.schemas.verdict import format_of_schema
from tbatch_tui.text.paths import path_of
from tbatch_tui.tui.dialogs.base import Box, KeyHints
from tbatch_tui.tui.dialogs.line_dialog import LineDialog
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual.app import App, ComposeResult

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.results.family import Family

_HELP = (
    "Answers whose requests ask for no JSON of their own are judged by it: here, on Jobs, and in exports. "
    "A short text, such as label: enum[good,bad], score: number; or @ and the path of a JSON Schema. "
    "Nothing takes the schema away."
)
_LARGEST = 1 << 20
"""Bytes of a schema file."""


async def ask_schema(app: App[Any], engine: BatchEngine, bridge: Bridge, family: Family) -> bool:
    """Ask for the schema of the jobs that are shown, and keep it with them; False if nothing is changed."""
    records = family.records_with_results if family.is_merged else [family.record]
    shown = [record for record in records if record is not None]
    known = shown[0].answer_schema if shown else ""
    schema = await app.push_screen_wait(SchemaDialog(known))
    if schema is None or schema == known:
        return False
    try:
        for record in shown:
            await engine.judge_by(record, schema)
    except BatchError as error:
        bridge.report(error)
        return False
    return bool(shown)


class SchemaDialog(LineDialog[str]):
    """A line to write; answers the schema as JSON, empty for none, or None if nothing was changed."""

    def __init__(self, schema: str = "") -> None:
        """Make a dialog that begins with this schema, which is JSON."""
        super().__init__()
        self._text = (format_spec(json.loads(schema)) or schema) if schema else ""

    def compose(self) -> ComposeResult:
        """Lay out the line, what it means and the keys."""
        with Box():
            yield Static("Schema of the answers", classes="dialog--title", markup=False)
            yield TextInput(self._text, placeholder="label: enum[good,bad], score: number", id="schema")
            yield Static(_HELP, classes="help", markup=False)
            yield Static(id="mistake", markup=False)
            yield KeyHints((self.key_of("answer.save"), "Judge"), (self.key_of("answer.discard"), "Cancel"))

    @work(group="save", exclusive=True, exit_on_error=False)
    async def action_save(self) -> None:
        """Answer the schema; where it has a mistake, say which."""
        text = self.text
        try:
            schema = await asyncio.to_thread(read_schema, text)
        except ValueError as error:
            self.refuse(str(error))
            return
        self.dismiss(schema)


def read_schema(text: str) -> str:
    """Return the schema that was typed, or that is in the file after an `@`, as JSON; empty for none.

    Raises ValueError with what is wrong.
    """
    if not text:
        return ""
    is_file = text.startswith("@")
    try:
        if is_file:
            with path_of(text[1:].strip()).open("rb") as file:
                text = file.read(_LARGEST).decode("utf-8-sig")
        schema = json.loads(text) if is_file or text.startswith("{") else parse_spec(text)
    except OSError as error:
        raise ValueError(f"The file cannot be read: {error.strerror or error}") from None
    except BatchError as error:
        raise ValueError(f"{error}\n{error.hint}".rstrip()) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This is not JSON: {line(error)}") from None
    if not isinstance(schema, dict):
        raise ValueError("A schema is a JSON object.")
    if problem := format_of_schema(schema).problem:
        raise ValueError(f"This is not a JSON Schema: {problem}")
    return json.dumps(schema, ensure_ascii=False)
