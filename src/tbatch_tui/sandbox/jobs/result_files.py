"""The result files of a job: an answer or an error for each finished row, in the documented form.

The same job always has the same bytes: an answer depends on its row, and its time on the job.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

import msgspec

from tbatch_tui.sandbox.answers.chat import completion
from tbatch_tui.sandbox.answers.failures import CHANCE_MESSAGES, CHAT, ERROR_CODE, failure_reason
from tbatch_tui.sandbox.answers.transcripts import transcription
from tbatch_tui.sandbox.jobs.validation import RowOutcome, RowPlan

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PIECE_SIZE = 2**18
"""Bytes written and hashed at a time."""

_numbers = itertools.count(1)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class WrittenBody:
    """Size, SHA-256 and number of lines of a body on disk."""

    size: int
    sha256: str
    lines: int


class BodyWriter:
    """Writes a body and hashes it. The file gets its own name only when it is complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Two clients can upload the same file at once: each writes its own part, and the last one to finish wins.
        self._part = path.with_name(f"{path.name}.{next(_numbers)}.part")
        self._file = self._part.open("wb", buffering=0)
        self._hash = hashlib.sha256()
        self._size = 0
        self._lines = 0
        self._last: bytes | bytearray = b"\n"
        self._buffer = bytearray()

    def write(self, data: bytes | bytearray) -> None:
        """Append to the body."""
        self._size += len(data)
        self._lines += data.count(b"\n")
        self._last = data[-1:] or self._last
        self._buffer += data
        if len(self._buffer) >= PIECE_SIZE:
            self._flush()

    def _flush(self) -> None:
        # In large pieces: writing and hashing release the GIL, and getting it back from a busy thread takes long.
        self._file.write(self._buffer)
        self._hash.update(self._buffer)
        self._buffer = bytearray()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    def finish(self) -> WrittenBody:
        """Complete the file: give it its own name."""
        self._flush()
        self._file.close()
        self._part.replace(self._path)
        return WrittenBody(self._size, self._hash.hexdigest(), self._lines + (self._last != b"\n"))

    def abandon(self) -> None:
        """Delete what was written, unless the file is complete."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.abandon()


def write_results(
    source: Path,
    plan: RowPlan,
    done: int,
    endpoint: str,
    created: int,
    output: Path,
    errors: Path,
    *,
    strict: bool = False,
) -> tuple[WrittenBody, WrittenBody]:
    """Write the result files of a job. Takes a while: call it in a thread.

    Args:
        source: The input file.
        done: How many rows of the plan are done.
        created: Time in the answers, in seconds since the epoch.
        strict: Whether what only the documentation forbids is refused.
    """
    with source.open("rb") as lines, BodyWriter(output) as answered, BodyWriter(errors) as failed:
        for number, (offset, outcome) in enumerate(zip(plan.offsets[:done], plan.outcomes[:done], strict=True)):
            if number % 200 == 0:
                time.sleep(0)  # give the server's event loop a chance to run
            lines.seek(offset)
            row = _decode(lines.readline())
            if outcome in (RowOutcome.BAD_REQUEST, RowOutcome.FAILED_BY_CHANCE):
                failed.write(_encode(_error_row(row, endpoint, plan.link_errors.get(offset), strict=strict)) + b"\n")
            else:
                answered.write(_encode(_answer_row(row, endpoint, created, outcome)) + b"\n")
        return answered.finish(), failed.finish()


def _answer_row(row: dict[str, Any], endpoint: str, created: int, outcome: int) -> dict[str, Any]:
    custom_id = row["custom_id"]
    request = row["body"]
    if endpoint == CHAT:
        is_cut, is_invalid = outcome == RowOutcome.CUT_SHORT, outcome == RowOutcome.INVALID
        body = completion(request, custom_id, created, cut=is_cut, invalid=is_invalid)
    else:
        body = transcription(request, endpoint)
    return {
        "id": _row_id(custom_id),
        "custom_id": custom_id,
        "response": {"status_code": 200, "body": body},
    }


def _error_row(row: dict[str, Any], endpoint: str, link_error: str | None, *, strict: bool) -> dict[str, Any]:
    custom_id = row["custom_id"]
    message = (
        failure_reason(row, endpoint, strict=strict)
        or link_error
        or CHANCE_MESSAGES[crc32(custom_id.encode()) % len(CHANCE_MESSAGES)]
    )
    return {"id": _row_id(custom_id), "custom_id": custom_id, "error": {"message": message, "code": ERROR_CODE}}


def _row_id(custom_id: str) -> str:
    return f"br_{crc32(custom_id.encode()):08x}"
