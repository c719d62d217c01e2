"""Above the list of results: whose they are, what is shown of them, the sum that must come out even, what it cost."""

from __future__ import annotations

import asyncio

from textual import work
from textual.widgets import Static

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.pricing.prices import Cost, cost
from tbatch_tui.engine.results import usage_by_model
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.cost import format_cost, format_money, format_price
from tbatch_tui.tui.render.counts import counts_style, format_counts
from tbatch_tui.tui.render.outcome import empty_title, format_issues, no_files_title
from tbatch_tui.tui.render.status import QUIET
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.results.family import ResultsFamily
from tbatch_tui.tui.screens.results.reader import lacking

_PRICES_FROM = 130
"""Cells from which the prices are told beside what it cost."""
_LACKING = {
    FileKind.OUTPUT: "the output file is not here yet ({job.download} on the job)",
    FileKind.ERRORS: "the error file is not here yet ({job.download} on the job)",
}


class ResultsHeader(ResultsFamily):
    """Says what is known, as far as it is known."""

    cost: Cost | None = None
    cost_of_shown: Cost | None = None
    """Of the rows that are shown, where they are not all."""

    @work(group="cost", exclusive=True, exit_on_error=False)
    async def find_cost(self) -> None:
        """What all rows cost, and those that are shown."""
        self.cost_of_shown = None
        index, job = self.reader.index, self.job
        of, rows = self.shown_rows()
        if not index.is_built or not self.reader.has_results:
            return
        tariff = await self.engine.prices.price_list()
        model = job.job.model if job is not None and job.job is not None else None

        def sums() -> list[Cost]:
            return [cost(usage_by_model(index, chosen), tariff, model) for chosen in (None, rows)[: 2 if of else 1]]

        found = await asyncio.to_thread(sums)
        if index is self.reader.index:
            self.cost, self.cost_of_shown = found[0], found[-1] if of else None
            self.show_sum()

    def show_sum(self) -> None:
        """Say how things stand."""
        name = fmt.joined(self.job.name if self.job is not None else "", self.family_text())
        if self.by_cause:
            causes = fmt.plural(len(self.causes), "cause") if self.causes is not None else ""
            self.header.show(fmt.joined(name, "errors by cause", causes), self._busy())
        else:
            place = self._place() if self.shown_text else ""
            marked = f"{len(self.table.marked):,} marked" if self.table.marked else ""
            self.header.show(fmt.joined(name, line(self.shown_text), place, marked), self._busy())
        self._show_below(self._sum())

    def _place(self) -> str:
        """`2 of 17 rows`: how many there are, and where one is."""
        count, at = self.table.row_count, self.table.cursor_index
        return fmt.plural(count, "row") if at is None or not at else f"{at + 1:,} of {fmt.plural(count, 'row')}"

    def _busy(self) -> list[tuple[str, str]]:
        """How far reading or searching has come."""
        reader = self.reader
        if self.exported is not None:
            done, total = self.exported
            return [(f"exporting {fmt.percent(done / max(1, total))}", "$status-active")]
        if not reader.busy or reader.fraction is None:
            return self._money()
        return [(f"{reader.busy} {fmt.percent(reader.fraction)}", "$status-active")]

    def _money(self) -> list[tuple[str, str]]:
        """What it cost, beside what was said before; where there is room, by which prices."""
        job, whole, part = self.job, self.cost, self.cost_of_shown
        if whole is None or whole.usd is None:
            return []
        submission = job.submission if job is not None and not self.merged else None
        words = format_cost(whole, submission.estimate if submission is not None else None)
        if part is not None and part.usd is not None and not self.by_cause:
            words = f"{format_money(part)} of {words}"
        return [(format_price(whole), QUIET)] * (self.size.width >= _PRICES_FROM) + [(words, "")]

    def _show_below(self, said: list[tuple[str, str]]) -> None:
        """The sum, and what keeps it from being the whole truth."""
        if trouble := self._trouble():
            said = [*said, (" · " if said else "", "$rule"), (trouble, "$status-attention")]
        below = self.query_one("#sum", Static)
        below.display = bool(said)
        self.set_status(below, said)

    def _sum(self) -> list[tuple[str, str]]:
        """The sum that must come out even."""
        reader, found = self.reader, self.reader.index.reconciliation
        if found is None or not reader.has_results:
            return []
        return [(format_counts(found), "$status-attention" if self._trouble() else counts_style(found))]

    def _trouble(self) -> str:
        index = self.reader.index
        if not index.is_built or not self.reader.has_results:
            return ""
        return fmt.joined(*(fill_keys(_LACKING[kind]) for kind in lacking(self.job)), line(format_issues(index)))

    def empty(self) -> str:
        if self.reader.busy:
            return f"{self.reader.busy.capitalize()} …"
        if self.reader.has_results:
            return empty_title(self.kind, self.sought)
        return no_files_title(self.job, self.reader.index)
