"""Compare: the sum, the matrix whose cells open their rows, the pairs that differ, and both answers side by side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Container, Vertical

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import GoBack, OpenResults, ResultSelection
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.compare.both import BothSides, differing_words
from tbatch_tui.tui.screens.compare.lines import (
    EMPTY,
    KINDS,
    SCORES,
    PairLine,
    PairRows,
    matrix_of,
    more_text,
    pair_columns,
    sum_text,
    what_it_is,
)
from tbatch_tui.tui.screens.comparing import CompareSession, Other, choose_other
from tbatch_tui.tui.widgets.summary_line import SummaryLine
from tbatch_tui.tui.widgets.table.grid import CountTable, GridRow, GridTable
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.messages import OpenCompare

READING = "Reading the answers …"
_MATRIX_LINES = 9
"""Lines of the matrix at most; it scrolls."""


class CompareScreen(BaseScreen):
    """How the answers of a job compare with those of another, or with a gold column."""

    NAME = "Compare"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.GOLD,
        keys.COMPARED_FIELD,
        keys.NEXT_FILTER,
        keys.NEXT_CELL,
        keys.PREVIOUS_CELL,
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - declared by Screen
    DEFAULT_CSS = """
    CompareScreen {
        #matrix { height: auto; border-bottom: solid $rule; }
        #panes { layout: vertical; height: 1fr; }
        #list { height: 3fr; }
        BothSides { height: 2fr; min-height: 4; border-top: solid $rule; }
    }
    CompareScreen.-wide {
        #panes { layout: horizontal; }
        #list { width: 1fr; height: 1fr; }
        BothSides { width: 1fr; height: 1fr; border-top: none; border-left: solid $rule; }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, opened: OpenCompare) -> None:
        """Make the screen; `opened` names the job, and the other one if that is chosen already."""
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._opened = opened
        self.session = CompareSession(engine, opened.key, opened.index)
        self._kind = KINDS[0]

    def body(self) -> ComposeResult:
        """Lay out the sum, the matrix, the pairs, and both answers."""
        yield SummaryLine(id="sum")
        yield SummaryLine(id="more")
        yield GridTable(id="matrix", enter="Rows")
        with Container(id="panes"):
            yield Vertical(id="list")
            yield BothSides()

    @property
    def matrix(self) -> GridTable:
        """The matrix."""
        return self.query_one(GridTable)

    @property
    def pairs(self) -> RecordTable[PairLine] | None:
        """The list of pairs; None before there is one."""
        return next(iter(self.query("#pairs").results(RecordTable)), None)

    def on_mount(self) -> None:
        """Compare with the job that was chosen, or ask with which."""
        self.matrix.display = False
        self._show_header()
        self.query_one("#sum", SummaryLine).show([(f" {READING}", "$status-quiet")])
        if self._opened.second:
            self._compare(Other(key=self._opened.second))
        else:
            self.action_gold()

    # -- comparing and showing -----------------------------------------------------------------------

    @work(group="compare", exclusive=True, exit_on_error=False)
    async def _compare(self, other: Other, field: str | None = None) -> None:
        try:
            await self.session.compare(other, field)
        except OperationCancelledError:
            return
        except BatchError as error:
            self.bridge.report(error)
            if self.session.found is None:
                self.query_one("#sum", SummaryLine).show([(f" {error.title}", "$status-attention")])
            return
        await self._show_comparison()

    async def _show_comparison(self) -> None:
        found = self.session.found
        assert found is not None
        titles, rows = await asyncio.to_thread(matrix_of, found)
        self._show_header()
        self.query_one("#sum", SummaryLine).show(sum_text(found))
        self.query_one("#more", SummaryLine).show(more_text(found))
        matrix = self.matrix
        matrix.display = bool(rows)
        matrix.styles.height = min(len(rows) + 1, _MATRIX_LINES) + 1
        matrix.set_grid("first ╲ second" if not found.is_gold else "answer ╲ gold", titles, rows)
        await self.query_one("#list").remove_children()
        names = self.session.own_name, self.session.other_name
        table = CountTable[PairLine](pair_columns(*map(line, names)), id="pairs", enter="Rows")
        await self.query_one("#list").mount(table)
        self._kind = KINDS[0]
        await self._list_pairs()
        (matrix if rows else table).focus()

    async def _list_pairs(self) -> None:
        """List the pairs of the chosen kind."""
        found, first, table = self.session.found, self.session.first, self.pairs
        if found is None or first is None or table is None:
            return
        rows = await asyncio.to_thread(PairRows, found, self._kind, first, self.session.second)
        table.set_empty(lines_content("No pair differs." if self._kind == "differ" else "There are none."))
        table.set_source(rows)
        self._show_header()
        self.refresh_bindings()
        if not table.row_count:
            self.query_one(BothSides).clear()

    def _show_header(self) -> None:
        other = self.session.other_name
        names = self.session.own_name
        versus = "gold column" if self.session.other is not None and self.session.other.gold else "with"
        subject = f"{names} {versus} {other}" if other else names
        count = self.pairs.row_count if self.pairs is not None else 0
        self.header.show(subject, [f"{self._kind}: {count:,}"] if self.session.found is not None else [])

    @on(RecordTable.Highlighted, "#pairs")
    def _pair_highlighted(self, event: RecordTable.Highlighted) -> None:
        if isinstance(event.row, PairLine):
            self._show_both(event.row)

    @work(group="both", exclusive=True, exit_on_error=False)
    async def _show_both(self, pair: PairLine) -> None:
        """Show both answers of a pair; they are read and compared in a thread."""

        def read() -> tuple[str, str]:
            return self.session.texts(pair.first_row, pair.second_row)

        try:
            texts = await asyncio.to_thread(read)
        except BatchError as error:
            self.bridge.report(error)
            return
        pieces = await asyncio.to_thread(differing_words, *texts)
        self.query_one(BothSides).show((self.session.own_name, self.session.other_name), pieces)

    # -- to the rows ---------------------------------------------------------------------------------

    @on(RecordTable.Selected, "#matrix")
    def _show_rows_of_cell(self, event: RecordTable.Selected) -> None:
        """Show the rows of a cell in Results of the first job."""
        found = self.session.found
        if found is None or not isinstance(event.row, GridRow):
            return
        codes = found.ordered_labels
        first, at = int(event.row.key), self.matrix.column
        at -= len(SCORES) if found.is_gold else 0
        if at < 0:  # precision and so on
            self._open_rows(f"{found.field} = {event.row.label}", found.places(first))
            return
        second = found.labels[codes[at]] or EMPTY
        title = fmt.join(f"{found.field} = {event.row.label}", f"{self.session.other_name} = {second}")
        self._open_rows(title, found.places(first, codes[at]))

    def _open_rows(self, title: str, places: Sequence[int]) -> None:
        found = self.session.found
        if found is None or not places:
            self.bridge.notify("There are no such rows")
            return
        rows = [found.first_rows[place] for place in places]
        self._open_results(self.session.key, ResultSelection(title, rows), merged=self._opened.merged)

    @on(RecordTable.Selected, "#pairs")
    def _show_row(self, event: RecordTable.Selected) -> None:
        """Show the row of a pair in Results, of the job that has it."""
        pair = event.row
        if not isinstance(pair, PairLine):
            return
        other, found = self.session.other, self.session.found
        if pair.first_row is None and other is not None and other.key and pair.second_row is not None:
            self._open_results(other.key, ResultSelection(pair.custom_id, [pair.second_row]), merged=False)
            return
        row = pair.first_row if pair.first_row is not None else pair.second_row
        if row is not None and found is not None:
            selection = ResultSelection(pair.custom_id, [row])
            self._open_results(self.session.key, selection, merged=self._opened.merged)

    def _open_results(self, key: str, selection: ResultSelection, *, merged: bool) -> None:
        key, is_group = self.session.place_of(key)
        self.post_message(OpenResults(key, selection=selection, merged=merged or is_group))

    # -- actions -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can be done now."""
        if action in ("next_filter", "compared_field"):
            return self.session.found is not None
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action cannot be done now."""
        if action in ("next_filter", "compared_field"):
            return "Nothing is compared yet"
        return super().disabled_reason(action)

    async def action_next_filter(self) -> None:
        """List the next kind of pairs that there are: differing, same, all, on one side alone."""
        found = self.session.found
        if found is None:
            return
        sides = (len(found.only_first), len(found.only_second))
        counts = dict(zip(KINDS, (found.differ, found.same, found.pairs, *sides), strict=True))
        at = KINDS.index(self._kind)
        turn = [KINDS[(at + step) % len(KINDS)] for step in range(1, len(KINDS) + 1)]
        self._kind = next((kind for kind in turn if counts[kind]), self._kind)
        await self._list_pairs()

    def action_move_cell(self, step: int) -> None:
        """Go from the list back to the matrix, or on to the list."""
        if step > 0 and self.pairs is not None:
            self.pairs.focus()
        elif self.matrix.display:
            self.matrix.focus()

    @work(group="field", exclusive=True, exit_on_error=False)
    async def action_compared_field(self) -> None:
        """Choose the field by which the answers are compared."""
        from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option

        found, other = self.session.found, self.session.other
        if found is None or other is None:
            return
        try:
            fields = await self.session.fields()
        except BatchError as error:
            self.bridge.report(error)
            return
        options = [Option(field.name, field.name, [(what_it_is(field), "$status-quiet")]) for field in fields]
        options.sort(key=lambda option: option.answer != found.field)  # the one that is compared first
        dialog = ChoiceDialog(
            "Compare by which field?", "The answers are compared by one field of theirs.", options,
            leave="Cancel", heads=("Name", "What it is"), verb="Compare", title_width=30, lines=10,
        )  # fmt: skip
        chosen = await self.app.push_screen_wait(dialog)
        if chosen is not None and chosen != found.field:
            self._compare(other, chosen)

    @work(group="gold", exclusive=True, exit_on_error=False)
    async def action_gold(self) -> None:
        """Choose the other job, or a column of the source that says what each answer should be."""
        chosen = None
        try:
            chosen = await choose_other(self.app, self.session, self.engine.now())
        except BatchError as error:
            self.bridge.report(error)
        if chosen is not None:
            self._compare(chosen, self.session.field)
        elif self.session.found is None:
            self.post_message(GoBack())
