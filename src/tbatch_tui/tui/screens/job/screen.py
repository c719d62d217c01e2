"""Job: all that is known about one job, live: timeline, pace, files, errors."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Vertical

from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.local_files.input_state import InputState
from tbatch_tui.engine.progress.history import JobHistory
from tbatch_tui.engine.progress.outlook import compute_outlook, course
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.cost import job_cost_facts
from tbatch_tui.tui.render.job import format_duration
from tbatch_tui.tui.render.status import QUIET, record_style
from tbatch_tui.tui.render.timeline import timeline_steps
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.input_file import INPUT_IS_KNOWN, fetch_input
from tbatch_tui.tui.screens.job.chart import DrawnChart, ProgressChart
from tbatch_tui.tui.screens.job.facts import about_facts, file_facts, status_facts
from tbatch_tui.tui.screens.job.file_dialog import ChooseFile, JobFile
from tbatch_tui.tui.screens.job.recordings import RecordingActions
from tbatch_tui.tui.screens.job.refused import ask_for_report, check_blocker, check_input, report_facts
from tbatch_tui.tui.screens.job.story import JobText
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
    from tbatch_tui.engine.domain.server_file import ValidationReport
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import RecordsChanged, TransferProgress
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.tui.bridge import Bridge

INPUT_CHECK_INTERVAL = 30.0
"""Seconds between two checks of whether the input file has changed; it is read only if `stat` differs."""
_FROM_HISTORY = "From this machine; the server's data comes with its next list."


class JobScreen(RecordingActions, JobActions, BaseScreen):
    """One job. When a submission becomes a job and its key changes, the screen follows it."""

    NAME = "Job"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.RESULTS,
        keys.DOWNLOAD,
        keys.CANCEL,
        keys.PAGE,
        keys.OPEN_FILE,
        keys.FETCH_INPUT,
        keys.RAW,
        keys.REFRESH,
        keys.LABEL,
        keys.COPY_ID,
        replace(
            keys.GO_ON,
            description="Check input",
            tooltip="Check the input file of a failed job, at the line that the server refused",
            show=False,
        ),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (110, "-wide")]  # noqa: RUF012 - declared by Screen
    # Beside the rest only where all of it has room: it is not scrolled there.
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 - declared by Screen
    DEFAULT_CSS = """
    JobScreen {
        #story { height: 1fr; scrollbar-size-vertical: 1; }
        #standing { padding: 0 2; margin-bottom: 1; }
        #steps { padding: 0 2; margin-bottom: 1; }
        #files, #about { margin-bottom: 1; }
        #raw { display: none; padding: 0 2; }
        &.-raw #raw { display: block; }
        &.-raw #story { display: none; }
        #side { height: auto; }
        &.-wide.-high #side { dock: left; width: 58; height: 100%; border-right: solid $rule; }
        &.-wide.-high #story > Divider { padding-left: 1; }
        &.-wide.-high #story > FactList { padding: 0 1 0 2; }
        &.-high #chart { height: 10; }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, key: str) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._key = key
        self._transfers: dict[FileKind | None, TransferProgress] = {}
        self._history = JobHistory()
        self._prices: PriceList | None = None
        self._input_state: InputState | None = None
        self._report: ValidationReport | None = None
        self._earlier_runs: list[JobRecord] = []
        self._family: list[FamilyMember] = []

    @property
    def current(self) -> JobRecord | None:
        """The record that is shown; None when it has left the history."""
        return self.engine.record(self._key)

    def body(self) -> ComposeResult:
        """Lay out status, chart, timeline, files and facts, and the JSON in their place."""
        with JobText(id="story"):
            yield FactList(id="standing")
            yield ProgressChart(id="chart")
            yield Divider("Files", id="files-rule")
            yield FactList(id="files")
            with Vertical(id="side"):
                yield TimelineList(id="steps")
                yield Divider("About", id="about-rule")
                yield FactList(id="about")
        yield RecordView(id="raw")

    def on_mount(self) -> None:
        """Show the record, and load what is shown beside it."""
        self.bridge.records.subscribe(self, self._records_changed)
        self.bridge.transfers.subscribe(self, self._transfer_changed)
        self.set_interval(1.0, self._tick)
        self.set_interval(INPUT_CHECK_INTERVAL, self._check_input)
        self.query_one("#story").focus()
        self._show()
        self._load_history()
        self._load_related()
        self._load_report()
        self.engine.recount(self._key)
        self._load_prices()
        self.load_unneeded()

    @work(group="prices", exclusive=True, exit_on_error=False)
    async def _load_prices(self) -> None:
        self._prices = await self.engine.prices.price_list()
        self._show()

    def on_screen_resume(self) -> None:
        """Check the input file again: the person may have edited it meanwhile."""
        self._check_input()

    @property
    def _family_keys(self) -> set[str]:
        """The keys of the other jobs of the family, whose status is shown."""
        return {member.record.key for member in self._family} - {self._key}

    def _records_changed(self, event: RecordsChanged) -> None:
        self._key = dict(event.renamed).get(self._key, self._key)
        if any(record.key in self._family_keys for record in event.changed):
            self._load_related()
        if any(record.key == self._key for record in event.changed) or self._key in event.removed:
            self._show()
            self.refresh_bindings()
            self._load_history()
            self._load_report()
            self.load_unneeded()
            if self.has_class("-raw"):
                self._read_raw()

    def _transfer_changed(self, event: TransferProgress) -> None:
        if event.key != self._key:
            return
        if event.ended:
            self._transfers.pop(event.kind, None)
        else:
            self._transfers[event.kind] = event
        self._show()

    def _tick(self) -> None:
        if self.is_current:
            self._show()

    # -- loading -------------------------------------------------------------------------------------

    @work(group="history", exclusive=True, exit_on_error=False)
    async def _load_history(self) -> None:
        self._history = await self.engine.history(self._key)
        self._show()

    @work(group="input", exclusive=True, exit_on_error=False)
    async def _check_input(self) -> None:
        """Check whether the input file is still what was submitted; leaving the screen stops that."""
        record = self.current
        if record is not None and record.submission is not None:
            self._input_state = await self.engine.input_state(record.submission)
            self._show()
            self.refresh_bindings()

    @work(group="report", exit_on_error=False)
    async def _load_report(self) -> None:
        """Ask what the server says of the input file of a job that failed."""
        self._report = await ask_for_report(self.engine, self.current)
        self._show()

    @work(group="earlier", exclusive=True, exit_on_error=False)
    async def _load_related(self) -> None:
        """Find other runs of the same bytes, and the jobs that this one is a retry of or was retried as."""
        record = self.current
        if record is None:
            return
        self._family = await self.engine.family(record.key)
        if record.submission is None:
            self._show()
            return
        runs = await self.engine.earlier_runs(record.submission.sha256, record.submission.endpoint)
        own = record.submission.id
        self._earlier_runs = [run for run in runs if run.submission is None or run.submission.id != own]
        self._show()

    # -- showing -------------------------------------------------------------------------------------

    def _show(self) -> None:
        record, now = self.current, self.engine.now()
        if not self.is_attached:
            return
        if record is None:
            self.header.show("gone from the history", [])
            return
        look, seen_at = record_style(record), self.engine.listed_at
        duration = format_duration(record, now)
        self.header.show(
            record.name,
            [
                line(record.key[:8]) if record.job is not None else "",
                duration if duration != fmt.MISSING else "",
                (f"{look.glyph} {look.word}", look.colour),
            ],
        )
        self.query_one("#steps", TimelineList).show(
            [step.styled_text(now) for step in timeline_steps(record, now, self._history)]
        )
        cost_facts = job_cost_facts(record, self._prices)
        self.query_one("#standing", FactList).show(
            [
                *status_facts(record, self._history, seen_at, now, self._transfers),
                *report_facts(self._report, record, can_check=not self._check_blocker),
                *cost_facts,
            ]
        )
        self.query_one("#chart", ProgressChart).show(self._chart(record, seen_at), now)
        files = file_facts(record, self._transfers, self._input_state)
        files += self.recording_facts()
        self.query_one("#files", FactList).show(files)
        self.query_one("#files-rule").display = bool(files)
        self.query_one("#about", FactList).show(about_facts(record, self._earlier_runs, self._family, now))

    def _chart(self, record: JobRecord, seen_at: float | None) -> DrawnChart | None:
        run = course(self._history.points)
        if record.job is None or not run:
            return None
        if record.job.is_ended:
            return DrawnChart(tuple(run), run[-1][0])
        until = max(run[-1][0], (seen_at or 0.0) // 60 * 60)  # whole minutes, so that it is not drawn anew each second
        forecast = compute_outlook(self._history.points, until)
        done_at = forecast.latest if forecast is not None else None
        return DrawnChart(tuple(run), until, done_at, record.job.deadline)

    # -- actions -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can be done with this job."""
        if action in ("page_file", "open_file"):
            return bool(self._local_files())
        if action == "fetch_input":
            return self.current is not None and self.current.can_fetch_input
        if action == "go_on":
            return not self._check_blocker
        if action == "raw":
            return self.current is not None and self.current.job is not None
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action cannot be done."""
        match action:
            case "page_file" | "open_file":
                return "None of its files is on this machine"
            case "fetch_input":
                return INPUT_IS_KNOWN
            case "go_on":
                return self._check_blocker
            case "raw":
                return "The server has no job yet"
        return super().disabled_reason(action)

    @property
    def _check_blocker(self) -> str:
        return check_blocker(self.current, is_here=self._input_state is not InputState.GONE)

    def action_go_on(self) -> None:
        """Check the input file again, at the line that the server refused."""
        if (record := self.current) is not None and (message := check_input(record, self._report)) is not None:
            self.post_message(message)

    def action_raw(self) -> None:
        """Show the job as the server's JSON, or as text."""
        self.toggle_class("-raw")
        if self.has_class("-raw"):
            self._read_raw()
            self.query_one("#raw").focus()
        else:
            self.query_one("#story").focus()

    @work(group="raw", exclusive=True, exit_on_error=False)
    async def _read_raw(self) -> None:
        from tbatch_tui.engine.lenient_json import to_json
        from tbatch_tui.engine.results import format_raw_line

        if (record := self.current) is None or record.job is None:
            return
        answer = await self.engine.raw_job(record.job.id)
        text = answer if answer is not None else to_json(asdict(record.job))
        blocks = [Block(format_raw_line(text.encode("utf-8", "replace")))]
        if answer is None:
            blocks = [Block(_FROM_HISTORY, QUIET), Block(), *blocks]
        self.query_one("#raw", RecordView).show(blocks, keep_scroll=True)

    def action_back(self) -> None:
        """Go from the JSON back to the text, and from the text to the screen below."""
        if self.has_class("-raw"):
            self.action_raw()
        else:
            super().action_back()

    @work(group="file", exclusive=True, exit_on_error=False)
    async def action_page_file(self) -> None:
        """Read one of the job's files in the pager."""
        await self._with_file("Read which file?", lambda path: page(self.app, path))

    @work(group="file", exclusive=True, exit_on_error=False)
    async def action_open_file(self) -> None:
        """Open one of the job's files with the desktop's program."""
        await self._with_file("Open which file?", open_on_desktop)

    @work(group="input-file", exclusive=True, exit_on_error=False)
    async def action_fetch_input(self) -> None:
        """Download the input file of a job that was submitted elsewhere."""
        if await fetch_input(self.engine, self.bridge, self._key):
            self._check_input()
            self._load_related()

    async def _with_file(self, question: str, do: Callable[[Path], Awaitable[None]]) -> None:
        files = self._local_files()
        if len(files) > 1:
            path = await self.app.push_screen_wait(ChooseFile(question, files))
        else:
            path = files[0].path if files else None
        if path is None:
            return
        try:
            await do(path)
        except BatchError as error:
            self.bridge.report(error)

    def _local_files(self) -> list[JobFile]:
        """Return the job's files on this machine, results first."""
        record = self.current
        if record is None:
            return []
        files = [
            JobFile(transfer.kind.value.capitalize(), transfer.path, transfer.size)
            for transfer in record.transfers
            if transfer.state is TransferState.FETCHED and transfer.path is not None
        ]
        if record.submission is not None and self._input_state is not InputState.GONE:
            slices = record.slices_read  # the whole file then: its bytes are nowhere else
            files.append(JobFile("Input", slices[0].path if slices else record.submission.path, record.submission.size))
        return files
