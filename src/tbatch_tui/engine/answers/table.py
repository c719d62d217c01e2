"""Answers as a table in memory: a column for each field, a row for each answer."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.answers.columns import NOT_JSON, ColumnBuilder, value_text
from tbatch_tui.engine.answers.fields import AnswerFields, Field, FieldKind, find_fields
from tbatch_tui.engine.answers.reading import Answer, json_object, read_answers
from tbatch_tui.engine.results.index.columns import UNKNOWN_COUNT
from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.results.index.index import ResultIndex

COUNTED = (Outcome.OK,)
"""The outcomes whose answers are counted unless others are asked for."""


@dataclass(frozen=True)
class AnswerTable:
    """The answers of rows of an index, field by field."""

    index: ResultIndex
    rows: Sequence[int]
    """The numbers of the rows in the index, in order."""
    fields: AnswerFields
    columns: Mapping[str, ValueColumn]
    """Of the fields that were read, by name."""

    def column(self, name: str) -> ValueColumn:
        """Return the column of a field. Raises NoSuchFieldError."""
        self.fields.find(name)
        return self.columns[name]

    def rows_at(self, places: Sequence[int]) -> array[int]:
        """Return the numbers in the index of these rows."""
        return array("I", [self.rows[at] for at in places])

    def full_labels(self, name: str, codes: Collection[int]) -> dict[int, str]:
        """Return these values in full: of a long one only the beginning is in memory. Raises LocalFileError."""
        column = self.columns[name]
        cut = {column.cut[code]: code for code in codes if code in column.cut}
        labels = {code: column.label(code) for code in codes}
        if not cut:
            return labels
        source = self.fields.find(name)
        places = list(cut)
        for at, answer in read_answers(self.index, [self.rows[place] for place in places]):
            builder = _Text()
            _put(source, builder, 0, answer)
            labels[cut[places[at]]] = builder.text
        return labels


def read_table(
    index: ResultIndex,
    rows: Sequence[int] | None = None,
    names: Collection[str] | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> AnswerTable:
    """Read the answers of rows of a built index. 50,000 take half a second at most: run it in a thread.

    Raises NoSuchFieldError, LocalFileError, and OperationCancelledError when `cancelled()`.

    Args:
        index: The results.
        rows: Numbers of rows; None: those that are ok.
        names: The fields; None: those that are told.
        cancelled: Ends it early.
        progress: Called with the rows read and the rows in all.
    """
    chosen = index.select(COUNTED) if rows is None else rows
    fields = find_fields(index, chosen, cancelled)
    wanted = fields.told if names is None else [fields.find(name) for name in dict.fromkeys(names)]
    builders = [(field, ColumnBuilder(field.name, len(chosen), field.type)) for field in wanted]
    _put_counts(index, chosen, builders)
    keys = [(field.key, builder) for field, builder in builders if field.kind is FieldKind.KEY]
    others = [(field, builder) for field, builder in builders if field.kind in _FROM_ANSWER]
    if keys or others:
        for done, (at, answer) in enumerate(read_answers(index, chosen, cancelled)):
            if keys:
                value = json_object(answer)
                if value is None:
                    for _, builder in keys:
                        builder.codes[at] = NOT_JSON
                else:
                    for key, builder in keys:
                        if key in value:
                            builder.put(at, value[key])
            for field, builder in others:
                _put(field, builder, at, answer)
            if not done % 1000:
                progress(done, len(chosen))
    columns = {field.name: builder.finish() for field, builder in builders}
    for field, _ in builders:
        if field not in fields.all and not columns[field.name].labels:
            raise fields.no_such(field.name)
    return AnswerTable(index, chosen, fields, columns)


_FROM_ANSWER = (FieldKind.ANSWER, FieldKind.LENGTH, FieldKind.FINISH_REASON, FieldKind.LANGUAGE)


def _put(field: Field, builder: ColumnBuilder | _Text, at: int, answer: Answer) -> None:
    if field.kind is FieldKind.ANSWER:
        builder.put(at, answer.text)
    elif field.kind is FieldKind.LENGTH:
        builder.put(at, len(answer.text))
    elif field.kind is FieldKind.FINISH_REASON:
        builder.put(at, answer.finish_reason or None)
    elif field.kind is FieldKind.LANGUAGE:
        builder.put(at, answer.language)
    elif field.kind is FieldKind.KEY:
        builder.put(at, (json_object(answer) or {}).get(field.key))


def _put_counts(index: ResultIndex, rows: Sequence[int], builders: Sequence[tuple[Field, ColumnBuilder]]) -> None:
    """Set the fields that the index has in memory."""
    responses = index.responses
    for field, builder in builders:
        if field.kind not in (FieldKind.TOKENS, FieldKind.SECONDS):
            continue
        for at, row in enumerate(rows):
            response = index.response_of(row)
            if response is None:
                continue
            if field.kind is FieldKind.TOKENS:
                tokens = responses.tokens[response]
                builder.put(at, None if tokens == UNKNOWN_COUNT else tokens)
            else:
                seconds = responses.seconds[response]
                builder.put(at, seconds if seconds >= 0 else None)


class _Text:
    """Takes one value as a column would, and keeps all of it."""

    text = ""

    def put(self, _: int, value: Any) -> None:
        """Set the text."""
        self.text = value_text(value)
