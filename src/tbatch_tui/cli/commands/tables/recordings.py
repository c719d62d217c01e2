"""A folder of recordings for `make`: what of it can be sent, and the upload of what the store does not have yet."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.cli.output import print_message
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.readers.folder import FolderSource, RecordingsSource, recordings_in
from tbatch_tui.text import format as fmt
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.tables.readers.source import TableSource
    from tbatch_tui.engine.tables.recipe import Recipe

_ERASE_LINE = "\r\x1b[K"


def recordings_of(source: TableSource, recipe: Recipe, settings: Settings) -> TableSource:
    """Return a folder as the source of its recordings; any other source as it is.

    Raises LocalFileError where it has none, or where there is no store that the server could fetch them from.
    """
    if recipe.audio is not True or not isinstance(source, FolderSource):
        return source
    return recordings_in(source, settings.store_address, skips_empty=recipe.rows.empty == "skip")


def upload_missing(source: TableSource, options: argparse.Namespace, settings: Settings) -> None:
    """Ask once, and upload what the store does not have. Nothing is done for a source without recordings.

    Raises FaultyTableError where a recording cannot be sent, and BatchError where nobody can be asked, or says no.
    """
    if not isinstance(source, RecordingsSource):
        return
    from tbatch_tui.engine.audio.object_store import store_of
    from tbatch_tui.engine.audio.uploads import upload_recordings

    store = store_of(settings.audio_store)
    problems = RowProblems()
    recordings = [recording for _, recording in source.recordings(problems)]
    problems.raise_if_any(source.name)
    missing = store.missing(recordings)
    there = len(recordings) - len(missing)
    if not missing:
        print_message(f"{plural(there, 'recording')} already in {store.address}")
        return
    size = sum(recording.size for recording in missing)
    already = f", {there:,} already there" if there else ""
    _ask(f"Upload {plural(len(missing), 'recording')} ({fmt.size(size)}) to {store.address}{already}?", options)
    try:
        upload_recordings(store, missing, settings.data_dir, progress=_progress)
    finally:
        _write(_ERASE_LINE)
    print_message(f"{plural(len(missing), 'recording')} uploaded{already}")


def _ask(question: str, options: argparse.Namespace) -> None:
    """Raise BatchError unless the answer is yes."""
    print_message(question)
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise BatchError("Nobody can be asked here", "Nothing was uploaded. Use --yes.")
    sys.stderr.write("[y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise BatchError("Stopped", "Nothing was uploaded, nothing was written.")


def _progress(done: int, total: int) -> None:
    _write(f"{_ERASE_LINE}{fmt.size(done)} of {fmt.size(total)}")


def _write(text: str) -> None:
    """Write to standard error if that is a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
