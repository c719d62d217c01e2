"""The counts of a job, made from its result files: outcomes, tokens, seconds of audio."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.counts import DEFAULT_ATTENTION_SHARE, JobCounts
from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.staleness import format_stamps, is_older_count
from tbatch_tui.engine.results.sources import Source, sources_of
from tbatch_tui.engine.results.usage_totals import usage_by_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.domain.record import JobRecord


def count_results(
    record: JobRecord,
    index: ResultIndex | None = None,
    *,
    attention_share: float = DEFAULT_ATTENTION_SHARE,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> JobCounts | None:
    """Read the files of a job and count their rows; return None if a result file is gone.

    Reads files: run it in a thread. An input file that has changed since the job was submitted is left out: see
    `ResultIndex.build`. Raises OperationCancelledError.

    Args:
        index: The index to build, such as a `CachedIndex`; by default a new one.
        attention_share: Percent of the requests that may be cut short or invalid.
        progress: Called with the bytes read and the bytes in all.
    """
    if index is None:
        index = ResultIndex(sources_of(record))
    index.build(cancelled=cancelled, progress=progress)
    schema = index.sources.answer_schema
    stamps = format_stamps(index.file_stamps, input_changed=index.input_changed, answer_schema=schema)
    if index.read_errors.keys() - {Source.INPUT}:
        return None
    counts = counts_from_index(index, stamps, submitted=record.requests)
    counts = replace(counts, attention_share=attention_share)
    return _with_known_input(counts, record.counts) if record.counts is not None else counts


def _with_known_input(counts: JobCounts, known: JobCounts) -> JobCounts:
    """Return new counts with what was known of the input file, where that is gone or another one by now.

    So it is when a new version counts the same result files again: they are still the answers to what was asked then.
    """
    if counts.has_input or not known.has_input or not is_older_count(known, counts.stamps):
        return counts
    returned = counts.requests - counts.missing
    if known.unknown or returned > known.requests:  # which of the ids are requests cannot be told any more
        return replace(known, stamps=counts.stamps, attention_share=counts.attention_share)
    return replace(counts, requests=known.requests, missing=known.requests - returned, has_input=True)


def counts_from_index(index: ResultIndex, stamps: str = "", *, submitted: int | None = None) -> JobCounts:
    """Return the counts of a built index.

    Args:
        stamps: The files' sizes and times, as `format_stamps` writes them.
        submitted: How many requests the job has, if known; without an input file, the difference is missing.
    """
    counts = index.counts
    assert counts is not None
    requests, missing = counts.requests, counts.missing
    if not counts.has_input and submitted is not None and submitted > requests:
        requests, missing = submitted, submitted - requests
    return JobCounts(
        requests=requests,
        answered=counts.answered,
        errors=counts.errors,
        missing=missing,
        cut_short=counts.cut_short,
        unknown=counts.unknown,
        duplicates=counts.duplicates,
        unreadable=counts.unreadable,
        has_input=counts.has_input,
        invalid=counts.invalid,
        usage=usage_by_model(index),
        stamps=stamps,
    )
