"""Where the history is: in a copy, what it has not sent waits for the person."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import JournalError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.local_files.folder_place import find_place
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import SubmissionState
    from tbatch_tui.engine.journal.journal import Journal
    from tbatch_tui.engine.journal.journal_thread import JournalThread
    from tbatch_tui.engine.journal.published import PublishedRecords
    from tbatch_tui.engine.journal.unsent.copied import Copied


class PlaceStore:
    """Looks once, before anything is sent, whether the history is a copy; `JobStore` has one."""

    def __init__(
        self,
        thread: JournalThread,
        published: PublishedRecords,
        emit: Callable[[Event], object],
        now: Callable[[], float],
    ) -> None:
        self._thread = thread
        self._published = published
        self._emit = emit
        self._now = now
        self._is_known = False

    @property
    def _journal(self) -> Journal:
        return self._thread.journal

    async def look(self, *, notes: bool) -> None:
        """Look now, at the start; while the history cannot be written, that is left to `confirm`.

        `notes`: whether the place is noted where none is yet, as by an app that sends; else nothing is written then.
        """
        with suppress(JournalError):
            self._tell(await self._thread.run(self._look, notes=notes))

    async def confirm(self) -> None:
        """Durably look, if that could not be done yet. Nothing may be submitted or sent before this returns."""
        if not self._is_known:
            self._tell(await self._thread.run_until_written(self._look, notes=True))

    def _look(self, *, notes: bool) -> Copied | None:
        if self._is_known or not (notes or self._journal.copied.has_place()):
            return None
        try:
            here = find_place(self._journal.database.path)
        except OSError as error:
            raise JournalError(
                f"It cannot be told whether the history was copied: {error.strerror or error}",
                "Nothing is sent until then. It continues automatically when the data folder can be read and written.",
            ) from error
        copied = self._journal.copied.look(here, self._now(), notes=notes)
        self._is_known = notes or copied is not None
        return copied

    def _tell(self, copied: Copied | None) -> None:
        if copied is None:
            return
        self._published.publish(copied.records.get(self._thread.account_id, ()))
        waits = f"{plural(copied.held, 'part or file', 'parts or files')} {'waits' if copied.held == 1 else 'wait'}"
        title = f"{copied.words}: {waits}" if copied.held else copied.words
        hint = ""
        if copied.held:
            hint = f"If the other copy sends nothing any more, {NextStep.CONTINUE} sends it from here."
        if copied.searched:
            searched = plural(copied.searched, "create")
            hint = (
                f"{hint} {searched} without an answer {'is' if copied.searched == 1 else 'are'} not repeated.".strip()
            )
        if hint:
            self._emit(Notice(title, hint, "warning"))

    async def release(self, submission_id: int, state: SubmissionState, error: str | None = None) -> JobRecord | None:
        """Durably let a whole file that waits be sent, or not at all. See `CopiedHistory.release`."""
        moved = await self._thread.run_until_written(
            self._journal.copied.release, self._thread.account_id, submission_id, state, self._now(), error
        )
        if moved is not None:
            self._published.publish([moved])
        return moved
