"""The result files of a job: each finished row's answer, or its error, as the documentation shapes them.

The same job always gives the same bytes: what a row says depends on the row, when it was made on the job.
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
    """A body on disk."""

    size: int
    sha256: str


class BodyWriter:
    """Writes a file under another name and hashes it on the way; it has its own name only once it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Two clients may be sending the same file: each has its own part, and whoever is done last stays.
        self._part = path.with_name(f"{path.name}.{next(_numbers)}.part")
        self._file = self._part.open("wb", buffering=0)
        self._hash = hashlib.sha256()
        self._size = 0
        self._waiting = bytearray()

    def write(self, data: bytes | bytearray) -> None:
        """Add to the body."""
        self._size += len(data)
        self._waiting += data
        if len(self._waiting) >= PIECE_SIZE:
            self._flush()

    def _flush(self) -> None:
        # Seldom: writing and hashing let go of the interpreter, and other busy threads are slow to give it back.
        self._file.write(self._waiting)
        self._hash.update(self._waiting)
        self._waiting = bytearray()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._size

    def finish(self) -> WrittenBody:
        """Give the file its name."""
        self._flush()
        self._file.close()
        self._part.replace(self._path)
        return WrittenBody(self._size, self._hash.hexdigest())

    def abandon(self) -> None:
        """Leave nothing behind, unless it is finished."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.abandon()


def write_results(
    source: Path, ledger: RowPlan, done: int, endpoint: str, created: int, output: Path, errors: Path
) -> tuple[WrittenBody, WrittenBody]:
    """Write the first `done` rows of `ledger` to `output` and `errors`. Takes a while: call it in a thread."""
    with source.open("rb") as lines, BodyWriter(output) as answered, BodyWriter(errors) as failed:
        for number, (offset, fate) in enumerate(zip(ledger.offsets[:done], ledger.outcomes[:done], strict=True)):
            if number % 200 == 0:
                time.sleep(0)  # lets the server's loop have the interpreter
            lines.seek(offset)
            row = _decode(lines.readline())
            if fate in (RowOutcome.BAD_REQUEST, RowOutcome.FAILED_BY_CHANCE):
                failed.write(_encode(_error_row(row, endpoint)) + b"\n")
            else:
                answered.write(_encode(_answer_row(row, endpoint, created, cut=fate == RowOutcome.CUT_SHORT)) + b"\n")
        return answered.finish(), failed.finish()


def _answer_row(row: dict[str, Any], endpoint: str, created: int, *, cut: bool) -> dict[str, Any]:
    custom_id = row["custom_id"]
    asked = row["body"]
    body = completion(asked, custom_id, created, cut=cut) if endpoint == CHAT else transcription(asked, endpoint)
    return {
        "id": f"batch_req_{crc32(custom_id.encode()):08x}",
        "custom_id": custom_id,
        "response": {"status_code": 200, "body": body},
    }


def _error_row(row: dict[str, Any], endpoint: str) -> dict[str, Any]:
    custom_id = row["custom_id"]
    message = failure_reason(row, endpoint) or CHANCE_MESSAGES[crc32(custom_id.encode()) % len(CHANCE_MESSAGES)]
    return {"custom_id": custom_id, "error": {"message": message, "code": ERROR_CODE}}
