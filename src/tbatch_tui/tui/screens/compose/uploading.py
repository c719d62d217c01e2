"""Upload the recordings of a folder that the store does not have, on a question, before the requests are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.folder import RecordingsSource
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from textual.app import App

    from tbatch_tui.engine.audio.object_store import ObjectStore, Recording
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.tables.readers.source import TableSource
    from tbatch_tui.tui.background import BackgroundWork
    from tbatch_tui.tui.bridge import Bridge


async def upload_missing(
    app: App[object],
    engine: BatchEngine,
    bridge: Bridge,
    source: TableSource,
    work: BackgroundWork,
    stop: threading.Event,
    show: Callable[[], object],
) -> bool:
    """Ask, and upload the recordings that the store does not have; False where the person does not want that.

    Nothing is done for a table that is no folder of recordings. Raises FaultyTableError where a recording cannot be
    sent, OperationCancelledError, and BatchError.

    Args:
        app: Asks.
        engine: Knows the store.
        bridge: Tells what was done.
        source: The table whose rows are asked.
        work: Is given label and progress.
        stop: Set once the person wants it to stop.
        show: Called when there is another label.
    """
    if not isinstance(source, RecordingsSource):
        return True
    from tbatch_tui.engine.audio.object_store import store_of
    from tbatch_tui.engine.audio.uploads import upload_recordings

    store = store_of(engine.options.audio_store)
    work.label = "Looking for the recordings in the store"
    show()
    missing, count = await run_cancellable(_missing, store, source, stop)
    if missing:
        size = sum(recording.size for recording in missing)
        there = f" {count - len(missing):,} are there already." if count > len(missing) else ""
        question = f"Upload {fmt.plural(len(missing), 'recording')} ({fmt.size(size)}) to {line(store.address)}?"
        explanation = f"Together fetches them from there, by links that hold for 7 days.{there}"
        if not await app.push_screen_wait(Confirm(question, explanation, yes="Upload", no="Not now")):
            return False
        work.label = "Uploading the recordings"
        show()

        def upload(*, cancelled: Callable[[], bool]) -> None:
            upload_recordings(
                store,
                missing,
                engine.options.data_dir,
                cancelled=lambda: cancelled() or stop.is_set(),
                progress=work.report_progress,
            )

        await run_cancellable(upload)
        bridge.notify(f"{fmt.plural(len(missing), 'recording')} uploaded", line(store.address))
    work.label = "Writing the requests"
    show()
    return True


def _missing(
    store: ObjectStore, source: RecordingsSource, stop: threading.Event, *, cancelled: Callable[[], bool]
) -> tuple[list[Recording], int]:
    """Return the recordings that are not in the store, and how many there are in all. Reads all of them."""
    problems = RowProblems()
    recordings = [recording for _, recording in source.recordings(problems, lambda: cancelled() or stop.is_set())]
    problems.raise_if_any(source.name)
    return store.missing(recordings), len(recordings)
