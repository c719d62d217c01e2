"""What can be done with a job, wherever one is shown: Jobs and Job share these actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.screen import Screen

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import FileKind, JobStatus, LocalStatus
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.errors import AuthenticationError, BatchError, ConnectionFailedError, RateLimitError
from tbatch_tui.engine.record_json import record_to_dict
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import OpenResults
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.terminal.clipboard import copy_id, copy_record, json_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from textual.binding import BindingType

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge

_OF_SEVERAL = ("cancel_job", "download")
_NEEDS_A_JOB = ("results", "retry", "edit_label", "copy_id", "copy_record", "settle")


class JobActions(Screen[None]):
    """Actions on `current`. The screen that mixes this in says which record that is."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.SETTLE, keys.RETRY, keys.COPY_RECORD]

    engine: BatchEngine
    bridge: Bridge

    def __init__(self) -> None:
        super().__init__()
        self._under_way: set[str] = set()
        """Keys of what is being cancelled or fetched just now: nothing is sent twice."""

    @property
    def current(self) -> JobRecord | None:
        """The record that the actions are about."""
        raise NotImplementedError

    @property
    def targets(self) -> Sequence[JobRecord]:
        """The records that cancel and download are about: in a list, all that are marked."""
        return [self.current] if self.current is not None else []

    def unmark(self, keys: Iterable[str]) -> None:
        """What was asked for has been done to these: a list takes their marks away."""

    def count_hidden(self, records: Sequence[JobRecord]) -> int:
        """How many of these the person does not see now."""
        return 0

    def applying(self, action: str) -> list[JobRecord]:
        """The targets that this can be done to."""
        return [record for record in self.targets if record.key not in self._under_way and _applies(action, record)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _OF_SEVERAL:
            return any(_applies(action, record) for record in self.targets)
        if action in _NEEDS_A_JOB:
            return self.current is not None and _applies(action, self.current)
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Why an action on these jobs cannot be done just now."""
        from tbatch_tui.tui.screens.jobs.reasons import disabled_reason

        if action in _OF_SEVERAL:
            return disabled_reason(action, self.targets)
        if action in _NEEDS_A_JOB:
            return disabled_reason(action, [self.current] if self.current is not None else [])
        return ""

    @work(group="cancel", exit_on_error=False)
    async def action_cancel_job(self) -> None:
        """Ask, then cancel, each once; a submission that has no job yet is stopped instead."""
        from tbatch_tui.tui.dialogs.confirm import Confirm
        from tbatch_tui.tui.screens.jobs.questions import cancel_question

        records = self.applying("cancel_job")
        if not records:
            self.bridge.notify("That is under way already")
            return
        asked = cancel_question(records, hidden=self.count_hidden(records), left=len(self.targets) - len(records))
        if not await self.app.push_screen_wait(Confirm(asked.question, asked.explanation, yes=asked.yes, no=asked.no)):
            return
        await self._each(records, self._cancel, "not cancelled")

    async def _cancel(self, record: JobRecord) -> None:
        record = self.engine.record(record.key) or record  # it may have become a job while the question stood
        if record.is_active:
            await self.engine.cancel(record)

    @work(group="settle", exit_on_error=False)
    async def action_settle(self) -> None:
        """Let the person decide about an uncertain create; a second one is asked about once more."""
        from tbatch_tui.tui.dialogs.confirm import Confirm
        from tbatch_tui.tui.screens.jobs.uncertain_dialog import UncertainDialog

        if (record := self.current) is None:
            return
        if record.is_waiting:
            await self._ask_about_rest(record)
            return
        candidates = self.engine.candidates(record.key)
        if candidates is None:
            self.bridge.notify(
                "It is not being looked up here",
                "Another tbatch-tui is at work on this data folder: decide there. Or there is no connection yet.",
            )
            return
        verdict = await self.app.push_screen_wait(UncertainDialog(record, candidates, self.engine.now()))
        if verdict is None:
            return
        if verdict.again and not await self.app.push_screen_wait(
            Confirm(
                f"Create {line(record.name)} again?",
                "If the first create was carried out after all, both jobs run and both are billed.",
                yes="Create again",
                no="Look on",
            )
        ):
            return
        if not self.engine.decide(record.key, verdict):
            self.bridge.notify("It was settled meanwhile", "Nothing was done: the list has it now.")

    async def _ask_about_rest(self, record: JobRecord) -> None:
        """Let the person decide about the rest of a file, of which some requests went ahead."""
        from tbatch_tui.engine.pricing.prices import cost
        from tbatch_tui.tui.screens.jobs.rest_dialog import Rest, RestDialog

        group, parts = record.group, await self.engine.groups.parts(record.key)
        if group is None or not parts:
            return
        first = parts[0]
        spent = first.counts.usage if first.counts is not None else ()
        found = cost(spent, await self.engine.prices.price_list(), first.job.model if first.job is not None else None)
        match await self.app.push_screen_wait(RestDialog(first, group, found if spent else None)):
            case Rest.LOOK:
                self.post_message(OpenResults(first.key))
            case Rest.SEND:
                await self._tell_moved(self.engine.groups.send_rest(record.key))
            case Rest.DROP:
                await self._tell_moved(self.engine.groups.drop_rest(record.key))

    async def _tell_moved(self, moving: Awaitable[int]) -> None:
        try:
            moved = await moving
        except BatchError as error:
            self.bridge.report(error)
        else:
            if not moved:
                self.bridge.notify("It was decided meanwhile", "Nothing was done: the list has it now.")

    @work(group="download", exit_on_error=False)
    async def action_download(self) -> None:
        """Fetch output and errors (again)."""
        if not (records := self.applying("download")):
            self.bridge.notify("That is under way already")
            return
        await self._each(records, lambda record: self.engine.download(record.key), "not fetched")

    async def _each(
        self, records: Sequence[JobRecord], do: Callable[[JobRecord], Awaitable[object]], not_done: str
    ) -> None:
        """Do it to one after the other, and say at the end, once, what went wrong.

        What would go wrong with each of them ends it: without a connection nobody waits for 50 tries.
        """
        keys = {record.key for record in records}
        self._under_way |= keys
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
                self._under_way.discard(record.key)
        finally:
            self._under_way -= keys
        if failures:
            from tbatch_tui.tui.screens.jobs.questions import group_text

            self.bridge.report(group_text(failures, len(records), not_done, len(records) - tried))

    def action_results(self) -> None:
        """Read what came back."""
        self._open_results()

    def action_retry(self) -> None:
        """Choose, beside the results, what is to be asked once more."""
        self._open_results(retry=True)

    def _open_results(self, *, retry: bool = False) -> None:
        if (record := self.current) is None:
            return
        if any(t.state is TransferState.FETCHED for t in record.transfers):
            self.post_message(OpenResults(record.key, retry=retry))
        elif record.job is not None and any(record.job.file_id(kind) for kind in FileKind):
            self.bridge.notify("The results are not here yet", "Press {job.download} to fetch them.")
        else:
            self.bridge.notify("This job has no results", "They are there when it has ended.")

    def action_refresh_now(self) -> None:
        """Ask the server now."""
        if self.engine.refresh():
            self.bridge.notify("Asking the server …")
        elif self.engine.health.state is HealthState.OK:
            self.bridge.notify("It was asked just now: once in 2 s is enough")
        else:
            self.bridge.notify("There is no connection to the server to ask by")

    @work(group="label", exit_on_error=False)
    async def action_edit_label(self) -> None:
        """Edit the label and the note, kept on this machine."""
        if (record := self.current) is None:
            return
        from tbatch_tui.tui.screens.jobs.label_dialog import EditLabel

        edited = await self.app.push_screen_wait(EditLabel(record.label, record.note))
        if edited is None:
            return
        try:
            await self.engine.annotate(record.key, *edited)
        except BatchError as error:
            self.bridge.report(error)

    def action_copy_id(self) -> None:
        """Copy the job's id, over ssh too (OSC 52)."""
        if (record := self.current) is not None:
            copy_id(self.app, self.bridge, record.key)

    def action_copy_record(self) -> None:
        """Copy all that is known of the job."""
        if (record := self.current) is not None:
            copy_record(self.app, self.bridge, json_text(record_to_dict(record)), line(record.name))


def _applies(action: str, record: JobRecord) -> bool:
    job = record.job
    match action:
        case "cancel_job":
            uncertain = record.status in (LocalStatus.UNCERTAIN, JobStatus.CANCELLING)
            return record.is_active and not uncertain
        case "settle":
            return record.status == LocalStatus.UNCERTAIN or record.is_waiting
        case "download" | "results" | "retry":
            return job is not None and any(job.file_id(kind) for kind in FileKind)
        case _:
            return True


def record_answered(record: JobRecord) -> str:
    """What a toast says when a job's files are here: `1,980 rows came back, 17 failed`."""
    answered, errors = record.answered_rows or 0, record.error_rows or 0
    words = f"{fmt.plural(answered, 'row')} came back"
    words += f", {errors:,} failed" if errors else ", none failed"
    missing = (record.requests or 0) - answered - errors
    return words + (f", {missing:,} missing" if record.requests and missing > 0 else "")
