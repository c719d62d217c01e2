"""A valid line as a typed struct, made from the documented parameters: what the fast path decodes into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from tbatch_tui.engine.check.limits import CUSTOM_ID_CHARACTERS, STOPS_MAX
from tbatch_tui.engine.check.lines.params import (
    AUDIO_BOUNDS,
    AUDIO_FORMATS,
    AUDIO_PARAMS,
    CHAT_BOUNDS,
    CHAT_PARAMS,
    CHAT_VALUES,
    FILE_METHOD,
    GRANULARITIES,
    ROLES,
    USUAL_CHAT_BOUNDS,
    Bounds,
    Kind,
    Type,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _literal(words: Iterable[str]) -> Any:
    return Literal[tuple(words)]


_TYPES: Mapping[Type, Any] = {
    Type.STRING: str | None,
    Type.INTEGER: int | None,
    Type.NUMBER: float | None,
    Type.BOOLEAN: bool | None,
}


def _bounded(params: Mapping[str, Type], all_bounds: Mapping[str, Bounds]) -> dict[str, Any]:
    return {
        name: Annotated[int if params[name] is Type.INTEGER else float, Meta(ge=least, le=most)]
        for name, (least, most) in all_bounds.items()
    }


def _or_none(types: Mapping[str, Any]) -> dict[str, Any]:
    return {name: type_ | None for name, type_ in types.items()}


_NAME = Annotated[str, Meta(min_length=1)]
_ID = Annotated[str, Meta(min_length=1, max_length=CUSTOM_ID_CHARACTERS)]
_GRANULARITY: Any = _literal(GRANULARITIES)


class _Message(msgspec.Struct, gc=False):
    role: _literal(ROLES)  # type: ignore[valid-type]
    content: Raw = Raw(b"null")  # Raw: its first byte shows whether it is a text


class _PlainMessage(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    role: _literal(role for role in ROLES if role != "tool")  # type: ignore[valid-type]
    content: Raw


class _TextMessage(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    role: _literal(role for role in ROLES if role != "tool")  # type: ignore[valid-type]
    content: str  # decoded: for short texts that costs less than a look at each Raw


_EXACT: Mapping[Kind, Mapping[str, Any]] = {
    Kind.CHAT: {
        "model": _NAME,
        **_or_none(_bounded(CHAT_PARAMS, {**CHAT_BOUNDS, **USUAL_CHAT_BOUNDS})),
        # null counts as missing, which `check_line` reports
        "max_tokens": _bounded(CHAT_PARAMS, CHAT_BOUNDS)["max_tokens"],
        **{name: _literal(words) | None for name, words in CHAT_VALUES.items()},
        "stop": str | Annotated[list[str], Meta(max_length=STOPS_MAX)] | None,
    },
    Kind.AUDIO: {
        "model": _NAME,
        "file": str,
        **_or_none(_bounded(AUDIO_PARAMS, AUDIO_BOUNDS)),
        "response_format": _literal(AUDIO_FORMATS) | None,
        "timestamp_granularities": _GRANULARITY | Annotated[list[_GRANULARITY], Meta(min_length=1)] | None,
    },
}
"""Parameters with a stricter type than `params.py` gives them."""

PARAMS: Mapping[Kind, Mapping[str, Type]] = {Kind.CHAT: CHAT_PARAMS, Kind.AUDIO: AUDIO_PARAMS}
REQUIRED: Mapping[Kind, tuple[str, str]] = {Kind.CHAT: ("model", "messages"), Kind.AUDIO: ("model", "file")}


def _type(kind: Kind, name: str, message: type) -> Any:
    if kind is Kind.CHAT and name == "messages":
        return Annotated[list[message], Meta(min_length=1)]  # type: ignore[valid-type]
    return _EXACT[kind].get(name) or _TYPES.get(PARAMS[kind][name], Raw)


def _line(kind: Kind, body: Any, is_strict: bool) -> Any:
    method = [("method", Literal[FILE_METHOD])] if kind is Kind.AUDIO else []
    fields = [("custom_id", _ID), *method, ("body", body)]
    return msgspec.defstruct("Line", fields, gc=False, forbid_unknown_fields=is_strict)


def lenient_line_type(kind: Kind) -> Any:
    """Return the type of a line with any of the documented parameters. Unknown keys pass, as at the API."""
    required = [(name, _type(kind, name, _Message)) for name in REQUIRED[kind]]
    others = [name for name in PARAMS[kind] if name not in REQUIRED[kind]]
    optional = [(name, _type(kind, name, _Message) | UnsetType, UNSET) for name in others]
    return _line(kind, msgspec.defstruct("Body", [*required, *optional], gc=False), is_strict=False)


def strict_line_type(kind: Kind, keys: Iterable[str], has_texts: bool) -> Any:
    """Return the type of a line whose body has these parameters and no other, and whose messages are plain.

    Args:
        keys: All of the line's body parameters, in any order.
        has_texts: Whether the contents of the messages have to be texts. Else they are not checked.
    """
    fields = [(name, _type(kind, name, _TextMessage if has_texts else _PlainMessage)) for name in keys]
    return _line(kind, msgspec.defstruct("Body", fields, gc=False, forbid_unknown_fields=True), is_strict=True)


def unchecked_params(kind: Kind) -> frozenset[str]:
    """Return the parameters whose values the types do not describe: tools, response_format …"""
    return frozenset(name for name in PARAMS[kind] if _type(kind, name, _Message) is Raw)
