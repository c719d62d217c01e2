"""What a person has typed so far to make requests of a table. It may be unfinished: a recipe may not."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tbatch_tui.engine.check.edit.request_values import read_parameter, read_value
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.tables.recipe import (
    EMPTY_CHOICES,
    OWN_BODY_KEYS,
    MessageTemplate,
    Recipe,
    RowChoice,
)
from tbatch_tui.engine.tables.recipe_rules import check_schema_text, check_where, parse_range
from tbatch_tui.text.paths import path_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["chat", "audio"]
KINDS: tuple[Kind, ...] = ("chat", "audio")
SEED_LARGEST = 2**63 - 1
_SCHEMA_FILE_MAX = 1 << 20
"""Bytes of a file with a JSON Schema."""


class FieldFault(NamedTuple):
    """What is wrong with one field of a draft."""

    field: str
    """The name of the field of `Draft`."""
    message: str
    """Without a full stop."""
    hint: str
    """What helps, a sentence."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields as they were typed, most of them text."""

    kind: Kind = "chat"
    model: str = ""
    prompt: str = ""
    """Of audio, what goes with each recording; it may be empty there."""
    system: str = ""
    max_tokens: str = ""
    temperature: str = ""
    parameters: str = ""
    """`KEY=VALUE`, one a line; a value is JSON where it parses, else text."""
    schema: str = ""
    """The short text, a JSON Schema, or `@FILE`."""
    id: str = ""
    image: str = ""
    audio: str = ""
    """The column of the URL of a recording; empty for a list, which has only one."""
    rows: str = ""
    where: str = ""
    """`COLUMN=VALUE`, one a line."""
    sample: str = ""
    seed: str = ""
    empty: str = "error"
    once: bool = False
    output: str = ""
    """The path of the file to write; empty for the default."""
    messages: tuple[tuple[str, str], ...] = ()
    """Role and text of a whole conversation, which a recipe may have in place of prompt and system."""


DraftField = str
_DEFAULT = Draft()
_OWN_FIELDS = dict.fromkeys(OWN_BODY_KEYS, "It has a field of its own.")


def draft_of(recipe: Recipe) -> Draft:
    """Return the fields of a recipe."""
    body = dict(recipe.body)
    roles = tuple(message.role for message in recipe.messages)
    prompt, system, messages = recipe.prompt or "", recipe.system or "", recipe.messages
    if roles in (("user",), ("system", "user")):
        prompt, messages = recipe.messages[-1].content, ()
        system = recipe.messages[0].content if len(roles) > 1 else ""
    rows = recipe.rows
    return Draft(
        kind="audio" if recipe.is_audio else "chat",
        model=recipe.model,
        prompt=prompt,
        system=system,
        max_tokens=_take_number(body, "max_tokens"),
        temperature=_take_number(body, "temperature"),
        parameters="\n".join(f"{key}={_value_text(value)}" for key, value in body.items()),
        schema=recipe.schema or "",
        id=recipe.id or "",
        image=recipe.image or "",
        audio=recipe.audio if isinstance(recipe.audio, str) else "",
        rows=_range_text(rows.first, rows.last),
        where="\n".join(rows.where),
        sample="" if rows.sample is None else str(rows.sample),
        seed="" if rows.seed is None else str(rows.seed),
        empty=rows.empty,
        once=rows.once,
        messages=tuple((message.role, message.content) for message in messages),
    )


def recipe_of(draft: Draft, folder: Path = Path()) -> tuple[Recipe, tuple[FieldFault, ...]]:
    """Return the recipe of a draft, without the fields that have a fault, and the faults. Reads a schema's file.

    Args:
        draft: What was typed.
        folder: From which the file of a schema is meant.
    """
    faults: list[FieldFault] = []
    is_audio = draft.kind == "audio"
    body = _body(draft, faults)
    schema = None if is_audio else _schema(draft, folder, faults)
    if schema is not None and "response_format" in body:
        hint = "Take response_format out of the parameters, or the schema."
        faults.append(FieldFault("schema", "A schema and a response_format are given", hint))
        schema = None
    has_messages = bool(draft.messages) and not is_audio
    recipe = Recipe(
        model=draft.model.strip(),
        system=draft.system if draft.system and not is_audio and not has_messages else None,
        prompt=draft.prompt if draft.prompt and not has_messages else None,
        messages=tuple(MessageTemplate(*message) for message in draft.messages) if has_messages else (),
        id=draft.id.strip() or None,
        schema=schema,
        image=None if is_audio else draft.image.strip() or None,
        audio=(draft.audio.strip() or True) if is_audio else False,
        body=body,
        rows=_row_choice(draft, faults),
    )
    # What is not there yet comes last: it is seen in the form.
    if not draft.model.strip():
        faults.append(FieldFault("model", "No model is named", "Choose one from the list, or type its name."))
    if not is_audio and not draft.messages and not draft.prompt.strip():
        hint = "Say what to ask of each row; {{ column }} stands for its cell."
        faults.append(FieldFault("prompt", "There is no prompt", hint))
    return recipe, tuple(faults)


