"""Models: the catalogue with prices in a batch, and what your own jobs say; one can be taken to where one came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.messages import GoBack
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.models.rows import (
    SORTS,
    describe_history,
    describe_model,
    model_columns,
    narrowed,
    sort_words,
)
from tbatch_tui.tui.terminal.clipboard import copy_id
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.summary_line import SummaryLine
from tbatch_tui.tui.widgets.table.grid import CountTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.pricing.spending.model_history import ModelEntry
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.messages import OpenModels
    from tbatch_tui.tui.widgets.table.table import RecordTable

LOADING = "Reading the catalogue …"
NOTHING = "No model is known: the catalogue has not been downloaded yet, and no job ran."
NO_MATCH = "No model matches. Press {go.back} to show all again."


class ModelsScreen(BaseScreen):
    """The list of models."""

    NAME = "Models"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.FILTER,
        keys.SORT,
        keys.COPY_ID,
        keys.MORE_COLUMNS,
        keys.FEWER_COLUMNS,
    ]

    def __init__(self, engine: BatchEngine, bridge: Bridge, opened: OpenModels) -> None:
        """Make the screen; `opened` says who wants a model, if anybody does."""
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._opened = opened
        self._entries: list[ModelEntry] = []
        self._fetched_at: float | None = None
        self._text = ""
        self._sort = SORTS[0]

    def body(self) -> ComposeResult:
        """Compose the table, the whole name and two lines about the row under the cursor, and the filter line."""
        table: CountTable[ModelEntry] = CountTable(
            model_columns(),
            id="models",
            empty=lines_content(LOADING),
            enter="Take" if self._opened.take is not None else "Copy name",
            can_turn=True,
        )
        yield table
        yield Divider(id="whole-name")
        yield SummaryLine(id="prices")
        yield SummaryLine(id="times")
        yield FilterLine(id="filter")

    @property
    def table(self) -> RecordTable[ModelEntry]:
        """The list of models."""
        return self.query_one("#models", CountTable)

    def on_mount(self) -> None:
        """Read the catalogue and the history."""
        self.table.focus()
        self._show()
        self._load()

    @work(group="models", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        try:
            self._entries = await self.engine.prices.models()
            self._fetched_at = (await self.engine.prices.catalogue()).fetched_at
        except BatchError as error:
            self.table.set_empty(lines_content(f"{error.title}.\n\n{fill_keys(error.hint)}"))
            self.bridge.report(error)
            return
        self._arrange()
        self.table.move_cursor(key=self._opened.chosen)

    def _arrange(self) -> None:
        """Filter and sort; the table keeps cursor and scroll."""
        self.table.set_empty(lines_content(fill_keys(NO_MATCH) if self._entries else NOTHING))
        self.table.set_rows(narrowed(self._entries, self._text, self._sort))
        self.table.mark_sorted(self._sort, descending=self._sort in ("context", "jobs"))
        self._show()

    def _show(self) -> None:
        """Show what surrounds the table: the header, and the lines about the row under the cursor."""
        dated = f"catalogue of {fmt.date(self._fetched_at)}" if self._fetched_at is not None else "no catalogue"
        shown = fmt.plural(len(self._entries), "model")
        if self._text:
            shown = f"{self.table.row_count:,} of {shown}"
        subject = fmt.join(f"“{line(self._text)}”" if self._text else "", sort_words(self._sort))
        self.header.show(subject, [dated, shown] if self._entries else [])
        row = self.table.cursor_row
        self.query_one("#whole-name", Divider).set_title(row.name if row is not None else "")
        self.query_one("#prices", SummaryLine).show(describe_model(row) if row is not None else [])
        self.query_one("#times", SummaryLine).show(describe_history(row) if row is not None else [])
        self.refresh_bindings()

    def on_record_table_highlighted(self) -> None:
        """Describe the model under the cursor."""
        self._show()

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """Take the model to where one came from; from Jobs, copy its name."""
        event.stop()
        if self._opened.take is None:
            self.action_copy_id()
            return
        self.post_message(GoBack())
        self._opened.take(event.key)

    def on_record_table_header_clicked(self, event: RecordTable.HeaderClicked) -> None:
        """Sort by the column that was clicked."""
        if event.column in SORTS:
            self._sort = event.column
            self._arrange()

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        """Filter as the person types."""
        self._text = event.text
        self._arrange()

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        """Keep the text or drop it, and go back to the list."""
        if not event.keep:
            self._text = ""
            self._arrange()
        self.table.focus()

    # -- actions -------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Open the filter line."""
        self.query_one(FilterLine).open(self._text)

    def action_next_sort(self) -> None:
        """Go on to the next sort."""
        self._sort = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)]
        self._arrange()

    def action_copy_id(self) -> None:
        """Copy the model's name, over ssh too (OSC 52)."""
        if (key := self.table.cursor_key) is not None:
            copy_id(self.app, self.bridge, key)

    def action_turn_columns(self, step: int) -> None:
        """Show the columns that have no room now."""
        self.table.turn_columns(step)

    def action_back(self) -> None:
        """Clear the filter; without one, leave the screen."""
        if self._text:
            self._text = ""
            self._arrange()
        else:
            super().action_back()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        if action == "copy_id":
            return self.is_mounted and self.table.row_count > 0
        if action == "turn_columns":
            return self.is_mounted and self.table.has_hidden_columns
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action of this screen cannot be done now."""
        match action:
            case "copy_id":
                return "There is no model under the cursor"
            case "turn_columns":
                return "All columns are shown"
        return super().disabled_reason(action)
