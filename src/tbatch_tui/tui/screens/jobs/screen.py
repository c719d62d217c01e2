"""Jobs: the live list that people leave open all day. Rows are updated one by one; nothing is rebuilt on a tick."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Container

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.events import ConnectionChanged, RecordsChanged, TransferProgress
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys, shown_key
from tbatch_tui.tui.messages import NewBatch, OpenFiles, OpenJob, TryDemo
from tbatch_tui.tui.render.styled import marked_pieces
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.sanitize import shown as shown_text
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.jobs.actions import JobActions
from tbatch_tui.tui.screens.jobs.banner import JobBanner
from tbatch_tui.tui.screens.jobs.columns import JobRow, JobRows, job_columns
from tbatch_tui.tui.screens.jobs.details import JobDetails
from tbatch_tui.tui.screens.jobs.header import account_pieces, count_pieces, moving_pieces, next_pieces
from tbatch_tui.tui.screens.jobs.list_model import FILTERS, SORTS, JobListModel
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.domain.record import JobRecord, Rank
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.widgets.filter_line import FilterLine

_AT_ONCE = 250
"""Records taken over before the screen has its turn again."""
EMPTY = "No jobs yet.\n\nPress {jobs.new} to pick a file: it is checked line by line before anything is sent."
NO_KEY = (
    "There is no API key yet.\n\n"
    "1  Get one: api.together.ai → Settings → API keys.\n"
    "2  Set it:  export TOGETHER_API_KEY=…  or run tg login\n"
    "3  Start tbatch-tui again.\n\n"
    "Without one, files can still be checked ({jobs.new}), and the demo shows everything on a private "
    "sandbox: press {jobs.try-demo} to try it, or run tbatch-tui --demo. Nothing leaves this machine."
)


def _rank(row: JobRow) -> Rank:
    """Thin rules stand between running, needing a person, and done; not when sorted otherwise."""
    return row.record.rank


class JobsScreen(JobActions, BaseScreen):
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
        keys.REMOVE,
        keys.MORE_COLUMNS,
        keys.FEWER_COLUMNS,
        keys.FILES,
        keys.TRY_DEMO,
    ]

    def __init__(self, engine: BatchEngine, bridge: Bridge, first: Iterable[JobRecord], *, demo: bool = False) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._demo = demo
        self._first = tuple(first)
        self._order = JobListModel(self._first)
        self._rows = JobRows([], {}, {})
        self._transfers: dict[str, TransferProgress] = {}
        self._go_to: str | None = None
        self._tariff: PriceList | None = None
        self._asked_prices = False
        self._kept = {"filter": FILTERS[0], "text": "", "sort": SORTS[0]}

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        yield JobBanner(demo=self._demo)
        with Container(id="list-and-foot"):
            columns = job_columns(self.engine.now, self._cost)
            yield RecordTable[JobRow](columns, id="jobs", can_mark=True, can_turn=True)
            yield JobDetails(self.engine, id="foot")

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
        await self._take_over(records)
        latest = {record.key: self.engine.record(record.key) for record in self._first}
        if gone := [key for key, record in latest.items() if record is None or record.key != key]:
            self._records_changed(RecordsChanged((), removed=tuple(gone)))

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
        renamed = dict(event.renamed)
        followed = renamed.get(self.table.cursor_key or "")
        for key in (*event.removed, *renamed):
            self._order.drop(key)
        if many := len(event.changed) > _AT_ONCE:
            self._many_changed(event.changed)
        moved = [] if many else [self._order.put(record) for record in event.changed]
        if any(moved) or event.removed or event.renamed:
            self._arrange()
            if followed is not None:
                self.table.move_cursor(key=followed)
        elif not many:
            self.table.set_source(self._rows)
        if self.table.marked and (event.removed or renamed):
            self.table.mark(renamed.get(key, key) for key in self.table.marked.difference(event.removed))
        self._show_header()
        self._show_foot()

    def _transfer_moved(self, event: TransferProgress) -> None:
        if event.ended:
            self._transfers.pop(event.key, None)
        else:
            self._transfers[event.key] = event
        if event.key in self._order.records:
            self.table.set_source(self._rows)
        self._show_header()

    def on_record_table_marked(self) -> None:
        """The keys say to how many they will be done."""
        count = len(self.table.marked)
        for binding, action in ((keys.CANCEL, "cancel_job"), (keys.DOWNLOAD, "download")):
            number = f" {len(self.applying(action)):,}" if count else ""
            self.query_one(KeyBar).relabel(binding.id or "", binding.description + number)
        self._show_header()
        self.refresh_bindings()

    def _health_changed(self, _: ConnectionChanged) -> None:
        if not self._asked_prices and self.engine.health.state is HealthState.OK:
            self._asked_prices = any(record.counts is not None for record in self._order.records.values())
            if self._asked_prices:
                self._price()
        self.table.set_empty(shown_text(self._empty()))
        self._show_health()
        self._show_header()
        self.refresh_bindings()  # without a key there is the demo to try
        self.query_one(JobDetails).show_again()  # what it expects hangs on when the server was last heard of

    def _second(self) -> None:
        if self.is_current:
            self._show_header()
            self._show_health()

    # -- what it cost --------------------------------------------------------------------------------

    def _cost(self, record: JobRecord) -> str:
        """What it came to, once its rows are counted and the prices are known."""
        if record.counts is None or self._tariff is None:
            return ""
        from tbatch_tui.tui.render.cost import cost_cell

        return cost_cell(record, self._tariff)

    @work(group="prices", exit_on_error=False)
    async def _price(self) -> None:
        try:
            self._tariff = await self.engine.prices.price_list()
        except BatchError:
            return  # what it cost is not said then; Job and Results say why
        self.table.refresh_rows()

    # -- showing -------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Filter and sort; the table keeps cursor, scroll and marks."""
        order = self._order
        self.table.set_empty(shown_text(self._empty()))
        self.table.set_group(_rank if order.sort == SORTS[0] else None)
        self._rows = JobRows(order.shown(), order.records, self._transfers)
        self.table.set_source(self._rows)
        self.table.mark_sorted(order.sorted_column[0], descending=order.sorted_column[1])
        if self._go_to is not None and self.table.move_cursor(key=self._go_to):
            self._go_to = None
        self._show_foot()

    def _chosen(self) -> None:
        """The person has chosen another filter, text or sort: show it, and keep it for the next time."""
        self._arrange()
        self._show_header()
        order = self._order
        for name, value in (("filter", order.filter), ("text", order.text), ("sort", order.sort)):
            if self._kept.get(name) != value:
                self._kept[name] = value
                self._remember(f"jobs.{name}", value)

    def _empty(self) -> str:
        order = self._order
        if order.records:
            kind = {"active": "active job", "attention": "job that needs you", "done": "job that is done"}
            what = kind.get(order.filter, "job")
            what += f" matches “{order.text}”" if order.text else " is here now"
            hidden = f"all {len(order.records):,}" if len(order.records) > 1 else "the one there is"
            return f"No {what}.\n\nPress {shown_key(keys.BACK)} to show {hidden} again."
        if self.engine.health.state is HealthState.NO_KEY:
            return fill_keys(NO_KEY)
        return fill_keys(EMPTY)

    def _show_header(self) -> None:
        marked = self.table.marked
        hidden = sum(self._rows.find(key) is None for key in marked) if self._order.is_narrowed else 0
        account = self.engine.account
        self.header.show(
            line(self._order.words()),
            [
                *account_pieces(account.title if account is not None else ""),
                *count_pieces(self._order.counts()),
                *marked_pieces(len(marked), hidden),
                *moving_pieces(self._transfers.values()),
                *next_pieces(self.engine.health, self.engine.now()),
            ],
        )

    def _show_health(self) -> None:
        has_history = bool(self._order.records)
        self.query_one(JobBanner).show(self.engine.health, self.engine.now(), has_history=has_history)

    def _show_foot(self) -> None:
        self.query_one(JobDetails).show(self.current, self.engine.now())
        self.refresh_bindings()

    # -- what a person does --------------------------------------------------------------------------

    @property
    def current(self) -> JobRecord | None:
        """The record under the cursor."""
        key = self.table.cursor_key
        return self._order.records.get(key) if key is not None else None

    @property
    def targets(self) -> Sequence[JobRecord]:
        """What is marked; without marks, what is under the cursor."""
        if not (marked := self.table.marked):
            return super().targets
        return [record for key, record in self._order.records.items() if key in marked]

    def unmark(self, keys: Iterable[str]) -> None:
        marked = self.table.marked
        if marked:
            now_called = (self.engine.record(key) for key in keys)
            self.table.mark(marked.difference(keys, (record.key for record in now_called if record is not None)))

    def count_hidden(self, records: Sequence[JobRecord]) -> int:
        return sum(self._rows.find(record.key) is None for record in records)

    def go_to(self, key: str) -> None:
        """Put the cursor on a record, as soon as it is here; no filter hides it."""
        self._go_to = key
        self._order.widen()
        self._chosen()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_foot)

    def on_record_table_highlighted(self) -> None:
        self._show_foot()

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        self.post_message(OpenJob(event.key))

    def on_record_table_header_clicked(self, event: RecordTable.HeaderClicked) -> None:
        self._order.sort_by(event.column)
        self._chosen()

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self._order.text = event.text
        self._arrange()
        self._show_header()

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        if not event.keep:
            self._order.text = ""
        self._chosen()
        self.table.focus()

    def action_new_batch(self) -> None:
        self.post_message(NewBatch())

    def action_files(self) -> None:
        self.post_message(OpenFiles())

    def action_try_demo(self) -> None:
        self.post_message(TryDemo())

    def action_back(self) -> None:
        """On Jobs escape clears the marks, then what hides rows; it never quits."""
        if self.table.marked:
            self.table.mark(())
        elif self._order.is_narrowed:
            self._order.widen()
            self._chosen()

    async def action_filter(self) -> None:
        # Made when first asked for: an input line is the dearest widget to load, and the first frame has none.
        from tbatch_tui.tui.widgets.filter_line import FilterLine

        if not self.query(FilterLine):
            await self.mount(FilterLine(id="filter"), before=self.query_one(KeyBar))
        self.query_one(FilterLine).open(self._order.text)

    def action_next_filter(self) -> None:
        self._order.next_filter()
        self._chosen()

    def action_next_sort(self) -> None:
        self._order.next_sort()
        self._chosen()

    def action_turn_columns(self, step: int) -> None:
        self.table.turn_columns(step)

    def action_copy_id(self) -> None:
        """Copy the id, or those that are marked, one a line."""
        if len(marked := self.table.marked) < 2:
            super().action_copy_id()
            return
        ids = [line(record.key) for record in self.targets]
        self.app.copy_to_clipboard("\n".join(ids))
        self.bridge.notify(f"Copied {len(marked):,} ids")

    @work(group="remove", exit_on_error=False)
    async def action_remove(self) -> None:
        """Ask, then take out of the list what may go; say why the rest stays."""
        from tbatch_tui.tui.dialogs.confirm import Confirm
        from tbatch_tui.tui.screens.jobs.questions import remove_question, rest_stays

        why = {record.key: self.engine.removal_blocker(record.key) for record in self.targets}
        records = [record for record in self.targets if not why[record.key]]
        kept = [reason for reason in why.values() if reason]
        if not records:
            said = f"It stays in the list: {kept[0]}." if len(kept) == 1 else rest_stays(kept)
            self.bridge.notify("Nothing was removed", said, "warning")
            return
        asked = remove_question(records, hidden=self.count_hidden(records), kept=kept)
        if not await self.app.push_screen_wait(Confirm(asked.question, asked.explanation, yes=asked.yes, no=asked.no)):
            return
        try:
            await self.engine.remove([record.key for record in records])
        except BatchError as error:
            self.bridge.report(error)

    def restore(self, filter_: str | None, sort: str | None, text: str | None = None) -> None:
        """The filter, the sort and the text of the last time."""
        self._order.filter = filter_ if filter_ in FILTERS else FILTERS[0]
        self._order.sort = sort or SORTS[0]
        self._order.text = text or ""
        self._kept = {"filter": self._order.filter, "sort": self._order.sort, "text": self._order.text}
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
            return self._order.is_narrowed or bool(self.table.marked)
        if action == "turn_columns":
            return self.table.has_hidden_columns
        if action == "remove":
            return any(not record.is_active for record in self.targets)
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        match action:
            case "try_demo":
                return "With a key there is no need of the demo here: tbatch-tui --demo opens it"
            case "turn_columns":
                return "All columns are shown"
            case "remove":
                from tbatch_tui.tui.screens.jobs.reasons import disabled_reason

                return disabled_reason(action, self.targets)
        return super().disabled_reason(action)
