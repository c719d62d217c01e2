"""Wait for the results of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.store import JobStore

_LISTS_FOR_FILES = 3
"""Lists in which a completed job may name no result file before it counts as having none."""


async def wait_for_results(
    key: str,
    store: JobStore,
    next_list: Callable[[], Awaitable[object]],
    watch: Callable[[JobRecord], object] = lambda _: None,
) -> JobRecord:
    """Wait until a job has ended and its result files are on disk, or gone from the server.

    A server may say COMPLETED a moment before it names the files: some lists are waited for then. Raises BatchError if
    the submission made no job.

    Args:
        watch: called with the record whenever it changes; an error that it raises ends the wait.
    """

    def is_finished(record: JobRecord) -> bool:
        watch(record)
        return record.is_finished

    record = await store.wait_until(key, lambda r: is_finished(r) or r.is_awaiting_file_ids)
    for _ in range(_LISTS_FOR_FILES):
        if not record.is_awaiting_file_ids:
            break
        await next_list()
        record = store.record(key) or record
    if not record.is_awaiting_file_ids:
        record = await store.wait_until(key, is_finished)
    return require_job(record)


def require_job(record: JobRecord) -> JobRecord:
    """Return the record. Raises BatchError if its submission made no job."""
    if record.job is None and record.submission is not None:
        raise BatchError(record.submission.error or "No job was created", record.submission.hint or "")
    return record
