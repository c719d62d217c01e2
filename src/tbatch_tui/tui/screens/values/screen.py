"""Values: the fields of the answers at the left, what is in the one under the cursor at the right."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Container, Vertical

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.background import BackgroundWork
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import OpenResults, ResultSelection
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.values.lines import (
    NOT_COUNTED,
    ValueLine,
    field_columns,
    grid_of,
    places_of,
    summary_text,
    title_text,
    value_columns,
    value_lines,
)
from tbatch_tui.tui.screens.values.session import FieldLine, ValuesSession
from tbatch_tui.tui.widgets.summary_line import SummaryLine
from tbatch_tui.tui.widgets.table.grid import CountTable, GridRow, GridTable
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.answers.values import CrossTable
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.messages import OpenValues

READING = "Reading the answers …"
NO_ANSWERS = "No answers to count."
_PROGRESS_INTERVAL = 0.1


class ValuesScreen(BaseScreen):
    """What the answers of a job are, field by field."""

    NAME = "Values"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.BY,
        keys.TAKE_OUT,
        keys.WRITE_VALUES,
        keys.NEXT_CELL,
        keys.PREVIOUS_CELL,
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - declared by Screen
    DEFAULT_CSS = """
    ValuesScreen {
        #panes { layout: vertical; height: 1fr; }
        #fields { height: 7; }
        #right { height: 1fr; border-top: solid $rule; }
        #cross { display: none; }
        #right.-crossed #cross { display: block; }
        #right.-crossed #values { display: none; }
    }
    ValuesScreen.-wide {
        #panes { layout: horizontal; }
        #fields { width: 44; height: 1fr; }
        #right { border-top: none; border-left: solid $rule; }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, opened: OpenValues) -> None:
        """Make the screen; `opened` names the job, and has its results."""
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._opened = opened
        rows = opened.rows.rows if opened.rows is not None else None
        self.session = ValuesSession(engine, opened.key, opened.index, rows)
        self._work = BackgroundWork()
        self._pattern = ""
        self._shown = ""
        """The field whose values are listed."""
        self._crossed: CrossTable | None = None
        """What the grid shows."""

    def body(self) -> ComposeResult:
        """Lay out the fields, and what is in one."""
        with Container(id="panes"):
            yield CountTable[FieldLine](
                field_columns(), id="fields", enter="Values", group=lambda row: row.group, empty=lines_content(READING)
            )
            with Vertical(id="right"):
                yield SummaryLine(id="title")
                yield SummaryLine(id="summary")
                yield CountTable[ValueLine](value_columns(), id="values", enter="Rows")
                yield GridTable(id="cross", enter="Rows")

    @property
    def fields(self) -> RecordTable[FieldLine]:
        """The list of fields."""
        return self.query_one("#fields", RecordTable)

    @property
    def values(self) -> RecordTable[ValueLine]:
        """What is in the field under the cursor."""
        return self.query_one("#values", RecordTable)

    @property
    def grid(self) -> GridTable:
        """The field under the cursor by another."""
        return self.query_one(GridTable)

    @property
    def field(self) -> FieldLine | None:
        """The field under the cursor; None before they are read."""
        return self.fields.cursor_row

    def on_mount(self) -> None:
        """Read the answers."""
        self.fields.focus()
        self._ticker = self.set_interval(_PROGRESS_INTERVAL, self._show_header)
        self._show_header()
        self._read()

    def on_unmount(self) -> None:
        """Stop the thread."""
        self._work.stop()

    # -- reading and showing -------------------------------------------------------------------------

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        stop = self._work.begin("reading")
        try:
            await self.session.read(self._work.report_progress)
        except OperationCancelledError:
            return
        except BatchError as error:
            self.fields.set_empty(lines_content(f"{error.title}.\n\n{error.hint}"))
            self.bridge.report(error)
            return
        finally:
            self._work.end(stop)
            self._ticker.pause()
        await self._list_fields()
        self.values.focus()

    async def _list_fields(self, name: str | None = None) -> None:
        """List the fields, with the cursor on the one of this name, or where it is."""
        lines = await asyncio.to_thread(self.session.fields)
        self.fields.set_empty(lines_content(NO_ANSWERS))
        self.fields.set_rows((row.values.name, row) for row in lines)
        if name is not None:
            self.fields.move_cursor(key=name)
        self._show_header()
        self._show_field()

    def _show_header(self) -> None:
        record = self.engine.record(self._opened.key)
        rows = self._opened.rows
        merged = "with its retries" if self._opened.merged else ""
        subject = fmt.join(record.name if record is not None else "", merged, rows.title if rows is not None else "")
        if self._work.label:
            self.header.show(subject, [f"reading {fmt.percent(self._work.fraction)}"])
            return
        total = len(self.session.index.requests)
        counted = f"{len(self.session.rows):,} of {total:,} counted"
        self.header.show(subject, [counted if rows is not None else f"{counted}: ok"])

    def _show_field(self) -> None:
        """Show what is in the field under the cursor."""
        field, by = self.field, self.session.by
        if field is None:
            return
        self.query_one("#right").set_class(by is not None, "-crossed")
        self.query_one("#title", SummaryLine).show(title_text(field.values.name, by.name if by is not None else ""))
        self.query_one("#summary", SummaryLine).show(summary_text(field.values))
        self.refresh_bindings()
        if by is not None:
            self._show_crossed(field.values.name)
            return
        self._crossed = None
        invalid = self.session.not_counted()
        lines = value_lines(field.values, len(invalid) if invalid is not None else 0)
        self.values.set_rows((one.key, one) for one in lines)
        if field.values.name != self._shown:
            self._shown = field.values.name
            self.values.move_cursor(index=0)

    @work(group="cross", exclusive=True, exit_on_error=False)
    async def _show_crossed(self, name: str) -> None:
        """Show a field by the chosen column; it is counted in a thread."""
        crossed = await asyncio.to_thread(self.session.crossed, name)
        if crossed is None:
            return
        self._crossed = crossed
        titles, rows = grid_of(crossed)
        self.grid.set_grid(crossed.second, titles, rows)

    @on(RecordTable.Highlighted, "#fields")
    def _field_highlighted(self) -> None:
        self._show_field()

    @on(RecordTable.Selected, "#fields")
    def _go_to_values(self) -> None:
        (self.grid if self.session.by is not None else self.values).focus()

    # -- to the rows ---------------------------------------------------------------------------------

    @on(RecordTable.Selected, "#values")
    def _show_rows(self, event: RecordTable.Selected) -> None:
        """Show the rows of a value in Results."""
        field, value = self.field, event.row
        if field is None or not isinstance(value, ValueLine):
            return
        if value.key == NOT_COUNTED:
            self._open_rows("invalid", self.session.not_counted() or ())
            return
        places = places_of(value, self.session.columns()[field.values.name])
        self._open_rows(f"{field.values.name} = {value.label}", [self.session.rows[at] for at in places])

    @on(RecordTable.Selected, "#cross")
    def _show_rows_of_cell(self, event: RecordTable.Selected) -> None:
        """Show the rows with both values in Results."""
        crossed, by = self._crossed, self.session.by
        if crossed is None or by is None or not isinstance(event.row, GridRow):
            return
        titles, _ = grid_of(crossed)
        at = self.grid.column
        is_rest = at == len(titles) - 1 and len(crossed.columns) > len(titles)
        seconds = {column.code for column in (crossed.columns[at:] if is_rest else crossed.columns[at : at + 1])}
        codes = self.session.columns()[crossed.first].codes
        first = None if crossed.numbers else int(event.row.key)
        places = [
            place
            for place, (one, other) in enumerate(zip(codes, by.codes, strict=True))
            if other in seconds and first in (None, one)
        ]
        own = "" if crossed.numbers else f"{crossed.first} = {event.row.label}"
        self._open_rows(fmt.join(own, f"{by.name} = {titles[at]}"), [self.session.rows[place] for place in places])

    def _open_rows(self, title: str, rows: Sequence[int]) -> None:
        if not len(rows):
            self.bridge.notify("There are no such rows")
            return
        selection = ResultSelection(title, rows)
        self.post_message(OpenResults(self._opened.key, selection=selection, merged=self._opened.merged))

    # -- actions -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can be done now."""
        if action in ("by", "take_out", "write"):
            return self.is_mounted and self.field is not None
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action cannot be done now."""
        if action in ("by", "take_out", "write"):
            return "Still reading the answers" if self._work.label else "There are no answers"
        return super().disabled_reason(action)

    def action_back(self) -> None:
        """From the values to the fields, from one field by another to the field; then leave the screen."""
        if self.session.by is not None:
            self.session.by = None
            self._show_field()
            self.values.focus()
        else:
            super().action_back()

    def action_move_cell(self, step: int) -> None:
        """Go from the fields to what is in them, or with -1 back."""
        if step < 0:
            self.fields.focus()
        elif self.field is not None:
            self._go_to_values()

    @work(group="by", exclusive=True, exit_on_error=False)
    async def action_by(self) -> None:
        """Choose another field, or a column of the source, and break the field down by it."""
        from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option

        field = self.field
        if field is None:
            return
        options: list[Option[tuple[str, bool]]] = [
            Option((name, False), name, [("field of the answers", "$status-quiet")])
            for name in self.session.columns()
            if name != field.values.name
        ]
        try:
            columns = await self.session.source_columns()
            options += [
                Option((name, True), name, [("column of the source table", "$status-quiet")]) for name in columns
            ]
            explanation = "Choose a field of the answers, or a column of the table that the job was made of."
        except BatchError as error:
            explanation = f"Columns of the source table are not here: {line(error.title)}."
        question = f"Break {line(field.values.name)} down by?"
        dialog = ChoiceDialog(
            question, explanation, options, leave="Cancel", heads=("Name", "What it is"), verb="Choose", title_width=30
        )
        if (chosen := await self.app.push_screen_wait(dialog)) is None:
            return
        name, is_source = chosen
        try:
            if is_source:
                await self.session.cross_by_source(name)
            else:
                self.session.by = self.session.columns()[name]
        except BatchError as error:
            self.bridge.report(error)
            return
        self._show_field()
        self.grid.focus()

    @work(group="take-out", exclusive=True, exit_on_error=False)
    async def action_take_out(self) -> None:
        """Take fields out of the one under the cursor by a pattern with named groups."""
        from tbatch_tui.tui.screens.values.dialogs import PatternDialog

        field = self.field
        if field is None:
            return
        known = self.session.pattern_of(field.values.name) or self._pattern
        pattern = await self.app.push_screen_wait(PatternDialog(field.values.name, known))
        if pattern is None:
            return
        self._pattern = pattern or self._pattern
        try:
            names = await self.session.take_out(field.values.name, pattern)
        except OperationCancelledError:
            return
        except BatchError as error:
            self.bridge.report(error)
            return
        await self._list_fields(names[0] if names else None)

    @work(group="write", exclusive=True, exit_on_error=False)
    async def action_write(self) -> None:
        """Write what is shown as CSV to the output folder."""
        from tbatch_tui.tui.screens.values.csv_file import counted_rows, crossed_rows, write_counts

        field, record = self.field, self.engine.record(self._opened.key)
        if field is None:
            return
        job_id = record.job.id[:8] if record is not None and record.job is not None else ""
        name = record.name if record is not None else "job"
        crossed = self._crossed
        by = f"-by-{crossed.second}" if crossed is not None else ""
        stem = f"{name}-{job_id}.{field.values.name}{by}.values"
        rows = crossed_rows(crossed) if crossed is not None else counted_rows(field.values)
        folder, paths = self.engine.options.output_dir, self.session.index.paths()
        try:
            path = await run_cancellable(write_counts, folder, stem, rows, paths)
        except BatchError as error:
            self.bridge.report(error)
            return
        self.bridge.notify(f"Wrote {fmt.short_path(path)}")
