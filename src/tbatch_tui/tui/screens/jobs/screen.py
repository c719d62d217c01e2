"""Jobs: the live list that people leave open all day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Container

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_record import GroupRecord
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import NewBatch, OpenCompare, OpenFiles, OpenJob, SwitchProfile, TryDemo
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.jobs.actions import JobActions
from tbatch_tui.tui.screens.jobs.banner import JobBanner
from tbatch_tui.tui.screens.jobs.costs import JobCosts, JobMoney
from tbatch_tui.tui.screens.jobs.details import WIDTH, JobDetails
from tbatch_tui.tui.screens.jobs.header import header_pieces
from tbatch_tui.tui.screens.jobs.listing.columns import JobRow, job_columns
from tbatch_tui.tui.screens.jobs.listing.feed import JobFeed
from tbatch_tui.tui.screens.jobs.listing.list_model import JobListModel
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import ConnectionChanged, TransferProgress
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.widgets.filter_line import FilterLine


class JobsScreen(JobMoney, JobActions, BaseScreen):
    """The list of jobs: table, header, banner and details. What feeds the table is the `JobFeed`."""

    NAME = "Jobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.NEW,
        keys.CANCEL,
        keys.DOWNLOAD,
        keys.RESULTS,
        replace(keys.MERGE, show=False, tooltip="View the answers, with retries merged"),
        replace(keys.EXPORT, show=False, tooltip="Export the answers"),
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
        keys.MODELS,
        keys.SPEND,
        keys.COMPARE,
        keys.TRY_DEMO,
        keys.PROFILE,
    ]

    def __init__(
        self, engine: BatchEngine, bridge: Bridge, first: Iterable[JobRecord], *, demo: bool = False, waiting: str = ""
    ) -> None:
        """`first` are the records read before the first frame; of `demo` and `waiting` the banner tells."""
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._banner = JobBanner(demo=demo, waiting=waiting)
        self._model = JobListModel(first)
        self._saved_choices = self._model.choices
        self.costs = JobCosts(engine)
        columns = job_columns(engine.now, self.costs.cell)
        self.table = RecordTable[JobRow](columns, id="jobs", can_mark=True, can_turn=True)
        self._feed = JobFeed(self, engine, self._model, self.table, self._show_surroundings)
        self._asked_for_prices = False
        self._cursor_key = ""
        """The record that was under the cursor last."""

    def body(self) -> ComposeResult:
        """Compose the banner, the table and the details."""
        yield self._banner
        with Container(id="list-and-foot"):
            yield self.table
            yield JobDetails(self.engine, id="foot")

    def on_mount(self) -> None:
        """Show the first records, then listen to the engine."""
        self._feed.arrange()
        self._show_surroundings()
        self._show_health()
        self.table.focus()
        self.bridge.records.subscribe(self, self._feed.apply)
        self.bridge.records.subscribe(self, self.note_counted)
        self.bridge.transfers.subscribe(self, self._show_transfer)
        self.bridge.connection.subscribe(self, self._health_changed)
        self.watch(self.app, "app_focus", self._focus_changed, init=False)
        self.set_interval(1.0, self._tick)
        self.set_interval(30.0, self.table.refresh_rows)

    # -- what the engine announces -------------------------------------------------------------------

    # Textual would describe a worker by the repr of all it is given.
    @work(group="records", exit_on_error=False, description="the whole history")
    async def load_all(self, records: Sequence[JobRecord]) -> None:
        """Show the whole history, read after the first frame."""
        await self._feed.load_all(records)
        self.add_up_month()

    def _show_transfer(self, event: TransferProgress) -> None:
        self._feed.apply_transfer(event)
        self._show_header()

    def _health_changed(self, _: ConnectionChanged) -> None:
        if not self._asked_for_prices and self.engine.health.state is HealthState.OK:
            self._asked_for_prices = any(record.counts is not None for record in self._model.records.values())
            if self._asked_for_prices:
                self.load_prices()
        self._feed.refresh_empty_text()
        self._show_health()
        self._show_header()
        self.refresh_bindings()  # without a key there is the demo to try
        self.query_one(JobDetails).show_again()  # the expected end depends on when the server last answered

    def _tick(self) -> None:
        self._feed.release_unread()
        if self.is_current:
            self._show_header()
            self._show_health()

    # -- showing -------------------------------------------------------------------------------------

    def _show_surroundings(self) -> None:
        """Show what surrounds the table and depends on its rows: the header, the details, the keys."""
        self._show_header()
        self._show_details()

    def _show_header(self) -> None:
        choices = self._model.format_choices()
        if self._model.is_narrowed:
            choices += f" · {len(self._feed.rows):,} of {len(self._model.rows):,}"
        self.header.show(
            line(choices),
            header_pieces(
                self._model.counts(),
                self.engine,
                self._feed.transfers.values(),
                marked=len(self.table.marked),
                hidden=self._feed.count_hidden(self.table.marked),
                month_sum=self.month_sum,
            ),
        )

    def _show_health(self) -> None:
        has_history = bool(self._model.records)
        self._banner.show(self.engine.health, self.engine.now(), has_history=has_history)

    def _show_details(self) -> None:
        self._place_details()
        details, now = self.query_one(JobDetails), self.engine.now()
        if (group := self.current_group) is not None:
            details.show_group(group, now, self.costs.cell(group))
        else:
            details.show(self.current, now)
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Lay the details out again, once the terminal's new size is known to all."""
        self._place_details()
        self.call_after_refresh(self._show_details)

    def _place_details(self) -> None:
        """Put the details beside the list where no column is cut or left out for it, else below the list."""
        is_wide = self.app.size.width >= self.table.whole_width + WIDTH
        # When the screen comes up the first time, all its styles are applied after this.
        self.set_class(is_wide, "-side", update=self.stack_updates > 0)

    # -- the records that actions are about ----------------------------------------------------------

    @property
    def current(self) -> JobRecord | None:
        """The record under the cursor; of a group, the part whose status tells most."""
        if (group := self.current_group) is not None:
            return group.most_telling
        key = self.table.cursor_key
        return self._model.records.get(key) if key is not None else None

    @property
    def current_group(self) -> GroupRecord | None:
        """The group under the cursor."""
        row = self._model.rows.get(self.table.cursor_key or "")
        return row if isinstance(row, GroupRecord) else None

    @property
    def targets(self) -> Sequence[JobRecord]:
        """The marked records, of groups all parts; without marks, what is under the cursor."""
        return self._model.records_of(self.table.marked) if self.table.marked else super().targets

    def unmark(self, keys: Iterable[str]) -> None:
        """Take the marks from these records and their groups, also under the keys that they have by now."""
        marked = self.table.marked
        if marked:
            latest = [record for key in keys if (record := self.engine.record(key)) is not None]
            done = {record.key for record in latest} | {each.group.key for each in latest if each.group is not None}
            self.table.mark(marked.difference(keys, done))

    def count_hidden(self, records: Sequence[JobRecord]) -> int:
        """Return how many of these the filter hides."""
        return self._feed.count_hidden(record.key for record in records)

    # -- the list: cursor, marks, filter and sort ------------------------------------------------------

    def go_to(self, key: str) -> None:
        """Put the cursor on a record as soon as it is in the list, and show all so that no filter hides it."""
        self._feed.move_cursor_to(key)
        self._model.show_all()
        self._show_choices()

    def records_in_order(self) -> Iterator[JobRecord]:
        """Yield all records in the order of the list, whatever the filter hides."""
        return self._model.in_order()

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        """Explain the record under the cursor. Once the cursor moves on, rows go to where they belong by now.

        Until then a row that has changed its group stays where the person saw it last, as in other lists that are
        kept open: only what the person does moves what they read.
        """
        if event.key != self._cursor_key:
            self._cursor_key = event.key
            self._feed.release()
        self._show_details()

    def on_screen_resume(self) -> None:
        """Put all rows where they belong when the person comes back to the list."""
        self._feed.release()

    def _focus_changed(self, focused: bool) -> None:
        """Put all rows where they belong when the person comes back to the terminal."""
        if focused:
            self._feed.release()

    def on_record_table_marked(self) -> None:
        """Show in the footer how many jobs Cancel and Download would affect."""
        count = len(self.table.marked)
        for binding, action in ((keys.CANCEL, "cancel_job"), (keys.DOWNLOAD, "download")):
            number = f" {len(self.applicable(action)):,}" if count else ""
            self.query_one(KeyBar).relabel(binding.id or "", binding.description + number)
        self._show_header()
        self.refresh_bindings()

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """Open the job; a group opens into its parts, and closes again."""
        if self._model.turn(event.key):
            self._feed.arrange()
        else:
            self.post_message(OpenJob(event.key))

    def on_record_table_header_clicked(self, event: RecordTable.HeaderClicked) -> None:
        """Sort by the column that was clicked."""
        self._model.sort_by(event.column)
        self._show_choices()

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        """Search as the person types; the text is saved when the line is closed."""
        self._model.text = event.text
        self._feed.arrange()
        self._show_surroundings()

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        """Keep the text or drop it, and go back to the list."""
        if not event.keep:
            self._model.text = ""
        self._show_choices()
        self.table.focus()

    def restore(self, filter_: str | None, sort: str | None, text: str | None = None) -> None:
        """Choose the filter, the sort and the text of the last session; None is the default."""
        self._model.choose(filter_, sort, text)
        self._saved_choices = self._model.choices
        self._feed.arrange()
        self._show_surroundings()

    def _show_choices(self) -> None:
        """Show the list by the filter, the text and the sort chosen now, and save them for the next time."""
        self._feed.arrange()
        self._show_surroundings()
        choices = self._model.choices
        for name, value in choices.items():
            if self._saved_choices[name] != value:
                self._remember(f"jobs.{name}", value)
        self._saved_choices = choices

    @work(group="remember", exit_on_error=False)
    async def _remember(self, name: str, value: str) -> None:
        try:
            await self.engine.remember(name, value)
        except BatchError as error:
            self.bridge.report(error)

    # -- actions -------------------------------------------------------------------------------------

    def action_new_batch(self) -> None:
        """Go to Pick."""
        self.post_message(NewBatch())

    def action_files(self) -> None:
        """Go to Files."""
        self.post_message(OpenFiles())

    def action_profile(self) -> None:
        """Go over to another profile."""
        self.post_message(SwitchProfile())

    def action_try_demo(self) -> None:
        """Leave for the demo."""
        self.post_message(TryDemo())

    def action_back(self) -> None:
        """Clear the marks, then the filter; escape never quits."""
        if self.table.marked:
            self.table.mark(())
        elif self._model.is_narrowed:
            self._model.show_all()
            self._show_choices()

    async def action_filter(self) -> None:
        """Open the filter line."""
        # Made when first asked for: no widget takes longer to load than an input, and the first frame has none.
        from tbatch_tui.tui.widgets.filter_line import FilterLine

        if not self.query(FilterLine):
            await self.mount(FilterLine(id="filter"), before=self.query_one(KeyBar))
        self.query_one(FilterLine).open(self._model.text)

    def action_next_filter(self) -> None:
        """Go on to the next filter."""
        self._model.next_filter()
        self._show_choices()

    def action_next_sort(self) -> None:
        """Go on to the next sort."""
        self._model.next_sort()
        self._show_choices()

    def action_turn_columns(self, step: int) -> None:
        """Show the columns that have no room now."""
        self.table.turn_columns(step)

    def action_answers(self, _where: str) -> None:
        """Compare the two jobs or groups that are marked, the older one first."""
        first, second = sorted(self._model.rows_of(self.table.marked), key=lambda row: row.created_at)
        self.post_message(OpenCompare(first.key, second=second.key))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        match action:
            case "answers":
                return len(rows := self._model.rows_of(self.table.marked)) == 2 and all(row.paths for row in rows)
            case "try_demo":
                return self.engine.health.state is HealthState.NO_KEY
            case "profile":
                return not self._profile_blocker
            case "back":
                return self._model.is_narrowed or bool(self.table.marked)
            case "turn_columns":
                return self.table.has_hidden_columns
        return super().check_action(action, parameters)

    @property
    def _profile_blocker(self) -> str:
        return str(getattr(self.app, "profile_blocker", "There are no profiles"))

    def disabled_reason(self, action: str) -> str:
        """Return why an action of this screen cannot be done now."""
        match action:
            case "answers" if len(self.table.marked) == 2:
                return "The results of both jobs have to be on this machine: {job.download} downloads them"
            case "answers":
                return "Mark two jobs to compare ({list.mark})"
            case "try_demo":
                return "The demo starts with tbatch-tui --demo"
            case "turn_columns":
                return "All columns are shown"
            case "profile":
                return self._profile_blocker
        return super().disabled_reason(action)
