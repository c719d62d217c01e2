"""A job of the history, without asking the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.cli.session import Session
from tbatch_tui.config.engine_options import options_from
from tbatch_tui.engine.journal.store import JobStore
from tbatch_tui.engine.results.sources import Sources, sources_of

if TYPE_CHECKING:
    from tbatch_tui.config.settings import Settings


async def find_in_history(text: str, settings: Settings) -> tuple[str, Sources]:
    """Return the id and the files of a job. Raises NoSuchJobError, and LocalFileError without a history."""
    store = JobStore(options_from(settings, background_work=False), lambda _: None)
    await store.open()
    try:
        record = Session.find(await store.load(), text)
    finally:
        await store.close()
    return record.key, sources_of(record)
