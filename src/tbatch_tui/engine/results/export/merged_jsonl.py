"""Rows merged: request and response side by side, each as its file spells it, without reading the answers.

The parts of a line are cut out of its bytes. A second parser then reads what was put together, many rows at a time:
what it does not take (halves of surrogate pairs, bytes that are no UTF-8, a row that is no JSON) is put together once
more, row by row and with care.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import simdjson
from msgspec import UNSET, Raw, Struct, UnsetType

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.results.sources import FileNumber, Source

if TYPE_CHECKING:
    from tbatch_tui.engine.results.index.columns import LocationColumns
    from tbatch_tui.engine.results.index.index import ResultIndex

_BATCH = 256
"""Rows between two looks at whether to stop."""

_SPREAD = 4
"""Rows that stand among so many times their own bytes are read in one piece."""

JobIdOf = Callable[[int], str]
"""The id of the job that a row comes from; empty where there is none to tell."""


class _Asked(Struct, gc=False):
    custom_id: Raw
    body: Raw


class _Came(Struct, gc=False):
    custom_id: Raw
    response: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


_asked = msgspec.json.Decoder(_Asked).decode
_came = msgspec.json.Decoder(_Came).decode


def write_merged(
    index: ResultIndex,
    rows: Sequence[int],
    file: BinaryIO,
    job_id_of: JobIdOf,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Write these rows, in this order, a line each. Raises OperationCancelledError, and LocalFileError when a file has
    changed.
    """
    parser = simdjson.Parser()
    with ExitStack() as opened:
        merger = _Merger(index, job_id_of, opened)
        for start in range(0, len(rows), _BATCH):
            if cancelled():
                raise OperationCancelledError("The export was stopped")
            progress(start, len(rows))
            batch = rows[start : start + _BATCH]
            lines = merger.lines(batch)
            if not _is_json(parser, lines):
                lines = [*map(merger.careful_line, batch)]
            file.write(b"\n".join([*lines, b""]))


