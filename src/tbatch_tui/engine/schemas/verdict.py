"""Is an answer what its request asked for: a JSON object, a schema, a regular expression, a tool's parameters?

Models wrap JSON in a Markdown fence or put their reasoning before it: both are taken off before an answer is judged.
Schemas come from other people's files, so nothing they refer to is ever fetched.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from tbatch_tui.engine.schemas.wrapping import strip_wrapping as strip_wrapping

if TYPE_CHECKING:
    from tbatch_tui.engine.schemas.meta_schema import Validator

MAX_VIOLATION = 240
"""Longest text of a violation, in characters: the values it quotes come from answers."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one answer."""

    violation: str = ""
    """The first thing that is not as asked, as `field: what is wrong`; empty where the answer is as asked."""
    value: Any = None
    """The decoded JSON, also where it does not fit the schema; None where the answer is not JSON or none was asked."""
    removed: tuple[str, ...] = ()
    """What was taken off before judging: "reasoning", "fence"."""


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """What a request asked of its answer, ready to judge answers by."""

    wants_object: bool = False
    """Whether the answer has to be a JSON object, whatever else is asked."""
    wants_json: bool = False
    schema: Any = None
    problem: str = ""
    """Why answers cannot be judged by the schema or pattern that was asked for; empty if they can."""
    _validator: Validator | None = field(default=None, repr=False, compare=False)
    _pattern: Validator | None = field(default=None, repr=False, compare=False)

    @property
    def asks_for_something(self) -> bool:
        """Whether an answer can be anything but as asked."""
        return self.wants_json or self._pattern is not None

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the schema's top-level properties, in the schema's order."""
        properties = self.schema.get("properties") if isinstance(self.schema, dict) else None
        return tuple(properties) if isinstance(properties, dict) else ()

    def judge(self, text: str) -> Verdict:
        """Judge the text of one answer. Never raises."""
        bare, removed = strip_wrapping(text)
        if self._pattern is not None:
            fits = _is_valid(self._pattern, bare)
            return Verdict("" if fits else "the answer does not match the pattern", None, removed)
        if not self.wants_json:
            return Verdict(removed=removed)
        try:
            value = _decode(bare)
        except (ValueError, RecursionError) as error:
            return Verdict(f"not JSON: {error}" if bare else "not JSON: the answer is empty", None, removed)
        if self.wants_object and not isinstance(value, dict):
            return Verdict(f"not a JSON object but {_kind(value)}", value, removed)
        return Verdict(self.violation_of(value), value, removed)

    def violation_of(self, value: Any) -> str:
        """Return the first violation of the schema by a decoded value; empty if it fits. Never raises."""
        if self._validator is None or _is_valid(self._validator, value):
            return ""
        return _first_violation(self._validator, value)


NO_FORMAT = AnswerFormat()
"""Of a request that asks for nothing in particular: every answer is as asked."""


def format_of_body(body: Any) -> AnswerFormat:
    """Return what a chat request's decoded body asks of its answers, by its `response_format`. Never raises."""
    wanted = body.get("response_format") if isinstance(body, dict) else None
    return format_of(json.dumps(wanted).encode()) if isinstance(wanted, dict) else NO_FORMAT


@lru_cache(maxsize=256)
def format_of(response_format: bytes) -> AnswerFormat:
    """Return what a `response_format`, as JSON, asks of answers. The same bytes are compiled once. Never raises.

    Forms: `{"type": "json_object"}`, with an optional `schema`; `{"type": "json_schema", "json_schema": {"name",
    "schema"}}`; `{"type": "regex", "pattern"}`; everything else asks for nothing. An answer to a regular expression
    has to match it from its first to its last character.
    """
    try:
        wanted = _decode(response_format.decode())
    except (ValueError, RecursionError):
        return NO_FORMAT
    if not isinstance(wanted, dict):
        return NO_FORMAT
    kind = wanted.get("type")
    if kind == "regex" and isinstance(wanted.get("pattern"), str):
        return _format_of_pattern(wanted["pattern"])
    if kind not in ("json_object", "json_schema"):
        return NO_FORMAT
    inner = wanted.get("json_schema")
    schema = wanted.get("schema") if kind == "json_object" else inner.get("schema") if isinstance(inner, dict) else None
    return format_of_schema(schema, wants_object=kind == "json_object")


def format_of_schema(schema: Any, *, wants_object: bool = False) -> AnswerFormat:
    """Return a format that judges by a JSON Schema; with None, answers only have to be JSON. Never raises."""
    if not isinstance(schema, dict | bool):
        return AnswerFormat(wants_object=wants_object, wants_json=True)
    try:
        validator = _compile(schema)
    except (ValueError, TypeError, RecursionError) as error:
        problem = f"the schema cannot be used: {_message(error)}"
        return AnswerFormat(wants_object=wants_object, wants_json=True, schema=schema, problem=problem)
    return AnswerFormat(wants_object=wants_object, wants_json=True, schema=schema, _validator=validator)


