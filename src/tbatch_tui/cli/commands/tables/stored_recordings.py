"""What is left in the store of the recordings of jobs whose results are here, and deleting that, on a question."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import FAILED, OK, USAGE
from tbatch_tui.cli.output import print_message
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text import format as fmt
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.audio.unneeded import Unneeded
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine


async def delete_recordings(engine: BatchEngine, records: Sequence[JobRecord], *, yes: bool) -> int:
    """Ask, and delete from the store what was uploaded for these jobs and no job needs; return the exit code.

    Raises BatchError where it cannot be known what is needed, or the store cannot be used.
    """
    unneeded = await engine.recordings.unneeded(records)
    store = engine.options.audio_store
    assert store is not None
    for words in unneeded.kept_words:
        print_message(words)
    if not unneeded.sizes:
        print_message(f"There is nothing to delete in {store.address}.")
        return OK
    if not yes:
        print_message(_question(unneeded, store.address))
        if not sys.stdin.isatty():
            print_message("No terminal to ask on: nothing was deleted. Use --yes.")
            return USAGE
        sys.stderr.write("[y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print_message("Nothing was deleted.")
            return FAILED
    count = await engine.recordings.delete(list(unneeded.sizes))
    print_message(f"{plural(count, 'recording')} deleted from {store.address}")
    return OK


async def note_left(engine: BatchEngine, records: Sequence[JobRecord]) -> None:
    """Print how many recordings of these jobs are left in the store that no job needs. Nothing where there are none."""
    if engine.options.audio_store is None or not any("/audio/" in (record.endpoint or "") for record in records):
        return
    try:
        unneeded = await engine.recordings.unneeded(records)
    except BatchError:
        return  # it is no more than a hint
    if unneeded.sizes:
        print_message(
            f"{plural(len(unneeded.sizes), 'recording')} ({fmt.size(unneeded.size)}) of this stay in "
            f"{engine.options.audio_store.address}: fetch ID --delete-recordings deletes them"
        )


def _question(unneeded: Unneeded, store: str) -> str:
    return f"Delete {plural(len(unneeded.sizes), 'recording')} ({fmt.size(unneeded.size)}) from {store}?"
