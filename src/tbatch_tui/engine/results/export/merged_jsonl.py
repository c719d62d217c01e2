"""Merged lines: request and response side by side, each exactly as in its file, without decoding the answers.

The parts of a merged line are copied from the bytes of the two lines. A second parser then checks many merged lines at
a time: if it refuses them (lone surrogates, bytes that are not UTF-8, a row that is not JSON), they are made again
one by one, decoded and encoded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from operator import add
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import simdjson
from msgspec import UNSET, Raw, Struct, UnsetType

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.lenient_json import loads, to_json
from tbatch_tui.engine.local_files.background_writer import BackgroundWriter
from tbatch_tui.engine.local_files.file_slices import read_at
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.results.sources import FileNumber, Source

if TYPE_CHECKING:
    from tbatch_tui.engine.results.index.columns import LocationColumns
    from tbatch_tui.engine.results.index.index import ResultIndex

_HUGE = re.compile(rb"[eE][+]?[0-9]{3}|[0-9]{309}")
"""What a number has in it that may be too large."""
_BATCH = 1024
"""Rows that are read and checked together, and between two calls of `cancelled` and `progress`, at most."""
_BATCH_BYTES = 1 << 20
"""Bytes of requests and responses in a batch; of rows that are longer, one."""

_SPREAD = 4
"""Rows of a batch are read in one piece unless it is more than this many times their own bytes."""

JobIdOf = Callable[[int], str]
"""Returns the id of the job that a row comes from; empty if it is not to be written."""


class _RequestLine(Struct, gc=False):
    custom_id: Raw
    body: Raw


class _ResponseLine(Struct, gc=False):
    custom_id: Raw
    response: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


_request_decoder = msgspec.json.Decoder(_RequestLine)
_decode_request = _request_decoder.decode
_decode_response = msgspec.json.Decoder(_ResponseLine).decode


def write_merged(
    index: ResultIndex,
    rows: Sequence[int],
    file: BinaryIO,
    job_id_of: JobIdOf,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> None:
    """Write one merged line for each row, in the order given.

    Raises OperationCancelledError, and LocalFileError if a result file has changed.
    """
    parser = simdjson.Parser()
    with ExitStack() as opened:
        merger = _Merger(index, job_id_of, opened)
        writer = opened.enter_context(BackgroundWriter(file))
        start = 0
        while start < len(rows):
            if cancelled():
                raise OperationCancelledError("The export was stopped")
            progress(start, len(rows))
            batch = merger.batch(rows, start)
            start += len(batch)
            data = merger.plain_lines(batch)
            if data is None or not _is_json(parser, data):
                lines = merger.lines(batch)
                data = b"\n".join(lines)
                if not all(lines) or not _is_json(parser, data):
                    data = b"\n".join(map(merger.decoded_line, batch))
            writer.write(data, b"\n")


class _Merger:
    """Makes merged lines, with the result files kept open."""

    def __init__(self, index: ResultIndex, job_id_of: JobIdOf, stack: ExitStack) -> None:
        self._index = index
        self._job_id_of = job_id_of
        self._requests = len(index.requests)
        self._job_fields: dict[str, bytes] = {"": b""}
        self._usual_rows = _BATCH
        """Rows that are tried first as a batch: as many as the last one had, and a few more."""
        self._files = {file: stack.enter_context(index.open_file(file)) for file in index.files}

    def batch(self, rows: Sequence[int], start: int) -> Sequence[int]:
        """Return the rows from a place on that are merged together: fewer where they are long."""
        batch = rows[start : start + self._usual_rows]
        while len(batch) > 1:
            size = self._size(batch)
            if size <= _BATCH_BYTES:
                break
            batch = batch[: max(1, min(len(batch) - 1, len(batch) * _BATCH_BYTES // size))]
        self._usual_rows = min(_BATCH, len(batch) + len(batch) // 16 + 1)
        return batch

    def _size(self, rows: Sequence[int]) -> int:
        """Return how many bytes the requests and the responses of rows have."""
        asked, answered = self._index.requests.locations.length, self._index.responses.locations.length
        numbers = self._responses(rows)
        if min(numbers) < 0:
            numbers = [number for number in numbers if number >= 0]
        size = sum(map(answered.__getitem__, numbers))
        if type(rows) is range and rows.step == 1:
            return size + sum(asked[rows.start : rows.stop])
        return size + sum([asked[row] for row in rows if row < len(asked)])

    def lines(self, rows: Sequence[int]) -> list[bytes]:
        """Return the merged lines, copied from the files; an empty one for a row that has to be decoded."""
        codes = self._index.responses.outcome
        responses = self._responses(rows)
        outcomes = [codes[response] if response >= 0 else Outcome.MISSING for response in responses]
        return [*map(self._line, rows, outcomes, *self._read(rows, responses))]

    def plain_lines(self, rows: Sequence[int]) -> bytes | None:
        """Return the merged lines of rows that follow each other and nearly all are answers; None for any others."""
        index = self._index
        if type(rows) is not range or rows.step != 1 or rows[-1] >= self._requests or index.original_ids:
            return None
        jobs = {*map(self._job_id_of, rows)}
        if len(jobs) > 1 or not index.has_input:
            return None
        job = self._job_field(rows[0])
        begins: dict[int, bytes] = {outcome: _OUTCOMES[outcome] + job + _REQUEST for outcome in _ANSWERED}
        codes, numbers = index.responses.outcome, self._responses(rows)
        pieces: list[bytes | Raw] = []
        try:
            requests = self._read_requests(rows)
            if requests is None:
                return None
            found = [_decode_response(line) if line else None for line in self._read_responses(numbers)]
            outcomes = [codes[number] if number >= 0 else Outcome.MISSING for number in numbers]
            for row, request, response, begin in zip(rows, requests, found, map(begins.get, outcomes), strict=True):
                if begin and response is not None and response.error is UNSET is not response.response:
                    pieces += (_NEXT, request.custom_id, begin, request.body, _RESPONSE, response.response)
                elif merged := self.lines([row])[0]:
                    pieces += (_END, merged[:-1])
                else:
                    return None
        except (ValueError, RecursionError):
            return None
        pieces[0] = pieces[0][len(_END) :]
        return b"".join((*pieces, b"}"))

    def _read_requests(self, rows: range) -> list[_RequestLine] | None:
        """Return the request lines of these rows, decoded at once; None where there is more or less between them."""
        file, locations = self._files.get(Source.INPUT), self._index.requests.locations
        if file is None:
            return None
        offsets, lengths = locations.offset[rows.start : rows.stop], locations.length[rows.start : rows.stop]
        first, last = offsets[0], offsets[-1] + lengths[-1]
        if last - first != sum(lengths) + len(rows) - 1:
            return None
        block = read_at(file, last - first, first)
        begins = bytes([block[offset - first] for offset in offsets])
        ends = bytes([block[offset + length - first - 1] for offset, length in zip(offsets, lengths, strict=True)])
        if begins != b"{" * len(rows) or ends != b"}" * len(rows):
            return None
        requests = _request_decoder.decode_lines(block)
        return requests if len(requests) == len(rows) else None

    def _responses(self, rows: Sequence[int]) -> Sequence[int]:
        """Return the number of each row's response; -1 if it has none."""
        if type(rows) is range and rows.step == 1 and rows.stop <= self._requests:
            return self._index.requests.response[rows.start : rows.stop].tolist()
        return [self._response(row) for row in rows]

    def _response(self, row: int) -> int:
        """Return the number of a row's response; -1 if it has none."""
        responses = self._index.requests.response
        if row < len(responses):
            return responses[row]
        response = self._index.response_of(row)
        return -1 if response is None else response

    def _line(self, row: int, outcome: int, request_line: bytes, response_line: bytes) -> bytes:
        if outcome == Outcome.UNREADABLE:
            return b""
        try:
            response = _decode_response(response_line) if response_line else None
            request = _decode_request(request_line) if request_line else None
        except (ValueError, RecursionError):
            return b""
        middle = _OUTCOMES[outcome] + self._job_field(row)
        if outcome == Outcome.INVALID or row >= self._requests:
            middle += self._extra_fields(row)
        if request is not None and response is not None and response.error is UNSET and response.response is not UNSET:
            body, result = request.body, response.response  # nearly every row
            return b"".join(
                (_BEGIN, self._shown_id(request.custom_id), middle, _REQUEST, body, _RESPONSE, result, b"}")
            )
        first = request if request is not None else response
        if first is None:
            return b""
        parts = [_BEGIN, self._shown_id(first.custom_id), middle]
        if request is not None:
            parts += (_REQUEST, request.body)
        if response is not None and response.response is not UNSET:
            parts += (_RESPONSE, response.response)
        if response is not None and response.error is not UNSET:
            parts += (_ERROR, response.error)
        return b"".join((*parts, b"}"))

    def _shown_id(self, custom_id: Raw) -> bytes | Raw:
        """Return a custom_id as the rows show it: what it was before a mend shortened it."""
        if not self._index.original_ids:
            return custom_id
        sent = loads(bytes(custom_id))
        original = self._index.original_ids.get(sent) if isinstance(sent, str) else None
        return custom_id if original is None else json.dumps(original).encode()

    def decoded_line(self, row: int) -> bytes:
        """Return the merged line of a row, decoded and encoded again. What no JSON parser accepts is replaced."""
        index = self._index
        [request_line], [response_line] = self._read([row], [self._response(row)])
        request, response = decode_fields(request_line), decode_fields(response_line)
        merged: dict[str, Any] = {"custom_id": index.row(row).custom_id, "outcome": index.outcome(row).words}
        if job_id := self._job_id_of(row):
            merged["job"] = job_id
        merged |= self._extras(row)
        if "body" in request:
            merged["request"] = request["body"]
        merged |= {name: response[name] for name in ("response", "error") if name in response}
        if response_line and not response:
            merged["unreadable"] = response_line.decode("utf-8", "replace")
        return encode_line(merged)

    def _read(self, rows: Sequence[int], numbers: Sequence[int]) -> tuple[list[bytes], list[bytes]]:
        """Return the request line and the response line of each row, empty if there is none.

        Args:
            numbers: The response of each row; -1 for none.
        """
        locations = self._index.requests.locations
        request_lines = self._read_lines(Source.INPUT, locations, [row if row < len(locations) else -1 for row in rows])
        return request_lines, self._read_responses(numbers)

    def _read_responses(self, numbers: Sequence[int]) -> list[bytes]:
        """Return the lines of these responses, an empty one for -1."""
        responses = self._index.responses
        lines = [b""] * len(numbers)
        files = {responses.file[number] for number in numbers if number >= 0}
        for file in files:
            in_file = numbers
            if len(files) > 1:
                in_file = [number if number >= 0 and responses.file[number] == file else -1 for number in numbers]
            found = self._read_lines(file, responses.locations, in_file)
            lines = found if len(files) == 1 else [one or other for one, other in zip(lines, found, strict=True)]
        return lines

    def _read_lines(self, number: FileNumber, locations: LocationColumns, numbers: Sequence[int]) -> list[bytes]:
        """Return these lines of a file, an empty one for -1. Lines close to each other are read in one piece."""
        file, offsets, lengths = self._files.get(number), locations.offset, locations.length
        present = numbers if min(numbers) >= 0 else [number for number in numbers if number >= 0]
        if file is None or not present:
            return [b""] * len(numbers)
        starts, sizes = [offsets[number] for number in present], [lengths[number] for number in present]
        first = min(starts)
        last = max(map(add, starts, sizes))
        if last - first > _SPREAD * sum(sizes):
            found = [read_at(file, size, start) for start, size in zip(starts, sizes, strict=True)]
        else:
            data = read_at(file, last - first, first)
            found = [data[(at := start - first) : at + size] for start, size in zip(starts, sizes, strict=True)]
        if present is numbers:
            return found
        each = iter(found)
        return [next(each) if number >= 0 else b"" for number in numbers]

    def _extras(self, row: int) -> dict[str, str]:
        """Return why an answer is invalid, and why a row is listed below the requests."""
        listed = self._index.row(row)
        extras = {"reason": listed.reason} if listed.reason else {}
        return extras | ({"issue": listed.issue.value} if listed.issue is not None else {})

    def _extra_fields(self, row: int) -> bytes:
        return b"".join(
            b',"%b":%b' % (name.encode(), json.dumps(text).encode()) for name, text in self._extras(row).items()
        )

    def _job_field(self, row: int) -> bytes:
        job_id = self._job_id_of(row)
        field = self._job_fields.get(job_id)
        if field is None:
            field = self._job_fields[job_id] = b',"job":' + json.dumps(job_id).encode()
        return field


