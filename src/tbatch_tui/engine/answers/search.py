"""Search for a text in one field of the rows: the answers, the prompts, the ids, the errors, or a field of the JSON.

    query = parse_query("label: pos", ["label"])
    hits = Hits(len(index))
    find_hits(index, query, hits)      # in a thread; another thread can read the hits meanwhile

A text without a prefix is searched for in what the list shows as the answer: the answer, or why there is none.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.answers.columns import value_text
from tbatch_tui.engine.answers.reading import json_object, read_answer, read_lines
from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.lenient_json import content_text, loads
from tbatch_tui.engine.local_files.file_slices import read_at
from tbatch_tui.engine.results import Outcome, search
from tbatch_tui.engine.results.choices import read_choices, response_body
from tbatch_tui.engine.results.index.previews import PREVIEW_MAX, preview_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from tbatch_tui.engine.results import ResultIndex

    Cancelled = Callable[[], bool]
    Progress = Callable[[int, int], object]

_SAFE_RUN = re.compile(r"[A-Za-z0-9 .,:;!?()-]+")
"""Characters that stand in a line as they are, however deep JSON is in JSON."""
_FAILED = (Outcome.ERROR, Outcome.INVALID, Outcome.UNREADABLE)
_STEP = 500
"""Rows between two looks at whether to go on."""
_BEFORE, _SNIPPET = 12, 160
"""Characters before a hit, and of all, in the part of a text that shows a hit."""


class SearchField(StrEnum):
    """What is searched. The value is the prefix that chooses it, without its colon."""

    SHOWN = ""
    """What the list shows as the answer: the answer, or the message of an error."""
    ANSWER = "answer"
    PROMPT = "prompt"
    """What the user said last, as exports have it; of audio the URL."""
    ID = "id"
    """The custom_id, as it was sent or as it was before it was shortened."""
    ERROR = "error"
    """The message of an error, or why an answer is invalid."""
    FIELD = "field"
    """A field of the JSON object that the answer is, or any of them."""
    ANY = "any"
    """Both lines of the row, as they are in the files."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for, and where."""

    text: str = ""
    field: SearchField = SearchField.SHOWN
    name: str = ""
    """Of FIELD: the field; empty for any."""

    @property
    def where(self) -> str:
        """What is searched, in words: `prompt`, `label`."""
        words = {SearchField.SHOWN: "answer", SearchField.ANY: "request and response", SearchField.FIELD: "any field"}
        return self.name or words.get(self.field, self.field.value)

    @property
    def is_shown(self) -> bool:
        """Whether the list shows the beginning of what is searched, whatever is searched for."""
        return self.field not in (SearchField.PROMPT, SearchField.FIELD)


NO_QUERY = Query()


def parse_query(typed: str, names: Collection[str] = ()) -> Query:
    """Return what a person searches for: `answer:`, `prompt:`, `id:`, `error:`, `any:` and a text, or only a text.

    `label: pos` and `field:label=pos` search a field of the JSON, `field:pos` all of them.

    Args:
        typed: What was typed.
        names: The fields that the answers are known to have. Another word before a colon is part of the text.
    """
    prefix, colon, rest = typed.partition(":")
    prefix = prefix.strip()
    if not colon:
        return Query(typed)
    if prefix in names:
        return Query(rest.lstrip(), SearchField.FIELD, prefix)
    if prefix == SearchField.FIELD:
        name, sign, text = rest.partition("=")
        if sign and name.strip():
            return Query(text.lstrip(), SearchField.FIELD, name.strip())
        return Query(rest.lstrip(), SearchField.FIELD)
    if prefix and prefix in {field.value for field in SearchField}:
        return Query(rest.lstrip(), SearchField(prefix))
    return Query(typed)


class Hits:
    """The rows that a search found so far, and the part of the text that holds the hit where that is not its start."""

    def __init__(self, rows: int) -> None:
        """Make the hits of an index with so many rows."""
        self.rows = bytearray(rows)
        """One byte for each row, 1 for a hit."""
        self.snippets: dict[int, str] = {}
        self.is_complete = False

    def add(self, row: int, text: str, at: int, *, shown: bool) -> None:
        """Add a row by the place of the hit in its text, whose beginning the list may show anyway."""
        if at > 2 * _BEFORE:
            self.snippets[row] = f"…{text[at - _BEFORE : at - _BEFORE + _SNIPPET]}"
        elif not shown:
            self.snippets[row] = text[:_SNIPPET]
        self.rows[row] = 1


def text_pattern(text: str) -> re.Pattern[str]:
    """Return the pattern of a text: whatever its case, and whatever white space is between its words."""
    return re.compile(r"\s+".join(map(re.escape, text.split())), re.IGNORECASE)


