"""Upload what a store does not have, and note what was uploaded: nothing else is ever deleted there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tbatch_tui.engine.audio.object_store import ObjectStore, Recording


def upload_recordings(
    store: ObjectStore,
    recordings: Sequence[Recording],
    data_dir: Path,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> None:
    """Send recordings, as `ObjectStore.upload`. Each is in the history as soon as it is there. For a thread.

    Raises LocalFileError, OperationCancelledError and BatchError, JournalError among them.

    Args:
        store: Where they are put.
        recordings: Those that are missing there.
        data_dir: The folder of the history.
        cancelled: Asked again and again whether to stop.
        progress: Called with the bytes sent and the bytes in all, from several threads, one at a time.
    """
    from tbatch_tui.engine.journal.journal import Journal

    journal = Journal(data_dir / "history.db")

    def note(recording: Recording) -> None:
        if not recording.replaces:  # what had its name is not from here, as far as is known
            with journal.database.translate_errors():
                journal.recording_uploads.add(store.endpoint, store.address_of(recording), recording.size, time.time())

    try:
        store.upload(recordings, cancelled=cancelled, progress=progress, stored=note)
    finally:
        journal.close()
