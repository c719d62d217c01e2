"""What can be done with a file that was checked, apart from submitting it: mend a copy, edit a line, copy an id."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.screen import Screen

from tbatch_tui.engine.check import plan_fixes, read_line, write_fixed
from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import CheckFile
from tbatch_tui.tui.terminal.clipboard import copy_id, copy_record, json_or_text, json_text

if TYPE_CHECKING:
    from textual.binding import BindingType

    from tbatch_tui.engine.check import FixPlan
    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.check.fix_dialog import FixOffer, FixWish
    from tbatch_tui.tui.screens.check.problem_rows import ProblemRow
    from tbatch_tui.tui.screens.check.session import CheckSession


class CheckActions(Screen[None]):
    """Actions on what `checker` has found. The screen that mixes this in says where the cursor is."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.FIX, keys.EDIT, keys.COPY_ID, keys.COPY_RECORD]

    bridge: Bridge
    checker: CheckSession

    @property
    def cursor_row(self) -> ProblemRow | None:
        """The row under the cursor, where there is a list."""
        raise NotImplementedError

    def action_check_again(self) -> None:
        """Read the file again."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.cursor_row
        match action:
            case "fix":
                return self.checker.can_fix and not self.checker.busy
            case "edit_line":
                return row is not None and not self.checker.busy
            case "copy_id":
                return row is not None and row.problem.custom_id is not None
            case "copy_record":
                return row is not None
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Why an action on what was found cannot be done just now."""
        match action:
            case "fix" | "edit_line" if self.checker.busy:
                return "The check is not done yet"
            case "fix" if self.checker.report is not None and not self.checker.report.problems:
                return "There is nothing to mend"
            case "fix":
                return "None of this can be mended for you: each problem says what helps"
            case "copy_id" if self.cursor_row is not None:
                return "This line has no custom_id"
            case "edit_line" | "copy_id" | "copy_record":
                return "There is no problem under the cursor"
            case _:
                return ""

    # -- a mended copy -------------------------------------------------------------------------------

    @work(group="fix", exclusive=True, exit_on_error=False)
    async def action_fix(self) -> None:
        """Ask what is to be mended, write that as a copy beside the file, and go on with checking it."""
        from tbatch_tui.tui.screens.check.fix_dialog import FixDialog

        report = self.checker.report
        if report is None or self.checker.busy:
            return
        try:
            plan, offer = await asyncio.to_thread(_offer, report)
            if not (offer.rules or offer.left):
                self.bridge.notify("Nothing of this can be mended here", "Each problem says what helps.", "warning")
                return
            wish = await self.app.push_screen_wait(FixDialog(offer))
            if wish is not None:
                await self._write(plan, wish)
        except BatchError as error:
            self.bridge.report(error)

    async def _write(self, plan: FixPlan, wish: FixWish) -> None:
        checker = self.checker
        stop = checker.begin("Writing a mended copy")
        try:
            written = await asyncio.to_thread(
                write_fixed,
                plan,
                rules=wish.rules,
                reject=wish.reject,
                progress=checker.report_progress,
                cancelled=stop.is_set,
            )
        except OperationCancelledError:
            return
        finally:
            checker.end(stop)
        more = ""
        if written.rejected is not None:
            more = f" {written.rejected.name} keeps the {fmt.plural(written.rejected_lines, 'line')} left out."
        mended = f"{fmt.plural(written.fixed_lines, 'line')} mended; the file itself is as it was."
        self.bridge.notify(f"Wrote {written.path.name}", f"{mended}{more}")
        self.post_message(CheckFile(written.path))

    # -- the person's editor -------------------------------------------------------------------------

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def action_edit_line(self) -> None:
        """Open the line in the person's editor, and check again when that has ended."""
        from tbatch_tui.tui.terminal.editor import edit, editor_command

        row, checker = self.cursor_row, self.checker
        if row is None or checker.busy:
            return
        stop = checker.begin("Waiting for the editor")  # what is saved meanwhile is read when it has ended
        try:
            command = editor_command(os.environ, checker.path, row.problem.line)
            code = await edit(self.app, command)
        except BatchError as error:
            self.bridge.report(error)
            return
        finally:
            checker.end(stop)
        if code:
            how = f"ended with {code}" if code > 0 else "was ended by a signal"
            self.bridge.notify(f"{command[0]} {how}", "The file is checked as it is now.", "warning")
        self.action_check_again()

    # -- copies -------------------------------------------------------------------------------------

    def action_copy_id(self) -> None:
        """Copy the custom_id, over ssh too (OSC 52)."""
        if (row := self.cursor_row) is not None and row.problem.custom_id is not None:
            copy_id(self.app, self.bridge, row.problem.custom_id)

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def action_copy_record(self) -> None:
        """Copy the line under the cursor."""
        if (row := self.cursor_row) is None or not row.problem.length:
            return
        problem = row.problem
        try:
            data = await asyncio.to_thread(read_line, self.checker.path, problem.offset, problem.length)
        except OSError as error:
            why = f"Nothing was copied: {error.strerror or error}. {{check.again}} reads the file again."
            self.bridge.notify(f"Line {problem.line:,} cannot be read any more", why, "error")
        else:
            copy_record(self.app, self.bridge, json_text(json_or_text(data)), f"line {problem.line:,}")


def _offer(report: CheckReport) -> tuple[FixPlan, FixOffer]:
    """What could be done about each rule, with a line of each. For a thread. Raises LocalFileError."""
    from tbatch_tui.tui.screens.check.fix_dialog import FixOffer, RuleFix
    from tbatch_tui.tui.screens.check.line_diff import change_of

    plan = plan_fixes(report)
    mends = [
        RuleFix(step.rule, step.lines, step.line, change_of(step.rule, step.before, step.after)) for step in plan.steps
    ]
    return plan, FixOffer(report.path, tuple(mends), plan.unfixable)
