"""Jobs: the live list that people leave open all day. Rows are updated one by one; nothing is rebuilt on a tick."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.events import HealthChanged, RecordsChanged, TransferMoved
from tbatch_tui.engine.model import HealthState, JobRecord, Rank
from tbatch_tui.tui import format as fmt
from tbatch_tui.tui import keys
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.frame import Frame
from tbatch_tui.tui.job_actions import JobActions
from tbatch_tui.tui.messages import NewBatch, OpenJob, TryDemo
from tbatch_tui.tui.text import line
from tbatch_tui.tui.text import shown as shown_text
from tbatch_tui.tui.widgets.job_banner import JobBanner
from tbatch_tui.tui.widgets.job_columns import JobRow, JobRows, job_columns
from tbatch_tui.tui.widgets.job_foot import JobFoot
from tbatch_tui.tui.widgets.job_order import FILTERS, SORTS, JobOrder
from tbatch_tui.tui.widgets.job_words import Pieces
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.record_table import RecordTable

if TYPE_CHECKING:
    from tbatch_tui.engine.controller import Controller
    from tbatch_tui.tui.widgets.filter_line import FilterLine

_AT_ONCE = 250
"""Records taken over before the screen has its turn again."""
EMPTY = "No jobs yet.\n\nPress n to pick a file: it is checked line by line before anything is sent."
NO_KEY = (
    "There is no API key yet.\n\n"
    "1  Get one: api.together.ai → Settings → API keys.\n"
    "2  Set it:  export TOGETHER_API_KEY=…  or run tg login\n"
    "3  Start tbatch-tui again.\n\n"
    "Without one, files can still be checked (n), and the demo shows everything on a private "
    "sandbox: press t to try it, or run tbatch-tui --demo. Nothing leaves this machine."
)


class JobsScreen(JobActions, Frame):
    """The list of jobs. `first` are the records read before the first frame."""

    NAME = "Jobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.NEW,
        keys.CANCEL,
        keys.DOWNLOAD,
        keys.RESULTS,
        keys.FILTER,
        keys.NEXT_FILTER,
        keys.SORT,
        keys.REFRESH,
        keys.LABEL,
        keys.COPY_ID,
        keys.TRY_DEMO,
    ]

    def __init__(self, engine: Controller, bridge: Bridge, first: Iterable[JobRecord], *, demo: bool = False) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._demo = demo
        self._order = JobOrder(first)
        self._rows = JobRows([], {}, {})
        self._transfers: dict[str, TransferMoved] = {}
        self._go_to: str | None = None

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        yield JobBanner(demo=self._demo)
        with Container(id="list-and-foot"):
            yield RecordTable[JobRow](job_columns(self.engine.now), group=self._group, id="jobs")
            yield JobFoot(self.engine, id="foot")

    def on_mount(self) -> None:
        self._arrange()
        self._show_health()
        self._show_header()
        self.table.focus()
        self.bridge.records.subscribe(self, self._records_changed)
        self.bridge.transfers.subscribe(self, self._transfer_moved)
        self.bridge.health.subscribe(self, self._health_changed)
        self.set_interval(1.0, self._second)
        self.set_interval(30.0, self.table.refresh_rows)

    @property
    def table(self) -> RecordTable[JobRow]:
        return self.query_one("#jobs", RecordTable)

    # -- what the engine says ------------------------------------------------------------------------

    # Textual would describe a worker by the repr of all it is given.
    @work(group="records", exit_on_error=False, description="the whole history")
    async def load_all(self, records: Sequence[JobRecord]) -> None:
        """The whole history, read after the first frame."""
        gone = set(self._order.records).difference(record.key for record in records)
        for key in gone:
            self._order.drop(key)
        await self._take_over(records)

    @work(group="records", exit_on_error=False, description="many records")
    async def _many_changed(self, records: Sequence[JobRecord]) -> None:
        await self._take_over(records)

    async def _take_over(self, records: Sequence[JobRecord]) -> None:
        """Put many records into the list, a few at a time so that the screen goes on."""
        pieces = [records[start : start + _AT_ONCE] for start in range(0, len(records), _AT_ONCE)]
        for piece in pieces:
            for record in piece:
                # As it is now: it may have changed, or gone, while those before it were taken over.
                if (latest := self.engine.record(record.key)) is not None:
                    self._order.put(latest)
            await asyncio.sleep(0)
        self._arrange()
        self._show_header()
        for piece in pieces:
            self._order.prepare(record.key for record in piece)
            await asyncio.sleep(0)
        gc.freeze()  # the history stays: no collection need look at it again

    def _records_changed(self, event: RecordsChanged) -> None:
        followed = dict(event.renamed).get(self.table.cursor_key or "")
        for key in (*event.removed, *(old for old, _ in event.renamed)):
            self._order.drop(key)
        if len(event.changed) > _AT_ONCE:
            self._many_changed(event.changed)
            return
        moved = [self._order.put(record) for record in event.changed]
        if any(moved) or event.removed or event.renamed:
            self._arrange()
            if followed is not None:
                self.table.move_cursor(key=followed)
        else:
            self.table.set_source(self._rows)
        self._show_header()
        self._show_foot()

    def _transfer_moved(self, event: TransferMoved) -> None:
        if event.ended:
            self._transfers.pop(event.key, None)
        else:
            self._transfers[event.key] = event
        if event.key in self._order.records:
            self.table.set_source(self._rows)
        self._show_header()

    def _health_changed(self, _: HealthChanged) -> None:
        self._show_health()
        self._show_header()

    def _second(self) -> None:
        if self.is_current:
            self._show_header()
            self._show_health()

    # -- showing -------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Filter and sort; the table keeps cursor and scroll."""
        self.table.set_empty(shown_text(self._empty()))
        self._rows = JobRows(self._order.shown(), self._order.records, self._transfers)
        self.table.set_source(self._rows)
        if self._go_to is not None and self.table.move_cursor(key=self._go_to):
            self._go_to = None
        self._show_foot()

    def _empty(self) -> str:
        if self._order.records:
            return "No job matches. Press escape to show all again."
        if self.engine.health.state is HealthState.NO_KEY:
            return NO_KEY
        return EMPTY

    def _show_header(self) -> None:
        counts = self._order.counts()
        health, now = self.engine.health, self.engine.now()
        account = self.engine.account
        parts: Pieces = []
        if account is not None and account.title:
            parts.append((line(account.title), ""))
        if counts[Rank.ACTIVE]:
            parts.append((f"{counts[Rank.ACTIVE]:,} running", "$status-active"))
        if needing := counts[Rank.ATTENTION]:
            parts.append((f"{needing:,} {'needs' if needing == 1 else 'need'} you", "$status-attention"))
        if counts[Rank.DONE]:
            parts.append((f"{counts[Rank.DONE]:,} done", ""))
        rate = sum(moved.rate for moved in self._transfers.values())
        if self._transfers:
            ups = any(moved.upload for moved in self._transfers.values())
            parts.append((f"{'↑' if ups else '↓'} {fmt.rate(rate)}", "$status-active"))
        if health.state is HealthState.OK and health.next_at is not None:
            parts.append((f"↻ {fmt.until(health.next_at, now)}", ""))
        self.header.show(line(self._order.words()), parts)

    def _show_health(self) -> None:
        has_history = bool(self._order.records)
        self.query_one(JobBanner).show(self.engine.health, self.engine.now(), has_history=has_history)

    def _show_foot(self) -> None:
        self.query_one(JobFoot).show(self.current, self.engine.now())
        self.refresh_bindings()

    def _group(self, row: JobRow) -> object:
        """Thin rules stand between running, needing a person, and done; not when sorted otherwise."""
        return row.record.rank if self._order.sort == SORTS[0] else None

    # -- what a person does --------------------------------------------------------------------------

    @property
    def current(self) -> JobRecord | None:
        """The record under the cursor."""
        key = self.table.cursor_key
        return self._order.records.get(key) if key is not None else None

    def go_to(self, key: str) -> None:
        """Put the cursor on a record, as soon as it is here; no filter hides it."""
        self._go_to = key
        self._order.widen()
        self._arrange()
        self._show_header()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_foot)

    def on_record_table_highlighted(self) -> None:
        self._show_foot()

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        self.post_message(OpenJob(event.key))

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self._order.text = event.text
        self._arrange()
        self._show_header()

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        if not event.keep:
            self._order.text = ""
            self._arrange()
            self._show_header()
        self.table.focus()

    def action_new_batch(self) -> None:
        self.post_message(NewBatch())

    def action_try_demo(self) -> None:
        self.post_message(TryDemo())

    def action_back(self) -> None:
        """On Jobs escape only clears what hides rows; it never quits."""
        if self._order.is_narrowed:
            self._order.widen()
            self._arrange()
            self._show_header()

    async def action_filter(self) -> None:
        # Made when first asked for: an input line is the dearest widget to load, and the first frame has none.
        from tbatch_tui.tui.widgets.filter_line import FilterLine

        if not self.query(FilterLine):
            await self.mount(FilterLine(id="filter"), before=self.query_one(KeyBar))
        self.query_one(FilterLine).open(self._order.text)

    def action_next_filter(self) -> None:
        name = self._order.next_filter()
        self._arrange()
        self._show_header()
        self._remember("jobs.filter", name)

    def action_next_sort(self) -> None:
        name = self._order.next_sort()
        self._arrange()
        self._show_header()
        self._remember("jobs.sort", name)

    def restore(self, filter_: str | None, sort: str | None) -> None:
        """The filter and the sort of the last time."""
        self._order.filter = filter_ if filter_ in FILTERS else FILTERS[0]
        self._order.sort = sort if sort in SORTS else SORTS[0]
        self._arrange()
        self._show_header()

    @work(group="remember", exit_on_error=False)
    async def _remember(self, name: str, value: str) -> None:
        try:
            await self.engine.remember(name, value)
        except BatchError as error:
            self.bridge.report(error)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "try_demo":
            return self.engine.health.state is HealthState.NO_KEY
        if action == "back":
            return self._order.is_narrowed
        return super().check_action(action, parameters)
