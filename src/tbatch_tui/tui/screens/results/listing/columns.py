"""The columns that the list of results can have, and what stands in their cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from tbatch_tui.engine.answers.columns import GAP_WORDS, FieldType
from tbatch_tui.engine.answers.order import (
    COST,
    FIELD,
    FINISH,
    ID,
    LENGTH,
    LINE,
    OUTCOME,
    PROMPT_TOKENS,
    SECONDS,
    TOKENS,
    request_ids,
    row_cost,
)
from tbatch_tui.engine.answers.search import Query, SearchField, text_pattern
from tbatch_tui.engine.results import Outcome, Row
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.outcome import outcome_style
from tbatch_tui.tui.render.status import ATTENTION, FAILED, QUIET
from tbatch_tui.tui.sanitize import ELLIPSIS, line
from tbatch_tui.tui.widgets.reader.find import highlight_spans
from tbatch_tui.tui.widgets.table.columns import Column, Need, cells_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.answers.search import Hits
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.sanitize import Align

ANSWER, PROMPT = "answer", "prompt"
TITLES = {
    LINE: "Line",
    ID: "custom_id",
    OUTCOME: "Outcome",
    TOKENS: "Tokens",
    PROMPT_TOKENS: "Prompt tokens",
    SECONDS: "Duration",
    COST: "Cost",
    LENGTH: "Length",
    FINISH: "Finish",
    ANSWER: "Answer",
}
"""The columns beside the fields of the JSON, in the order in which they stand and are offered."""
CHAT_COLUMNS = (LINE, ID, OUTCOME, TOKENS, ANSWER)
AUDIO_COLUMNS = (LINE, ID, OUTCOME, SECONDS, ANSWER)
"""The columns unless others are chosen."""
ALWAYS = (ID, OUTCOME)
"""The columns that cannot be hidden."""
_MOST_ANSWER, _LESS_ANSWER = 40, 24
"""Cells of the answer before all columns are there, and where fields of it have columns of their own."""
_HIT, _EMPTY = "bold reverse", "(empty)"
_SHORT = 3
"""Characters that two ids must have in common at their ends to be written without them."""


@dataclass(slots=True)
class CellData:
    """What the cells of a list show beside what is in its index."""

    index: ResultIndex
    is_part: bool = False
    """Whether the lines are those of a part of a file."""
    model: str | None = None
    """The job's, for rows that name none."""
    prices: PriceList | None = None
    values: Mapping[str, ValueColumn] = field(default_factory=dict)
    """By the name of a column, the values of all rows, as far as they are read."""
    query: Query | None = None
    hits: Hits | None = None
    pattern: re.Pattern[str] | None = None
    """What is highlighted."""
    common: tuple[str, str] = ("", "")
    """What all ids begin and end with, which can be left out where there is no room."""

    def search(self, query: Query | None, hits: Hits | None) -> None:
        """Show the hits of a search; None for none."""
        if query != self.query:
            self.pattern = text_pattern(line(query.text)) if query is not None and query.text.strip() else None
        self.query, self.hits = query, hits if query is not None else None

    @property
    def look(self) -> object:
        """Something that is another one as soon as cells look different; a search adds to its hits as it goes on."""
        found = len(self.hits.snippets) if self.hits is not None else 0
        return (self.index, self.query, self.hits, found, self.prices, *map(id, self.values.values()))

    def snippet(self, row: Row) -> str:
        """Return the part of the text that holds a hit, where that is not its beginning."""
        return self.hits.snippets.get(row.number, "") if self.hits is not None else ""

    def is_searched(self, *fields: SearchField, name: str = "") -> bool:
        """Return whether a search is about one of these, or about this field of the JSON."""
        query = self.query
        return query is not None and query.field in fields and (query.name == name or query.field != SearchField.FIELD)


def common_ends(index: ResultIndex) -> tuple[str, str]:
    """Return what all ids of the requests begin with and end with; nothing where that is only a few characters.

    A number is never cut in two: what is left of it would not tell which it is.
    """
    if len([*islice(filter(None, request_ids(index)), 2)]) < 2:
        return "", ""
    prefix = _common_start(filter(None, request_ids(index))).rstrip("0123456789")
    backwards = (custom_id[len(prefix) :][::-1] for custom_id in request_ids(index) if custom_id)
    suffix = _common_start(backwards)[::-1].lstrip("0123456789")
    return prefix if len(prefix) >= _SHORT else "", suffix if len(suffix) >= _SHORT else ""


def _common_start(texts: Iterator[str]) -> str:
    """Return what all texts begin with, which are not held in memory: none of them if there are none."""
    start = next(texts, "")
    for text in texts:
        while not text.startswith(start):
            start = start[:-1]
    return start


def table_columns(names: Sequence[str], data: CellData) -> list[Column[Row]]:
    """Return the columns of these names, as many as there are, in the order of `TITLES`, the JSON's fields after."""
    fields = [name for name in names if name.startswith(FIELD)]
    named = [name for name in TITLES if name in names or name in ALWAYS]
    answer = [named.pop()] if named[-1] == ANSWER else []
    columns = [_column(name, data) for name in [*named, *fields]]
    if data.is_searched(SearchField.PROMPT):
        columns.append(
            Column(PROMPT, "Prompt", render=lambda row: _marked(data.snippet(row), data), min=14, priority=7)
        )
    shown = [_column(name, data) for name in answer]
    return [*columns, *(_answer_column(_LESS_ANSWER, data) if fields else column for column in shown)]