@dataclass(frozen=True, slots=True)
class ToolFormats:
    """What a request's `tools` allow a model to call, ready to judge calls by."""

    parameters: dict[str, Any] = field(default_factory=dict)
    """The schema of each function's arguments, by the function's name."""
    _formats: dict[str, AnswerFormat] = field(default_factory=dict, repr=False, compare=False)
    """Those that a call had to be judged by."""

    def violation_of(self, name: Any, arguments: Any) -> str:
        """Return why a call is not what the tools allow; empty if it is, or they say nothing. Never raises.

        Args:
            name: The name of the function that the model calls.
            arguments: Its arguments: JSON in a string, or decoded.
        """
        if not self.parameters:
            return ""
        if not isinstance(name, str) or name not in self.parameters:
            return _shortened(f"calls {json.dumps(name)}, which is none of the request's tools")
        try:
            value = _decode(arguments) if isinstance(arguments, str) else arguments
        except (ValueError, RecursionError) as error:
            return _shortened(f"{name}: arguments are not JSON: {error}")
        if (known := self._formats.get(name)) is None:
            known = self._formats[name] = _format_of_parameters(self.parameters[name])
        violation = known.violation_of(value)
        return _shortened(f"{name}: {violation}") if violation else ""


NO_TOOLS = ToolFormats()
"""Of a request without tools: every call is as asked."""


def tool_formats(tools: Any) -> ToolFormats:
    """Return what the `tools` of a request's decoded body allow. Never raises."""
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    known = {f["name"]: f for f in functions if isinstance(f, dict) and isinstance(f.get("name"), str)}
    return ToolFormats({name: f.get("parameters") for name, f in known.items()})


@lru_cache(maxsize=256)
def tool_formats_of(tools: bytes) -> ToolFormats:
    """Return what a request's `tools`, as JSON, allow. The same bytes are compiled once. Never raises."""
    try:
        return tool_formats(_decode(tools.decode()))
    except (ValueError, RecursionError):
        return NO_TOOLS


def tool_call_violation(tools: Any, name: Any, arguments: Any) -> str:
    """Return why a tool call is not what the request's `tools` allow; empty if it is. Never raises.

    Args:
        tools: The `tools` of the request's decoded body.
        name: The name of the function that the model calls.
        arguments: Its arguments: JSON in a string, or decoded.
    """
    return tool_formats(tools).violation_of(name, arguments)


def _format_of_parameters(parameters: Any) -> AnswerFormat:
    if not isinstance(parameters, dict):
        return NO_FORMAT
    return format_of(json.dumps({"type": "json_object", "schema": parameters}).encode())


def _compile(schema: Any) -> Validator:
    from tbatch_tui.engine.schemas.meta_schema import compile_schema  # with the library behind it

    return compile_schema(schema)


def _format_of_pattern(pattern: str) -> AnswerFormat:
    import jsonschema_rs

    from tbatch_tui.engine.schemas.meta_schema import refuse_to_fetch

    whole = {"type": "string", "pattern": f"^(?:{pattern})$"}
    # The engine without backtracking first: patterns come from files, and some take for ever with it.
    for options in (jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)):
        try:
            validator = jsonschema_rs.validator_for(whole, retriever=refuse_to_fetch, pattern_options=options)
        except ValueError:
            continue
        return AnswerFormat(_pattern=validator)
    return AnswerFormat(problem="the pattern is not a valid regular expression")


def _decode(text: str) -> Any:
    """Decode strict JSON: NaN and infinities, which are none, are refused."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        # The standard library takes half a surrogate pair in an escape, and its errors name the place.
        return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_valid(validator: Validator, value: Any) -> bool:
    try:
        return validator.is_valid(value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False  # half a surrogate pair, or nested too deeply: `_first_violation` says which


def _first_violation(validator: Validator, value: Any) -> str:
    try:
        error = next(iter(validator.iter_errors(value)))
    except (ValueError, TypeError, OverflowError, RecursionError, StopIteration) as failure:
        return _shortened(f"cannot be judged: {failure}")
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path).lstrip(".")
    message = _message(error)
    return _shortened(f"{path}: {message}" if path else message)


def _message(error: BaseException) -> str:
    return _shortened(str(getattr(error, "message", None) or error))


def _shortened(text: str) -> str:
    """Leave out the middle, which is the value that was answered: what is wrong with it stands at the end."""
    if len(text) <= MAX_VIOLATION:
        return text
    half = MAX_VIOLATION // 2
    return f"{text[:half]}…{text[half + 1 - MAX_VIOLATION :]}"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "text", list: "a list", int: "a number", float: "a number"}
    return names.get(type(value), "something else")
