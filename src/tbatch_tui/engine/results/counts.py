"""What came of a job, summed up from its files: the counts, the tokens, the audio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.counts import JobCounts
from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.staleness import format_stamps
from tbatch_tui.engine.results.sources import Source, Sources, sources_of
from tbatch_tui.engine.results.usage_totals import usage_by_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.domain.record import JobRecord


def count_results(
    record: JobRecord,
    index: ResultIndex | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> JobCounts | None:
    """Read the files of a job and sum them up; None when a result file is not where it was.

    `index` is the one that is built, where it is kept. An input file that is another one by now was not asked: what
    came back is counted without it. Made to be run in a thread. Raises OperationCancelledError.
    """
    if index is None:
        index = ResultIndex(sources_of(record))
    sources = index.sources
    index.build(cancelled=cancelled, progress=progress)
    stamps = format_stamps(index.file_stamps, input_changed=index.input_changed)
    if index.input_changed:
        index = ResultIndex(Sources(None, sources.output, sources.errors))
        index.build(cancelled=cancelled, progress=progress)
    if index.read_errors.keys() - {Source.INPUT}:
        return None
    return counts_from_index(index, stamps, submitted=record.requests)


def counts_from_index(index: ResultIndex, stamps: str = "", *, submitted: int | None = None) -> JobCounts:
    """The sum of an index that is built. `submitted` is how many requests there were, where that is known besides."""
    found = index.counts
    assert found is not None
    requests, missing = found.requests, found.missing
    if not found.has_input and submitted is not None and submitted > requests:
        requests, missing = submitted, submitted - requests
    return JobCounts(
        requests=requests,
        answered=found.answered,
        errors=found.errors,
        missing=missing,
        cut_short=found.cut_short,
        unknown=found.unknown,
        duplicates=found.duplicates,
        unreadable=found.unreadable,
        has_input=found.has_input,
        usage=usage_by_model(index),
        stamps=stamps,
    )
