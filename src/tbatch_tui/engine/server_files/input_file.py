"""The input file of a job that was not submitted from here: downloaded, verified, and joined to the job.

That of a part without a file of its own is downloaded too, where the file that it is read from has changed.

From then on the job is like one that was submitted from that file: its questions stand next to the answers, its counts
are of its requests, and a retry, a check of the file and the way back into a table work.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.engine.download.fetch_file import fetch_file
from tbatch_tui.engine.download.part_file import PartState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, LocalFileError, NotFoundError
from tbatch_tui.engine.journal.tables.submissions import JobClaimedError
from tbatch_tui.engine.local_files.file_slices import InputPlace, is_there
from tbatch_tui.engine.local_files.filenames import safe_name, stem_of
from tbatch_tui.engine.local_files.fingerprint import fingerprint_file
from tbatch_tui.engine.local_files.rights import PRIVATE
from tbatch_tui.engine.threads import run_reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import AudioStore


class InputIsHereError(BatchError):
    """The input file of a part can be read: nothing has to be fetched."""


async def fetch_input(
    api: TogetherApi,
    store: JobStore,
    record: JobRecord,
    home: Path,
    moved: Callable[[int, int | None], None] = lambda _done, _total: None,
    audio_store: AudioStore | None = None,
) -> Path:
    """Download the input file of a job, and save that the job ran it. Return its path.

    Raises BatchError where the job has its input file here already, where the server has it no more, and when what came
    is not the file that the job ran; LocalFileError when it cannot be written. Then nothing has changed.

    Args:
        home: The folder in which it gets a folder of the job's own. Only this user can read it.
        moved: Called with the bytes done, and in all where that is known.
        audio_store: Where recordings are: links into it become addresses again.
    """
    if record.slices_read:
        return await _fetch_part(api, record, moved)
    job, file_id = _require_unknown(record)
    name = safe_name(stem_of(record.input_name) or job.id[:8])
    final = home / safe_name(job.id) / f"{name}.jsonl"
    await asyncio.to_thread(_make_private, final.parent)

    async def save() -> None:
        """Keep nothing of the download: it begins anew if it is cut off."""

    try:
        fetched = await fetch_file(
            api,
            file_id,
            final,
            state=PartState(),
            known=None,
            rights=PRIVATE,
            save=save,
            moved=moved,
        )
    except NotFoundError as error:
        raise BatchError(
            "The input file of this job is not on the server any more", "Its results can be read without it."
        ) from error
    verified = fetched.verified
    if job.file_size is not None and verified.size != job.file_size:
        await asyncio.to_thread(final.unlink, missing_ok=True)
        raise BatchError(
            f"The server sent {verified.size:,} bytes, and the job ran a file of {job.file_size:,}",
            "The download was not kept. Try again.",
        )
    if audio_store is not None and job.endpoint in (Endpoint.TRANSCRIPTION, Endpoint.TRANSLATION):
        await _without_signatures(final, audio_store)
    try:
        await store.submissions.add_run(job, final, await fingerprint_file(final), verified.rows)
    except JobClaimedError as error:
        raise BatchError("The input file of this job is known by now", "Look at the job again.") from error
    return final


async def _fetch_part(api: TogetherApi, record: JobRecord, moved: Callable[[int, int | None], None]) -> Path:
    """Download the file of a part to where it was, if it can be read from nowhere else. Raises as `fetch_input`."""
    job, submission = record.job, record.submission
    assert job is not None and submission is not None
    path = submission.path
    source = path if is_there(path) else record.slices_read[0].path
    with suppress(OSError):
        if (await run_reading(InputPlace(path, record.slices_read).read)).sha256 == submission.sha256:
            raise InputIsHereError(f"The input file of this job is known: {source}", "It has what was submitted.")
    if not job.input_file_id:
        raise BatchError("The server names no input file of this job", f"Restore {source}.")
    await asyncio.to_thread(_make_private, path.parent)

    async def save() -> None:
        """Keep nothing of the download: it begins anew if it is cut off."""

    try:
        await fetch_file(
            api, job.input_file_id, path, state=PartState(), known=None, rights=PRIVATE, save=save, moved=moved
        )
    except NotFoundError as error:
        raise BatchError(
            "The input file of this job is not on the server any more", f"{source} has changed or is gone: restore it."
        ) from error
    if (await fingerprint_file(path)).sha256 != submission.sha256:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise BatchError("The server sent another file than was submitted", "It was not kept. Try again.")
    return path  # its own file is read where it is there; of the other parts nothing has changed


def _require_unknown(record: JobRecord) -> tuple[Job, str]:
    """Return a job whose input file is not here, and the id of that file. Raises BatchError."""
    job = record.job
    if record.submission is not None:
        raise BatchError(
            f"The input file of this job is known: {record.submission.path}", "It was submitted from this machine."
        )
    if job is None or not job.input_file_id:
        raise BatchError("The server names no input file of this job", "Its results can be read without it.")
    return job, job.input_file_id


async def _without_signatures(path: Path, audio_store: AudioStore) -> None:
    """Replace signed links by addresses. The file is not kept where that cannot be done."""
    from tbatch_tui.engine.audio.unsigned import remove_signatures

    try:
        await asyncio.to_thread(remove_signatures, path, audio_store)
    except BaseException as error:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        if isinstance(error, OSError):
            message = f"{path.name} cannot be read again: {error.strerror or error}"
            raise LocalFileError(message, "Try again.") from error
        raise


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LocalFileError(
            f"{folder} cannot be made: {error.strerror or error}", "Free some space, or correct its rights."
        ) from error
