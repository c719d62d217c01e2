"""Which fields answers have: those of the schema that was asked, else of the JSON answered, else the answer."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.answers.columns import FieldType
from tbatch_tui.engine.answers.reading import json_object, read_answers
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.results.index.classify import parse_request
from tbatch_tui.engine.schemas.verdict import format_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex

SAMPLE = 1_000
"""Answers that are looked at to find the fields of JSON without a schema."""
_FIELDS_MAX = 200
"""Fields that are found in JSON."""
_LONGEST_NAME = 200


class FieldKind(Enum):
    """Where the value of a field comes from."""

    KEY = "key"
    """A top-level key of the JSON object that the answer is."""
    ANSWER = "answer"
    LENGTH = "length"
    """Characters of the answer."""
    FINISH_REASON = "finish_reason"
    TOKENS = "tokens"
    """Completion tokens."""
    SECONDS = "seconds"
    """Length of the recording."""
    LANGUAGE = "language"
    """What the recording is in."""

    @property
    def is_measure(self) -> bool:
        """Whether it is a measure of the answer, not a part of it."""
        return self in (FieldKind.TOKENS, FieldKind.SECONDS, FieldKind.LENGTH)

    @property
    def is_derived(self) -> bool:
        """Whether every answer has it, whatever was asked."""
        return self is not FieldKind.KEY


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the answers."""

    name: str
    """What it is called; a key that is called like a derived field leaves that one another name."""
    kind: FieldKind
    type: FieldType | None = None
    """None: what most of its values are."""
    key: str = ""
    allowed: tuple[str, ...] = ()
    """The values that a schema allows, as labels; empty where it allows more."""
    is_choice: bool = False
    """Whether it is one of a few values: an enum, or a truth value."""


class NoSuchFieldError(BatchError):
    """No answer, and no source table, has a field of this name."""


@dataclass(frozen=True, slots=True)
class AnswerFields:
    """The fields of a job's answers."""

    own: tuple[Field, ...]
    """Those of the JSON; none where the answers are no JSON."""
    derived: tuple[Field, ...]
    """The answer itself, its length, finish reason, tokens, and seconds of recordings."""
    has_objects: bool = False
    """Whether any of the answers that were looked at is a JSON object."""

    @property
    def all(self) -> tuple[Field, ...]:
        """All of them, the JSON's first."""
        return self.own + self.derived

    @property
    def told(self) -> tuple[Field, ...]:
        """Those that are told unless one is asked for: the JSON's, else the derived ones."""
        return self.own or self.derived

    def find(self, name: str) -> Field:
        """Return the field of this name. Raises NoSuchFieldError.

        Where answers are JSON it may be a key that is in none of those that were looked at.
        """
        found = next((field for field in self.all if field.name == name), None)
        if found is not None:
            return found
        if self.has_objects:
            return Field(name, FieldKind.KEY, key=name)
        raise self.no_such(name)

    def no_such(self, name: str) -> NoSuchFieldError:
        """Return the error for a name that no answer has."""
        names = ", ".join(field.name for field in self.all)
        return NoSuchFieldError(f"The answers have no field {name!r}", f"There are: {names}.")

    @property
    def compared(self) -> tuple[Field, ...]:
        """Those that answers can be compared by: what is part of an answer, not what it came to."""
        return tuple(field for field in self.all if not field.kind.is_measure)

    @property
    def label(self) -> Field:
        """The field that answers are compared by unless one is named: the first that is one of a few values."""
        return next((field for field in self.own if field.is_choice), self.told[0])


def find_fields(index: ResultIndex, rows: Sequence[int], cancelled: Callable[[], bool] = lambda: False) -> AnswerFields:
    """Return the fields of these rows' answers. Reads at most 1,000 of them.

    Raises LocalFileError, and OperationCancelledError when `cancelled()`.
    """
    schema = _schema_of(index, rows)
    own = {field.key: field for field in _fields_of_schema(schema)}
    found: dict[str, None] = {}
    objects = texts = 0
    sample = rows[:SAMPLE]
    for _, answer in read_answers(index, sample, cancelled):
        value = json_object(answer)
        texts += bool(answer.text)
        if value is None:
            continue
        objects += 1
        for key in value:
            if key not in own and len(found) < _FIELDS_MAX and len(key) <= _LONGEST_NAME:
                found[key] = None
    if objects and (own or objects * 2 >= texts):
        own |= {key: Field(key, FieldKind.KEY, key=key) for key in found}
    derived = _derived(index, rows, {field.name for field in own.values()})
    return AnswerFields(tuple(own.values()), tuple(derived), objects > 0)


def _derived(index: ResultIndex, rows: Sequence[int], taken: set[str]) -> list[Field]:
    """Return the fields that every answer has. A name that a key has already gets `_2`, as in exports."""
    types = {FieldKind.ANSWER: None, **dict.fromkeys((FieldKind.FINISH_REASON, FieldKind.LANGUAGE), FieldType.TEXT)}
    fields: list[Field] = []
    has_seconds = _has_seconds(index, rows)
    for kind in FieldKind:
        if kind is FieldKind.KEY or (kind in (FieldKind.SECONDS, FieldKind.LANGUAGE) and not has_seconds):
            continue
        name, number = kind.value, 1
        while name in taken:
            number += 1
            name = f"{kind.value}_{number}"
        fields.append(Field(name, kind, types.get(kind, FieldType.NUMBER)))
    return fields


def _has_seconds(index: ResultIndex, rows: Sequence[int]) -> bool:
    seconds = index.responses.seconds
    if max(seconds, default=-1.0) < 0:
        return False
    return any(seconds[response] >= 0 for row in rows if (response := index.response_of(row)) is not None)


def _schema_of(index: ResultIndex, rows: Sequence[int]) -> Any:
    """Return the schema that the first of these rows is judged by: that of its request, else one given afterwards."""
    if not len(rows):
        return None
    asked = b""
    if (location := index.answered_location(rows[0])) is not None:
        with suppress(LocalFileError):  # without the requests the answers can be told all the same
            asked = parse_request(index.read_bytes(location))[2]
    given = index.sources.answer_schema
    return format_of(asked).schema if asked or not given else loads(given.encode())


def _fields_of_schema(schema: Any) -> list[Field]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return []
    return [_field_of_schema(name, part) for name, part in properties.items()]


def _field_of_schema(name: str, schema: Any) -> Field:
    schema = schema if isinstance(schema, dict) else {}
    kinds = schema.get("type")
    kinds = [kind for kind in kinds if kind != "null"] if isinstance(kinds, list) else [kinds]
    values = schema.get("enum")
    if isinstance(values, list) and values:
        labels = tuple(value if isinstance(value, str) else json.dumps(value) for value in values)
        are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        told_as = FieldType.NUMBER if are_numbers else FieldType.TEXT
        return Field(name, FieldKind.KEY, told_as, name, labels, is_choice=True)
    if kinds and all(kind in ("number", "integer") for kind in kinds):
        return Field(name, FieldKind.KEY, FieldType.NUMBER, name)
    is_text = kinds and all(kind in ("string", "boolean", "array", "object") for kind in kinds)
    return Field(name, FieldKind.KEY, FieldType.TEXT if is_text else None, name, is_choice=kinds == ["boolean"])
