"""The recordings that were uploaded for a job: what is left of them in the store, and deleting that, on a question."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import work

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.status import QUIET
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.jobs.actions import JobActions

if TYPE_CHECKING:
    from textual.app import App
    from textual.binding import BindingType

    from tbatch_tui.engine.audio.unneeded import Unneeded
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.widgets.fact_list import Fact

_AUDIO = (Endpoint.TRANSCRIPTION, Endpoint.TRANSLATION)


class RecordingActions(JobActions):
    """Shows what could be deleted of the recordings of the `current` job, and deletes it."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.DELETE_RECORDINGS]

    def __init__(self) -> None:
        super().__init__()
        self._unneeded: Unneeded | None = None
        self._is_deleting = False

    @work(group="unneeded", exclusive=True, exit_on_error=False)
    async def load_unneeded(self) -> None:
        """Find out which recordings of the job are in the store and could be deleted."""
        record = self.current
        if record is not None and not no_recordings(self.engine, record):
            with suppress(BatchError):  # the key says why, when it is pressed
                self._unneeded = await self.engine.recordings.unneeded([record])

    def recording_facts(self) -> list[Fact]:
        """Return what could be deleted from the store; nothing where there is nothing."""
        store = self.engine.options.audio_store
        if self._unneeded is None or store is None or not self._unneeded.sizes:
            return []
        hint = fill_keys("  {job.delete-recordings} deletes them")
        return [("Uploaded", [(f"{_sum(self._unneeded)} in {line(store.address)}", ""), (hint, QUIET)])]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can be done with this job."""
        if action == "delete_recordings":
            return not no_recordings(self.engine, self.current)
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action cannot be done."""
        if action == "delete_recordings":
            return no_recordings(self.engine, self.current)
        return super().disabled_reason(action)

    @work(group="recordings", exit_on_error=False)
    async def action_delete_recordings(self) -> None:
        """Delete what was uploaded for the job and no job needs, on a question."""
        if self._is_deleting or (record := self.current) is None:
            return
        self._is_deleting = True
        try:
            if await ask_and_delete(self.app, self.engine, self.bridge, record):
                self._unneeded = None
        finally:
            self._is_deleting = False


def no_recordings(engine: BatchEngine, record: JobRecord | None) -> str:
    """Return why there can be no recordings to delete; empty where there may be some."""
    if record is None or record.endpoint not in _AUDIO:
        return "It is not a job of recordings"
    if engine.options.audio_store is None:
        return "No [audio] store is set: nothing was uploaded for it"
    return "" if record.is_finished else "Its recordings can be deleted once it has ended and its results are here"


async def ask_and_delete(app: App[object], engine: BatchEngine, bridge: Bridge, record: JobRecord) -> bool:
    """Ask, and delete what was uploaded for a job and no job needs. Return whether something was deleted."""
    store = engine.options.audio_store
    assert store is not None
    try:
        unneeded = await engine.recordings.unneeded([record])
        kept = "\n".join(f"{line(words)}." for words in unneeded.kept_words)
        if not unneeded.sizes:
            bridge.notify(f"There is nothing to delete in {line(store.address)}", kept)
            return False
        question = f"Delete {_sum(unneeded)} from {line(store.address)}?"
        explanation = "They were uploaded for this job. Its results stay, and so do the files on this machine."
        if not await app.push_screen_wait(
            Confirm(question, f"{explanation}\n{kept}".strip(), yes="Delete them", no="Leave them")
        ):
            return False
        bridge.notify(f"Deleting {fmt.plural(len(unneeded.sizes), 'recording')} …")
        count = await engine.recordings.delete(list(unneeded.sizes))
    except BatchError as error:
        bridge.report(error)
        return False
    bridge.notify(f"{fmt.plural(count, 'recording')} deleted from {line(store.address)}")
    return True


def _sum(unneeded: Unneeded) -> str:
    return f"{fmt.plural(len(unneeded.sizes), 'recording')} ({fmt.size(unneeded.size)})"
