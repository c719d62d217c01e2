"""What can be done with a file that was checked: submit it, fix a copy, edit a line, copy an id."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import work

from tbatch_tui.engine.check import plan_fixes, read_line, write_fixed
from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import CheckFile, CreateBatch, GoBack
from tbatch_tui.tui.screens.trying import TriesRequests
from tbatch_tui.tui.terminal.clipboard import copy_id, copy_record, json_or_text, json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.binding import BindingType

    from tbatch_tui.engine.check import FixPlan
    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.dialogs.trying.subject import TrySubject
    from tbatch_tui.tui.messages import GroupMember
    from tbatch_tui.tui.screens.check.fix_dialog import FixChoice, FixOffer
    from tbatch_tui.tui.screens.check.problem_rows import ProblemRow
    from tbatch_tui.tui.screens.check.session import CheckSession


class CheckActions(TriesRequests):
    """The actions on what `session` has found, and when each can be done. Mixed into the Check screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        keys.FIX,
        keys.EDIT,
        keys.TRANSFORM,
        keys.LOOK_AT_LINKS,
        keys.COPY_ID,
        keys.COPY_RECORD,
    ]

    bridge: Bridge
    engine: BatchEngine
    session: CheckSession
    member: GroupMember | None
    """The group that the file is checked for; None where it is submitted alone."""

    @property
    def cursor_row(self) -> ProblemRow | None:
        """The row under the cursor; None where there is no list."""
        raise NotImplementedError

    def action_check_again(self) -> None:
        """Read the file again."""
        raise NotImplementedError

    def show_report(self) -> None:
        """Show what is known of the file by now."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        row, report, is_idle = self.cursor_row, self.session.report, not self.session.activity
        match action:
            case "go_on" if self.member is not None:
                return is_idle
            case "go_on":
                return report is not None and report.can_be_submitted and is_idle
            case "check_again":
                return is_idle
            case "filter":
                return report is not None and bool(report.problems)
            case "fix":
                return self.session.can_fix and is_idle
            case "edit_line":
                return row is not None and is_idle
            case "look_at_links":
                return report is not None and is_idle
            case "transform":
                return report is not None and report.requests > 0 and is_idle
            case "copy_id":
                return row is not None and row.problem.custom_id is not None
            case "copy_record":
                return row is not None
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action on what was found cannot be done now."""
        report = self.session.report
        match action:
            case "look_at_links" if self.session.is_looking_at_links:
                return "Checking the links: {go.back} to stop"
            case "go_on" | "check_again" | "filter" | "fix" | "edit_line" | "look_at_links" | "transform" if (
                self.session.activity
            ):
                return "The check is still running"
            case "look_at_links":
                return "There are no links to look at: the file cannot be read"
            case "transform":
                return "There are no requests to change"
            case "go_on" if report is not None:
                by_fix = ": {check.fix} fixes a copy automatically" if self.session.can_fix else ""
                return f"{fmt.plural(report.errors, 'error')} to fix first{by_fix}"
            case "go_on":
                return "There is nothing to submit: the file cannot be read"
            case "filter":
                return "There is no problem to look for"
            case "fix" if report is None:
                return "There is nothing to fix: the file cannot be read"
            case "fix" if report is not None and not report.problems:
                return "There is nothing to fix"
            case "fix":
                return "None of these can be fixed automatically: each problem says how to fix it"
            case "copy_id" if self.cursor_row is not None:
                return "This line has no custom_id"
            case "create_group" | "leave_out":
                return "Only for several files"
            case "edit_line" | "copy_id" | "copy_record":
                return "There is no problem under the cursor"
            case _:
                return super().disabled_reason(action)

    def reason_against_trying(self) -> str:
        """Return why there is no request to try now."""
        report = self.session.report
        if self.session.activity:
            return "The check is still running"
        return "" if report is not None and report.requests else "There are no requests to try"

    async def find_try(self) -> TrySubject:
        """Return the line under the cursor, else the first request."""
        from tbatch_tui.tui.screens.check.trying import subject_of_file

        report = self.session.report
        assert report is not None
        return subject_of_file(report, self.cursor_row.problem.line if self.cursor_row is not None else 0)

    def action_go_on(self) -> None:
        """Go to Create, if the file can be submitted; back to the files of its group, if it is checked for one."""
        report = self.session.report
        if self.member is not None:
            self.post_message(GoBack())
            return
        if report is not None and report.can_be_submitted:
            self.post_message(CreateBatch(report))

    # -- a fixed copy --------------------------------------------------------------------------------

    @work(group="fix", exclusive=True, exit_on_error=False)
    async def action_fix(self) -> None:
        """Ask what to fix, write that as a copy beside the file, and go on to check the copy."""
        from tbatch_tui.tui.screens.check.fix_dialog import FixDialog

        report = self.session.report
        if report is None or self.session.activity:
            return
        try:
            plan, offer = await self._plan(report)
            if not (offer.fixes or offer.unfixable):
                self.bridge.notify(
                    "None of these can be fixed automatically", "Each problem says how to fix it.", "warning"
                )
                return
            choice = await self.app.push_screen_wait(FixDialog(offer))
            if choice is not None:
                await self._write(plan, choice)
        except OperationCancelledError:
            return
        except BatchError as error:
            self.bridge.report(error)

    async def _plan(self, report: CheckReport) -> tuple[FixPlan, FixOffer]:
        """Return what can be fixed; of a file that is not JSON Lines, that takes reading all of it."""
        stop = self.session.begin("Looking for what can be fixed")
        try:
            shared = self.member.shared_ids(report.path) if self.member is not None else frozenset()
            return await run_reading(_offer, report, shared, stop=stop)
        finally:
            self.session.end(stop)

    async def _write(self, plan: FixPlan, choice: FixChoice) -> None:
        session = self.session
        stop = session.begin("Writing a fixed copy")
        try:
            copy = await asyncio.to_thread(
                write_fixed,
                plan,
                rules=None if choice.rules == plan.rules else choice.rules,
                reject=choice.reject,
                model=choice.model,
                progress=session.report_progress,
                cancelled=stop.is_set,
            )
        except OperationCancelledError:
            return
        finally:
            session.end(stop)
        with suppress(BatchError):  # the copy is good without it
            await self.engine.recipes.inherit(plan.path, copy.path)
        rejected = ""
        if copy.rejected is not None:
            rejected = f" {copy.rejected.name} keeps the {fmt.plural(copy.rejected_lines, 'line')} left out."
        ids = f" {copy.id_map.name} keeps the ids as they were." if copy.id_map is not None else ""
        fixed = f"{fmt.plural(copy.fixed_lines, 'line')} fixed; the original is untouched."
        self.bridge.notify(f"Wrote {copy.path.name}", f"{fixed}{rejected}{ids}")
        self.post_message(CheckFile(copy.path))

    # -- an edited copy ------------------------------------------------------------------------------

    @work(group="transform", exclusive=True, exit_on_error=False)
    async def action_transform(self) -> None:
        """Ask what to change in the whole file, write that as a copy beside it, and go on to check the copy."""
        from tbatch_tui.engine.check.edit.edited_copy import edited_path
        from tbatch_tui.tui.screens.check.edit_dialog import EditDialog

        report, session = self.session.report, self.session
        if report is None or session.activity:
            return
        out = await asyncio.to_thread(edited_path, report.path)
        choice = await self.app.push_screen_wait(EditDialog(report.path, out.name, tuple(report.models)))
        if choice is None:
            return
        stop = session.begin("Writing an edited copy")
        try:
            sums = await asyncio.to_thread(
                choice.write, report.path, out, progress=session.report_progress, cancelled=stop.is_set
            )
        except OperationCancelledError:
            return
        except BatchError as error:
            self.bridge.report(error)
            return
        finally:
            session.end(stop)
        with suppress(BatchError):  # the copy is good without it
            await self.engine.recipes.inherit(report.path, out)
        lines = f"{sums.copied:,} of {fmt.plural(sums.lines, 'line')}, {sums.changed:,} changed"
        self.bridge.notify(f"Wrote {out.name}", f"{lines}; the original is untouched.")
        self.post_message(CheckFile(out))

    # -- links ---------------------------------------------------------------------------------------

    @work(group="links", exclusive=True, exit_on_error=False)
    async def action_look_at_links(self) -> None:
        """Look at what the links of the file lead to, and list what is wrong with them."""
        if self.session.report is None or self.session.activity:
            return
        try:
            sums = await self.session.look_at_links()
        except BatchError as error:
            self.bridge.report(error)
            return
        if sums is None:
            self.bridge.notify("Not all links were checked", "No result is shown for them.", "warning")
            return
        if not sums["looked"]:
            self.bridge.notify("There are no links", "No line links to an audio file or an image.")
            return
        self.show_report()
        faulty = sums["looked"] - sums["fine"]
        found = f"{faulty:,} of them are listed" if faulty else "All links work"
        self.bridge.notify(
            f"{fmt.plural(sums['looked'], 'link')} checked",
            f"{found}. Together's network may get different answers.",
            "warning" if faulty else "information",
        )

    # -- the person's editor -------------------------------------------------------------------------

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def action_edit_line(self) -> None:
        """Open the line in the person's editor, and check again when that has ended."""
        from tbatch_tui.tui.terminal.editor import edit, editor_command

        row, session = self.cursor_row, self.session
        if row is None or session.activity:
            return
        stop = session.begin("Waiting for the editor")  # what is saved meanwhile is read when it has ended
        try:
            command = editor_command(os.environ, session.path, row.problem.line)
            code = await edit(self.app, command)
        except BatchError as error:
            self.bridge.report(error)
            return
        finally:
            session.end(stop)
        if code:
            how = f"ended with {code}" if code > 0 else "was killed by a signal"
            self.bridge.notify(f"{command[0]} {how}", "Checking the file as it is now.", "warning")
        self.action_check_again()

    # -- copies --------------------------------------------------------------------------------------

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
            data = await asyncio.to_thread(read_line, self.session.path, problem.offset, problem.length)
        except OSError as error:
            hint = f"Nothing was copied: {error.strerror or error}. {{check.again}} reads the file again."
            self.bridge.notify(f"Line {problem.line:,} cannot be read any more", hint, "error")
        else:
            copy_record(self.app, self.bridge, json_text(json_or_text(data)), f"line {problem.line:,}")


def _offer(
    report: CheckReport, shared_ids: frozenset[str], *, cancelled: Callable[[], bool]
) -> tuple[FixPlan, FixOffer]:
    """Return what can be fixed, rule by rule, with an example line of each.

    Reads the file: for a thread. `shared_ids` are ids that another file of its group has as well, in front of it.

    Raises:
        LocalFileError: The file cannot be read, or has changed since it was checked.
        OperationCancelledError: Soon after `cancelled` returns true.
    """
    from tbatch_tui.tui.screens.check.fix_dialog import FixOffer, RuleFix
    from tbatch_tui.tui.screens.check.line_diff import diff_lines

    model = next(iter(report.models)) if len(report.models) == 1 else ""
    plan = plan_fixes(report, model=model or "…", cancelled=cancelled)
    plan = replace(plan, shared_ids=frozenset(map(hash, shared_ids)))
    fixes = [
        RuleFix(step.rule, step.lines, step.line, diff_lines(step.rule, step.before, step.after)) for step in plan.steps
    ]
    return plan, FixOffer(report.path, tuple(fixes), plan.unfixable, model)
