"""Check: what is in a file and what is wrong with it, before it costs a day."""

from __future__ import annotations

import asyncio
import os
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
from tbatch_tui.tui.render.check_report import (
    format_next_step,
    format_no_report,
    format_summary,
    format_verdict,
    report_facts,
)
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.check.actions import CheckActions
from tbatch_tui.tui.screens.check.overview import FirstRequest
from tbatch_tui.tui.screens.check.problem_table import ProblemTable, format_line
from tbatch_tui.tui.screens.check.problem_view import ProblemView
from tbatch_tui.tui.screens.check.session import CheckSession
from tbatch_tui.tui.widgets.fact_list import FactList
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.progress_line import ProgressLine

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.server_file import RefusedLine
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import ConnectionChanged
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.messages import GroupMember
    from tbatch_tui.tui.screens.check.problem_rows import ProblemRow
    from tbatch_tui.tui.widgets.table.table import RecordTable

_FRAMES = 15
"""Times a second that the progress bar moves."""
WATCH_INTERVAL = 1.0
"""Seconds between two looks at whether the file has changed on disk."""
_MODELS_BESIDE = 3
"""Models that are named beside problems."""


class CheckScreen(CheckActions):
    """One file, checked when the screen opens, and again when the file changes. Posts `CreateBatch` and `CheckFile`."""

    NAME = "Check"
    BINDINGS: ClassVar[list[BindingType]] = [keys.GO_ON, keys.FILTER, keys.CHECK_AGAIN]
    DEFAULT_CSS = """
    CheckScreen {
        #verdict, #summary { height: auto; padding: 0 2; }
        #summary, #report { display: none; }
        #progress { padding: 0 1; }
        #report { height: 1fr; layout: vertical; }
        #facts-scroll { height: auto; margin-top: 1; scrollbar-size-vertical: 1; }
        ProblemTable { height: 3fr; }
        #beside { height: 3fr; min-height: 5; }
        &.-clean, &.-faulty { #report { display: block; } }
        FirstRequest { display: none; }
        &.-clean {
            ProblemTable, ProblemView { display: none; }
            FirstRequest { display: block; }
            #beside { height: 1fr; }
            #facts-scroll { max-height: 60%; }
        }
        &.-clean.-wide {
            #beside { layout: horizontal; }
            #facts-scroll { width: 1fr; height: 1fr; max-height: 100%; }
            FirstRequest { width: 1fr; border-left: solid $rule; }
        }
        &.-faulty { #summary { display: block; } #facts-scroll { display: none; } }
        &.-faulty.-wide {
            #summary { display: none; }
            #beside { layout: horizontal; border-top: solid $rule; }
            #facts-scroll { display: block; width: 2fr; height: 1fr; margin: 0; }
            ProblemView { width: 3fr; border-left: solid $rule; }
        }
    }
    """

    def __init__(
        self,
        engine: BatchEngine,
        bridge: Bridge,
        path: Path,
        refused: RefusedLine | None = None,
        member: GroupMember | None = None,
    ) -> None:
        """Check a file.

        Args:
            path: The file.
            refused: A line that the server refused: the cursor goes there at first.
            member: The group that it is checked for; None where it is submitted alone.
        """
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._refused = refused
        self.member = member
        add = {} if member is None else {"add": member.add_shared}
        self.session = CheckSession(path, self._activity_changed, engine.options.store_address, **add)

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """Compose the verdict, the progress bar, the problems and the line under the cursor."""
        yield Static(id="verdict", markup=False)
        yield Static(id="summary", markup=False)
        yield ProgressLine(id="progress")
        with Container(id="report"):
            yield ProblemTable(id="table")
            with Vertical(id="beside"):
                with VerticalScroll(can_focus=False, id="facts-scroll"):
                    yield FactList(id="facts")
                yield ProblemView()
                yield FirstRequest()
        yield FilterLine(id="filter")

    def on_mount(self) -> None:
        """Start the check, and watch the file, the terminal's focus and the connection."""
        if self.member is not None:
            self.query_one(KeyBar).relabel(keys.GO_ON.id or "", "Files")
        self._ticker = self.set_interval(1 / _FRAMES, self._show_progress)
        self.set_interval(WATCH_INTERVAL, self._check_if_changed)
        self.watch(self.app, "app_focus", self._focus_changed, init=False)
        self.bridge.connection.subscribe(self, self._health_changed)
        self._check()

    def on_unmount(self) -> None:
        """Stop the thread that reads the file."""
        self.session.stop()

    @property
    def table(self) -> ProblemTable:
        """The list of problems."""
        return self.query_one(ProblemTable)

    @property
    def cursor_row(self) -> ProblemRow | None:
        """The row under the cursor; None where there is no list."""
        report = self.session.report
        return self.table.cursor_row if report is not None and report.problems else None

    # -- the check -----------------------------------------------------------------------------------

    @work(group="check", exclusive=True, exit_on_error=False)
    async def _check(self) -> None:
        """Check in a thread, which stops when this worker is cancelled."""
        try:
            if await self.session.check():
                self.show_report()
                self._apply_catalogue()
        except LocalFileError as error:
            self._show_error(error)

    @work(group="refine", exclusive=True, exit_on_error=False)
    async def _apply_catalogue(self) -> None:
        """Check the models against the catalogue once that is loaded; the check is complete without it."""
        if self.engine.health.state is HealthState.STARTING:
            return
        catalogue = await self.engine.prices.catalogue()
        if await self.session.apply_catalogue(catalogue):
            self.show_report()

    def _health_changed(self, _: ConnectionChanged) -> None:
        if not self.session.has_catalogue:
            self._apply_catalogue()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show a bug in the check where the verdict would be: without it the screen would stay empty."""
        if event.state is WorkerState.ERROR and event.worker.group == "check":
            error = event.worker.error
            title = f"The check failed: {type(error).__name__}: {error}"
            self._show_error(LocalFileError(title, "Nothing was sent."))

    def action_check_again(self) -> None:
        """Read the file again."""
        self._check()

    # -- showing -------------------------------------------------------------------------------------

    def _activity_changed(self) -> None:
        """Show the progress bar while the file is read, and hide it afterwards."""
        if not self.is_attached:
            return
        activity = self.session.activity
        progress = self.query_one("#progress", ProgressLine)
        progress.display = bool(activity)
        if activity:
            progress.show(0, None, label=activity)
            self._ticker.resume()
        else:
            self._ticker.pause()
        self.refresh_bindings()

    def _show_progress(self) -> None:
        done, total, rate = self.session.progress
        if self.session.activity and total:
            unit = "links" if self.session.is_looking_at_links else "bytes"
            progress = self.query_one("#progress", ProgressLine)
            progress.show(done, total, rate=rate, label=self.session.activity, unit=unit)

    def _show_error(self, error: LocalFileError) -> None:
        """Show why there is no verdict, in its place."""
        self.remove_class("-clean", "-faulty")
        self.update_static(self.query_one("#verdict", Static), format_no_report(error))
        self._show_header()
        self.refresh_bindings()

    def show_report(self) -> None:
        """Show what the check found, in place of what it found before: cursor and scroll stay."""
        report = self.session.report
        assert report is not None
        has_problems = bool(report.problems)
        self.set_class(has_problems, "-faulty")
        self.set_class(not has_problems, "-clean")
        self.update_static(
            self.query_one("#verdict", Static), [*format_verdict(report), (self._next_step(report), "$status-quiet")]
        )
        self.update_static(self.query_one("#summary", Static), format_summary(report))
        facts = report_facts(report, models_named=_MODELS_BESIDE if has_problems else None)
        self.query_one("#facts", FactList).show(facts)
        if not has_problems:
            self.query_one(FirstRequest).load(
                self.session.path, lambda more: self.query_one("#facts", FactList).show([*facts, ("", []), *more])
            )
        self._show_rows()
        if has_problems and self.focused is None:
            self.table.focus()
        if self._refused is not None:
            self.table.move_cursor(key=self.session.rows.key_near(self._refused))
            self._refused = None
        self._show_header()
        self.refresh_bindings()

    def _next_step(self, report: CheckReport) -> str:
        back = fill_keys("  {go.on} goes back to the files.")
        return format_next_step(report) if self.member is None else back

    def _show_rows(self) -> None:
        both = fill_keys("{list.filter} and {filter.clear}")
        self.table.set_empty(lines_content(f"No problem holds “{line(self.session.query)}”.\n\n{both} show all again."))
        self.table.set_source(self.session.rows)

    def _show_header(self) -> None:
        report = self.session.report
        pieces = []
        if report is not None:
            took = fmt.duration(report.seconds) if report.seconds >= 0.1 else ""
            pieces = [(took, ""), (fmt.size(report.size), ""), (fmt.plural(report.requests, "request"), "")]
        if self.session.query:
            pieces.append((f"“{line(self.session.query)}”", "$accent-text"))
        self.header.show(shorten_path(self.session.path, max(20, self.size.width - 50)), pieces)

    # -- the file on disk ----------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        """Check again if the file has changed while another screen was open."""
        self._check_if_changed(at_once=True)

    def _focus_changed(self, focused: bool) -> None:
        """Check again if the file has changed when the terminal gets the focus: the person may come from an editor."""
        if focused:
            self._check_if_changed(at_once=True)

    @work(group="look", exit_on_error=False)
    async def _check_if_changed(self, *, at_once: bool = False) -> None:
        """Check again if the file is not the one that was checked."""
        if self.is_current and await self.session.has_changed(at_once=at_once):
            if self.session.report is not None:
                exists = await asyncio.to_thread(os.path.exists, self.session.path)
                what = "has changed on disk" if exists else "is gone"
                self.bridge.notify(f"The file {what}", "Checking it again.")
            self.action_check_again()

    # -- the list ------------------------------------------------------------------------------------

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        """Show the line under the cursor, and name it beside the key that edits it."""
        self.query_one(ProblemView).load(self.session.path, event.row)
        place = format_line(event.row.problem)
        self.query_one(KeyBar).relabel(keys.EDIT.id or "", "Edit" if place == "file" else f"Edit line {place}")
        self.refresh_bindings()

    def action_filter(self) -> None:
        """Open the filter line."""
        self.query_one(FilterLine).open(self.session.query)

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        """Search as the person types."""
        self._search(event.text)

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        """Keep the text or drop it, and go back to the list."""
        if not event.keep:
            self._search("")
        self.table.focus()

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _search(self, query: str) -> None:
        """Show the problems that contain these words."""
        await self.session.search(query)
        self._show_rows()
        self._show_header()

    def action_back(self) -> None:
        """Stop looking at links, else clear the filter; without either, leave the screen."""
        if self.session.is_looking_at_links:
            self.session.stop()
        elif self.session.query:
            self._search("")
        else:
            super().action_back()

    def disabled_reason(self, action: str) -> str:
        """Return why an action of this screen cannot be done now."""
        match action:
            case "fold" | "unfold_lines" | "fold_lines":
                return "This is a single line" if self.cursor_row is not None else "There is no problem to open"
        return super().disabled_reason(action)
