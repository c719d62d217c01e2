"""Send again what of a file was refused or stopped, and nothing of what ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import parse_slices
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.groups.part_folders import using_copies, writing_parts
from tbatch_tui.engine.local_files.fingerprint import Fingerprint
from tbatch_tui.engine.local_files.input_state import InputState
from tbatch_tui.engine.threads import run_cancellable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import JobGroup, Submission
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.journal.tables.groups import FindRoom
    from tbatch_tui.engine.local_files.input_state import InputWatcher

_NOTHING_SENT = "Nothing was sent."


class UnsentFiles:
    """Finds what was refused or stopped, has its files at hand, and commits the intent to send it."""

    def __init__(self, store: JobStore, inputs: InputWatcher, home: Path) -> None:
        """`home` is the folder in which folders of parts are made."""
        self._store = store
        self._inputs = inputs
        self._home = home

    async def find(self, record: JobRecord) -> list[JobRecord]:
        """Return the records of the same file that were refused or stopped, and certainly made no job."""
        if record.group is None:
            return [record] if record.can_send_again else []
        parts = await self._store.groups.parts(record.group.id, even_removed=True)
        return [part for part in parts if part.can_send_again]

    async def send(
        self, records: Sequence[JobRecord], known_runs: Sequence[JobRecord], room: FindRoom
    ) -> list[JobRecord]:
        """Commit the intent to submit these records of one file; return those that nobody else has sent meanwhile.

        Raises LocalFileError when the bytes are not at hand any more, and AlreadySubmittedError.
        """
        async with writing_parts(self._home), using_copies(self._home):
            sent = await self._store.groups.send_again(await self.at_hand(records), known_runs, room)
            if sent and sent[0].group is not None and sent[0].group.copies:
                await self._store.groups.note_copies(sent[0].group.id, "")
            return sent

    async def at_hand(self, records: Sequence[JobRecord]) -> dict[str, Path]:
        """Return where the file of each record is, by its key. Raises LocalFileError.

        The files of parts that are gone are written anew, from the file that they are parts of.
        """
        paths, gone = {}, []
        for record in records:
            submission = record.submission
            assert submission is not None
            paths[record.key] = submission.path
            state = await self._inputs.state_of(submission.path, submission.size, submission.sha256)
            if state is InputState.UNCHANGED:
                continue
            if record.group is None:
                raise _not_at_hand(submission.path, state)
            gone.append(submission)
        group = records[0].group if records else None
        if group is not None and gone:
            written = await self._write_anew(group, gone)
            for record in records:
                if record.submission in gone:
                    paths[record.key] = written[record.submission.sha256]
        return paths

    async def _write_anew(self, group: JobGroup, gone: Sequence[Submission]) -> dict[str, Path]:
        """Return the new files of these parts, by their SHA-256."""
        from tbatch_tui.engine.groups.copies.write_slices import write_slices
        from tbatch_tui.engine.groups.split import rewrite_parts

        if all(part.slices for part in gone):
            for part in gone:
                state = await self._inputs.state_of(part.path, part.size, part.sha256, part.slices)
                if state is not InputState.UNCHANGED:
                    raise _not_at_hand(parse_slices(part.slices)[0].path, state)
            return await run_cancellable(write_slices, gone, self._home)
        state = await self._inputs.state_of(group.path, group.size, group.sha256)
        if state is not InputState.UNCHANGED:
            raise _not_at_hand(group.path, state)
        parts = [
            part.submission for part in await self._store.groups.parts(group.id, even_removed=True) if part.submission
        ]
        return await run_cancellable(
            rewrite_parts,
            group.path,
            self._home,
            fingerprint=Fingerprint(group.size, group.sha256, 0),
            requests=group.requests,
            first=group.first,
            counts=[part.requests for part in parts if not (group.first and part.part == 1)],
            wanted={part.sha256: part.path.name for part in gone},
        )


def _not_at_hand(path: Path, state: InputState) -> LocalFileError:
    words = {InputState.GONE: "is gone", InputState.CHANGED: "has changed since it was submitted"}
    return LocalFileError(
        f"{path.name} {words.get(state, 'cannot be read')}: it cannot be sent again",
        f"{_NOTHING_SENT} Restore {path}, or check and submit it as it is now.",
    )
