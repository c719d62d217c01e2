"""Validation as the server does it: the whole file is read once, and one bad line fails the whole job.

The same pass settles what will become of each row and in which order the rows finish, so that later a job can be
cut off at any row without reading anything again.
"""

from __future__ import annotations

import random
import time
from array import array
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.sandbox.answers.failures import failure_reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_REQUESTS = 50_000
"""Requests a batch (documentation)."""

MAX_LINE = 10 * 2**20
"""Bytes a line: validation lets a longer one pass, and the job breaks on it later (live API)."""

MAX_CUSTOM_ID = 64
"""Characters of a `custom_id` (documentation)."""

BOM = b"\xef\xbb\xbf"

CHUNK = 1_000
"""Lines the server counts before it starts again: "Line 2 (within chunk)" need not be the file's line 2."""


class RowOutcome(IntEnum):
    """What becomes of a row."""

    ANSWERED = 0
    BAD_REQUEST = 1
    """By what it asks: see `refusals`."""
    FAILED_BY_CHANCE = 2
    """By chance."""
    CUT_SHORT = 3
    """Answered, but cut short: `finish_reason` is `length`."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How many rows fail or are cut short by chance; which ones, their `custom_id` and the file's length decide.

    The same file always fails in the same rows, but failed rows that are sent again by themselves may do better.
    """

    failure_rate: float = 0.01
    cut_rate: float = 0.02
    min_rows: int = 10
    """Files with fewer rows are spared."""

    def outcome(self, custom_id: str, rows: int) -> RowOutcome:
        """What chance has in store for a row of a file of so many."""
        if rows < self.min_rows or not (self.failure_rate or self.cut_rate):
            return RowOutcome.ANSWERED
        digest = blake2b(f"{rows}:{custom_id}".encode(), digest_size=4).digest()
        drawn = int.from_bytes(digest) / 2**32
        if drawn < self.failure_rate:
            return RowOutcome.FAILED_BY_CHANCE
        return RowOutcome.CUT_SHORT if drawn < self.failure_rate + self.cut_rate else RowOutcome.ANSWERED


@dataclass(frozen=True, slots=True)
class RowPlan:
    """The rows of a file in the order they finish: where each line starts, and its fate."""

    offsets: array[int]
    outcomes: bytearray

    def count_failed(self, done: int) -> int:
        """How many of the first `done` rows are error rows."""
        fates = self.outcomes
        return fates.count(RowOutcome.BAD_REQUEST, 0, done) + fates.count(RowOutcome.FAILED_BY_CHANCE, 0, done)


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What the server makes of an input file."""

    reached_at: float
    """When it was reached, on the sandbox's clock."""

    rows: int = 0
    model_id: str | None = None
    """The job shows one model, though lines may differ (live API): the first."""

    error: str | None = None
    """Why the job fails in VALIDATING."""

    has_oversized_line: bool = False
    """Whether it will break on an oversized line once it runs."""

    row_plan: RowPlan | None = None


class _BadFileError(Exception):
    """What is wrong with the file as a whole."""


class _BadLineError(Exception):
    """What is wrong with a line."""


def validate(path: Path, endpoint: str, job_id: str, rates: Rates) -> ValidationResult:
    """Read the whole file and say how a job on it will go. Takes a while: call it in a thread."""
    offsets, fates = array("Q"), bytearray()
    seen: dict[str, None] = {}
    model_id: str | None = None
    breaks = False
    number = requests = 0
    try:
        for number, (offset, line) in enumerate(_read_lines(path), 1):
            if not line.strip(b" \t\r"):  # a blank line is no request
                continue
            requests += 1
            if requests > MAX_REQUESTS:
                raise _BadFileError(f"input file contains more than {MAX_REQUESTS} requests")
            if number % CHUNK == 0:
                time.sleep(0)  # lets the server's loop have the interpreter
            if len(line) > MAX_LINE:
                breaks = True
                continue
            row = _parse_row(line, seen)
            body = row["body"]
            model_id = model_id or body["model"]
            offsets.append(offset)
            fates.append(RowOutcome.ANSWERED if failure_reason(row, endpoint) is None else RowOutcome.BAD_REQUEST)
    except _BadFileError as bad:
        return ValidationResult(reached_at=0.0, error=f"Error validating input file: {bad}")
    except _BadLineError as bad:
        within = (number - 1) % CHUNK + 1
        return ValidationResult(
            reached_at=0.0, error=f"Error validating input file: Line {within} (within chunk): {bad}"
        )
    if requests == 0:
        return ValidationResult(reached_at=0.0, error="Error validating input file: input file is empty")
    for index, custom_id in enumerate(seen):
        if fates[index] == RowOutcome.ANSWERED:
            fates[index] = rates.outcome(custom_id, requests)
    return ValidationResult(0.0, requests, model_id, None, breaks, _shuffled(offsets, fates, job_id))


_decode = msgspec.json.Decoder().decode


def _parse_row(line: bytes, seen: dict[str, None]) -> dict[str, Any]:
    """A line that passes validation, or `_BadLine`."""
    try:
        row = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _BadLineError("invalid JSON") from error
    if not isinstance(row, dict):
        raise _BadLineError("expected a JSON object")
    custom_id, body = row.get("custom_id"), row.get("body")
    if not isinstance(custom_id, str) or not custom_id:
        raise _BadLineError("custom_id is required")
    if len(custom_id) > MAX_CUSTOM_ID:
        raise _BadLineError(f"custom_id must be at most {MAX_CUSTOM_ID} characters")
    if custom_id in seen:
        raise _BadLineError(f"duplicate custom_id: {custom_id}")
    seen[custom_id] = None
    if not isinstance(body, dict):
        raise _BadLineError("body is required")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        # On every line: `model_id` on the create does not stand in for it (live API).
        raise _BadLineError("body.model is required")
    return row


def _read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each line with its offset; of an oversized one only as much as shows that it is. A byte order mark is none."""
    with path.open("rb") as file:
        offset = len(BOM) if file.peek(len(BOM)).startswith(BOM) else 0
        file.seek(offset)
        while line := file.readline(MAX_LINE + 2):
            length = len(line)
            whole = line.removesuffix(b"\n")
            while not line.endswith(b"\n") and (line := file.readline(2**20)):
                length += len(line)
            yield offset, whole
            offset += length


def _shuffled(offsets: array[int], fates: bytearray, job_id: str) -> RowPlan:
    """The rows in the order this job finishes them: result rows come in any order (documentation)."""
    order = list(range(len(fates)))
    random.Random(job_id).shuffle(order)
    return RowPlan(array("Q", [offsets[i] for i in order]), bytearray([fates[i] for i in order]))