def find_hits(
    index: ResultIndex,
    query: Query,
    hits: Hits,
    *,
    cancelled: Cancelled = lambda: False,
    progress: Progress = lambda _done, _total: None,
) -> None:
    """Find the rows of a built index in which a query's field holds its text. Run it in a thread.

    Raises OperationCancelledError when `cancelled()`, and LocalFileError if a file has changed.

    Args:
        index: The results.
        query: With a text that is more than white space.
        hits: Filled while the search goes on.
        cancelled: Ends it early.
        progress: Called with how much is done, and of how much.
    """
    search_texts = partial(_search_texts, query=query, hits=hits)
    match query.field:
        case SearchField.ANY:
            search(index, query.text, cancelled=cancelled, progress=progress, hits=hits.rows)
        case SearchField.ID:
            search_texts(_ids(index), len(index), cancelled=cancelled, progress=progress)
        case SearchField.PROMPT:
            search_texts(_prompts(index, query), len(index), cancelled=cancelled, progress=progress)
        case SearchField.ERROR:
            search_texts(_failures(index), len(index), cancelled=cancelled, progress=progress)
        case SearchField.SHOWN:
            search_texts(_failures(index), len(index), cancelled=cancelled, progress=progress)
            search_texts(_answers(index, query), len(index), cancelled=cancelled, progress=progress)
        case _:
            search_texts(_answers(index, query), len(index), cancelled=cancelled, progress=progress)
    hits.is_complete = True


def _search_texts(
    texts: Iterable[tuple[int, Iterable[str]]],
    total: int,
    *,
    query: Query,
    hits: Hits,
    cancelled: Cancelled,
    progress: Progress,
) -> None:
    """Mark the rows of which one of the texts holds the query's."""
    pattern = text_pattern(query.text)
    for done, (row, candidates) in enumerate(texts):
        if not done % _STEP:
            if cancelled():
                raise OperationCancelledError("The search was stopped")
            progress(done, total)
        for text in candidates:
            if found := pattern.search(text):
                hits.add(row, text, found.start(), shown=query.is_shown)
                break


def _ids(index: ResultIndex) -> Iterator[tuple[int, list[str]]]:
    """Yield the ids of each row, as they were sent and as they were before."""
    requests, originals = len(index.requests), index.original_ids
    for row in range(len(index)):
        sent = index.requests.custom_id(row) if row < requests else index.extras[row - requests].custom_id
        yield row, [originals[sent], sent] if sent in originals else [sent]


def _failures(index: ResultIndex) -> Iterator[tuple[int, Iterator[str]]]:
    """Yield why each row that failed or is invalid has no answer."""
    for row in range(len(index)):
        if index.outcome(row) in _FAILED:
            yield row, _failure_texts(index, row)
        else:
            yield row, iter(())


def _failure_texts(index: ResultIndex, row: int) -> Iterator[str]:
    """Yield the texts of one failure: what is in memory first, and the whole message where that is cut."""
    if reason := index.reason(row):
        yield reason
    if index.outcome(row) is Outcome.INVALID:
        return
    response = index.response_of(row)
    preview = index.responses.previews[response] if response is not None else b""
    yield preview_text(preview)
    if len(preview) == PREVIEW_MAX and (failure := index.record(row).failure) is not None:
        yield failure.message


def _answers(index: ResultIndex, query: Query) -> Iterator[tuple[int, list[str]]]:
    """Yield the answers, or the values of a field, of each row that may hold the text."""
    needle = _needle(query.text)
    is_field = query.field is SearchField.FIELD
    for row, line in read_lines(index, range(len(index))):
        if needle not in line.lower() or index.outcome(row) is Outcome.ERROR:
            yield row, []
        elif is_field:
            yield row, _field_texts(line, query.name)
        else:
            yield row, _answer_texts(line)


def _answer_texts(line: bytes) -> list[str]:
    """Return the answer of a response, of several choices all."""
    value = loads(line) if b'"index":1' in line or b'"index": 1' in line else None
    response = value.get("response") if isinstance(value, dict) else None
    choices = read_choices(response_body(response.get("body"))) if isinstance(response, dict) else []
    return [choice.answer for choice in choices] or [read_answer(line).text]


def _field_texts(line: bytes, name: str) -> list[str]:
    value = json_object(read_answer(line))
    if value is None:
        return []
    if not name:
        return [*map(value_text, value.values())]
    return [value_text(value[name])] if name in value else []


def _prompts(index: ResultIndex, query: Query) -> Iterator[tuple[int, list[str]]]:
    """Yield the prompt of each request whose line may hold the text."""
    if not index.has_input:
        return
    needle = _needle(query.text)
    locations = index.requests.locations
    with ExitStack() as stack:
        file: BinaryIO | None = None
        for row in range(len(locations)):
            if file is None:
                number = index.request_location(row)
                assert number is not None
                file = stack.enter_context(index.open_file(number.file))
            line = read_at(file, locations.length[row], locations.offset[row])
            yield row, [prompt_of(line)] if needle in line.lower() else []


def prompt_of(line: bytes) -> str:
    """Return what the user says last in a line of the input file, as exports have it; of audio the URL."""
    value = loads(line)
    body = value.get("body") if isinstance(value, dict) else None
    if not isinstance(body, dict):
        return ""
    messages = body.get("messages")
    said = [
        message.get("content")
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, dict) and message.get("role") == "user"
    ]
    return content_text(said[-1] if said else body.get("prompt", body.get("file")))


def _needle(text: str) -> bytes:
    """Return the longest part of a text that stands in any line that holds it as it is, in lower case."""
    words = (run for word in text.split() for run in _SAFE_RUN.findall(word))
    return max(words, key=len, default="").lower().encode()
