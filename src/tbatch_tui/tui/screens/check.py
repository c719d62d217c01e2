"""Check: what is in a file and what is wrong with it, before it costs a day."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from tbatch_tui.engine.check import RULES, check_file, plan_fixes, write_fixed
from tbatch_tui.engine.errors import BatchError, FileTrouble, Stopped
from tbatch_tui.engine.findings import CheckReport
from tbatch_tui.tui import format as fmt
from tbatch_tui.tui import keys
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.frame import Frame
from tbatch_tui.tui.messages import CheckFile, CreateBatch
from tbatch_tui.tui.text import line, shown
from tbatch_tui.tui.widgets.fact_list import FactList
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.problem_rows import ProblemRow, ProblemRows
from tbatch_tui.tui.widgets.problem_table import ProblemTable
from tbatch_tui.tui.widgets.problem_view import ProblemView, line_text
from tbatch_tui.tui.widgets.progress_line import ProgressLine
from tbatch_tui.tui.widgets.record_table import RecordTable
from tbatch_tui.tui.widgets.report_words import facts, summary, verdict
from tbatch_tui.tui.widgets.typed_path import shortened

if TYPE_CHECKING:
    from tbatch_tui.engine.controller import Controller

_FRAMES = 15
"""Times a second that the progress bar moves."""


class CheckScreen(Frame):
    """One file, checked when the screen opens, and again when the file changes. Posts `CreateBatch` and `CheckFile`."""

    NAME = "Check"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.GO_ON,
        keys.FIX,
        keys.FILTER,
        keys.COPY_ID,
        keys.CHECK_AGAIN,
    ]
    DEFAULT_CSS = """
    CheckScreen {
        #verdict { height: auto; padding: 0 2; }
        #progress { margin: 0 1; }
        #facts { margin-top: 1; }
        #problems { height: 1fr; layout: vertical; }
        ProblemTable { height: 3fr; }
        ProblemView { height: 3fr; min-height: 5; }
        &.-wide {
            #problems { layout: horizontal; }
            ProblemTable { width: 3fr; height: 1fr; }
            ProblemView { width: 2fr; height: 1fr; border-left: solid $rule; }
        }
    }
    """

    def __init__(self, engine: Controller, bridge: Bridge, path: Path) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self.path = path
        self.report: CheckReport | None = None
        self._rows: ProblemRows | None = None
        self._moved = (0, 0)
        self._began = 0.0
        self._label = ""
        self._text = ""

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        yield Static(id="verdict", markup=False)
        yield ProgressLine(id="progress")
        yield FactList(id="facts")
        with Container(id="problems"):
            yield ProblemTable(id="table")
            yield ProblemView()
        yield FilterLine(id="filter")

    def on_mount(self) -> None:
        self.set_interval(1 / _FRAMES, self._show_progress)
        self.watch(self.app, "app_focus", self._looked_at, init=False)
        self._begin("Reading every line")
        self._check()

    @property
    def table(self) -> ProblemTable:
        return self.query_one(ProblemTable)

    # -- the check -----------------------------------------------------------------------------------

    def _begin(self, label: str) -> None:
        """Something is under way that reads the file through."""
        self._moved, self._began, self._label = (0, 0), time.monotonic(), label
        progress = self.query_one("#progress", ProgressLine)
        progress.show(0, None, label=label)
        progress.display = True
        if self.report is None:
            for part in ("#verdict", "#facts", "#problems"):
                self.query_one(part).display = False
            self._show_header()

    def _move(self, done: int, total: int) -> None:
        """Called in the thread that reads."""
        self._moved = (done, total)

    def _show_progress(self) -> None:
        done, total = self._moved
        if self._label and total:
            rate = done / max(0.05, time.monotonic() - self._began)
            self.query_one("#progress", ProgressLine).show(done, total, rate=rate, label=self._label)

    def _ended(self) -> None:
        self._label = ""
        self.query_one("#progress").display = False

    @work(group="check", exclusive=True, exit_on_error=False)
    async def _check(self) -> None:
        """Check in a thread, which stops when this worker is cancelled."""
        stop = threading.Event()
        try:
            report, rows = await asyncio.to_thread(self._read, stop.is_set)
        except Stopped:
            return
        except FileTrouble as error:
            self._fail(error)
        else:
            self._succeed(report, rows)
        finally:
            stop.set()

    def _read(self, stopped: Callable[[], bool]) -> tuple[CheckReport, ProblemRows]:
        report = check_file(self.path, progress=self._move, cancelled=stopped)
        return report, ProblemRows.of(report, self._text)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault of ours is said where the verdict would stand; the app tells it too."""
        if event.state is WorkerState.ERROR and event.worker.group == "check":
            error = event.worker.error
            self._fail(FileTrouble(f"The check itself failed: {type(error).__name__}: {error}", "Nothing was sent."))

    def _fail(self, error: FileTrouble) -> None:
        self.report = None
        self._ended()
        for part in ("#facts", "#problems"):
            self.query_one(part).display = False
        said = [("✗ ", "bold $status-failed"), (line(error.title), "bold $status-failed")]
        said += [(f"\n\n  {line(error.hint)}" if error.hint else "", ""), ("\n\n  r tries again", "$status-quiet")]
        said += [(", escape goes back.", "$status-quiet")]
        self.set_pieces(self.query_one("#verdict", Static), said)
        self.query_one("#verdict").display = True
        self._show_header()
        self.refresh_bindings()

    def _succeed(self, report: CheckReport, rows: ProblemRows) -> None:
        if self._rows is not None:
            rows.open_like(self._rows)
        self.report, self._rows = report, rows
        self._ended()
        has_problems = bool(report.problems)
        said = verdict(report)
        if not has_problems:
            said.append((" ⏎ goes on to submit it.", "$status-quiet"))
        else:
            said += [("\n", ""), *summary(report)]
        if len(report.problems) < report.errors + report.warnings + report.notes:
            said.append((f"\nThe first {len(report.problems):,} problems are listed.", "$status-quiet"))
        self.set_pieces(self.query_one("#verdict", Static), said)
        self.query_one("#verdict").display = True
        self.query_one("#facts", FactList).show(facts(report))
        self.query_one("#facts").display = not has_problems
        self.query_one("#problems").display = has_problems
        self.table.set_source(rows)
        if has_problems and not self.query_one(FilterLine).is_open:
            self.table.focus()
        self._show_header()
        self.refresh_bindings()

    def _show_header(self) -> None:
        report = self.report
        parts = []
        if report is not None:
            took = fmt.duration(report.seconds) if report.seconds >= 0.1 else ""
            parts = [(took, ""), (fmt.size(report.size), ""), (fmt.plural(report.requests, "request"), "")]
        if self._text:
            parts.append((f"“{line(self._text)}”", "$accent-text"))
        self.header.show(shortened(self.path, max(20, self.size.width - 50)), parts)

    # -- the file on disk ----------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        self._look_at_file()

    def _looked_at(self, focused: bool) -> None:
        """The terminal has the keyboard again: the person may come from an editor."""
        if focused and self.is_current:
            self._look_at_file()

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look_at_file(self) -> None:
        """Check again when the file is not the one that was checked."""
        report = self.report
        if report is None or self._label:
            return
        if await asyncio.to_thread(_stamp, self.path) != (report.size, report.mtime_ns):
            self.bridge.say("The file has changed on disk", "It is checked again.")
            self.action_check_again()

    def action_check_again(self) -> None:
        self._begin("Reading every line again")
        self._check()

    # -- going on ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        report = self.report
        match action:
            case "go_on":
                return report is not None and report.is_ok and not self._label
            case "fix":
                return report is not None and any(RULES[rule].fixable for rule in report.counts)
            case "filter":
                return report is not None and bool(report.problems)
            case "copy_id":
                row = self._row
                return row is not None and row.problem.custom_id is not None
        return super().check_action(action, parameters)

    def on_key(self, event: events.Key) -> None:
        """Enter on a file with errors does nothing, and says why."""
        if event.key == "enter" and self.report is not None and not self.report.is_ok:
            event.stop()
            errors = fmt.plural(self.report.errors, "error")
            by_x = " x writes a copy with what can be mended mended." if self.check_action("fix", ()) else ""
            self.bridge.say(f"{errors} to mend first", f"Nothing can be submitted before that.{by_x}", "warning")

    def action_go_on(self) -> None:
        if self.report is not None and self.report.is_ok:
            self.post_message(CreateBatch(self.report))

    @work(group="fix", exit_on_error=False)
    async def action_fix(self) -> None:
        """Write a mended copy beside the file, and check that."""
        report = self.report
        if report is None or self._label:
            return
        self._begin("Writing a mended copy")
        stop = threading.Event()
        try:
            fixed, left = await asyncio.to_thread(self._write_fixed, report, stop.is_set)
        except Stopped:
            return
        except BatchError as error:
            self.bridge.report(error)
        except OSError as error:
            self.bridge.say("No copy was written", f"{shortened(self.path)}: {error.strerror or error}", "error")
        else:
            more = f" {fmt.plural(left, 'fault')} cannot be mended without you." if left else ""
            self.bridge.say(f"Wrote {fixed.name}", f"It stands beside the file, which is as it was.{more}")
            self.post_message(CheckFile(fixed))
        finally:
            stop.set()
            if self.is_attached:
                self._ended()

    def _write_fixed(self, report: CheckReport, stopped: Callable[[], bool]) -> tuple[Path, int]:
        plan = plan_fixes(report)
        return write_fixed(plan, progress=self._move, cancelled=stopped).path, plan.left

    def action_copy_id(self) -> None:
        """Copy the custom_id, over ssh too (OSC 52)."""
        if (row := self._row) is not None and row.problem.custom_id is not None:
            clean = line(row.problem.custom_id)
            self.app.copy_to_clipboard(clean)
            self.bridge.say(f"Copied {clean}")

    # -- the list ------------------------------------------------------------------------------------

    @property
    def _row(self) -> ProblemRow | None:
        """The row under the cursor, where there is a table."""
        if self.report is None or not self.report.problems:
            return None
        return self.table.cursor_row

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        self._show_line(event.row)
        self.refresh_bindings()

    @work(group="line", exclusive=True, exit_on_error=False)
    async def _show_line(self, row: ProblemRow) -> None:
        view = self.query_one(ProblemView)
        try:
            text = await asyncio.to_thread(line_text, self.path, row.problem)
        except OSError as error:
            view.show(row, ([], None))
            view.show_trouble(f"The line cannot be read any more: {error.strerror or error}")
        else:
            view.show(row, text)

    def action_filter(self) -> None:
        self.query_one(FilterLine).open(self._text)

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self._filter_by(event.text)

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        if not event.keep:
            self._filter_by("")
        self.table.focus()

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _filter_by(self, text: str) -> None:
        """Show the problems that hold these words; looked for in a thread."""
        if (report := self.report) is None:
            return
        self._text = text
        rows = await asyncio.to_thread(ProblemRows.of, report, text)
        self._rows = rows
        self.table.set_empty(shown(f"No problem holds “{line(text)}”.\n\n/ and escape show all again."))
        self.table.set_source(rows)
        self._show_header()

    def action_back(self) -> None:
        """A filter is given up before the screen is left."""
        if self._text:
            self._filter_by("")
        else:
            super().action_back()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of the file; None when it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
