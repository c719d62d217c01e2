"""What stands above the list of results: the texts of the header line, costs among them, and what is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.widgets import Static

from tbatch_tui.engine.domain.counts import DEFAULT_ATTENTION_SHARE
from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.pricing.prices import Cost, cost
from tbatch_tui.engine.results import Outcome, usage_by_model
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.cost import format_cost, format_estimate, format_part, format_price
from tbatch_tui.tui.render.outcome import format_issues
from tbatch_tui.tui.render.status import QUIET
from tbatch_tui.tui.render.styled import StyledText, styled_content
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.results.listing.outcome_tabs import OutcomeTabs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.results import ErrorGroup, ResultIndex
    from tbatch_tui.tui.screens.results.listing.row_list import RowList
    from tbatch_tui.tui.screens.results.rows import ChosenRows, RowFilter
    from tbatch_tui.tui.screens.results.screen import ResultsScreen
    from tbatch_tui.tui.screens.results.session import ResultsSession

PRICES_WIDTH = 130
"""Width in cells from which the header names the prices beside the cost."""
_NOT_DOWNLOADED = {
    FileKind.OUTPUT: "output file not downloaded yet ({job.download} on the job)",
    FileKind.ERRORS: "error file not downloaded yet ({job.download} on the job)",
}


class IssuesLine(Static):
    """What keeps the counts from being complete: files that are missing, unreadable or not what they were."""

    DEFAULT_CSS = """
    IssuesLine { height: auto; max-height: 4; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__(id="issues", markup=False)

    def show(self, index: ResultIndex, record: JobRecord | None) -> None:
        """Show what is wrong with the files of an index; hide the line where nothing is."""
        issues = _issues(index, record)
        self.display = bool(issues)
        self.update(styled_content([(issues, "$status-attention")] if issues else []))


class Heading(Vertical):
    """What stands above the list: the outcomes as tabs, and what is wrong with the files."""

    DEFAULT_CSS = """
    Heading { height: auto; }
    """

    def compose(self) -> ComposeResult:
        """Both lines, which are hidden while they say nothing."""
        yield OutcomeTabs()
        yield IssuesLine()

    def show(self, index: ResultIndex, record: JobRecord | None, shown: RowFilter, *, by_cause: bool) -> None:
        """Show the counts of an index, or of the rows that are selected, and which of them are listed."""
        known = record.counts if record is not None else None
        share = known.attention_share if known is not None else DEFAULT_ATTENTION_SHARE
        kind = "" if by_cause else shown.current_kind
        selected = shown.selection is not None
        self.query_one(OutcomeTabs).show(shown.counts(index), kind, share, selected=selected)
        self.query_one(IssuesLine).show(index, record)


def _issues(index: ResultIndex, record: JobRecord | None) -> str:
    """Return which files are missing, unreadable or not what they were."""
    if not index.is_built or not index.has_results:
        return ""
    return fmt.join(*(fill_keys(_NOT_DOWNLOADED[kind]) for kind in _missing(record)), line(format_issues(index)))


def _missing(record: JobRecord | None) -> list[FileKind]:
    """Return the result files that the server has and this machine has not."""
    if record is None or record.job is None:
        return []
    transfers = {FileKind.OUTPUT: record.output, FileKind.ERRORS: record.errors}
    return [
        kind
        for kind, transfer in transfers.items()
        if record.job.file_id(kind) and (transfer is None or transfer.path is None)
    ]


def rows_subject(name: str, shown: RowFilter, table: RowList, *, is_reading: bool) -> str:
    """Return the header's subject over a list of rows: `reviews · errors · 17 rows · row 2 · 3 marked`.

    With a search the rows are called hits. While a record is read, its place stands first, where it is never cut:
    `2 of 17 rows`.
    """
    count, place = table.row_count, table.cursor_index
    marked = f"{len(table.marked):,} marked" if table.marked else ""
    rows = fmt.plural(count, "hit" if shown.query.text else "row") if shown.text else ""
    row = f"row {place + 1:,}" if place and shown.text else ""
    position = ""
    if is_reading and place is not None:
        rows, row = "", ""
        position = f"{place + 1:,} of {fmt.plural(count, 'hit' if shown.query.text else 'row')}"
    return fmt.join(position, name, line(shown.text), rows, row, line(table.arrangement.text), marked)


def causes_subject(name: str, causes: Sequence[ErrorGroup] | None) -> str:
    """Return the header's subject over a list of causes: `reviews · errors by cause · 3 causes`."""
    has_invalid = any(cause.outcome is Outcome.INVALID for cause in causes or ())
    what = "errors and invalid by cause" if has_invalid else "errors by cause"
    return fmt.join(name, what, fmt.plural(len(causes), "cause") if causes is not None else "")


def activity_text(session: ResultsSession, exported: tuple[int, int] | None) -> StyledText:
    """Return how far exporting, reading or searching is: `reading 42 %`."""
    if exported is not None:
        done, total = exported
        return [(f"exporting {fmt.percent(done / max(1, total))}", "$status-active")]
    if session.activity and session.fraction is not None:
        return [(f"{session.activity} {fmt.percent(session.fraction)}", "$status-active")]
    return []


class ResultCosts:
    """What all rows of an index cost, and the rows that are shown or marked."""

    def __init__(self, engine: BatchEngine) -> None:
        self._engine = engine
        self._total: Cost | None = None
        self._chosen: Cost | None = None

    def clear(self) -> None:
        """Forget the costs of an index that is not shown any more."""
        self._total = self._chosen = None

    async def compute(self, session: ResultsSession, record: JobRecord | None, chosen: ChosenRows) -> bool:
        """Compute both costs in a thread; False if nothing is read yet, or other files were read meanwhile."""
        self._chosen = None
        index = session.index
        if not index.is_built or not index.has_results:
            return False
        prices = await self._engine.prices.price_list()
        model = record.job.model if record is not None and record.job is not None else None

        def compute() -> tuple[Cost, Cost | None]:
            total = cost(usage_by_model(index, None), prices, model)
            return total, cost(usage_by_model(index, chosen.rows), prices, model) if chosen.label else None

        total, part = await asyncio.to_thread(compute)
        if index is not session.index:
            return False
        self._total, self._chosen = total, part
        return True

    def styled_text(self, estimate: Estimate | None, *, with_chosen: bool, with_prices: bool) -> StyledText:
        """Return `$1.20 of $4.80 (est. ≤ $5.00)` for the right end of the header line."""
        if self._total is None or self._total.usd is None:
            return []
        text = format_cost(self._total, estimate)
        if with_chosen and self._chosen is not None and self._chosen.usd is not None:
            text = f"{format_part(self._chosen, self._total)} {format_estimate(estimate)}".rstrip()
        return [(format_price(self._total), QUIET)] * with_prices + [(text, "")]


def show_header(screen: ResultsScreen, costs: ResultCosts) -> None:
    """Show above the list what is listed, how far a thread is or what the rows cost, and the counts."""
    family, browser, shown = screen.family, screen.browser, screen.row_filter
    record, by_cause = family.record, browser.by_cause
    name = fmt.join(family.name, family.text())
    if by_cause:
        subject = causes_subject(name, screen.session.causes)
    else:
        subject = rows_subject(name, shown, browser.table, is_reading=browser.is_reading)
    with_prices = screen.size.width >= PRICES_WIDTH
    cost_text = costs.styled_text(family.estimate, with_chosen=not by_cause, with_prices=with_prices)
    screen.header.show(subject, activity_text(screen.session, screen.exporter.progress) or cost_text)
    screen.query_one(Heading).show(screen.session.index, record, shown, by_cause=by_cause)
