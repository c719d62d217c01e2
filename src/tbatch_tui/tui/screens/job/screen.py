"""Job: all that is known of one job, live: what happened when, how fast it goes, where its files are, what failed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import VerticalScroll

from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.local_files.input_state import InputState
from tbatch_tui.engine.progress.history import JobHistory
from tbatch_tui.engine.progress.outlook import course, outlook
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.cost import format_job_cost
from tbatch_tui.tui.render.job import duration_of
from tbatch_tui.tui.render.status import QUIET, look_of_record
from tbatch_tui.tui.render.timeline import steps
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.job.chart import DrawnChart, ProgressChart
from tbatch_tui.tui.screens.job.facts import about, files, standing
from tbatch_tui.tui.screens.job.file_dialog import ChooseFile, JobFile
from tbatch_tui.tui.screens.job.timeline_list import TimelineList
from tbatch_tui.tui.screens.jobs.actions import JobActions
from tbatch_tui.tui.terminal.open_file import open_on_desktop, page
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.fact_list import FactList
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.domain.job import FileKind
    from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import RecordsChanged, TransferProgress
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.tui.bridge import Bridge

LOOKED_AT_EVERY = 30.0
"""Seconds between two looks at whether the input file is still what it was; it is read only if `stat` differs."""
_AS_KEPT = "As it is kept on this machine: the server's own words come with its next list."


class JobScreen(JobActions, BaseScreen):
    """One job. It follows a submission when that takes its job's id."""

    NAME = "Job"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.RESULTS,
        keys.DOWNLOAD,
        keys.CANCEL,
        keys.PAGE,
        keys.OPEN_FILE,
        keys.RAW,
        keys.REFRESH,
        keys.LABEL,
        keys.COPY_ID,
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (110, "-wide")]  # noqa: RUF012 - declared by Screen
    DEFAULT_CSS = """
    JobScreen {
        #story { height: 1fr; scrollbar-size-vertical: 1; }
        #standing { padding: 0 2; margin-bottom: 1; }
        #steps { padding: 0 2; margin-bottom: 1; }
        #files, #about { margin-bottom: 1; }
        #raw { display: none; padding: 0 2; }
        &.-raw #raw { display: block; }
        &.-raw #story { display: none; }
        &.-wide #steps { dock: left; width: 53; height: 100%; margin: 0; padding: 0 0 0 2; border-right: solid $rule; }
        &.-wide #story > Divider { padding-left: 1; }
        &.-wide #story > FactList { padding: 0 1 0 2; }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, key: str) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._key = key
        self._transfers: dict[FileKind | None, TransferProgress] = {}
        self._history = JobHistory()
        self._tariff: PriceList | None = None
        self._input_state: InputState | None = None
        self._earlier: list[JobRecord] = []
        self._family: list[FamilyMember] = []

    @property
    def current(self) -> JobRecord | None:
        return self.engine.record(self._key)

    def body(self) -> ComposeResult:
        with JobText(id="story"):
            yield FactList(id="standing")
            yield ProgressChart(id="chart")
            yield TimelineList(id="steps")
            yield Divider("Files", id="files-rule")
            yield FactList(id="files")
            yield Divider("About", id="about-rule")
            yield FactList(id="about")
        yield RecordView(id="raw")

    def on_mount(self) -> None:
        self.bridge.records.subscribe(self, self._records_changed)
        self.bridge.transfers.subscribe(self, self._transfer_moved)
        self.set_interval(1.0, self._second)
        self.set_interval(LOOKED_AT_EVERY, self._look_at_input)
        self.query_one("#story").focus()
        self._show()
        self._read_history()
        self._find_earlier()
        self.engine.recount(self._key)
        self._find_prices()

    @work(group="prices", exclusive=True, exit_on_error=False)
    async def _find_prices(self) -> None:
        self._tariff = await self.engine.prices.price_list()
        self._show()

    def on_screen_resume(self) -> None:
        self._look_at_input()

    @property
    def _kin(self) -> set[str]:
        """The keys of the rest of its family, whose state is told."""
        return {kin.record.key for kin in self._family} - {self._key}

    def _records_changed(self, event: RecordsChanged) -> None:
        self._key = dict(event.renamed).get(self._key, self._key)
        if any(record.key in self._kin for record in event.changed):
            self._find_earlier()
        if any(record.key == self._key for record in event.changed) or self._key in event.removed:
            self._show()
            self.refresh_bindings()
            self._read_history()
            if self.has_class("-raw"):
                self._read_raw()

    def _transfer_moved(self, event: TransferProgress) -> None:
        if event.key != self._key:
            return
        if event.ended:
            self._transfers.pop(event.kind, None)
        else:
            self._transfers[event.kind] = event
        self._show()

    def _second(self) -> None:
        if self.is_current:
            self._show()

    # -- what is read beside the record --------------------------------------------------------------

    @work(group="history", exclusive=True, exit_on_error=False)
    async def _read_history(self) -> None:
        self._history = await self.engine.history(self._key)
        self._show()

    @work(group="input", exclusive=True, exit_on_error=False)
    async def _look_at_input(self) -> None:
        """Whether the input file is still what was submitted. Leaving the screen stops the reading."""
        record = self.current
        if record is not None and record.submission is not None:
            self._input_state = await self.engine.input_state(record.submission)
            self._show()
            self.refresh_bindings()

    @work(group="earlier", exclusive=True, exit_on_error=False)
    async def _find_earlier(self) -> None:
        """Other runs of the same bytes, and what it is a retry of or was retried as."""
        record = self.current
        if record is None:
            return
        self._family = await self.engine.family(record.key)
        if record.submission is None:
            self._show()
            return
        runs = await self.engine.earlier_runs(record.submission.sha256, record.submission.endpoint)
        own = record.submission.id
        self._earlier = [run for run in runs if run.submission is None or run.submission.id != own]
        self._show()

    # -- showing -------------------------------------------------------------------------------------

    def _show(self) -> None:
        record, now = self.current, self.engine.now()
        if not self.is_attached:
            return
        if record is None:
            self.header.show("gone from the history", [])
            return
        look, seen_at = look_of_record(record), self.engine.listed_at
        lasted = duration_of(record, now)
        self.header.show(
            record.name,
            [
                line(record.key[:8]) if record.job is not None else "",
                lasted if lasted != fmt.MISSING else "",
                (f"{look.glyph} {look.word}", look.colour),
            ],
        )
        self.query_one("#steps", TimelineList).show([step.pieces(now) for step in steps(record, now, self._history)])
        money = format_job_cost(record, self._tariff)
        self.query_one("#standing", FactList).show(
            [*standing(record, self._history, seen_at, now, self._transfers), *money]
        )
        self.query_one("#chart", ProgressChart).show(self._drawn(record, seen_at), now)
        self.query_one("#files", FactList).show(here := files(record, self._transfers, self._input_state))
        self.query_one("#files-rule").display = bool(here)
        self.query_one("#about", FactList).show(about(record, self._earlier, self._family, now))

    def _drawn(self, record: JobRecord, seen_at: float | None) -> DrawnChart | None:
        run = course(self._history.points)
        if record.job is None or not run:
            return None
        if record.job.is_ended:
            return DrawnChart(tuple(run), run[-1][0])
        until = max(run[-1][0], (seen_at or 0.0) // 60 * 60)  # whole minutes: a second later it is the same
        look = outlook(self._history.points, until)
        return DrawnChart(tuple(run), until, look.latest if look is not None else None, record.job.deadline)

    # -- actions -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("page_file", "open_file"):
            return bool(self._here())
        if action == "raw":
            return self.current is not None and self.current.job is not None
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        match action:
            case "page_file" | "open_file":
                return "None of its files is here"
            case "raw":
                return "There is no job yet, so the server has nothing to show of it"
        return super().disabled_reason(action)

    def action_raw(self) -> None:
        """The job as the server's JSON, or as it is read."""
        self.toggle_class("-raw")
        if self.has_class("-raw"):
            self._read_raw()
            self.query_one("#raw").focus()
        else:
            self.query_one("#story").focus()

    @work(group="raw", exclusive=True, exit_on_error=False)
    async def _read_raw(self) -> None:
        from tbatch_tui.engine.results import spelled

        if (record := self.current) is None or record.job is None:
            return
        told = await self.engine.raw_job(record.job.id)
        kept = json.dumps(asdict(record.job), ensure_ascii=False)
        blocks = [Block(spelled((told if told is not None else kept).encode("utf-8", "replace")))]
        if told is None:
            blocks = [Block(_AS_KEPT, QUIET), Block(), *blocks]
        self.query_one("#raw", RecordView).show(blocks, stay=True)

    def action_back(self) -> None:
        """From the JSON back to the job, from the job to where one came from."""
        if self.has_class("-raw"):
            self.action_raw()
        else:
            super().action_back()

    @work(group="file", exclusive=True, exit_on_error=False)
    async def action_page_file(self) -> None:
        """Read one of its files in the pager."""
        await self._with_file("Read which file?", lambda path: page(self.app, path))

    @work(group="file", exclusive=True, exit_on_error=False)
    async def action_open_file(self) -> None:
        """Open one of its files with the desktop's program."""
        await self._with_file("Open which file?", open_on_desktop)

    async def _with_file(self, question: str, do: Callable[[Path], Awaitable[None]]) -> None:
        found = self._here()
        if len(found) > 1:
            path = await self.app.push_screen_wait(ChooseFile(question, found))
        else:
            path = found[0].path if found else None
        if path is None:
            return
        try:
            await do(path)
        except BatchError as error:
            self.bridge.report(error)

    def _here(self) -> list[JobFile]:
        """Its files on this machine, what came back first."""
        record = self.current
        if record is None:
            return []
        found = [
            JobFile(transfer.kind.value.capitalize(), transfer.path, transfer.size)
            for transfer in record.transfers
            if transfer.state is TransferState.FETCHED and transfer.path is not None
        ]
        if record.submission is not None and self._input_state is not InputState.GONE:
            found.append(JobFile("Input", record.submission.path, record.submission.size))
        return found


class JobText(VerticalScroll, inherit_bindings=False):
    """What is read of a job, scrolled by the keys of a list."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.MOVING]

    def action_cursor_down(self) -> None:
        self.scroll_down(animate=False)

    def action_cursor_up(self) -> None:
        self.scroll_up(animate=False)

    def action_page_down(self) -> None:
        self.scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        self.scroll_page_up(animate=False)

    def action_cursor_top(self) -> None:
        self.scroll_home(animate=False)

    def action_cursor_bottom(self) -> None:
        self.scroll_end(animate=False)
