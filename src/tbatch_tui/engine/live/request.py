"""The requests that are asked at once: lines of an input file, or rows of a table, as they would be in a batch."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.engine.check.edit.edited_copy import SEED_MAX, EditRun, LineChoice
from tbatch_tui.engine.check.edit.line_changes import LineChanges
from tbatch_tui.engine.check.scan.reader import read_error
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.lenient_json import as_id, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

MOST_AT_ONCE = 10
"""Requests that are asked at once with one call (product promise)."""

_KEPT_WHOLE, _TEXT_KEPT = 256 * 1024, 2_000
"""Characters of a body that the history keeps whole, and of a text in a larger one: an image is megabytes."""


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """One request, ready to be sent."""

    endpoint: Endpoint
    body: Mapping[str, Any]
    """As it is sent, but for `stream`, which a batch passes over too."""
    fingerprint: str
    """Of the line that it began as: it stays when the body is changed."""
    custom_id: str = ""
    path: Path | None = None
    line: int | None = None
    """The line of the file, or the row of the table, from 1."""

    @property
    def model(self) -> str:
        """The model; empty where the body names none."""
        return as_id(self.body.get("model")) or ""

    def as_line(self) -> bytes:
        """Return the line of an input file that asks the same."""
        return json.dumps({"custom_id": self.custom_id, "body": self.body}).encode()

    def changed(self, body: Mapping[str, Any]) -> LiveRequest:
        """Return it with another body."""
        return replace(self, body=dict(body))


class ChosenLines(NamedTuple):
    """The requests that were taken from a file."""

    requests: list[LiveRequest]
    total: int
    """Requests of the whole file, where it was read to its end."""


def live_request(
    value: object,
    *,
    endpoint: Endpoint | None = None,
    path: Path | None = None,
    line: int | None = None,
) -> LiveRequest:
    """Return the request of a decoded line.

    Args:
        value: The line as JSON: an object with a `body`.
        endpoint: What answers it; None finds it out from the line.
        path, line: Where it is from.

    Raises:
        LocalFileError: It is no request that can be sent.
    """
    body = value.get("body") if isinstance(value, dict) else None
    place = f"Line {line:,}" if line is not None else "This row"
    if not isinstance(value, dict) or not isinstance(body, dict):
        raise LocalFileError(f"{place} is not a request", "Nothing was sent. A request is an object with a body.")
    body = {name: part for name, part in body.items() if name != "stream"}
    try:
        text = json.dumps(body, allow_nan=False, sort_keys=True, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # NaN, half a surrogate pair, nested too deeply
        raise LocalFileError(f"{place} cannot be sent as JSON: {error}", "Nothing was sent.") from error
    endpoint = endpoint or _endpoint_of(value, body)
    return LiveRequest(
        endpoint=endpoint,
        body=body,
        fingerprint=hashlib.sha256(endpoint.value.encode() + b"\0" + text).hexdigest(),
        custom_id=as_id(value.get("custom_id")) or "",
        path=path,
        line=line,
    )


def choose_lines(
    path: Path,
    numbers: Collection[int] = (),
    *,
    sample: int | None = None,
    seed: int | None = None,
    endpoint: Endpoint | None = None,
    counts_all: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
) -> ChosenLines:
    """Return the requests of some lines of a file, in its order. May read all of it: run it in a thread.

    Raises LocalFileError, also for a line that is not there or no request, and OperationCancelledError.

    Args:
        path: An input file.
        numbers: The lines, counted from 1; with none and no sample, the first request.
        sample: How many other lines to draw at random.
        seed: Of the sample; None draws another one each time.
        endpoint: What answers the requests; None finds it out from each line.
        counts_all: Whether the file is read to its end, to know how many requests it has.
        cancelled: Asked now and then whether to stop.
    """
    wanted, takes_first = set(numbers), not numbers and sample is None
    found: list[tuple[int, bytes]] = []
    drawn = _Drawn(sample or 0, random.Random(random.randrange(SEED_MAX) if seed is None else seed))
    try:
        with path.open("rb", buffering=0) as file:
            run = EditRun(path, file, LineChanges(), LineChoice(), lambda _done, _total: None, cancelled, doing="tried")
            for number, data, _ in run.lines():
                if number not in wanted and not (takes_first and not found):
                    drawn.look(number, data)
                    continue
                found.append((number, data))
                if not counts_all and sample is None and len(found) == max(1, len(wanted)):
                    break
            total = run.sums.lines
        lines = sorted([*found, *drawn.lines])
        requests = [live_request(loads(data), endpoint=endpoint, path=path, line=number) for number, data in lines]
    except (OSError, ValueError) as error:
        raise read_error(path, error) from error
    if missing := sorted(wanted - {number for number, _ in found}):
        raise LocalFileError(
            f"{path.name} has no request in line {missing[0]:,}", f"Nothing was sent. It has {total:,} requests."
        )
    if not requests:
        raise LocalFileError(f"{path.name} has no requests", "Nothing was sent.")
    return ChosenLines(requests, total)


class _Drawn:
    """Some lines of a file, drawn while it is read once: each has the same chance, however many there are."""

    def __init__(self, count: int, chance: random.Random) -> None:
        self.lines: list[tuple[int, bytes]] = []
        self._count, self._chance, self._seen = count, chance, 0

    def look(self, number: int, data: bytes) -> None:
        """Take a line, perhaps in the place of one that was taken before."""
        self._seen += 1
        if len(self.lines) < self._count:
            self.lines.append((number, data))
        elif self._count and (place := int(self._chance.random() * self._seen)) < self._count:
            self.lines[place] = (number, data)


def kept_body(body: Mapping[str, Any]) -> str:
    """Return a body as JSON for the history: whole, unless it is large; then its long texts are cut."""
    text = json.dumps(body, ensure_ascii=False)
    return text if len(text) <= _KEPT_WHOLE else json.dumps(_cut(body), ensure_ascii=False)


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _TEXT_KEPT:
        return f"{value[:_TEXT_KEPT]}… ({len(value):,} characters)"
    if isinstance(value, dict):
        return {name: _cut(part) for name, part in value.items()}
    return [_cut(part) for part in value] if isinstance(value, list) else value


def _endpoint_of(value: Mapping[str, Any], body: Mapping[str, Any]) -> Endpoint:
    """Return what a line is for: audio where it names a file and no messages."""
    if "file" not in body or "messages" in body:
        return Endpoint.CHAT
    return Endpoint.TRANSLATION if value.get("url") == Endpoint.TRANSLATION else Endpoint.TRANSCRIPTION
