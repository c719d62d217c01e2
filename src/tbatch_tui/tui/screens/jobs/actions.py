"""The actions on jobs that the screens Jobs and Job share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.screen import Screen

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.errors import AuthenticationError, BatchError, ConnectionFailedError, RateLimitError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import OpenResults
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from textual.binding import BindingType

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.groups.group_record import GroupRecord
    from tbatch_tui.tui.bridge import Bridge

_ON_TARGETS = ("cancel_job", "download", "acknowledge")
"""Actions on all targets."""
_ON_CURRENT = ("results", "retry", "merge", "export", "edit_label", "copy_id", "copy_record", "settle")
"""Actions on the current record."""


class JobActions(Screen[None]):
    """Actions on the `current` record and on the `targets`, which the screen that mixes this in defines."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.SETTLE, keys.RETRY, keys.ACKNOWLEDGE, keys.COPY_RECORD]

    engine: BatchEngine
    bridge: Bridge

    def __init__(self) -> None:
        super().__init__()
        self._in_progress: set[str] = set()
        """Keys of the records that are being cancelled or downloaded now, so that nothing is sent twice."""

    @property
    def current(self) -> JobRecord | None:
        """The record that actions on a single job are about."""
        raise NotImplementedError

    @property
    def current_group(self) -> GroupRecord | None:
        """The group under the cursor, for a list that shows groups as one row to override."""
        return None

    @property
    def targets(self) -> Sequence[JobRecord]:
        """The records that actions on several jobs are about: in a list, all that are marked."""
        if self.current_group is not None:
            return self.current_group.parts
        return [self.current] if self.current is not None else []

    def record_for(self, action: str) -> JobRecord | None:
        """Return the record that an action on a single job is about: of a group the first part that it applies to."""
        if (group := self.current_group) is None:
            return self.current
        return next((part for part in group.parts if _applies(action, part)), self.current)

    def unmark(self, keys: Iterable[str]) -> None:
        """Take the marks from records that an action was done to; called by the actions, for a list to override."""

    def count_hidden(self, _records: Sequence[JobRecord]) -> int:
        """Return how many of these records are not shown now; for a list with a filter to override."""
        return 0

    def applicable(self, action: str) -> list[JobRecord]:
        """Return the targets that an action can be done to, and is not being done to already."""
        return [record for record in self.targets if record.key not in self._in_progress and _applies(action, record)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        if action in _ON_TARGETS:
            return any(_applies(action, record) for record in self.targets)
        if action == "remove":
            return any(not record.is_active for record in self.targets)
        if action in _ON_CURRENT:
            record = self.record_for(action)
            return record is not None and _applies(action, record)
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action on these jobs cannot be done now."""
        from tbatch_tui.tui.screens.jobs.reasons import disabled_reason

        if action in (*_ON_TARGETS, "remove"):
            return disabled_reason(action, self.targets)
        if action in _ON_CURRENT:
            record = self.record_for(action)
            return disabled_reason(action, [record] if record is not None else [])
        return ""

    @work(group="cancel", exit_on_error=False)
    async def action_cancel_job(self) -> None:
        """Ask, then cancel the targets; a submission that has no job yet is stopped instead."""
        from tbatch_tui.tui.screens.jobs.questions import ask, cancel_question

        records = self.applicable("cancel_job")
        if not records:
            self.bridge.notify("Already in progress")
            return
        waiting = await self._waiting_with(self.targets)
        hidden, left = self.count_hidden(records), len(self.targets) - len(records) - len(waiting)
        if not await ask(self.app, cancel_question(records, hidden=hidden, left=left, waiting=len(waiting))):
            return
        for record in waiting:  # first: none is sent because another was cancelled
            await self.engine.groups.drop_rest(record.key)
        await self._run_each(records, self._cancel, "not cancelled")

    async def _waiting_with(self, targets: Sequence[JobRecord]) -> list[JobRecord]:
        """Return the parts on hold of the groups that are cancelled as a whole."""
        keys = {record.key for record in targets}
        waiting: list[JobRecord] = []
        for group in {record.group: record for record in targets if record.is_waiting and record.group}.values():
            parts = [part for part in await self.engine.groups.parts(group.key) if part.is_waiting]
            waiting += parts if keys.issuperset(part.key for part in parts) else []
        return waiting

    async def _cancel(self, record: JobRecord) -> None:
        record = self.engine.record(record.key) or record  # it may have become a job while the question was open
        if record.is_active:
            await self.engine.cancel(record)

    @work(group="settle", exit_on_error=False)
    async def action_settle(self) -> None:
        """Let the person decide about an uncertain create, the rest of a file that waits, or what was not sent."""
        from tbatch_tui.tui.screens.jobs.decisions import Decisions

        if (record := self.record_for("settle")) is None:
            return
        decisions = Decisions(self, self.engine, self.bridge)
        group = self.current_group
        if record.can_send_again and group is not None:  # where others wait, that is one of several things to do
            record = next((part for part in group.parts if part.is_waiting), record)
        if record.is_waiting:
            await decisions.decide_rest(record)
        elif record.can_send_again:
            await decisions.decide_unsent(record)
        else:
            await decisions.decide_uncertain(record)

    @work(group="download", exit_on_error=False)
    async def action_download(self) -> None:
        """Download output and errors, again if they are here already."""
        if not (records := self.applicable("download")):
            self.bridge.notify("Already in progress")
            return
        await self._run_each(records, lambda record: self.engine.download(record), "not downloaded")

    @work(group="acknowledge", exit_on_error=False)
    async def action_acknowledge(self) -> None:
        """Let the targets ask for no attention any more; if none of them does, let them ask again."""
        records = [record for record in self.targets if record.can_acknowledge]
        undo = all(record.is_acknowledged for record in records)
        try:
            count = await self.engine.acknowledge([record.key for record in records], undo=undo)
        except BatchError as error:
            self.bridge.report(error)
            return
        self.unmark([record.key for record in records])
        what = line(records[0].name) if count == 1 and records else fmt.plural(count, "job")
        if undo:
            self.bridge.notify(f"Needs attention again: {what}")
        else:
            self.bridge.notify(f"Acknowledged: {what}", "{job.acknowledge} again to undo.")

    @work(group="remove", exit_on_error=False)
    async def action_remove(self) -> None:
        """Ask, then remove from the list the jobs that can be removed; the question says why others stay."""
        from tbatch_tui.tui.screens.jobs.questions import ask, nothing_removed, remove_question

        blockers = {record.key: self.engine.removal_blocker(record.key) for record in self.targets}
        records = [record for record in self.targets if not blockers[record.key]]
        reasons = [blocker for blocker in blockers.values() if blocker]
        if not records:
            self.bridge.notify("Nothing was removed", nothing_removed(reasons), "warning")
            return
        if not await ask(self.app, remove_question(records, hidden=self.count_hidden(records), blockers=reasons)):
            return
        try:
            await self.engine.remove([record.key for record in records])
        except BatchError as error:
            self.bridge.report(error)

    async def _run_each(
        self, records: Sequence[JobRecord], do: Callable[[JobRecord], Awaitable[object]], not_done: str
    ) -> None:
        """Run `do` on one record after the other, and report at the end, once, what failed.

        An error that each of them would get ends it: without a connection nobody waits for 50 attempts.

        Args:
            records: What to run it on.
            do: The action on one record; may raise BatchError.
            not_done: What a record is if it failed: `not cancelled`.
        """
        keys = {record.key for record in records}
        self._in_progress |= keys
        failures: list[tuple[JobRecord, BatchError]] = []
        tried = 0
        try:
            for record in records:
                tried += 1
                try:
                    await do(record)
                except BatchError as error:
                    failures.append((record, error))
                    if isinstance(error, ConnectionFailedError | AuthenticationError | RateLimitError):
                        break
                else:
                    self.unmark([record.key])
                self._in_progress.discard(record.key)
        finally:
            self._in_progress -= keys
        if failures:
            from tbatch_tui.tui.screens.jobs.questions import combine_errors

            self.bridge.report(combine_errors(failures, len(records), not_done, len(records) - tried))

    def action_results(self) -> None:
        """Open the results."""
        self._open_results()

    def action_retry(self) -> None:
        """Open the results, and choose there which requests to retry."""
        self._open_results(retry=True)

    def action_merge(self) -> None:
        """Open the results of the job or group, merged with those of its retries."""
        self._open_results(merged=True)

    def action_export(self) -> None:
        """Open the results, and choose there how to export them."""
        self._open_results(export=True)

    def _open_results(self, *, retry: bool = False, export: bool = False, merged: bool = False) -> None:
        if (record := self.record_for("results")) is None:
            return
        group = self.current_group
        here = (part for part in (group.parts if group is not None else (record,)) if _has_results_here(part))
        if (found := next(here, None)) is not None:
            is_merged = merged or group is not None
            self.post_message(OpenResults(found.key, retry=retry, export=export, merged=is_merged))
        elif record.has_result_files:
            self.bridge.notify("The results are not downloaded yet", "Press {job.download} to fetch them.")
        else:
            self.bridge.notify("This job has no results", "They are available when it has ended.")

    def action_refresh_now(self) -> None:
        """Ask the server for the list of jobs now."""
        if self.engine.refresh():
            self.bridge.notify("Asking the server …")
        elif self.engine.health.state is HealthState.OK:
            self.bridge.notify("Just refreshed: at most once every 2 s")
        else:
            self.bridge.notify("No connection to the server")

    @work(group="label", exit_on_error=False)
    async def action_edit_label(self) -> None:
        """Edit the label and the note, which stay on this machine."""
        if (record := self.current) is None:
            return
        from tbatch_tui.tui.screens.jobs.dialogs.label import EditLabel

        group = self.current_group
        edited = await self.app.push_screen_wait(EditLabel(record.label, record.note))
        if edited is None:
            return
        try:
            for each in group.parts if group is not None else (record,):  # the parts are called as the group is
                await self.engine.annotate(each.key, *edited)
        except BatchError as error:
            self.bridge.report(error)

    def action_copy_id(self) -> None:
        """Copy the id, or those of all marked jobs, one a line; over ssh too (OSC 52)."""
        targets = self.targets
        if len(targets) > 1:
            self.app.copy_to_clipboard("\n".join(line(record.key) for record in targets))
            self.bridge.notify(f"Copied {len(targets):,} ids")
        elif (record := self.current) is not None:
            from tbatch_tui.tui.terminal.clipboard import copy_id

            copy_id(self.app, self.bridge, record.key)

    def action_copy_record(self) -> None:
        """Copy all that is known of the job, as JSON."""
        if (record := self.current) is not None:
            from tbatch_tui.engine.groups.group_record import group_to_dict
            from tbatch_tui.engine.record_json import record_to_dict
            from tbatch_tui.tui.terminal.clipboard import copy_record, json_text

            values, name = record_to_dict(record), record.name
            if (group := self.current_group) is not None:
                values, name = group_to_dict(group, [record_to_dict(part) for part in group.parts]), group.name
            copy_record(self.app, self.bridge, json_text(values), line(name))


def _has_results_here(record: JobRecord) -> bool:
    return any(transfer.state is TransferState.FETCHED for transfer in record.transfers)


def _applies(action: str, record: JobRecord) -> bool:
    match action:
        case "cancel_job":
            return record.can_cancel
        case "settle":
            return record.can_decide
        case "download":
            return record.can_download
        case "acknowledge":
            return record.can_acknowledge
        case "results" | "retry" | "merge" | "export":
            return record.has_result_files
        case _:
            return True


def format_answered(record: JobRecord) -> str:
    """Return what a toast says when a job's files are here: `1,980 answers, 17 errors`."""
    answered, errors = record.answered_rows or 0, record.error_rows or 0
    text = f"{fmt.plural(answered, 'answer')}, {fmt.plural(errors, 'error') if errors else 'no errors'}"
    missing = (record.requests or 0) - answered - errors
    return text + (f", {missing:,} missing" if record.requests and missing > 0 else "")
