"""Spend: what a month cost, by model, label, endpoint or day; what is not known is said."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.widgets import Static

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.pricing.spending.months import month_of, month_words
from tbatch_tui.engine.pricing.spending.spend import SpendBy
from tbatch_tui.engine.threads import run_detached
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.cost import format_month
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.spend.lines import (
    SpendLine,
    by_words,
    foot_lines,
    spend_columns,
    spend_lines,
)
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.pricing.spending.spend import MonthSpend, Spending
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.render.styled import StyledText

LOADING = "Adding up …"
NOTHING = "No job ended in this month."
_ALL_BY = tuple(SpendBy)


class SpendTable(RecordTable[SpendLine], inherit_bindings=False):
    """A table whose rows cannot be opened."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.MOVING]


_WHOLE_MONTH_FROM = 80
"""Cells of a terminal from which the header has room for the whole name of a month."""


class SpendScreen(BaseScreen):
    """The spending of one month at a time."""

    NAME = "Spend"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.SPEND_BY,
        keys.EARLIER_MONTH,
        keys.LATER_MONTH,
        keys.WRITE_SPEND,
    ]
    DEFAULT_CSS = """
    SpendScreen {
        #spend { height: 1fr; }
        #foot { height: auto; max-height: 8; padding: 0 1; }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._spending: Spending | None = None
        self._months: list[str] = []
        self._month = month_of(engine.now())
        self._by = SpendBy.MODEL
        self._shown: MonthSpend | None = None

    def body(self) -> ComposeResult:
        """Compose the table, and what is said of it."""
        yield SpendTable(spend_columns(), id="spend", enter=None, empty=lines_content(LOADING))
        yield Divider()
        yield Static(id="foot", markup=False)

    @property
    def table(self) -> RecordTable[SpendLine]:
        """The table."""
        return self.query_one("#spend", SpendTable)

    def on_mount(self) -> None:
        """Read the history."""
        self.table.focus()
        self._show_header()
        self._load()

    @work(group="spend", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        try:
            self._spending = spending = await self.engine.prices.spending()
        except BatchError as error:
            self.table.set_empty(lines_content(f"{error.title}.\n\n{fill_keys(error.hint)}"))
            self.bridge.report(error)
            return
        months = {*(await run_detached(spending.months)), self._month}
        self._months = sorted(months)
        await self._add_up(spending)

    @work(group="spend", exclusive=True, exit_on_error=False)
    async def _show_again(self) -> None:
        if self._spending is not None:
            await self._add_up(self._spending)

    async def _add_up(self, spending: Spending) -> None:
        month, by = self._month, self._by
        self._shown = spend = await run_detached(lambda: spending.month(month, by))
        self.table.set_empty(lines_content(NOTHING))
        self.table.set_rows(spend_lines(spend))
        self.table.move_cursor(index=0)
        pieces: StyledText = []
        for text in foot_lines(spend):
            pieces += [*((line(part), style) for part, style in text), ("\n", "")]
        self.update_static(self.query_one("#foot", Static), pieces[:-1])
        self._show_header()
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Name the month as there is room for it."""
        if self.is_mounted:
            self._show_header()

    def _show_header(self) -> None:
        spend = self._shown
        month, _, year = month_words(self._month).partition(" ")
        name = f"{month if self.size.width >= _WHOLE_MONTH_FROM else month[:3]} {year} (UTC)"
        subject = fmt.join(name, by_words(self._by))
        if spend is None:
            self.header.show(subject)
            return
        retries = f"{fmt.money(spend.retries)} for retries" if spend.retries else ""
        pieces = (fmt.plural(spend.jobs, "job"), retries, format_month(spend))
        self.header.show(subject, [text for text in pieces if text])

    # -- actions -------------------------------------------------------------------------------------

    def action_spend_by(self) -> None:
        """Go on to the next breakdown."""
        self._by = _ALL_BY[(_ALL_BY.index(self._by) + 1) % len(_ALL_BY)]
        self._show_again()

    def action_month(self, step: int) -> None:
        """Go to the month after this one, or with -1 before, in which something was spent."""
        at = self._months.index(self._month) + step
        self._month = self._months[at]
        self._show_again()

    @work(group="write", exclusive=True, exit_on_error=False)
    async def action_write_spend(self) -> None:
        """Write what is shown as CSV to the output folder."""
        from tbatch_tui.engine.local_files.filenames import free_path
        from tbatch_tui.engine.pricing.spending.spend_csv import write_spend

        spend = self._shown
        if spend is None:
            return
        path = free_path(self.engine.options.output_dir, f"spend-{spend.month}-by-{spend.by}", ".csv")
        try:
            await asyncio.to_thread(write_spend, path, spend)
        except BatchError as error:
            self.bridge.report(error)
            return
        self.bridge.notify(f"Wrote {fmt.short_path(path)}", fmt.plural(len(spend.entries), "row"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        if action == "month":
            [step] = parameters
            at = self._months.index(self._month) if self._months else 0
            return isinstance(step, int) and 0 <= at + step < len(self._months)
        if action in ("spend_by", "write_spend"):
            return self._shown is not None
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action of this screen cannot be done now."""
        match action:
            case "month":
                return "No other month is known"
            case "spend_by" | "write_spend":
                return "Still adding up"
        return super().disabled_reason(action)
