"""Upload the file of a submission, again and again while the server cannot be reached."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.audio.signed_copy import SignedCopies, names_store
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import (
    ConnectionFailedError,
    LocalFileError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
)
from tbatch_tui.engine.journal.mapping import submission_key
from tbatch_tui.engine.local_files.fingerprint import Fingerprint, fingerprint_file
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.options import EngineOptions

_UPLOADS_AT_ONCE = 3
"""How many parts of a large file are uploaded together."""
LONGEST_WAIT = 60.0
"""Seconds between two attempts, unless the server asks for more."""
_LINKS_KEPT = 86_400.0
"""Seconds for which links may wait for their create: they hold for 7 days, and a job may run for 3."""
_TRIED_AGAIN = "No job was created. It is retried automatically."


class InputUploader:
    """Uploads the input files of submissions, a few at a time."""

    def __init__(
        self,
        api: TogetherApi,
        save: Callable[[Submission], Awaitable[Submission]],
        on_upload: Callable[[str, int, int, bool], None],
        options: EngineOptions,
    ) -> None:
        """Make an uploader. See `Submitter` for the arguments; `save` commits a step and returns it as saved."""
        self._api = api
        self._save = save
        self._on_upload = on_upload
        self._first_retry_delay = options.first_retry_delay
        self._now = options.now
        self._copies = SignedCopies(options.data_dir, options.audio_store)
        self._made_at: dict[int, float] = {}
        """When the links of submissions were made, by their id."""
        self._slots = asyncio.Semaphore(_UPLOADS_AT_ONCE)

    async def upload(self, submission: Submission, is_stopped: Callable[[], bool]) -> tuple[Submission, bool]:
        """Upload the file; return the submission, and whether the server did not have the file before.

        Raises LocalFileError and RequestRejectedError when it cannot be uploaded, the first also when it names
        recordings in a store that cannot be used.
        """
        key = submission_key(submission.id)
        if submission.endpoint == Endpoint.CHAT:
            return await self._upload(submission, key, is_stopped, submission.path)
        try:
            return await self._upload(submission, key, is_stopped)
        finally:
            await asyncio.to_thread(self._copies.remove, key)

    async def has_old_links(self, submission: Submission) -> bool:
        """Return whether what was uploaded has links that may end before a job that is made now has read them."""
        made_at = self._made_at.get(submission.id, submission.created_at)
        if not submission.endpoint.is_audio or self._now() - made_at < _LINKS_KEPT:
            return False
        try:
            return await asyncio.to_thread(names_store, submission.path)
        except OSError:
            return False  # the links that were uploaded are all there is

    async def remove_left_copies(self) -> None:
        """Remove the copies of apps that were killed. Call it when no other app works on the submissions."""
        await asyncio.to_thread(self._copies.remove_others)

    async def _upload(
        self, submission: Submission, key: str, is_stopped: Callable[[], bool], path: Path | None = None
    ) -> tuple[Submission, bool]:
        wait = self._first_retry_delay
        while True:
            try:
                _require_unchanged(submission, await fingerprint_file(submission.path))
                if path not in (None, submission.path) and self._now() - self._made_at[submission.id] > _LINKS_KEPT:
                    path = None
                if path is None:  # else the same links in each attempt: the same bytes get the same file
                    self._made_at[submission.id] = self._now()
                    path = await asyncio.to_thread(self._copies.make, submission.path, key)
                async with self._slots:
                    uploaded = await self._api.upload(
                        path, lambda done, total: self._on_upload(key, done, total, False), is_stopped
                    )
                # The SDK reads the file a second and third time: what it sent must be what was checked.
                _require_unchanged(submission, await fingerprint_file(submission.path))
            except (ConnectionFailedError, OutcomeUnknownError, RateLimitError) as error:
                # Repeating an upload makes nothing twice: the same bytes get the same file.
                delay = error.retry_after if isinstance(error, RateLimitError | ServerError) else None
                submission = await self._save(replace(submission, error=error.title, hint=retry_hint(delay)))
                await asyncio.sleep(delay or wait)
                wait = min(LONGEST_WAIT, wait * 2)
                continue
            except LocalFileError:
                if path in (None, submission.path) or await asyncio.to_thread(os.path.exists, path):
                    raise
                path = None  # the copy was removed, by an app that took it for left behind: it is made again
                await asyncio.sleep(wait)
                wait = min(LONGEST_WAIT, wait * 2)
                continue
            finally:
                self._on_upload(key, submission.size, submission.size, True)
            uploaded_submission = replace(
                submission, state=SubmissionState.UPLOADED, file_id=uploaded.file_id, error=None, hint=None
            )
            return await self._save(uploaded_submission), not uploaded.reused


def _require_unchanged(submission: Submission, fingerprint: Fingerprint) -> None:
    if (fingerprint.size, fingerprint.sha256) != (submission.size, submission.sha256):
        raise LocalFileError(
            f"{submission.path.name} has changed since it was checked",
            f"Nothing was submitted. {NextStep.PICK} takes the file as it is now, and checks it.",
        )


def retry_hint(delay: float | None) -> str:
    """Return what is safe, and when a step that was certainly not carried out is tried again."""
    if not delay:
        return _TRIED_AGAIN
    seconds = max(1, round(delay))
    return f"No job was created. The server asked for {plural(seconds, 'second')} of patience."
