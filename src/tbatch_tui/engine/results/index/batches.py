"""Add the lines of a file to the join, many at once.

Nearly all lines of a file look alike: they are decoded and stored a batch at a time, so that Python does little for
each. A batch in which a line is not like that is added line by line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from msgspec import UNSET

from tbatch_tui.engine.results.choices import AT_LIMIT, FAILED
from tbatch_tui.engine.results.index.classify import (
    NO_CALLS,
    PLAIN,
    QUOTE,
    ClassifiedRow,
    PlainRow,
    classify,
    parse_request,
    plain_content,
    raw_bytes,
    request_decoder,
    row_decoder,
    salvage_id,
    unreadable,
)
from tbatch_tui.engine.results.index.previews import PREVIEW_MAX
from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from tbatch_tui.engine.results.index.join import Join
    from tbatch_tui.engine.results.index.jsonl import LineBatch
    from tbatch_tui.engine.results.sources import Source


_OK, _CUT_SHORT = Outcome.OK, Outcome.CUT_SHORT


def add_requests(join: Join, batch: LineBatch) -> None:
    """Add lines of the input file."""
    requests = parse_requests(batch)
    if requests is not None and join.add_requests(requests, batch):
        return
    for line in batch.lines():
        request = parse_request(line.data)
        salvaged_id = salvage_id(line.data) if request[0] is None else ""
        join.add_request(request, line, salvaged_id=salvaged_id)


def add_responses(join: Join, source: Source, batch: LineBatch) -> None:
    """Add lines of the output or the error file."""
    rows = classify_all(batch) if join.has_input else None
    if rows is not None and join.add_responses(source, rows, batch):
        return
    for line in batch.lines():
        if line.is_whole:
            row = classify(line.data)
        else:
            row = unreadable(line.data, f"This row is too long: {line.length:,} bytes")
        salvaged_id = salvage_id(line.data) if row.is_unreadable else ""
        join.add_response(source, line, row, salvaged_id=salvaged_id)


class ParsedRequests(NamedTuple):
    """What the index needs of many input lines."""

    custom_ids: list[str]
    models: list[str]
    asked: list[tuple[bytes, bytes]] | None
    """The `response_format` and the `tools` of each; None where no line has any."""


def parse_requests(batch: LineBatch) -> ParsedRequests | None:
    """Return what the index needs of the lines of a batch; None if one of them is not as nearly all are."""
    if not batch.has_an_object_a_line:
        return None
    try:
        requests = request_decoder.decode_lines(batch.block)
    except (ValueError, RecursionError):
        return None
    count = len(requests)
    if count != len(batch.ends):
        return None
    bodies = [request.body for request in requests]
    formats, tools = [body.response_format for body in bodies], [body.tools for body in bodies]
    asked = None
    if formats.count(UNSET) < count or tools.count(UNSET) < count:
        asked = [(raw_bytes(format_), raw_bytes(tool)) for format_, tool in zip(formats, tools, strict=True)]
    return ParsedRequests([request.custom_id for request in requests], [body.model for body in bodies], asked)


class RowColumns:
    """What the index stores of many rows that are answers, column by column. The fields are those of a row."""

    def __init__(self) -> None:
        self.custom_ids: list[str] = []
        self.outcomes: list[Outcome] = []
        self.previews: list[bytes] = []
        self.tokens: list[int | None] = []
        self.prompt_tokens: list[int | None] = []
        self.reasoning_tokens: list[int | None] = []
        self.cached_tokens: list[int | None] = []
        self.models: list[str] = []
        self.reasons: dict[int, str] = {}
        """Of those that have one, by their place."""
        self.contents: list[bytes] = []

    def judged_row(self, at: int) -> ClassifiedRow:
        """Return what a row is judged by."""
        return ClassifiedRow(self.custom_ids[at], self.outcomes[at], content=self.contents[at])


def classify_all(batch: LineBatch) -> RowColumns | None:
    """Return the rows of a batch; None if one of them is no plain answer."""
    if not batch.has_an_object_a_line:
        return None
    try:
        rows = row_decoder.decode_lines(batch.block)
    except (ValueError, RecursionError):
        return None
    if len(rows) != len(batch.ends):
        return None
    contents = _plain_contents(rows)
    if contents is None:
        return None
    columns = RowColumns()
    columns.contents = contents
    bodies = [row.response.body for row in rows]
    usages = [body.usage for body in bodies]
    columns.custom_ids = [row.custom_id for row in rows]
    reasons = [body.choices[0].finish_reason for body in bodies]
    if AT_LIMIT.isdisjoint(reasons):
        columns.outcomes = [_OK] * len(reasons)
    else:
        columns.outcomes = [_CUT_SHORT if reason in AT_LIMIT else _OK for reason in reasons]
    columns.previews = [
        content[1 : PREVIEW_MAX + 1] if len(content) > PREVIEW_MAX + 1 else content[1:-1] for content in contents
    ]
    columns.tokens = [usage.completion_tokens for usage in usages]
    columns.prompt_tokens = [usage.prompt_tokens for usage in usages]
    columns.reasoning_tokens = [usage.reasoning_tokens for usage in usages]
    columns.cached_tokens = [usage.cached_tokens for usage in usages]
    if any([usage.completion_tokens_details or usage.prompt_tokens_details for usage in usages]):  # noqa: C419
        details = [usage.details() for usage in usages]
        columns.reasoning_tokens = [reasoning for reasoning, _ in details]
        columns.cached_tokens = [cached for _, cached in details]
    columns.models = [body.model for body in bodies]
    return columns


def _plain_contents(rows: list[PlainRow]) -> list[bytes] | None:
    """Return the answers as JSON where every row is one plain answer; None where one needs a closer look.

    What `_plain_content` asks of each row is asked of all, so that Python does little for each.
    """
    count = len(rows)
    responses = [row.response for row in rows]
    bodies = [response.body for response in responses]
    choices = [body.choices for body in bodies]
    if [response.status_code for response in responses].count(200) < count or [*map(len, choices)].count(1) < count:
        return None
    only = [choice for [choice] in choices]
    messages = [choice.message for choice in only]
    contents = [bytes(message.content) for message in messages]
    parts = [row.error for row in rows], [body.error for body in bodies], [choice.error for choice in only]
    calls = [message.tool_calls for message in messages]
    is_plain = (
        {content[0] for content in contents} == {QUOTE}
        and {content[1] for content in contents} <= PLAIN
        and not any([b"/" in content and b"/think" in content for content in contents])  # noqa: C419
        and FAILED not in {choice.finish_reason for choice in only}
        and all(errors.count(UNSET) == count for errors in parts)
        and {bytes(call) for call in calls if call is not UNSET} <= NO_CALLS
    )
    if is_plain:
        return contents
    found = [plain_content(row) for row in rows]
    return None if None in found else cast("list[bytes]", found)
