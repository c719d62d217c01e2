"""Check: what is in a file and what is wrong with it, before it costs a day."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.messages import CreateBatch
from tbatch_tui.tui.render.check_report import error_lines, facts, next_step, summary, verdict
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.sanitize import line, shown
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.check.actions import CheckActions
from tbatch_tui.tui.screens.check.problem_table import ProblemTable, format_line
from tbatch_tui.tui.screens.check.problem_view import ProblemView, line_text
from tbatch_tui.tui.screens.check.session import CheckSession
from tbatch_tui.tui.widgets.fact_list import FactList
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.progress_line import ProgressLine

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import ConnectionChanged
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.check.problem_rows import ProblemRow
    from tbatch_tui.tui.widgets.table.table import RecordTable

_FRAMES = 15
"""Times a second that the progress bar moves."""
LOOKED_AT_EVERY = 1.0
"""Seconds between two looks at whether the file is another one."""
_MODELS_BESIDE = 3
"""Models that are named beside problems."""


class CheckScreen(CheckActions, BaseScreen):
    """One file, checked when the screen opens, and again when the file changes. Posts `CreateBatch` and `CheckFile`."""

    NAME = "Check"
    BINDINGS: ClassVar[list[BindingType]] = [keys.GO_ON, keys.FILTER, keys.CHECK_AGAIN]
    DEFAULT_CSS = """
    CheckScreen {
        #verdict, #summary { height: auto; padding: 0 2; }
        #summary, #found { display: none; }
        #progress { margin: 0 1; }
        #found { height: 1fr; layout: vertical; }
        #facts-scroll { height: auto; margin-top: 1; scrollbar-size-vertical: 1; }
        ProblemTable { height: 3fr; }
        #beside { height: 3fr; min-height: 5; }
        &.-clean, &.-faulty { #found { display: block; } }
        &.-clean { ProblemTable, ProblemView { display: none; } #beside { height: 1fr; } }
        &.-faulty { #summary { display: block; } #facts-scroll { display: none; } }
        &.-faulty.-wide {
            #summary { display: none; }
            #found { layout: horizontal; }
            ProblemTable { width: 3fr; height: 1fr; }
            #beside { width: 2fr; height: 1fr; border-left: solid $rule; }
            #facts-scroll { display: block; max-height: 50%; margin: 0 0 1 0; }
        }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, path: Path) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self.checker = CheckSession(path, self._busy_changed)

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        yield Static(id="verdict", markup=False)
        yield Static(id="summary", markup=False)
        yield ProgressLine(id="progress")
        with Container(id="found"):
            yield ProblemTable(id="table")
            with Vertical(id="beside"):
                with VerticalScroll(can_focus=False, id="facts-scroll"):
                    yield FactList(id="facts")
                yield ProblemView()
        yield FilterLine(id="filter")

    def on_mount(self) -> None:
        self._ticker = self.set_interval(1 / _FRAMES, self._show_progress)
        self.set_interval(LOOKED_AT_EVERY, self._look_at_file)
        self.watch(self.app, "app_focus", self._looked_at, init=False)
        self.bridge.health.subscribe(self, self._connected)
        self._check()

    def on_unmount(self) -> None:
        self.checker.stop()

    @property
    def table(self) -> ProblemTable:
        return self.query_one(ProblemTable)

    @property
    def cursor_row(self) -> ProblemRow | None:
        """The row under the cursor, where there is a table."""
        report = self.checker.report
        return self.table.cursor_row if report is not None and report.problems else None

    # -- the check -----------------------------------------------------------------------------------

    @work(group="check", exclusive=True, exit_on_error=False)
    async def _check(self) -> None:
        """Check in a thread, which stops when this worker is cancelled."""
        try:
            if await self.checker.check():
                self._show_found()
                self._refine()
        except LocalFileError as error:
            self._fail(error)

    @work(group="refine", exclusive=True, exit_on_error=False)
    async def _refine(self) -> None:
        """Judge the models by the catalogue when that is here; the check is complete without."""
        if self.engine.health.state is HealthState.STARTING:
            return
        catalogue = await self.engine.prices.catalogue()
        if await self.checker.apply_catalogue(catalogue):
            self._show_found()

    def _connected(self, event: ConnectionChanged) -> None:
        if not self.checker.has_catalogue:
            self._refine()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault of ours is said where the verdict would stand; the app tells it too."""
        if event.state is WorkerState.ERROR and event.worker.group == "check":
            error = event.worker.error
            self._fail(LocalFileError(f"The check itself failed: {type(error).__name__}: {error}", "Nothing was sent."))

    def action_check_again(self) -> None:
        self._check()

    # -- showing -------------------------------------------------------------------------------------

    def _busy_changed(self) -> None:
        """A reading of the file has begun, or is over."""
        if not self.is_attached:
            return
        busy = self.checker.busy
        progress = self.query_one("#progress", ProgressLine)
        progress.display = bool(busy)
        if busy:
            progress.show(0, None, label=busy)
            self._ticker.resume()
        else:
            self._ticker.pause()
        self.refresh_bindings()

    def _show_progress(self) -> None:
        done, total, rate = self.checker.progress
        if self.checker.busy and total:
            self.query_one("#progress", ProgressLine).show(done, total, rate=rate, label=self.checker.busy)

    def _fail(self, error: LocalFileError) -> None:
        self.remove_class("-clean", "-faulty")
        self.set_status(self.query_one("#verdict", Static), error_lines(error))
        self._show_header()
        self.refresh_bindings()

    def _show_found(self) -> None:
        """What the check found, in the place of what it found before: cursor and scroll stay."""
        report = self.checker.report
        assert report is not None
        has_problems = bool(report.problems)
        self.set_class(has_problems, "-faulty")
        self.set_class(not has_problems, "-clean")
        said = [*verdict(report), (next_step(report), "$status-quiet")]
        self.set_status(self.query_one("#verdict", Static), said)
        self.set_status(self.query_one("#summary", Static), summary(report))
        self.query_one("#facts", FactList).show(facts(report, models_named=_MODELS_BESIDE if has_problems else None))
        self._show_rows()
        if has_problems and self.focused is None:
            self.table.focus()
        self._show_header()
        self.refresh_bindings()

    def _show_rows(self) -> None:
        both = fill_keys("{list.filter} and {filter.clear}")
        self.table.set_empty(shown(f"No problem holds “{line(self.checker.words)}”.\n\n{both} show all again."))
        self.table.set_source(self.checker.rows)

    def _show_header(self) -> None:
        report = self.checker.report
        parts = []
        if report is not None:
            took = fmt.duration(report.seconds) if report.seconds >= 0.1 else ""
            parts = [(took, ""), (fmt.size(report.size), ""), (fmt.plural(report.requests, "request"), "")]
        if self.checker.words:
            parts.append((f"“{line(self.checker.words)}”", "$accent-text"))
        self.header.show(shorten_path(self.checker.path, max(20, self.size.width - 50)), parts)

    # -- the file on disk ----------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        self._look_at_file(at_once=True)

    def _looked_at(self, focused: bool) -> None:
        """The terminal has the keyboard again: the person may come from an editor."""
        if focused:
            self._look_at_file(at_once=True)

    @work(group="look", exit_on_error=False)
    async def _look_at_file(self, *, at_once: bool = False) -> None:
        """Check again when the file is not the one that was checked."""
        if self.is_current and await self.checker.has_changed(at_once=at_once):
            if self.checker.report is not None:
                is_there = await asyncio.to_thread(self.checker.path.exists)
                what = "has changed on disk" if is_there else "is gone"
                self.bridge.notify(f"The file {what}", "It is checked again.")
            self.action_check_again()

    # -- going on ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        report = self.checker.report
        match action:
            case "go_on":
                return report is not None and report.can_be_submitted and not self.checker.busy
            case "check_again":
                return not self.checker.busy
            case "filter":
                return report is not None and bool(report.problems)
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        report = self.checker.report
        match action:
            case "go_on" | "check_again" | "filter" if self.checker.busy:
                return "The check is not done yet"
            case "go_on" if report is not None:
                by_fix = ": {check.fix} mends what can be mended in a copy" if self.checker.can_fix else ""
                return f"{fmt.plural(report.errors, 'error')} to mend first{by_fix}"
            case "go_on":
                return "There is nothing to submit: the file cannot be read"
            case "filter":
                return "There is no problem to look for"
            case "fold" | "unfold_lines" | "fold_lines":
                return "That is one line by itself" if self.cursor_row is not None else "There is no problem to open"
        return super().disabled_reason(action)

    def action_go_on(self) -> None:
        report = self.checker.report
        if report is not None and report.can_be_submitted:
            self.post_message(CreateBatch(report))

    # -- the list ------------------------------------------------------------------------------------

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        self._show_line(event.row)
        place = format_line(event.row.problem)
        self.query_one(KeyBar).relabel(keys.EDIT.id or "", "Edit" if place == "file" else f"Edit line {place}")
        self.refresh_bindings()

    @work(group="line", exclusive=True, exit_on_error=False)
    async def _show_line(self, row: ProblemRow) -> None:
        view = self.query_one(ProblemView)
        try:
            text = await asyncio.to_thread(line_text, self.checker.path, row.problem)
        except OSError as error:
            view.show(row, ([], None))
            view.show_trouble(f"The line cannot be read any more: {error.strerror or error}")
        else:
            view.show(row, text)

    def action_filter(self) -> None:
        self.query_one(FilterLine).open(self.checker.words)

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self._filter_by(event.text)

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        if not event.keep:
            self._filter_by("")
        self.table.focus()

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _filter_by(self, words: str) -> None:
        """Show the problems that hold these words; looked for in a thread."""
        await self.checker.narrow(words)
        self._show_rows()
        self._show_header()

    def action_back(self) -> None:
        """A filter is given up before the screen is left."""
        if self.checker.words:
            self._filter_by("")
        else:
            super().action_back()