_BEGIN, _REQUEST, _RESPONSE, _ERROR = b'{"custom_id":', b',"request":', b',"response":', b',"error":'
_END = b"}\n"
_NEXT = _END + _BEGIN
_ANSWERED = (Outcome.OK, Outcome.CUT_SHORT)
_OUTCOMES = [f',"outcome":"{outcome.words}"'.encode() for outcome in Outcome]


def _is_json(parser: simdjson.Parser, lines: bytes) -> bool:
    """Return whether every line is valid JSON in UTF-8. A line end stands between two lines, and nowhere else."""
    try:
        parser.parse(b"[%b]" % lines.replace(b"\n", b","))
    except (ValueError, RuntimeError):
        return False
    return True


def decode_fields(data: bytes) -> dict[str, Raw]:
    """Return the fields of a line, each as written if that is valid JSON; none if the line is not a JSON object."""
    try:
        data.decode()
        fields = msgspec.json.decode(data, type=dict[str, Raw])
        return {key: _finite(part) for key, part in fields.items()}
    except (ValueError, RecursionError):
        value = loads(data)  # lone surrogates and NaN: only the standard library reads them
        return {key: Raw(to_json(part)) for key, part in value.items()} if isinstance(value, dict) else {}


def _finite(part: Raw) -> Raw:
    """Return a value as written, unless a number in it is too large to be one: it would be read as Infinity."""
    if not _HUGE.search(bytes(part)):
        return part
    value = loads(bytes(part))
    return Raw(to_json(value)) if to_json(value) != json.dumps(value) else part


def encode_line(value: dict[str, Any]) -> bytes:
    """Return a value as JSON, without a line end. Lone surrogates, which UTF-8 cannot hold, are replaced."""
    return msgspec.json.encode(
        {key: as_valid_json(part) if isinstance(part, str) else part for key, part in value.items()}
    )


def as_valid_json(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()