def _column(name: str, data: CellData) -> Column[Row]:
    if name.startswith(FIELD):
        return _field_column(name, data)
    title = "Part line" if name == LINE and data.is_part else TITLES[name]
    match name:
        case "line":
            return Column(name, title, lambda row: fmt.count(row.line), align="right", priority=2, style=QUIET)
        case "custom_id":
            return Column(
                name,
                title,
                draw=lambda row, width: _id_cell(row.custom_id, width, data),
                min=8,
                priority=8,
                keep="middle",
                base=True,
                pinned=True,
            )
        case "outcome":
            return Column(name, title, _outcome, min=11, priority=9, base=True)
        case "answer":
            return _answer_column(_MOST_ANSWER, data)
        case "finish_reason":
            return Column(name, title, lambda row: _value(name, row, data), priority=3, max=16)
    numbers: dict[str, Callable[[Row], str]] = {
        TOKENS: lambda row: fmt.count(row.tokens),
        PROMPT_TOKENS: lambda row: fmt.count(row.prompt_tokens),
        SECONDS: lambda row: fmt.duration(row.seconds),
        COST: lambda row: _cost(row, data),
        LENGTH: lambda row: _value(name, row, data),
    }
    return Column(name, title, numbers[name], align="right", priority=1 if name == TOKENS else 4)


def _field_column(name: str, data: CellData) -> Column[Row]:
    values = data.values.get(name)
    is_number = values is not None and values.type is FieldType.NUMBER
    bare = name.removeprefix(FIELD)

    def cell(row: Row) -> StyledText:
        text = data.snippet(row) if data.is_searched(SearchField.FIELD, name=bare) else ""
        return _marked(text or _value(name, row, data), data)

    align: Align = "right" if is_number else "left"
    return Column(name, line(bare), cell, min=10, max=24, priority=8, align=align, base=True)


def _value(name: str, row: Row, data: CellData) -> str:
    """Return the value of a row in a column that is read from the answers."""
    column = data.values.get(name)
    if column is None or row.number >= len(column.codes):
        return ELLIPSIS
    code = column.codes[row.number]
    return fmt.MISSING if code in GAP_WORDS else column.label(code)


def _cost(row: Row, data: CellData) -> str:
    if data.prices is None:
        return ELLIPSIS
    usd = row_cost(data.index, row.number, data.prices, data.model)
    return fmt.money(usd) if usd is not None else fmt.MISSING


def _id_cell(custom_id: str, width: int, data: CellData) -> StyledText:
    """Return an id, where it is too long without what all ids begin and end with."""
    text = line(custom_id)
    prefix, suffix = map(line, data.common)
    if cells_of(text) > width and prefix and text.startswith(prefix):
        text = ELLIPSIS + text[len(prefix) :]
    if cells_of(text) > width and suffix and text.endswith(suffix):
        text = text[: len(text) - len(suffix)] + ELLIPSIS
    return _marked(text, data) if data.is_searched(SearchField.ID, SearchField.ANY) else [(text, "")]


def _outcome(row: Row) -> StyledText:
    look = outcome_style(row.outcome)
    return [(f"{look.glyph} {look.word}", look.colour)]


def _answer_column(limit: int, data: CellData) -> Column[Row]:
    """Return the column of answers. What it needs is told without drawing it: hundreds of rows are measured at once."""

    def need(row: Row) -> Need:
        text = data.snippet(row) or "  ".join(filter(None, dict.fromkeys((row.reason, row.preview)))) or _EMPTY
        cells = cells_of(text) + (len(row.issue) + 2 if row.issue else 0) + (4 if (row.attempt or 0) > 1 else 0)
        return Need(cells, min(cells, limit))

    return Column(
        ANSWER, TITLES[ANSWER], lambda row: _answer(row, data), min=14, max=limit, priority=7, base=True, measure=need
    )


def _answer(row: Row, data: CellData) -> StyledText:
    """Return the answer around a hit or its start, or the message of an error; `#2` in front is the second job's."""
    notes: StyledText = [(f"#{row.attempt}  ", QUIET)] if row.attempt is not None and row.attempt > 1 else []
    notes += [(f"{row.issue.value}  ", ATTENTION)] if row.issue is not None else []
    searched = data.is_searched(SearchField.SHOWN, SearchField.ANSWER, SearchField.ERROR, SearchField.FIELD)
    snippet = data.snippet(row) if searched else ""
    if snippet:
        return [*notes, *_marked(snippet, data, FAILED if row.outcome is Outcome.ERROR else "")]
    searched = searched or data.is_searched(SearchField.ANY)

    def text(shown: str, style: str) -> StyledText:
        return _marked(shown, data, style) if searched else [(shown, style)]

    if row.outcome in (Outcome.ERROR, Outcome.UNREADABLE):
        return [*notes, *text(row.preview, FAILED)]
    if row.reason:
        notes += text(row.reason, ATTENTION)
        notes += [("  ", ""), *text(row.preview, "")] if row.preview not in ("", row.reason) else []
        return notes
    if row.preview:
        return [*notes, *text(row.preview, "")]
    return [*notes, (_EMPTY if row.outcome in (Outcome.OK, Outcome.CUT_SHORT) else fmt.MISSING, QUIET)]


def _marked(text: str, data: CellData, style: str = "") -> StyledText:
    """Return a text with the hits of the search in it highlighted."""
    shown = line(" ".join(text.split()))
    if data.pattern is None:
        return [(shown, style)]
    spans = [match.span() for match in data.pattern.finditer(shown)]
    return [*highlight_spans(shown, style, spans, _HIT)] if shown else [("", style)]
