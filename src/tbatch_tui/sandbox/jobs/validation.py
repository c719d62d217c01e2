"""Validation as the server does it: the whole file is read once, and one bad line fails the job.

The same pass decides the outcome of each row and the order in which rows finish, so that a job can end at any row
without reading the file again.
"""

from __future__ import annotations

import random
import time
from array import array
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.sandbox.answers.failures import CHAT, failure_reason
from tbatch_tui.sandbox.answers.models import is_dedicated_only
from tbatch_tui.sandbox.jobs.links import is_local, unreadable_links

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_REQUESTS = 50_000
"""Requests in a batch (documentation)."""

MAX_LINE = 10 * 2**20
"""Bytes of a line. Validation lets a longer one pass, and the job fails on it later (seen on the live API)."""

MAX_CUSTOM_ID = 64
"""Characters of a `custom_id` by the documentation. The live API took 65: only a strict sandbox refuses them."""

BAD_LINES = "Error validating input file: "
"""How the error of a job begins whose lines are not requests."""

BOM = b"\xef\xbb\xbf"

CHUNK = 1_000
"""Lines after which the server starts counting again: "Line 2 (within chunk)" may be line 1,002 of the file."""


class RowOutcome(IntEnum):
    """The outcome of a row."""

    ANSWERED = 0
    BAD_REQUEST = 1
    """An error because of what it asks: see `answers.failures`."""
    FAILED_BY_CHANCE = 2
    """An error by chance."""
    CUT_SHORT = 3
    """An answer that is cut short: its `finish_reason` is `length`."""
    INVALID = 4
    """An answer that is not the JSON that was asked for; where none was asked for, one like the others."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How many rows fail, are cut short or are not what was asked for by chance.

    The `custom_id`, the model and the number of rows decide which: the same file always fails in the same rows, but the
    failed rows sent again in a file of their own may succeed.
    """

    failure_rate: float = 0.01
    """Share of rows that fail, 0 to 1."""
    cut_rate: float = 0.02
    """Share of rows that are cut short, 0 to 1."""
    invalid_rate: float = 0.015
    """Share of rows whose answer is not the JSON that was asked for, 0 to 1."""
    min_rows: int = 10
    """In files with fewer rows nothing fails by chance."""

    def outcome(self, custom_id: str, rows: int, model: str = "") -> RowOutcome:
        """Return the outcome of a row.

        Args:
            custom_id: Of the row.
            rows: How many rows its file has.
            model: That it asks.
        """
        if rows < self.min_rows or not (self.failure_rate or self.cut_rate or self.invalid_rate):
            return RowOutcome.ANSWERED
        digest = blake2b(f"{model} {rows} {custom_id}".encode(), digest_size=4).digest()
        chance = int.from_bytes(digest) / 2**32
        if chance < self.failure_rate:
            return RowOutcome.FAILED_BY_CHANCE
        if chance < self.failure_rate + self.cut_rate:
            return RowOutcome.CUT_SHORT
        is_invalid = chance < self.failure_rate + self.cut_rate + self.invalid_rate
        return RowOutcome.INVALID if is_invalid else RowOutcome.ANSWERED


@dataclass(frozen=True, slots=True)
class RowPlan:
    """The rows of a file in the order they finish: the offset of each line, and its outcome."""

    offsets: array[int]
    outcomes: bytearray
    link_errors: dict[int, str] = field(default_factory=dict)
    """Why a recording could not be read, by the offset of its line."""

    def count_failed(self, done: int) -> int:
        """Return how many of the first `done` rows are error rows."""
        outcomes = self.outcomes
        return outcomes.count(RowOutcome.BAD_REQUEST, 0, done) + outcomes.count(RowOutcome.FAILED_BY_CHANCE, 0, done)


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What validating an input file has given."""

    reached_at: float
    """When validation ended, on the sandbox's clock."""

    rows: int = 0
    model_id: str | None = None
    """The model of the first line: a job shows one, although lines may differ (seen on the live API)."""

    error: str | None = None
    """Why the job fails in VALIDATING; None if the file is valid."""

    has_oversized_line: bool = False
    """Whether the job will fail on an oversized line when it runs."""

    row_plan: RowPlan | None = None


class _BadFileError(Exception):
    """The file as a whole is invalid."""


class _BadModelError(Exception):
    """A line names a model that a batch cannot use. The whole job fails (seen on the live API)."""


