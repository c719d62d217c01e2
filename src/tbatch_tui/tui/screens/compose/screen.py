"""Compose: what to ask of each row of a table, beside the request that comes of it and what all of them come to."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Container, Vertical
from textual.widgets import Input, Static, TextArea

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.catalogue import Catalogue
from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.screens.compose.columns import ColumnTable
from tbatch_tui.tui.screens.compose.form import DraftForm
from tbatch_tui.tui.screens.compose.opening import ComposeOpening
from tbatch_tui.tui.screens.compose.request_pane import RequestPane
from tbatch_tui.tui.screens.compose.rows import ComposeRows
from tbatch_tui.tui.screens.compose.session import ComposeSession
from tbatch_tui.tui.screens.compose.sums import LINES, SumLine, format_model, format_sums
from tbatch_tui.tui.screens.compose.text_area import TemplateArea
from tbatch_tui.tui.screens.compose.trying import ComposeTries
from tbatch_tui.tui.screens.compose.writing import ComposeWriting
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.progress_line import ProgressLine

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import DescendantFocus

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import ConnectionChanged
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.tables.compose.draft import Draft
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.widgets.table.table import RecordTable

TYPING_PAUSE = 0.25
"""Seconds without a change after which the sums are found out again."""
SAVE_PAUSE = 1.0
"""Seconds without a change after which the draft is stored."""
WATCH_INTERVAL = 1.0
"""Seconds between two looks at whether the table has changed on disk."""
_FRAMES = 15
_TO_CHECK = "To Check"
_ON_TABLE = ("go_on", "edit_text", "go_to_row", "go_to_problem", "go_to_longest", "go_to_random")
"""Actions that need an open table."""


class ComposeScreen(ComposeOpening, ComposeRows, ComposeWriting, ComposeTries):
    """A form on the left or above, the request of a row beside it, the sums below. Posts `CheckFile`."""

    NAME = "Compose"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(keys.GO_ON, description=_TO_CHECK, tooltip="Write the requests and the recipe, and check them"),
        keys.WRITE,
        keys.EDIT_TEXT,
    ]
    DEFAULT_CSS = """
    ComposeScreen {
        #trouble { display: none; height: 1fr; padding: 1 2; }
        #parts { height: 1fr; layout: vertical; }
        DraftForm { height: 3fr; }
        RequestPane { height: 2fr; min-height: 4; }
        #sums { height: auto; }
        #progress { display: none; padding: 0 1; }
        &.-wide {
            #parts { layout: horizontal; }
            DraftForm { width: 1fr; height: 1fr; }
            RequestPane { width: 1fr; height: 1fr; border-left: solid $rule; }
        }
        &.-closed { #parts, #sums { display: none; } #trouble { display: block; } }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, path: Path) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self.session = ComposeSession(engine, path)
        self._catalogue = Catalogue()
        self._unread_messages = ""
        """What was written in the editor and could not be read."""
        self._prices: PriceList | None = None

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """Compose the form, the request and the sums."""
        yield Static(id="trouble", markup=False)
        with Container(id="parts"):
            yield DraftForm(id="form")
            yield RequestPane()
        with Vertical(id="sums"):
            yield Divider()
            for _ in range(LINES):
                yield SumLine()
        yield ProgressLine(id="progress")

    def on_mount(self) -> None:
        """Open the table, and watch it and the connection."""
        self._ticker = self.set_interval(1 / _FRAMES, self._show_progress, pause=True)
        self.set_interval(WATCH_INTERVAL, self.look_at_table)
        self.bridge.connection.subscribe(self, self._connection_changed)
        self.show_header()
        self.open_table()
        self._load_prices()

    def on_resize(self) -> None:
        """Show as much of the sums, and of the table's path, as there is room for. The form may not be there yet."""
        if self._show_sum_lines():
            self.show_header()

    def on_unmount(self) -> None:
        """Stop what is being written, and keep the draft."""
        self.writing.stop()
        self.session.save()

    @property
    def form(self) -> DraftForm:
        """The form."""
        return self.query_one(DraftForm)

    @property
    def pane(self) -> RequestPane:
        """The request of the row under view."""
        return self.query_one(RequestPane)

    # -- prices --------------------------------------------------------------------------------------

    def _connection_changed(self, _: ConnectionChanged) -> None:
        if not len(self._catalogue):
            self._load_prices()

    @work(group="prices", exclusive=True, exit_on_error=False)
    async def _load_prices(self) -> None:
        """Take the catalogue once it is there; all but the cost is known without it."""
        if self.engine.health.state is HealthState.STARTING:
            return
        self._catalogue = await self.engine.prices.catalogue()
        self._prices = await self.engine.prices.price_list()
        self._show_model()
        self.show_sums()

    def _show_model(self) -> None:
        name = self.session.draft.model.strip()
        self.form.show_model(format_model(name, self._catalogue.get(name), self._prices, bool(len(self._catalogue))))

    # -- what the draft comes to ---------------------------------------------------------------------

    def on_draft_form_changed(self) -> None:
        """Find out what the draft comes to now."""
        draft = self.form.draft
        if draft != self.session.draft:
            self.session.draft = draft
            self.recalculate()

    def take_draft(self, draft: Draft) -> None:
        """Show another draft in the form, and find out what it comes to."""
        self.session.draft = draft
        self.form.show(draft)
        self.recalculate(at_once=True)

    def recalculate(self, *, at_once: bool = False) -> None:
        """Find out what the draft comes to: the row under view now, all rows after a pause in the typing."""
        self.session.summary = None
        self._show_model()
        self._find_preview()
        self._find_sums(0.0 if at_once else TYPING_PAUSE)
        self._save_soon()

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _find_preview(self) -> None:
        """Show the request of the row under view."""
        try:
            await self.session.find_preview()
        except OperationCancelledError:
            return
        except BatchError as error:
            self.show_reading_error(error)
            return
        self._show_preview()
        self.show_sums()

    def _show_preview(self) -> None:
        profile = self.session.profile
        rows = profile.rows if profile is not None and profile.is_whole else None
        self.pane.show(self.session.preview, rows)
        self.refresh_bindings()

    @work(group="sums", exclusive=True, exit_on_error=False)
    async def _find_sums(self, pause: float) -> None:
        """Find out what the draft comes to, once nothing was typed for a moment."""
        await asyncio.sleep(pause)
        try:
            await self.session.find_sums(self.context_of(self.session.draft.model.strip()), self.show_sums)
        except OperationCancelledError:
            return
        except BatchError:
            return  # the preview or the columns say what is wrong
        self.show_sums()

    def context_of(self, model: str) -> int | None:
        """Return how many tokens a model takes, by the catalogue; None where that is not known."""
        info = self._catalogue.get(model)
        return info.context_length if info is not None else None

    def show_sums(self) -> None:
        """Show faults, problems, counts and cost, each on a line."""
        if not self.is_attached or self.has_class("-closed"):
            return
        self._show_sum_lines()
        self.form.mark_faulty([fault.field for fault in self.session.faults])
        self.show_header()
        self.refresh_bindings()

    def _show_sum_lines(self) -> bool:
        """Show the sums where their lines are there; return whether they are: not before the screen is, nor after."""
        lines = list(self.query(SumLine)) if self.is_attached else []
        texts = format_sums(self.session, self._prices, self.size)
        if len(lines) != len(texts):
            return False
        for widget, pieces in zip(lines, texts, strict=True):
            widget.show(pieces)
        return True

    @work(group="save", exclusive=True, exit_on_error=False)
    async def _save_soon(self) -> None:
        """Keep the draft, once nothing was typed for a while."""
        await asyncio.sleep(SAVE_PAUSE)
        await asyncio.to_thread(self.session.save)

    def show_header(self) -> None:
        """Show the table, and where the draft came from."""
        session, source = self.session, self.session.source
        pieces = [(session.began_with, "$status-quiet")] if session.began_with else []
        if source is not None:
            pieces.append((fmt.join(source.encoding or "", source.sheet or ""), ""))
            pieces.append((fmt.plural(len(source.columns), "column"), ""))
            if session.profile is not None and session.profile.is_whole:
                pieces.append((fmt.plural(session.profile.rows, "row"), ""))
        path = session.path if source is None else source.path
        self.header.show(shorten_path(path, max(20, self.size.width - 50)), pieces)

    def row_changed(self) -> None:
        """Show the row that the session is at now."""
        self._find_preview()
        self._save_soon()

    # -- the form ------------------------------------------------------------------------------------

    def on_draft_form_submitted(self) -> None:
        """Write and go on, on Enter in a line of the form."""
        self.action_go_on()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say in the key bar what Enter does in the field that has the focus."""
        words = "Models" if event.widget.id == "model" else _TO_CHECK
        self.query_one(KeyBar).relabel(keys.GO_ON.id or "", words, is_taken=isinstance(event.widget, Input))

    def on_draft_form_models_requested(self) -> None:
        """Go to Models, from where a model comes back into the form."""
        from tbatch_tui.tui.messages import OpenModels

        self.post_message(OpenModels(self.form.draft.model.strip(), lambda name: self.form.set_line("model", name)))

    @on(ColumnTable.Selected, "#columns")
    def _insert_column(self, event: RecordTable.Selected) -> None:
        """Put the column under the cursor into the prompt."""
        event.stop()
        area = self.query_one("#prompt", TemplateArea)
        if area.is_on_screen or not self.session.draft.messages:
            area.insert_column(event.row.name)
            area.focus()

    def on_template_area_editor_requested(self, event: TemplateArea.EditorRequested) -> None:
        """Open a text in the person's editor."""
        self._edit(event.area)

    def action_edit_text(self) -> None:
        """Open the prompt, or the messages of a recipe that has several, in the person's editor."""
        if self._has_messages:
            self._edit_messages()
        else:
            self._edit(self.query_one("#prompt", TemplateArea))

    @property
    def _has_messages(self) -> bool:
        draft = self.form.draft
        return bool(draft.messages) and draft.kind == "chat"

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def _edit_messages(self) -> None:
        """Edit the messages. A text that cannot be read is there again the next time."""
        from tbatch_tui.engine.tables.compose.conversation import conversation_text, with_conversation
        from tbatch_tui.tui.terminal.editor import edit_text

        before = self._unread_messages or conversation_text(self.form.draft)
        try:
            text = await edit_text(self.app, os.environ, before, "messages.toml")
            if text is not None:
                self._unread_messages = text
                self.take_draft(with_conversation(self.form.draft, text))
                self._unread_messages = ""
        except BatchError as error:
            self.bridge.report(error)

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def _edit(self, area: TemplateArea) -> None:
        from tbatch_tui.tui.terminal.editor import edit_text

        try:
            text = await edit_text(self.app, os.environ, area.value, f"{area.id}.md")
        except BatchError as error:
            self.bridge.report(error)
            return
        if text is not None and text != area.value:
            area.set_value(text)
        area.focus()

    # -- what can be done now ------------------------------------------------------------------------

    @property
    def _is_typing(self) -> bool:
        return isinstance(self.focused, Input | TextArea)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        session = self.session
        match action:
            case "go_on":
                return not self.writing.label and (session.source is not None or self.has_class("-closed"))
            case "edit_text":
                return session.source is not None
            case "go_to_row" | "go_to_problem" | "go_to_longest" | "go_to_random":
                return self.has_row(action)
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action cannot be done now."""
        session = self.session
        if session.source is None and action in _ON_TABLE:
            return "The table is not open"
        match action:
            case "go_on":
                return "The requests are being written: {go.back} to stop"
            case "go_to_row":
                return "There is no row to show"
            case "go_to_problem" if session.summary is not None and session.summary.is_whole:
                return "No row has a problem"
            case "go_to_problem" | "go_to_longest" | "go_to_random":
                return (
                    "The rows are still being read" if session.summary is not None else "Nothing is known of all rows"
                )
        return super().disabled_reason(action)

    def action_back(self) -> None:
        """Stop writing, else go from a field to the request; from there, leave the screen."""
        if self.writing.label:
            self.writing.stop()
        elif self.focused is not None and self.focused is not self.pane.view and self.session.source is not None:
            self.pane.view.focus()
        else:
            super().action_back()

    def activity_changed(self) -> None:
        """Show the progress while the file is written."""
        progress = self.query_one("#progress", ProgressLine)
        progress.display = bool(self.writing.label)
        if self.writing.label:
            progress.show(0, None, label=self.writing.label)
            self._ticker.resume()
        else:
            self._ticker.pause()
        self.refresh_bindings()

    def _show_progress(self) -> None:
        done, total, rate = self.writing.progress
        if self.writing.label and total:
            self.query_one("#progress", ProgressLine).show(done, total, rate=rate, label=self.writing.label)
