"""Whether a JSON value is a valid JSON Schema. No schema makes this fetch anything."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, Protocol

import jsonschema_rs
import msgspec

_SCHEMAS_REMEMBERED = 1_024
_MESSAGE_MAX = 200


class Validator(Protocol):
    """What `compile_schema` returns."""

    def is_valid(self, instance: Any) -> bool:
        """Return whether a value fits the schema."""

    def iter_errors(self, instance: Any) -> Any:
        """Return what does not fit, as the library's errors."""


class SchemaError(NamedTuple):
    """Problem with a schema, and where in it."""

    message: str
    path: tuple[str | int, ...] = ()


def find_schema_error(schema: dict[str, object]) -> SchemaError | None:
    """Return what keeps an object from being a JSON Schema; None if it is one.

    Each text of a schema is judged once, however many requests have it. A draft that nobody knows is read as 2020-12.
    """
    try:
        text = msgspec.json.encode(schema)
    except (ValueError, OverflowError, RecursionError):  # a number above 64 bits, half a surrogate, too deep
        return _judge(schema)
    return _judge_text(text)


@lru_cache(_SCHEMAS_REMEMBERED)
def _judge_text(text: bytes) -> SchemaError | None:
    return _judge(msgspec.json.decode(text))


def compile_schema(schema: dict[str, object] | bool) -> Validator:
    """Return what judges values by a schema. Raises ValueError where it is none: see `find_schema_error`."""
    try:
        return jsonschema_rs.validator_for(schema, retriever=refuse_to_fetch)
    except jsonschema_rs.ValidationError as error:
        if isinstance(schema, dict) and error.message.startswith("Unknown meta-schema"):
            return compile_schema({key: value for key, value in schema.items() if key != "$schema"})
        raise


def _judge(schema: dict[str, object]) -> SchemaError | None:
    try:
        compile_schema(schema)
    except jsonschema_rs.ValidationError as error:
        path = tuple(error.instance_path)
        where = f" (in {'.'.join(map(str, path))})" if path else ""
        return SchemaError(_sentence(error.message) + where, path)
    except (ValueError, OverflowError, RecursionError, jsonschema_rs.ReferencingError) as error:
        return SchemaError(_sentence(str(error)))
    return None


def refuse_to_fetch(uri: str) -> NoReturn:
    """Stand in for the fetch of what a schema refers to: it is never done."""
    raise ValueError(f"{uri} is not part of the schema, and schemas are not downloaded")


def _sentence(message: str) -> str:
    """Return the library's message without what only a programmer knows, cut to a length that can be read."""
    if "Resource '" in message:
        uri = message.partition("Resource '")[2].partition("'")[0]
        message = f"it refers to {uri}, which is not in it"
    message = " ".join(message.split())
    return message if len(message) <= _MESSAGE_MAX else f"{message[:_MESSAGE_MAX]}…"
