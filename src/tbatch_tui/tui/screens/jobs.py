"""Jobs: the live list that people leave open all day. Rows are updated one by one; nothing is rebuilt on a tick."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Static

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
from tbatch_tui.tui.widgets.columns import Column
from tbatch_tui.tui.widgets.job_foot import JobFoot
from tbatch_tui.tui.widgets.job_words import Pieces, progress_cell, requests_of, took
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.record_table import RecordTable
from tbatch_tui.tui.widgets.status import look_of_record

if TYPE_CHECKING:
    from tbatch_tui.engine.controller import Controller
    from tbatch_tui.tui.widgets.filter_line import FilterLine

FILTERS = ("all", "active", "attention", "done")
SORTS = ("status", "newest", "oldest", "name")
_RANKS = {"active": Rank.ACTIVE, "attention": Rank.ATTENTION, "done": Rank.DONE}

DEMO_LINE = "Demo: a private sandbox on this machine; no key, and nothing leaves it."
EMPTY = "No jobs yet.\n\nPress n to pick a file: it is checked line by line before anything is sent."
NO_KEY = (
    "There is no API key yet.\n\n"
    "1  Get one: api.together.ai → Settings → API keys.\n"
    "2  Set it:  export TOGETHER_API_KEY=…  or run tg login\n"
    "3  Start tbatch-tui again.\n\n"
    "Without one, files can still be checked (n), and the demo shows everything on a private "
    "sandbox: press t to try it, or run tbatch-tui --demo. Nothing leaves this machine."
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of the list: the record, and the bytes that move for it."""

    record: JobRecord
    moved: TransferMoved | None = None