def draft_to_json(draft: Draft) -> dict[str, Any]:
    """Return the fields that are not as they are at first."""
    values = {field.name: getattr(draft, field.name) for field in fields(Draft)}
    return {name: value for name, value in values.items() if value != getattr(_DEFAULT, name)}


def draft_from_json(values: Mapping[str, Any]) -> Draft:
    """Return a draft that was stored; what another version wrote otherwise is left out."""
    known: dict[str, Any] = {}
    for field in fields(Draft):
        value, default = values.get(field.name), getattr(_DEFAULT, field.name)
        if field.name == "messages":
            pairs = value if isinstance(value, list) else []
            texts = [tuple(pair) for pair in pairs if isinstance(pair, list) and len(pair) == 2]
            known["messages"] = tuple(pair for pair in texts if all(isinstance(text, str) for text in pair))
        elif type(value) is type(default):
            known[field.name] = value
    draft = Draft(**known)
    if draft.kind not in KINDS or draft.empty not in EMPTY_CHOICES:
        return _DEFAULT
    return draft


def _take_number(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    del body[name]
    return str(value)


def _value_text(value: object) -> str:
    """Return the text of a parameter, of which `read_value` makes the same value again."""
    if isinstance(value, str) and value and "\n" not in value and value == value.strip():
        parsed = read_value(value)
        if isinstance(parsed, str) and parsed == value:
            return value
    return json.dumps(value, ensure_ascii=False)


def _range_text(first: int | None, last: int | None) -> str:
    if first is None and last is None:
        return ""
    return f"{first or 1}-{'' if last is None else last}"


def _lines(text: str) -> Iterable[str]:
    return (line for line in text.split("\n") if line.strip())


def _body(draft: Draft, faults: list[FieldFault]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if (limit := _whole(draft.max_tokens, "max_tokens", faults, least=1)) is not None:
        body["max_tokens"] = limit
    if text := draft.temperature.strip():
        value = read_value(text)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            faults.append(FieldFault("temperature", f"{text} is not a temperature", "Use a number, 0 or more."))
        else:
            body["temperature"] = value
    for line in _lines(draft.parameters):
        key, equals, value = (part.strip() for part in line.partition("="))
        try:
            key, parsed = read_parameter(f"{key}{equals}{value}" if value else key or line, _OWN_FIELDS)
        except LocalFileError as error:
            faults.append(FieldFault("parameters", error.title, error.hint))
            continue
        if key in body:
            faults.append(FieldFault("parameters", f"{key} is given twice", "Leave one of them out."))
        else:
            body[key] = parsed
    return body


def _whole(text: str, field: str, faults: list[FieldFault], *, least: int = 0, most: int = SEED_LARGEST) -> int | None:
    text = text.strip().replace(",", "").replace("_", "")
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    if not least <= number <= most:
        faults.append(FieldFault(field, f"{text} is not a whole number of {least} or more", "Write a whole number."))
        return None
    return number


def _schema(draft: Draft, folder: Path, faults: list[FieldFault]) -> str | None:
    text = draft.schema.strip()
    if not text:
        return None
    try:
        if text.startswith("@"):
            text = _read_schema(folder, text[1:].strip())
        check_schema_text(text)
    except BatchError as error:
        faults.append(FieldFault("schema", error.title, error.hint))
        return None
    except (ValueError, RecursionError) as error:
        message = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        faults.append(FieldFault("schema", f"The schema is not JSON: {message}", "Fix it, or use the short form."))
        return None
    return text


def _read_schema(folder: Path, name: str) -> str:
    try:
        with (folder / path_of(name)).open("rb") as file:
            text = file.read(_SCHEMA_FILE_MAX).decode("utf-8-sig").strip()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8"
        raise BatchError(f"The schema {name} cannot be read: {reason}", "Check its path.") from None
    if not text.startswith("{"):
        raise BatchError(f"The schema {name} is not a JSON object", "A file holds a JSON Schema.")
    return text


def _row_choice(draft: Draft, faults: list[FieldFault]) -> RowChoice:
    first = last = None
    if draft.rows.strip():
        try:
            first, last = parse_range(draft.rows.replace(",", ""))
        except ValueError as error:
            faults.append(FieldFault("rows", str(error), "Write the first and the last row, such as 1-100."))
    where: list[str] = []
    for line in _lines(draft.where):
        try:
            check_where(line)
            where.append(line)
        except ValueError as error:
            faults.append(FieldFault("where", str(error), "Write COLUMN=VALUE, one a line."))
    sample = _whole(draft.sample, "sample", faults, least=1)
    seed = _whole(draft.seed, "seed", faults)
    return RowChoice(first, last, tuple(where), sample, seed if sample is not None else None, draft.once, draft.empty)
