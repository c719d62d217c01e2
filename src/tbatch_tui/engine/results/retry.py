"""Asking once more: the original lines of what failed, is missing or was cut short, as a new input file."""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from tbatch_tui.engine.results.error_groups import ErrorGroup
    from tbatch_tui.engine.results.index.index import ResultIndex

_BOM = b"\xef\xbb\xbf"
_LIMITS = ("max_completion_tokens", "max_tokens")
"""What a request calls the most tokens its answer may have; the last where it says none."""
_RETRIED = re.compile(r"\.retry[0-9]+$")


def rows_to_retry(
    index: ResultIndex,
    *,
    groups: Iterable[ErrorGroup] = (),
    missing: bool = False,
    cut_short: bool = False,
    marked: Iterable[int] = (),
) -> array[int]:
    """The requests that are to be asked once more, in the order of the input file."""
    wanted = {*marked, *(row for group in groups for row in group.rows)}
    outcomes = [Outcome.MISSING] * missing + [Outcome.CUT_SHORT] * cut_short
    wanted.update(index.select(outcomes) if outcomes else ())
    return array("I", sorted(row for row in wanted if index.request_location(row) is not None))


def retry_path(input_path: Path) -> Path:
    """`<stem>.retry1.jsonl` beside the input file; the next number where there is one already."""
    stem = _RETRIED.sub("", input_path.stem)
    number = 1
    while (path := input_path.with_name(f"{stem}.retry{number}.jsonl")).exists():
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
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Write the lines of these requests, byte for byte but for what is asked for: `model` for all of them, and
    `max_tokens` for those that were cut short.

    Made to be run in a thread; `progress` is told rows. Raises LocalFileError, OperationCancelledError, and BatchError
    when the input file is not what it was: then nothing is left behind.
    """
    if index.input_changed:
        raise BatchError(
            "The input file has changed since it was submitted", "Its lines are not those that were asked: no retry."
        )
    with atomic_write(path) as file:
        for done, row in enumerate(rows):
            if done % 256 == 0:
                if cancelled():
                    raise OperationCancelledError("Writing the retry was stopped")
                progress(done, len(rows))
            place = index.request_location(row)
            assert place is not None
            data = index.read_bytes(place).removeprefix(_BOM).rstrip(b"\r")
            limit = max_tokens if index.outcome(row) is Outcome.CUT_SHORT else None
            file.write((data if model is None and limit is None else _with(data, model, limit)) + b"\n")
    progress(len(rows), len(rows))


def _with(data: bytes, model: str | None, max_tokens: int | None) -> bytes:
    """A line with another model or limit; all else in it keeps its spelling. What is no request stays as it is."""
    try:
        line = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        body: dict[str, Any] = msgspec.json.decode(line["body"], type=dict[str, msgspec.Raw])
    except (ValueError, KeyError, RecursionError):
        return data
    if model is not None:
        body["model"] = model
    if max_tokens is not None:
        name = next((name for name in _LIMITS if name in body), _LIMITS[-1])
        body[name] = max_tokens
    return msgspec.json.encode({**line, "body": body})
