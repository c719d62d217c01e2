"""Check of several files: what is in each and what is wrong with it, alone and beside the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Container
from textual.widgets import Static

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.messages import CheckFile, CreateBatch, GroupMember
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.check.several.file_view import FileView
from tbatch_tui.tui.screens.check.several.session import FilesSession
from tbatch_tui.tui.screens.check.several.table import CheckedTable, rows_of
from tbatch_tui.tui.widgets.progress_line import ProgressLine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.widgets.table.table import RecordTable

_FRAMES = 15
"""Times a second that the progress bar moves."""
WATCH_INTERVAL = 1.0
"""Seconds between two looks at whether the files have changed on disk."""


class CheckFilesScreen(BaseScreen):
    """Several files, checked when the screen opens, and each again when it changes.

    Posts `CheckFile` for the one under the cursor, and `CreateBatch` for all of them.
    """

    NAME = "Check"
    HINT = "Check of files"
    AUTO_FOCUS = "CheckedTable"
    BINDINGS: ClassVar[list[BindingType]] = [keys.CREATE_GROUP, keys.CHECK_AGAIN, keys.LEAVE_OUT]
    DEFAULT_CSS = """
    CheckFilesScreen {
        #verdict { height: auto; padding: 0 2; }
        #progress { padding: 0 1; }
        #files-and-problems { height: 1fr; layout: vertical; }
        CheckedTable { height: 3fr; }
        FileView { height: 2fr; min-height: 4; }
        &.-wide {
            #files-and-problems { layout: horizontal; }
            CheckedTable { width: 3fr; height: 1fr; }
            FileView { width: 2fr; height: 1fr; border-left: solid $rule; }
        }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, paths: Sequence[Path]) -> None:
        """Check the files at `paths`, which are sent in this order."""
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._is_stale = True
        """Whether something is known that is not shown yet."""
        self.session = FilesSession(paths, self._changed, engine.options.store_address)

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """Compose the verdict, the progress bar, the files and what is wrong with the one under the cursor."""
        yield Static(id="verdict", markup=False)
        yield ProgressLine(id="progress")
        with Container(id="files-and-problems"):
            yield CheckedTable(id="files")
            yield FileView()

    def on_mount(self) -> None:
        """Start the check, and watch the files and the connection."""
        self.set_interval(1 / _FRAMES, self._show_frame)
        self.set_interval(WATCH_INTERVAL, self._check_if_changed)
        self.bridge.connection.subscribe(self, lambda _: self._apply_catalogue())
        self._show()
        self._check()
        self._apply_catalogue()

    def on_unmount(self) -> None:
        """Stop the thread that reads a file."""
        self.session.stop()

    def on_screen_resume(self) -> None:
        """Read again what has changed while another screen was open, and read what was put in a file's place."""
        if any(not file.is_checked for file in self.session.files):
            self._check()
        else:
            self._check_if_changed()

    @property
    def table(self) -> CheckedTable:
        """The list of files."""
        return self.query_one(CheckedTable)

    # -- the check -----------------------------------------------------------------------------------

    @work(group="check", exclusive=True, exit_on_error=False)
    async def _check(self) -> None:
        """Read what was not read yet; at the end the cursor goes to the first file with errors, unless it was moved."""
        await self.session.check()
        files = self.session.files
        if self.session.errors and files and self.table.cursor_key == str(files[0].path):
            self.table.move_cursor(index=0)

    @work(group="refine", exclusive=True, exit_on_error=False)
    async def _apply_catalogue(self) -> None:
        """Check the models against the catalogue once that is loaded; the check is complete without it."""
        if self.session.has_catalogue or self.engine.health.state is HealthState.STARTING:
            return
        await self.session.apply_catalogue(await self.engine.prices.catalogue())

    @work(group="look", exit_on_error=False)
    async def _check_if_changed(self) -> None:
        """Read those again that are not what was checked."""
        if not self.is_current or self.session.activity:
            return
        if changed := await self.session.changed_files():
            named = changed[0].name if len(changed) == 1 else fmt.plural(len(changed), "file")
            self.bridge.notify(f"{named} changed on disk", "Checking again.")
            self.session.forget(changed)
            self._check()

    def action_check_again(self) -> None:
        """Read all files again."""
        self.session.forget()
        self._check()

    # -- showing -------------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Show what is known by now; while files are read, with the next frame of the progress bar."""
        self._is_stale = True
        if self.is_attached and self.is_mounted and not self.session.activity:
            self._show()

    def _show(self) -> None:
        self._is_stale = False
        progress, activity = self.query_one("#progress", ProgressLine), self.session.activity
        progress.display = bool(activity)
        if activity:
            self._show_progress()
        self.update_static(self.query_one("#verdict", Static), self._verdict())
        self.table.set_empty(lines_content(fill_keys("No file is left.\n\n{go.back} goes back to pick some.")))
        self.table.set_rows(rows_of(self.session))
        self._show_header()
        self.refresh_bindings()

    def _show_frame(self) -> None:
        """Show how far the check is, and what was found since the frame before."""
        if self._is_stale:
            self._show()
        self._show_progress()

    def _show_progress(self) -> None:
        done, total, rate = self.session.progress
        if self.session.activity:
            progress = self.query_one("#progress", ProgressLine)
            progress.show(done, total or None, rate=rate if done else None, label=self.session.activity)

    def _show_header(self) -> None:
        reports = self.session.reports
        pieces = [
            (fmt.size(sum(report.size for report in reports)), ""),
            (fmt.plural(sum(report.requests for report in reports), "request"), ""),
        ]
        self.header.show(fmt.plural(len(self.session.files), "file"), pieces if reports else [])

    def _verdict(self) -> StyledText:
        """Return whether the files can be submitted, and what comes next."""
        session = self.session
        files = fmt.plural(len(session.files), "file")
        if session.activity:
            return [(f"Checking {files} …", "$status-active")]
        if session.error is not None:
            return [("✗ ", "bold $status-failed"), (line(session.error.title), "bold $status-failed")]
        if session.errors:
            have = "has errors" if session.errors == 1 else "have errors"
            fix = fill_keys("  {go.on} opens one, {check.leave-out} leaves it out.")
            return [(f"✗ {session.errors:,} of {files} {have}", "bold $status-failed"), (fix, "$status-quiet")]
        if not session.can_be_submitted:
            return []
        jobs = sum(report.jobs for report in session.reports)
        go_on = fill_keys(f"  {{check.create}} continues: {fmt.plural(jobs, 'job')} as one group, in this order.")
        warned = sum(file.warnings for file in session.files)
        if warned:
            return [(f"! {fmt.plural(warned, 'warning')}", "bold $status-attention"), (go_on, "$status-quiet")]
        return [("✓ No problems", "bold $status-ok"), (f" in {files}.", "$status-ok"), (go_on, "$status-quiet")]

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        """Show what is known of the file under the cursor."""
        self.query_one(FileView).show(event.row.file)

    # -- going on ------------------------------------------------------------------------------------

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """Go to the check of the file."""
        member = GroupMember(self.session.add_shared, self.session.replace, self.session.shared_ids)
        self.post_message(CheckFile(event.row.file.path, member=member))

    def action_create_group(self) -> None:
        """Go to Create with all files."""
        if self.session.can_be_submitted:
            reports = self.session.reports
            self.post_message(CreateBatch(reports[0], reports if len(reports) > 1 else ()))

    def action_leave_out(self) -> None:
        """Do without the file under the cursor."""
        if (row := self.table.cursor_row) is not None and not self.session.activity:
            self.session.leave_out(row.file.path)
            self.bridge.notify(f"{row.file.path.name} is left out", fill_keys("{go.back} picks the files anew."))
            self._check()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        match action:
            case "create_group":
                return self.session.can_be_submitted
            case "check_again":
                return not self.session.activity
            case "leave_out":
                return not self.session.activity and bool(self.session.files)
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action of this screen cannot be done now."""
        match action:
            case "create_group" | "check_again" | "leave_out" if self.session.activity:
                return "The check is still running"
            case "create_group" if self.session.errors:
                return f"{fmt.plural(self.session.errors, 'file')} with errors: fix or leave out first"
            case "create_group" if self.session.error is not None:
                return "The files could not be compared: {check.again} checks them again"
            case "create_group" | "leave_out":
                return "No file is left"
            case "create_group" | "check_again" | "leave_out":
                return super().disabled_reason(action)
        return "{go.on} opens a file, where that can be done"
