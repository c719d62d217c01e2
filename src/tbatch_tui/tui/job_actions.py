"""What can be done with a job, wherever one is shown: Jobs and Job share these actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import BindingType
from textual.screen import Screen

from tbatch_tui.engine.document import document
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.model import FileKind, JobRecord, JobStatus, LocalStatus, TransferState
from tbatch_tui.tui import format as fmt
from tbatch_tui.tui import keys
from tbatch_tui.tui.clipboard import copy_id, copy_record, json_text
from tbatch_tui.tui.messages import OpenResults
from tbatch_tui.tui.text import line

if TYPE_CHECKING:
    from tbatch_tui.engine.controller import Controller
    from tbatch_tui.tui.bridge import Bridge

_NEEDS_A_JOB = ("cancel_job", "download", "results", "retry", "edit_label", "copy_id", "copy_record", "settle")


class JobActions(Screen[None]):
    """Actions on `current`. The screen that mixes this in says which record that is."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.SETTLE, keys.RETRY, keys.COPY_RECORD]

    engine: Controller
    bridge: Bridge

    @property
    def current(self) -> JobRecord | None:
        """The record that the actions are about."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _NEEDS_A_JOB:
            return self.current is not None and _applies(action, self.current)
        return super().check_action(action, parameters)

    @work(group="cancel", exit_on_error=False)
    async def action_cancel_job(self) -> None:
        """Ask, then cancel; a submission that has no job yet is stopped instead."""
        from tbatch_tui.tui.dialogs.confirm import Confirm

        record = self.current
        if record is None or not record.is_active:
            return
        yes = await self.app.push_screen_wait(
            Confirm(
                f"Cancel {line(record.name)}?",
                "Rows that are finished come back and are billed; cancelling refunds nothing."
                if record.job is not None
                else "Nothing has been created yet: stopping now leaves no job and costs nothing.",
                yes="Cancel the job" if record.job is not None else "Stop it",
                no="Keep it running",
            )
        )
        if not yes:
            return
        record = self.engine.record(record.key) or record
        try:
            if record.job is not None:
                await self.engine.cancel(record.job.id)
            elif not await self.engine.stop_submission(record.key):
                self.bridge.say(
                    "It is too late to stop it here",
                    "The create may be on its way. When the job shows up, c cancels it.",
                    "warning",
                )
        except BatchError as error:
            self.bridge.report(error)

    @work(group="settle", exit_on_error=False)
    async def action_settle(self) -> None:
        """Let the person decide about an uncertain create; a second one is asked about once more."""
        from tbatch_tui.tui.dialogs.confirm import Confirm
        from tbatch_tui.tui.dialogs.settle import Settle

        if (record := self.current) is None:
            return
        candidates = self.engine.candidates(record.key)
        if candidates is None:
            self.bridge.say(
                "It is not being looked up here",
                "Another tbatch-tui is at work on this data folder: decide there. Or there is no connection yet.",
            )
            return
        verdict = await self.app.push_screen_wait(Settle(record, candidates, self.engine.now()))
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
        if not self.engine.settle(record.key, verdict):
            self.bridge.say("It was settled meanwhile", "Nothing was done: the list has it now.")

    @work(group="download", exit_on_error=False)
    async def action_download(self) -> None:
        """Fetch output and errors (again)."""
        if (record := self.current) is None:
            return
        try:
            await self.engine.fetch(record.key)
        except BatchError as error:
            self.bridge.report(error)

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
            self.bridge.say("The results are not here yet", "Press d to fetch them.")
        else:
            self.bridge.say("This job has no results", "They are there when it has ended.")

    def action_refresh_now(self) -> None:
        """Ask the server now."""
        if self.engine.refresh():
            self.bridge.say("Asking the server …")

    @work(group="label", exit_on_error=False)
    async def action_edit_label(self) -> None:
        """Edit the label and the note, kept on this machine."""
        if (record := self.current) is None:
            return
        from tbatch_tui.tui.dialogs.edit_label import EditLabel

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
            copy_record(self.app, self.bridge, json_text(document(record)), line(record.name))


def _applies(action: str, record: JobRecord) -> bool:
    job = record.job
    match action:
        case "cancel_job":
            uncertain = record.status in (LocalStatus.UNCERTAIN, JobStatus.CANCELLING)
            return record.is_active and not uncertain
        case "settle":
            return record.status == LocalStatus.UNCERTAIN
        case "download" | "results" | "retry":
            return job is not None and any(job.file_id(kind) for kind in FileKind)
        case _:
            return True


def came_back(record: JobRecord) -> str:
    """What a toast says when a job's files are here: `1,980 rows came back, 17 failed`."""
    answered, errors = record.answered_rows or 0, record.error_rows or 0
    words = f"{fmt.plural(answered, 'row')} came back"
    words += f", {errors:,} failed" if errors else ", none failed"
    missing = (record.requests or 0) - answered - errors
    return words + (f", {missing:,} missing" if record.requests and missing > 0 else "")