class _BadLineError(Exception):
    """A line is invalid."""


def validate(
    path: Path, endpoint: str, job_id: str, rates: Rates, *, strict: bool = False, read_links: bool = True
) -> ValidationResult:
    """Read an input file and decide how a job on it will run. Takes a while: call it in a thread.

    Args:
        strict: Whether what only the documentation forbids is refused.
        read_links: Whether recordings on this machine are read now.
    """
    offsets, outcomes = array("Q"), bytearray()
    links: dict[int, str] = {}
    seen: dict[str, str] = {}
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
            row = _parse_row(line, seen, strict=strict)
            model_id = model_id or _model_of(row["body"])
            offsets.append(offset)
            failure = failure_reason(row, endpoint, strict=strict)
            outcomes.append(RowOutcome.ANSWERED if failure is None else RowOutcome.BAD_REQUEST)
            if failure is None and endpoint != CHAT and is_local(row["body"].get("file")):
                links[len(outcomes) - 1] = row["body"]["file"]
    except _BadFileError as error:
        return ValidationResult(reached_at=0.0, error=f"{BAD_LINES}{error}")
    except _BadModelError as error:
        return ValidationResult(reached_at=0.0, error=f"Invalid model ID: {error}")
    except _BadLineError as error:
        line_in_chunk = (number - 1) % CHUNK + 1
        return ValidationResult(reached_at=0.0, error=f"{BAD_LINES}Line {line_in_chunk} (within chunk): {error}")
    if requests == 0:
        return ValidationResult(reached_at=0.0, error=f"{BAD_LINES}input file is empty")
    errors = unreadable_links(links) if read_links else {}
    for index in errors:
        outcomes[index] = RowOutcome.BAD_REQUEST
    for index, (custom_id, model) in enumerate(seen.items()):
        if outcomes[index] == RowOutcome.ANSWERED:
            outcomes[index] = rates.outcome(custom_id, requests, model)
    link_errors = {offsets[index]: error for index, error in errors.items()}
    return ValidationResult(0.0, requests, model_id, None, breaks, _shuffle(offsets, outcomes, job_id, link_errors))


_decode = msgspec.json.Decoder().decode


def _parse_row(line: bytes, seen: dict[str, str], *, strict: bool) -> dict[str, Any]:
    """Return a line that passes validation. Raises _BadLineError and _BadModelError.

    Args:
        line: Without its end.
        seen: The ids of the lines before, and their models; those of this line are added.
    """
    try:
        row = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _BadLineError("invalid JSON") from error
    if not isinstance(row, dict):
        raise _BadLineError("expected a JSON object")
    custom_id, body = row.get("custom_id"), row.get("body")
    if not isinstance(custom_id, str) or not custom_id:
        raise _BadLineError("custom_id is required")
    if strict and len(custom_id) > MAX_CUSTOM_ID:
        raise _BadLineError(f"custom_id must be at most {MAX_CUSTOM_ID} characters")
    if custom_id in seen:
        raise _BadLineError(f"duplicate custom_id: {custom_id}")
    if not isinstance(body, dict):
        raise _BadLineError("body is required")
    model = _model_of(body) or ""
    seen[custom_id] = model
    if is_dedicated_only(model):
        raise _BadModelError(
            f"Unable to access non-serverless model {model}. Please start a dedicated endpoint for it."
        )
    return row


def _model_of(body: dict[str, Any]) -> str | None:
    """Return the model that a request names; None if it names none, which costs the row."""
    model = body.get("model")
    return model if isinstance(model, str) and model else None


def _read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its offset, after a byte order mark. Only the beginning of an oversized line is kept."""
    with path.open("rb") as file:
        offset = len(BOM) if file.peek(len(BOM)).startswith(BOM) else 0
        file.seek(offset)
        while line := file.readline(MAX_LINE + 2):
            length = len(line)
            content = line.removesuffix(b"\n")
            while not line.endswith(b"\n") and (line := file.readline(2**20)):
                length += len(line)
            yield offset, content
            offset += length


def _shuffle(offsets: array[int], outcomes: bytearray, job_id: str, link_errors: dict[int, str]) -> RowPlan:
    """Return the rows in the order in which this job finishes them: results come in any order (documentation)."""
    order = list(range(len(outcomes)))
    random.Random(job_id).shuffle(order)
    return RowPlan(array("Q", [offsets[i] for i in order]), bytearray([outcomes[i] for i in order]), link_errors)