@dataclass(slots=True)
class _Place:
    """What a row is sorted and searched by; made anew only when its record changes."""

    rank: Rank
    newest: float
    name: str
    text: str


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
        self._records = {record.key: record for record in first}
        self._places = {key: _place_of(record) for key, record in self._records.items()}
        self._shown: list[str] = []
        self._filter, self._sort, self._text = "all", "status", ""
        self._transfers: dict[str, TransferMoved] = {}
        self._go_to: str | None = None

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        yield Static(id="banner", markup=False)
        with Container(id="list-and-foot"):
            yield RecordTable[JobRow](self._columns(), group=self._group, id="jobs")
            yield JobFoot(id="foot")

    def _columns(self) -> list[Column[JobRow]]:
        now = self.engine.now
        return [
            Column("status", "Status", render=_status_cell, width=14, priority=9),
            Column("name", "Name", render=lambda row: row.record.name, weight=4, min=14, max=48, priority=8),
            Column("model", "Model", render=_model_cell, weight=3, min=12, max=30, priority=3),
            Column(
                "requests",
                "Requests",
                render=lambda row: fmt.count(requests_of(row.record)),
                width=8,
                align="right",
                priority=4,
            ),
            Column("progress", "Progress", draw=_progress_cell, weight=3, min=20, max=52, priority=7),
            Column("took", "Took", render=lambda row: took(row.record, now()), width=8, align="right", priority=2),
            Column(
                "age",
                "Submitted",
                render=lambda row: fmt.age(row.record.created_at, now()),
                width=10,
                align="right",
                priority=5,
            ),
        ]

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

    def load_all(self, records: Iterable[JobRecord]) -> None:
        """The whole history, read after the first frame."""
        self._records = {record.key: record for record in records}
        self._places = {key: _place_of(record) for key, record in self._records.items()}
        self._arrange()
        self._show_header()

    def _records_changed(self, event: RecordsChanged) -> None:
        for old, new in event.renamed:
            self._records.pop(old, None)
            self._places.pop(old, None)
            self.table.rename_key(old, new)
        for key in event.removed:
            self._records.pop(key, None)
            self._places.pop(key, None)
        moved = bool(event.removed or event.renamed)
        for record in event.changed:
            place = _place_of(record)
            moved = moved or self._places.get(record.key) != place
            self._records[record.key], self._places[record.key] = record, place
        if moved:
            self._arrange()
        else:
            self.table.update_rows((record.key, self._row(record.key)) for record in event.changed)
        self._show_header()
        self._show_foot()

    def _transfer_moved(self, event: TransferMoved) -> None:
        if event.ended:
            self._transfers.pop(event.key, None)
        else:
            self._transfers[event.key] = event
        if event.key in self._records:
            self.table.update_rows([(event.key, self._row(event.key))])
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
        wanted = _RANKS.get(self._filter)
        words = self._text.lower().split()
        places = self._places
        shown = [
            key
            for key, place in places.items()
            if (wanted is None or place.rank is wanted) and all(word in place.text for word in words)
        ]
        match self._sort:
            case "newest":
                shown.sort(key=lambda key: -places[key].newest)
            case "oldest":
                shown.sort(key=lambda key: places[key].newest)
            case "name":
                shown.sort(key=lambda key: places[key].name)
            case _:
                shown.sort(key=lambda key: (places[key].rank, -places[key].newest))
        self._shown = shown
        self.table.set_empty(shown_text(self._empty()))
        self.table.set_rows((key, self._row(key)) for key in shown)
        if self._go_to is not None and self.table.move_cursor(key=self._go_to):
            self._go_to = None
        self._show_foot()

    def _row(self, key: str) -> JobRow:
        return JobRow(self._records[key], self._transfers.get(key))

    def _empty(self) -> str:
        if self._records:
            return "No job matches. Press f for all" + (", / and escape to clear the filter." if self._text else ".")
        if self.engine.health.state is HealthState.NO_KEY:
            return NO_KEY
        return EMPTY

    def _show_header(self) -> None:
        counts = dict.fromkeys(Rank, 0)
        for place in self._places.values():
            counts[place.rank] += 1
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
        shown = [] if self._filter == "all" else [self._filter]
        shown += [] if self._sort == "status" else [f"by {self._sort}"]
        shown += [f"“{line(self._text)}”"] if self._text else []
        self.header.show(" · ".join(shown), parts)

    def _show_health(self) -> None:
        health, now = self.engine.health, self.engine.now()
        banner = self.query_one("#banner", Static)
        said: Pieces = []
        match health.state:
            case HealthState.NO_KEY if self._records:
                said = [("No API key: ", "$status-attention"), ("the history is shown; set TOGETHER_API_KEY.", "")]
            case HealthState.KEY_REFUSED:
                said = [(line(health.title), "$status-failed"), (f"  {line(health.hint)}", "")]
            case HealthState.OFFLINE | HealthState.BACKING_OFF:
                since = f" since {fmt.when(health.since, now)}" if health.since is not None else ""
                again = f", tried again in {fmt.until(health.next_at, now)}" if health.next_at is not None else ""
                word = "Offline" if health.state is HealthState.OFFLINE else "Waiting for the server"
                said = [(f"{word}{since}{again}.", "$status-attention"), (f"  {line(health.title)}", "$status-quiet")]
        if not said and self._demo:
            said = [(DEMO_LINE, "$status-quiet")]
        self.set_pieces(banner, said)
        banner.display = bool(said)

    def _show_foot(self) -> None:
        key = self.table.cursor_key
        self.query_one(JobFoot).show(self._records.get(key) if key is not None else None, self.engine.now())
        self.refresh_bindings()

    def _group(self, row: JobRow) -> object:
        """Thin rules stand between running, needing a person, and done; not when sorted otherwise."""
        return row.record.rank if self._sort == "status" else None

    # -- what a person does --------------------------------------------------------------------------

    @property
    def current(self) -> JobRecord | None:
        """The record under the cursor."""
        key = self.table.cursor_key
        return self._records.get(key) if key is not None else None

    def go_to(self, key: str) -> None:
        """Put the cursor on a record, as soon as it is here; no filter hides it."""
        self._go_to = key
        self._filter, self._text = "all", ""
        self._arrange()
        self._show_header()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_foot)

    def on_record_table_highlighted(self) -> None:
        self._show_foot()

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        self.post_message(OpenJob(event.key))

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self._text = event.text
        self._arrange()
        self._show_header()

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        if not event.keep:
            self._text = ""
            self._arrange()
            self._show_header()
        self.table.focus()

    def action_new_batch(self) -> None:
        self.post_message(NewBatch())

    def action_try_demo(self) -> None:
        self.post_message(TryDemo())

    def action_back(self) -> None:
        """On Jobs escape only clears what hides rows; it never quits."""
        if self._text or self._filter != "all":
            self._text, self._filter = "", "all"
            self._arrange()
            self._show_header()

    async def action_filter(self) -> None:
        # Made when first asked for: an input line is the dearest widget to load, and the first frame has none.
        from tbatch_tui.tui.widgets.filter_line import FilterLine

        if not self.query(FilterLine):
            await self.mount(FilterLine(id="filter"), before=self.query_one(KeyBar))
        self.query_one(FilterLine).open(self._text)

    def action_next_filter(self) -> None:
        self._filter = FILTERS[(FILTERS.index(self._filter) + 1) % len(FILTERS)]
        self._arrange()
        self._show_header()
        self._remember("jobs.filter", self._filter)

    def action_next_sort(self) -> None:
        self._sort = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)]
        self._arrange()
        self._show_header()
        self._remember("jobs.sort", self._sort)

    def restore(self, filter_: str | None, sort: str | None) -> None:
        """The filter and the sort of the last time."""
        self._filter = filter_ if filter_ in FILTERS else "all"
        self._sort = sort if sort in SORTS else "status"
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
            return bool(self._text) or self._filter != "all"
        return super().check_action(action, parameters)


def _place_of(record: JobRecord) -> _Place:
    parts = (record.name, record.key, record.status, record.note, record.input_name)
    model = record.job.model if record.job is not None else ""
    word = look_of_record(record).word
    text = "\n".join((*parts, model or "", word)).lower()
    return _Place(record.rank, record.created_at, record.name.lower(), text)


def _status_cell(row: JobRow) -> Pieces:
    look = look_of_record(row.record)
    return [(f"{look.glyph} {look.word}", look.colour)]


def _model_cell(row: JobRow) -> str:
    return fmt.short_model(row.record.job.model if row.record.job is not None else None)


def _progress_cell(row: JobRow, width: int) -> Pieces:
    moved = row.moved
    if moved is None or not moved.total:
        return progress_cell(row.record, width)
    done, rest = fmt.bar_parts(moved.done / moved.total, max(4, min(12, width - 22)))
    said = f" {fmt.size(moved.done)} of {fmt.size(moved.total)} {fmt.rate(moved.rate)}"
    return [(done, "$status-active"), (rest, "$rule"), (said, "")]
