"""A new input file with the original lines of requests that failed, are missing, were cut short or are invalid."""

from __future__ import annotations

import os
import re
from array import array
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from tbatch_tui.engine.results.error_groups import ErrorGroup
    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.results.record import ResultRecord

_BOM = b"\xef\xbb\xbf"
_LIMITS = ("max_completion_tokens", "max_tokens")
"""Names of the token limit in a request body, which may have both. A request without one is given the last."""
_RETRIED = re.compile(r"\.retry[0-9]+$")


def rows_to_retry(
    index: ResultIndex,
    *,
    groups: Iterable[ErrorGroup] = (),
    missing: bool = False,
    cut_short: bool = False,
    invalid: bool = False,
    marked: Iterable[int] = (),
) -> array[int]:
    """Return the requests to retry, in the order of the input file.

    Args:
        groups: Errors to retry.
        missing: Whether to retry requests without a response.
        cut_short: Whether to retry requests whose answer was cut short.
        invalid: Whether to retry requests whose answer is not what was asked for, or not usable.
        marked: Rows to retry whatever their outcome. Rows that are no request are left out.
    """
    chosen = {*marked, *(row for group in groups for row in group.rows)}
    outcomes = [Outcome.MISSING] * missing + [Outcome.CUT_SHORT] * cut_short + [Outcome.INVALID] * invalid
    chosen.update(index.select(outcomes) if outcomes else ())
    return array("I", sorted(row for row in chosen if index.request_location(row) is not None))


def token_limit(record: ResultRecord) -> int | None:
    """Return the most tokens that the request of a cut answer allowed; None where it names no limit."""
    settings = dict(record.settings)
    limits = [settings[name] for name in _LIMITS if name in settings]
    numbers = [int(limit) for limit in limits if limit.isascii() and limit.isdigit()]
    return max(numbers, default=None) if record.row.outcome is Outcome.CUT_SHORT else None


def retry_path(input_path: Path, taken: Collection[Path] = ()) -> Path:
    """Return `<stem>.retry1.jsonl` beside the input file, or the next number that is free.

    Args:
        taken: Paths that are not free, although there is no file: those of retries that were submitted.
    """
    stem = _RETRIED.sub("", input_path.stem)
    number = 1
    while os.path.exists(path := input_path.with_name(f"{stem}.retry{number}.jsonl")) or path in taken:
        number += 1
    return path


def write_retry(
    index: ResultIndex,
    rows: Sequence[int],
    path: Path,
    *,
    model: str | None = None,
    max_tokens: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> None:
    """Write the lines of these requests to a new file, byte for byte unless `model` or `max_tokens` is given.

    Reads and writes files: run it in a thread. Raises LocalFileError, OperationCancelledError, and BatchError if the
    input file has changed since it was submitted; then no file is left behind.

    Args:
        model: Another model for all requests.
        max_tokens: Another token limit for those whose answer was cut short.
        progress: Called with the rows written and the rows in all.
    """
    if index.input_changed:
        raise BatchError(
            "The input file has changed since it was submitted",
            "Its lines no longer match the job, so it can't be retried.",
        )
    with atomic_write(path, rights=rights_of(*index.paths())) as file:
        for done, row in enumerate(rows):
            if done % 256 == 0:
                if cancelled():
                    raise OperationCancelledError("Writing the retry was stopped")
                progress(done, len(rows))
            location = index.request_location(row)
            assert location is not None
            data = index.read_bytes(location).removeprefix(_BOM).rstrip(b"\r")
            limit = max_tokens if index.outcome(row) is Outcome.CUT_SHORT else None
            file.write((data if model is None and limit is None else _with_changes(data, model, limit)) + b"\n")
    progress(len(rows), len(rows))


def _with_changes(data: bytes, model: str | None, max_tokens: int | None) -> bytes:
    """Return a line with another model or limit, all other values as written. What is no request stays unchanged."""
    try:
        line = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        body: dict[str, Any] = msgspec.json.decode(line["body"], type=dict[str, msgspec.Raw])
    except (ValueError, KeyError, RecursionError):
        return data
    if model is not None:
        body["model"] = model
    if max_tokens is not None:
        for name in [name for name in _LIMITS if name in body] or _LIMITS[-1:]:
            body[name] = max_tokens  # all of them: the lower one would cut the answer again
    return msgspec.json.encode({**line, "body": body})
