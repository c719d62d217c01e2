"""Reads many answers in one pass over the result files, in the order of their bytes."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.lenient_json import as_id, loads
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.results.choices import read_choices, response_body
from tbatch_tui.engine.schemas.wrapping import strip_wrapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex

_SPAN, _GAP = 1 << 20, 1 << 16
"""Bytes that are read at once, and bytes of other rows between two rows that are read with them."""
_ROWS = 1 << 16
"""Rows whose places are in memory at once."""
_NO_CALLS = (b"[]", b"null")


class Answer(Struct, gc=False):
    """What is in one response."""

    text: str = ""
    """The answer without reasoning; of a tool call what it calls; of a recording its text."""
    arguments: Any = None
    """The arguments of a tool call that stands alone: JSON in a text, or decoded."""
    finish_reason: str | None = None
    language: str | None = None
    """Of a recording."""


class _Message(Struct, gc=False):
    content: str
    tool_calls: Raw | UnsetType = UNSET


class _Choice(Struct, gc=False):
    message: _Message
    finish_reason: str | None = None


class _Body(Struct, gc=False):
    choices: list[_Choice]


class _Response(Struct, gc=False):
    body: _Body


class _Line(Struct, gc=False):
    response: _Response


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_json = msgspec.json.Decoder().decode


def read_answers(
    index: ResultIndex, rows: Sequence[int], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, Answer]]:
    """Yield the answers of rows: the place of the row in `rows`, and what its response says.

    Rows without a response are passed over. Of some thousand rows at once they come in the order of the files. Raises
    LocalFileError, and OperationCancelledError when `cancelled()`.
    """
    for at, line in read_lines(index, rows, cancelled):
        yield at, read_answer(line)


def read_lines(
    index: ResultIndex, rows: Sequence[int], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of the responses of rows, as `read_answers` does."""
    with ExitStack() as stack:
        opened: dict[int, int] = {}

        def handle(file: int) -> int:
            if file not in opened:
                opened[file] = stack.enter_context(index.open_file(file)).fileno()
            return opened[file]

        for first in range(0, len(rows), _ROWS):
            yield from _read_some(index, rows[first : first + _ROWS], first, handle, cancelled)


def _read_some(
    index: ResultIndex,
    rows: Sequence[int],
    begin: int,
    handle: Callable[[int], int],
    cancelled: Callable[[], bool],
) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of the responses of some rows, the first of which has place number `begin`."""
    responses = index.responses
    offsets, lengths, files = responses.locations.offset, responses.locations.length, responses.file
    found = ((at, response) for at, row in enumerate(rows, begin) if (response := index.response_of(row)) is not None)
    ordered = sorted((files[response], offsets[response], lengths[response], at) for at, response in found)
    first = 0
    while first < len(ordered):
        if cancelled():
            raise OperationCancelledError("Reading the answers was stopped")
        file, start, length, _ = ordered[first]
        end, last = start + length, first + 1
        while last < len(ordered):
            other, offset, length, _ = ordered[last]
            if other != file or offset > end + _GAP or offset + length > start + _SPAN:
                break
            end, last = max(end, offset + length), last + 1
        try:
            data = os.pread(handle(file), end - start, start)
        except OSError as error:
            raise LocalFileError(
                f"The results cannot be read: {error.strerror or error}", f"Download them again: {NextStep.FETCH}."
            ) from error
        for _, offset, length, at in ordered[first:last]:
            yield at, data[offset - start : offset - start + length]
        first = last


def read_answer(line: bytes) -> Answer:
    """Return what a response says. Never raises. Of several choices the first counts."""
    try:
        choices = _decode_line(line).response.body.choices
    except (ValueError, RecursionError):
        return _read_decoded(line)
    if not choices:
        return Answer()
    choice = choices[0]
    message = choice.message
    text, calls = message.content, message.tool_calls
    if "think" in text or not text.strip() or not (calls is UNSET or bytes(calls) in _NO_CALLS):
        return _read_decoded(line)
    return Answer(text, None, choice.finish_reason)


def _read_decoded(line: bytes) -> Answer:
    value = loads(line)
    response = value.get("response") if isinstance(value, dict) else None
    body = response_body(response.get("body")) if isinstance(response, dict) else None
    choices = read_choices(body)
    if not choices:
        text, language = (body.get("text"), body.get("language")) if isinstance(body, dict) else (None, None)
        return Answer(text if isinstance(text, str) else "", language=as_id(language) or None)
    choice = choices[0]
    arguments = None
    if len(choice.tool_calls) == 1 and not choice.text.strip():
        call = choice.tool_calls[0]
        function = call.get("function") if isinstance(call, dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
    return Answer(choice.answer, arguments, as_id(choice.finish_reason) or None)


def json_object(answer: Answer) -> dict[str, Any] | None:
    """Return the JSON object that an answer is, without a fence or reasoning around it; None if it is none."""
    source = answer.text if answer.arguments is None else answer.arguments
    if isinstance(source, dict):
        return source
    if not isinstance(source, str):
        return None
    try:
        value = _decode_json(source) if source[:1] == "{" else _decode_wrapped(source)
    except (ValueError, RecursionError):
        try:
            value = _decode_wrapped(source)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def _decode_wrapped(text: str) -> Any:
    bare, _ = strip_wrapping(text)
    if bare[:1] != "{":
        return None
    try:
        return _decode_json(bare)
    except (ValueError, RecursionError):  # half a surrogate pair in an escape: only the standard library reads it
        return json.loads(bare, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def full_texts(index: ResultIndex, rows: Iterable[int], text_of: Callable[[Answer], str]) -> dict[int, str]:
    """Return the texts of a few rows, read again: of long values only the beginning is in memory."""
    chosen = list(rows)
    return {chosen[at]: text_of(answer) for at, answer in read_answers(index, chosen)}
