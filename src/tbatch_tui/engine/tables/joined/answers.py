"""The new cells of a row: the fields of its answer, or the answer as text, its outcome, and what went wrong."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tbatch_tui.engine.lenient_json import as_finite, loads
from tbatch_tui.engine.results.choices import read_choices, response_body
from tbatch_tui.engine.results.export.merged_jsonl import as_valid_json
from tbatch_tui.engine.results.export.tables import answer_text, failure_text
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.results.record import build_record
from tbatch_tui.engine.results.recordings.transcript import read_transcription
from tbatch_tui.engine.results.sources import Source, source_of_file
from tbatch_tui.engine.schemas.verdict import NO_FORMAT, AnswerFormat, format_of_body, format_of_schema
from tbatch_tui.engine.tables.joined.copies import NewColumn
from tbatch_tui.engine.tables.recipe_rules import check_schema_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.results.sources import FileNumber
    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.recipe import Recipe

NOT_ASKED, NO_ANSWER = -1, -2
"""In place of the number of a request: the row was not asked for; it was, and nothing is known of it."""
NOT_ASKED_WORDS = "not asked"
OUTCOMES = ("ok", "cut short", "invalid", "error", "missing", NOT_ASKED_WORDS)
"""What `outcome` can be, in the order in which they are told."""
_TYPES = ("string", "integer", "number", "boolean")
_INTEGER_MAX = 2**63
_OK = int(Outcome.OK)
_NO_CALLS = (b"[]", b"null")
_TEXTS = ("answer", "outcome", "error")
_ABOUT_RECORDINGS = (("duration", "number"), ("language", "string"))
"""The columns of transcripts: seconds, and what the response calls the language."""
_SPREAD = 4
"""Lines are read in one piece unless it is more than this many times their own bytes."""


class _Message(Struct, gc=False):
    content: str
    tool_calls: Raw | UnsetType = UNSET


class _Choice(Struct, gc=False):
    message: _Message


class _Body(Struct, gc=False):
    choices: list[_Choice]


class _Response(Struct, gc=False):
    body: _Body


class _Line(Struct, gc=False):
    response: _Response


_decode_line = msgspec.json.Decoder(_Line).decode


def format_of_recipe(recipe: Recipe) -> AnswerFormat:
    """Return what the requests of a recipe ask of their answers."""
    if recipe.schema is not None:
        return format_of_schema(check_schema_text(recipe.schema))
    return format_of_body(dict(recipe.body)) if "response_format" in recipe.body else NO_FORMAT


def new_columns(asked: AnswerFormat, taken: set[str], *, recordings: bool = False) -> list[NewColumn]:
    """Return the columns that are written behind those of a source.

    Args:
        asked: What was asked of the answers.
        taken: The names that the source has.
        recordings: Whether the answers are transcripts, which have a duration and a language too.
    """
    schema = asked.schema if isinstance(asked.schema, dict) else {}
    properties = schema.get("properties")
    columns: list[NewColumn] = []
    used = set(taken)
    texts = dict.fromkeys(_TEXTS, "string")
    fields = [(name, _type_of(properties[name])) for name in asked.fields] if isinstance(properties, dict) else []
    about = _ABOUT_RECORDINGS if recordings else ()
    for name, kind in [*fields, *texts.items(), *about]:
        free, number = name, 1
        while free in used:
            number += 1
            free = f"{name}_{number}"
        used.add(free)
        columns.append(NewColumn(free, kind))
    return columns


def _type_of(schema: Any) -> str:
    """Return the type of a field; empty where it has none, or more than one."""
    if not isinstance(schema, dict):
        return ""
    kinds = schema.get("type")
    kinds = [kind for kind in kinds if kind != "null"] if isinstance(kinds, list) else [kinds]
    if kinds == [None] and isinstance(values := schema.get("enum"), list) and values:
        return "string" if all(isinstance(value, str) for value in values) else ""
    return str(kinds[0]) if len(kinds) == 1 and kinds[0] in _TYPES else ""


class AnswerReader:
    """Reads the answers of requests from the result files, many at once."""

    def __init__(
        self,
        index: ResultIndex,
        asked: AnswerFormat,
        columns: Sequence[NewColumn],
        *,
        typed: bool,
        stack: ExitStack,
    ) -> None:
        """Open the result files. Raises LocalFileError.

        Args:
            index: The results of a job, or of a family.
            asked: What was asked of the answers.
            columns: What `new_columns` returned.
            typed: Whether a cell can only be of the type of its column.
            stack: Closes the files.
        """
        self.outcomes: Counter[str] = Counter()
        """Rows by their outcome."""
        self._index = index
        self._asked = asked
        self._fields = asked.fields
        self._types = [column.type for column in columns[: len(self._fields)]]
        self._typed = typed
        self._has_more = len(columns) > len(self._fields) + len(_TEXTS)
        self._files = {
            file: stack.enter_context(index.open_file(file)).fileno()
            for file in index.files
            if source_of_file(file) is not Source.INPUT
        }
        self._is_free = asked == NO_FORMAT
        self._none = [None] * len(self._fields)

    def cells(self, requests: Sequence[int]) -> list[list[Cell]]:
        """Return the new cells of rows, by the number of the request of each, or `NOT_ASKED` or `NO_ANSWER`."""
        own = self._index.requests.response
        responses = [own[request] if request >= 0 else -1 for request in requests]
        lines = self._read(responses)
        if self._is_free:
            codes = self._index.responses.outcome
            made: list[list[Cell]] = [
                [text, "ok", None]
                if response >= 0 and codes[response] == _OK and (text := _plain_answer(line))
                else self._row(request, response, line)
                for request, response, line in zip(requests, responses, lines, strict=True)
            ]
        else:
            made = list(map(self._row, requests, responses, lines))
        at = len(self._fields) + 1
        self.outcomes.update([row[at] for row in made])
        if self._has_more:
            made = [[*row, *_about_recording(line)] for row, line in zip(made, lines, strict=True)]
        return made

    def _row(self, request: int, response: int, line: bytes) -> list[Cell]:
        if response < 0:
            words = NOT_ASKED_WORDS if request == NOT_ASKED else Outcome.MISSING.words
            return [*self._none, None, words, None]
        outcome = self._index.responses.outcome[response]
        if outcome == Outcome.ERROR:
            return [*self._none, None, "error", self._failure(request, line)]
        texts = self._texts(request, line)
        text = texts[0] if len(texts) == 1 else "\n\n".join(filter(None, texts))
        if outcome != Outcome.OK:
            failure = self._failure(request, line) if outcome == Outcome.INVALID else None
            return [*self._none, text or None, Outcome(outcome).words, failure]
        if self._is_free:
            return [text, "ok", None]
        return self._judged(texts or [""], text)

    def _judged(self, texts: Sequence[str], text: str) -> list[Cell]:
        """Return the cells of an answer that is ok unless it is not what was asked."""
        verdict = self._asked.judge(texts[0])
        violation = verdict.violation or next(
            (found for other in texts[1:] if (found := self._asked.judge(other).violation)), ""
        )
        if violation:
            return [*self._none, text or None, "invalid", as_valid_json(violation)]
        if not self._fields:
            return [text, "ok", None]
        value = verdict.value if isinstance(verdict.value, dict) else {}
        is_whole = value is verdict.value
        cells: list[Cell] = []
        for name, kind in zip(self._fields, self._types, strict=True):
            cell = value.get(name)
            if cell is not None and not _is_plain(cell):
                cell = _cleaned(cell)
            if cell is not None and self._typed and kind and not _fits(cell, kind):
                cell = None
            is_whole = is_whole and (cell is not None or value.get(name) is None)
            cells.append(cell)
        return [*cells, None if is_whole else text, "ok", None]

    def _texts(self, request: int, line: bytes) -> list[str]:
        """Return the text of each answer of a response, without its reasoning."""
        if text := _plain_answer(line):
            return [text]
        value = loads(line)
        response = value.get("response") if isinstance(value, dict) else None
        body = response_body(response.get("body")) if isinstance(response, dict) else None
        if decoded := read_choices(body):
            return [as_valid_json(choice.answer) for choice in decoded]
        return [as_valid_json(answer_text(build_record(self._index.row(request), None, line)))]

    def _failure(self, request: int, line: bytes) -> str | None:
        return as_valid_json(failure_text(build_record(self._index.row(request), None, line))) or None

    def _read(self, responses: Sequence[int]) -> list[bytes]:
        """Return the line of each response, empty for -1."""
        files = self._index.responses.file
        lines = [b""] * len(responses)
        by_file: dict[FileNumber, list[int]] = {}
        for at, response in enumerate(responses):
            if response >= 0:
                by_file.setdefault(files[response], []).append(at)
        for file, places in by_file.items():
            self._read_file(self._files[file], places, responses, lines)
        return lines

    def _read_file(self, file: int, places: Sequence[int], responses: Sequence[int], lines: list[bytes]) -> None:
        """Read lines of one file; those close to each other in one piece."""
        locations = self._index.responses.locations
        offsets = [locations.offset[responses[at]] for at in places]
        lengths = [locations.length[responses[at]] for at in places]
        start = min(offsets)
        end = max(map(sum, zip(offsets, lengths, strict=True)))
        if end - start > _SPREAD * sum(lengths):
            for at, offset, length in zip(places, offsets, lengths, strict=True):
                lines[at] = os.pread(file, length, offset)
            return
        data = os.pread(file, end - start, start)
        for at, offset, length in zip(places, offsets, lengths, strict=True):
            lines[at] = data[offset - start : offset - start + length]


def _about_recording(line: bytes) -> tuple[Cell, Cell]:
    """Return duration and language of a transcript; nothing where there is none."""
    value = loads(line)
    response = value.get("response") if isinstance(value, dict) else None
    body = response_body(response.get("body")) if isinstance(response, dict) else None
    if (found := read_transcription(body)) is None:
        return (None, None)
    return (found.seconds, as_valid_json(found.language) or None)


def _plain_answer(line: bytes) -> str:
    """Return the answer of a response that has one text and nothing else; empty for any other."""
    try:
        choices = _decode_line(line).response.body.choices
    except (ValueError, RecursionError):
        return ""
    message = choices[0].message if len(choices) == 1 else None
    if message is None or not (message.tool_calls is UNSET or bytes(message.tool_calls) in _NO_CALLS):
        return ""
    text = message.content
    return text if "think" not in text and text.strip() else ""


def _is_plain(cell: Cell) -> bool:
    """Return whether a value can be written as it is: JSON has no infinity, and UTF-8 no half of a character."""
    if isinstance(cell, str):
        return cell.isascii() or _is_utf8(cell)
    return isinstance(cell, bool | int) or (isinstance(cell, float) and math.isfinite(cell))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _cleaned(cell: Cell) -> Cell:
    try:
        text = json.dumps(as_finite(cell), ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return json.loads(as_valid_json(text))


def _fits(cell: Cell, kind: str) -> bool:
    """Return whether a value can be in a column of this type."""
    if kind == "string":
        return isinstance(cell, str)
    if kind == "boolean":
        return isinstance(cell, bool)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return False
    if kind == "integer":
        return cell == int(cell) and -_INTEGER_MAX <= cell < _INTEGER_MAX
    return abs(cell) < 1e308