class _Merger:
    """Puts rows together, with the files kept open."""

    def __init__(self, index: ResultIndex, job_of: JobIdOf, opened: ExitStack) -> None:
        self._index = index
        self._job_of = job_of
        self._jobs: dict[str, bytes] = {"": b""}
        self._files = {file: opened.enter_context(index.open_file(file)).fileno() for file in index.files}

    def lines(self, rows: Sequence[int]) -> list[bytes]:
        """Rows by cutting; nothing for one where that is not to be trusted."""
        replies = self._index.responses
        of = [self._reply(row) for row in rows]
        outcomes = [replies.outcome[reply] if reply >= 0 else Outcome.MISSING for reply in of]
        return [*map(self._line, rows, outcomes, *self._read(rows, of))]

    def _reply(self, row: int) -> int:
        """The reply of a row; -1 where there is none."""
        requests = self._index.requests.response
        if row < len(requests):
            return requests[row]
        found = self._index.response_of(row)
        return -1 if found is None else found

    def _line(self, row: int, outcome: int, asked: bytes, came: bytes) -> bytes:
        if outcome == Outcome.UNREADABLE:
            return b""
        try:
            reply = _came(came) if came else None
            request = _asked(asked) if asked else None
        except (ValueError, RecursionError):
            return b""
        head = _OUTCOMES[outcome] + self._job(row)
        if request is not None and reply is not None and reply.error is UNSET and reply.response is not UNSET:
            body, response = request.body, reply.response  # nearly every row
            return b"".join((_BEGIN, request.custom_id, head, _REQUEST, body, _RESPONSE, response, b"}"))
        first = request if request is not None else reply
        if first is None:
            return b""
        parts = [_BEGIN, first.custom_id, head]
        if request is not None:
            parts += (_REQUEST, request.body)
        if reply is not None and reply.response is not UNSET:
            parts += (_RESPONSE, reply.response)
        if reply is not None and reply.error is not UNSET:
            parts += (_ERROR, reply.error)
        return b"".join((*parts, b"}"))

    def careful_line(self, row: int) -> bytes:
        """A row by reading it: what no other program would read is replaced."""
        index = self._index
        [asked], [raw] = self._read([row], [self._reply(row)])
        request, reply = decode_fields(asked), decode_fields(raw)
        merged: dict[str, Any] = {"custom_id": index.row(row).custom_id, "outcome": index.outcome(row).words}
        if job := self._job_of(row):
            merged["job"] = job
        if "body" in request:
            merged["request"] = request["body"]
        merged |= {name: reply[name] for name in ("response", "error") if name in reply}
        if raw and not reply:
            merged["unreadable"] = raw.decode("utf-8", "replace")
        return encode_line(merged)

    def _read(self, rows: Sequence[int], of: Sequence[int]) -> tuple[list[bytes], list[bytes]]:
        """The input line of each row, and the line of the reply to it; nothing for none."""
        places, replies = self._index.requests.locations, self._index.responses
        asked = self._cut(Source.INPUT, places, [row if row < len(places) else -1 for row in rows])
        came = [b""] * len(rows)
        for file in {replies.file[reply] for reply in of if reply >= 0}:
            numbers = [reply if reply >= 0 and replies.file[reply] == file else -1 for reply in of]
            came = [one or other for one, other in zip(came, self._cut(file, replies.locations, numbers), strict=True)]
        return asked, came

    def _cut(self, number: FileNumber, places: LocationColumns, numbers: Sequence[int]) -> list[bytes]:
        """These lines of a file, nothing for -1; read in one piece where they stand near each other."""
        file, offsets, lengths = self._files.get(number), places.offset, places.length
        wanted = [number for number in numbers if number >= 0]
        if file is None or not wanted:
            return [b""] * len(numbers)
        start = min([offsets[number] for number in wanted])
        end = max([offsets[number] + lengths[number] for number in wanted])
        if end - start > _SPREAD * sum([lengths[number] for number in wanted]):
            return [os.pread(file, lengths[number], offsets[number]) if number >= 0 else b"" for number in numbers]
        data = os.pread(file, end - start, start)
        return [
            data[(at := offsets[number] - start) : at + lengths[number]] if number >= 0 else b"" for number in numbers
        ]

    def _job(self, row: int) -> bytes:
        job = self._job_of(row)
        found = self._jobs.get(job)
        if found is None:
            found = self._jobs[job] = b',"job":' + json.dumps(job).encode()
        return found


_BEGIN, _REQUEST, _RESPONSE, _ERROR = b'{"custom_id":', b',"request":', b',"response":', b',"error":'
_OUTCOMES = [f',"outcome":"{outcome.words}"'.encode() for outcome in Outcome]


def _is_json(parser: simdjson.Parser, lines: list[bytes]) -> bool:
    """Whether every line is a whole value, in UTF-8."""
    if not all(lines):
        return False
    try:
        parser.parse(b"[%b]" % b",".join(lines))
    except (ValueError, RuntimeError):
        return False
    return True


def decode_fields(data: bytes) -> dict[str, Raw]:
    """The fields of a line, each as it is spelled where others can read that; none of what is no JSON object."""
    try:
        data.decode()
        return msgspec.json.decode(data, type=dict[str, Raw])
    except (ValueError, RecursionError):
        value = loads(data)  # half a surrogate pair, which only the standard library takes, and can write again
        return {key: Raw(json.dumps(part)) for key, part in value.items()} if isinstance(value, dict) else {}


def encode_line(value: dict[str, Any]) -> bytes:
    """A value as a line of JSON, its end left off; half a surrogate pair, which no file can hold, is replaced."""
    return msgspec.json.encode(
        {key: as_valid_json(part) if isinstance(part, str) else part for key, part in value.items()}
    )


def as_valid_json(text: str) -> str:
    """A text that a file can hold."""
    return text.encode("utf-8", "replace").decode()
