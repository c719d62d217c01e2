"""The fast path: check whole pieces of the file at once, with two parsers that must both accept them.

simdjson parses the piece as one list, its line ends replaced by commas: that checks UTF-8 and JSON, and gives the keys
of every object. msgspec decodes it as lines of typed structs: that checks the types. A line end inside a value cannot
pass both. What one of them refuses, and the values that the types do not describe, are left to `check_line`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from struct import Struct as Layout
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET

from tbatch_tui.engine.check.lines.params import FILE_METHOD, Kind
from tbatch_tui.engine.check.lines.url_hosts import host_of, is_private
from tbatch_tui.engine.check.scan.line_types import (
    PARAMS,
    REQUIRED,
    lenient_line_type,
    strict_line_type,
    unchecked_params,
)

if TYPE_CHECKING:
    import simdjson

    from tbatch_tui.engine.check.scan.reader import Piece
else:
    import csimdjson as simdjson  # the package's own module loads `json` too

PARSER_ERRORS = (ValueError, RuntimeError, RecursionError)
"""What simdjson and msgspec raise for lines that they refuse."""

_Decode = Callable[[bytes | memoryview], list[Any]]

_TEXT_START = {(b'"',)}
"""The first byte of a content that is a text, as `_first_byte` unpacks it."""
_LINE_KEYS = frozenset({"custom_id", "body"})
_GRANULARITIES = "timestamp_granularities"
_OTHER_LIMIT = "max_completion_tokens"
_TOOL_ROLE = "tool"
"""Its messages need more than a content."""
_SHORT_LINE = 700
"""Under so many bytes on average it costs less to decode the texts of a line than to look at their first bytes."""
_STRICT_DECODERS_MAX = 16
_MISFITS_MAX = 4
"""After so many pieces that no strict line type fits, strict line types are given up."""
_VALID_VALUES_MAX = 4_000
_VALID_VALUE_BYTES = 16_000
_LOOKUPS_MAX = 16
"""Of more keys than this, all values of the object are read instead of each being looked up."""
_CACHED_MAX = 2_000
"""Shapes and hosts that are remembered."""

_get_body, _get_messages = itemgetter("body"), itemgetter("messages")
_of_body, _of_messages, _of_content = attrgetter("body"), attrgetter("messages"), attrgetter("content")
_of_role, _of_id, _of_model, _of_file = map(attrgetter, ("role", "custom_id", "model", "file"))
_first_byte = Layout("c").unpack_from


class BodyShape(NamedTuple):
    """What the keys of a body say, whatever their values. Most files have one or two shapes."""

    has_unique_keys: bool
    unchecked: tuple[str, ...]
    """Its keys whose values the types do not describe."""
    unknown: tuple[str, ...]
    """Its keys that are not documented."""
    has_stream: bool
    has_limit: bool
    """Whether there is a limit on the tokens of the answer."""


class KnownKeys(NamedTuple):
    """What is known of all lines of a piece because they fit the strict type made from the first one."""

    keys: tuple[str, ...] = ()
    """The keys of every body; empty where the lines do not fit."""
    has_texts: bool = False
    """Whether all contents are texts."""


class FastResult(NamedTuple):
    """What the fast path learned of a piece: all its lines are valid, except perhaps the `doubtful` ones."""

    ids: list[str]
    models: list[str]
    once_per_file: dict[str, list[int]]
    """The once-per-file rules, each with the lines that break it, counted from 0 in the piece."""
    doubtful: set[int]
    """The lines that `check_line` has to decide on, counted from 0 in the piece."""


class FastPath:
    """Checks pieces of chat or audio lines. Not to be shared between threads: it owns a parser."""

    def __init__(self, kind: Kind, now: float | None = None) -> None:
        """`now` is when the job would begin, in seconds since the epoch; now if None."""
        self._kind = kind
        self._now = time.time() if now is None else now
        self._parser = simdjson.Parser()
        self._decode: _Decode = msgspec.json.Decoder(lenient_line_type(kind)).decode_lines
        self._strict_decoders: dict[tuple[tuple[str, ...], bool], _Decode] = {}
        self._misfits = {True: 0, False: 0}
        self._unchecked = unchecked_params(kind)
        self._line_keys = 2 if kind is Kind.CHAT else 3
        self._envelope_keys = {"method", "url"} if kind is Kind.CHAT else {"url"}
        self._shapes: dict[tuple[str, ...], BodyShape] = {}
        self._valid_values: set[bytes] = set()
        self._hosts: set[str] = set()

    def check(self, piece: Piece) -> FastResult | None:
        """Check whole lines; return None if they have to be checked one by one."""
        try:
            tree: Any = self._parser.parse(piece.as_list())
            lines = list(tree)
            if piece.ends_with_newline:
                lines.pop()  # after the last comma
            rows, known = self._decode_rows(piece.view, lines)
        except PARSER_ERRORS:
            return None
        if not rows or len(rows) != len(lines):
            return None
        result = FastResult(list(map(_of_id, rows)), [], {}, set())
        if any(map(str.isspace, result.ids)) or not self._check_lines(lines, result):
            return None
        bodies = list(map(_of_body, rows))
        parsed = list(map(_get_body, lines))
        result.models.extend(map(_of_model, bodies))
        if not all(model and model == model.strip() for model in set(result.models)):
            return None
        if not self._check_bodies(parsed, bodies, known.keys, result):
            return None
        if self._kind is Kind.AUDIO:
            self._check_files(bodies, result)
        else:
            self._check_messages(parsed, bodies, known, result)
        return result

    def remember_valid(self, line: bytes) -> None:
        """Remember the values that made a line doubtful, after `check_line` found nothing wrong in it.

        Tools and schemas are the same on most lines of a file: each needs to be checked only once.
        """
        if len(self._valid_values) > _VALID_VALUES_MAX:
            self._valid_values.clear()
        (row,) = self._decode(line)
        for name in self._unchecked:
            if getattr(row.body, name) is UNSET:
                continue
            value = _unchecked_value(row.body, name)
            if len(value) < _VALID_VALUE_BYTES:
                self._valid_values.add(value)

    def _decode_rows(self, data: memoryview, lines: list[Any]) -> tuple[list[Any], KnownKeys]:
        """Return the lines as structs, of the strict type made from the first line if all of them fit it."""
        keys = self._keys_of_first(lines)
        is_short = self._kind is Kind.CHAT and len(data) < _SHORT_LINE * len(lines)
        for has_texts in (True, False) if is_short else (False,):
            decode = self._strict_decoders.get((keys, has_texts))
            if decode is None and self._can_be_strict(keys):
                line_type = strict_line_type(self._kind, keys, has_texts)
                decode = self._strict_decoders[keys, has_texts] = msgspec.json.Decoder(line_type).decode_lines
            if decode is not None and self._misfits[has_texts] < _MISFITS_MAX:
                try:
                    return decode(data), KnownKeys(keys, has_texts)
                except msgspec.ValidationError:
                    self._misfits[has_texts] += 1
        return self._decode(data), KnownKeys()

    def _keys_of_first(self, lines: list[Any]) -> tuple[str, ...]:
        first = lines[0] if lines else None
        body = first["body"] if isinstance(first, simdjson.Object) and "body" in first else None
        return tuple(body) if isinstance(body, simdjson.Object) else ()

    def _can_be_strict(self, keys: tuple[str, ...]) -> bool:
        """Whether a strict line type can be made of these keys, and there is room for one more."""
        known, required, own = PARAMS[self._kind].keys(), REQUIRED[self._kind], set(keys)
        has_room = len(self._strict_decoders) < _STRICT_DECODERS_MAX
        return has_room and len(own) == len(keys) and known >= own and own.issuperset(required)

    def _check_lines(self, lines: list[Any], result: FastResult) -> bool:
        """Return whether no line has a key twice; add the lines that have OpenAI's envelope."""
        if set(map(len, lines)) == {self._line_keys}:  # the struct requires as many, so there are no others
            return True
        tops = list(map(tuple, lines))
        distinct = set(tops)
        if not all(len(set(top)) == len(top) for top in distinct):
            return False
        for i, top in enumerate(tops):
            if len(top) > 2 and not _are_valid(lines[i], [key for key in top if key not in _LINE_KEYS]):
                result.doubtful.add(i)
        with_envelope = {top for top in distinct if not self._envelope_keys.isdisjoint(top)}
        members = [i for i, top in enumerate(tops) if top in with_envelope]
        if self._kind is Kind.CHAT:
            as_files = {i for i in members if "method" in tops[i] and lines[i]["method"] == FILE_METHOD}
            result.doubtful.update(as_files)
            members = [i for i in members if i not in as_files or "url" in tops[i]]
        if members:
            result.once_per_file["openai-envelope"] = members
        return True

    def _check_bodies(self, parsed: list[Any], bodies: list[Any], keys: tuple[str, ...], result: FastResult) -> bool:
        """Return whether no body has a key twice; doubt the values that the types do not describe."""
        groups: dict[tuple[str, ...], Sequence[int]]
        if keys and set(map(len, parsed)) == {len(keys)}:  # they have all of these keys, so no other
            groups = {keys: range(len(bodies))}
        else:
            spread: dict[tuple[str, ...], list[int]] = {}
            for i, body in enumerate(parsed):
                spread.setdefault(tuple(body), []).append(i)
            groups = {**spread}
        for group, members in groups.items():
            shape = self._shape(group)
            if not shape.has_unique_keys:
                return False
            if shape.unchecked:
                result.doubtful.update(i for i in members if not self._is_known_valid(bodies[i], shape))
            if shape.unknown:
                result.doubtful.update(i for i in members if not _are_valid(parsed[i], shape.unknown))
            if self._kind is not Kind.CHAT:
                continue
            if not shape.has_limit:
                result.once_per_file.setdefault("no-max-tokens", []).extend(members)
            elif "max_tokens" not in group and (unlimited := [i for i in members if parsed[i][_OTHER_LIMIT] is None]):
                result.once_per_file.setdefault("no-max-tokens", []).extend(unlimited)
            if shape.has_stream and (streaming := [i for i in members if bodies[i].stream is True]):
                result.once_per_file.setdefault("stream", []).extend(streaming)
        return True

    def _shape(self, keys: tuple[str, ...]) -> BodyShape:
        shape = self._shapes.get(keys)
        if shape is None:
            shape = BodyShape(
                has_unique_keys=len(set(keys)) == len(keys),
                unchecked=tuple(k for k in keys if k in self._unchecked),
                unknown=tuple(k for k in keys if k not in PARAMS[self._kind]),
                has_stream="stream" in keys,
                has_limit="max_tokens" in keys or _OTHER_LIMIT in keys,
            )
            if len(self._shapes) < _CACHED_MAX:
                self._shapes[keys] = shape
        return shape

    def _is_known_valid(self, body: Any, shape: BodyShape) -> bool:
        return all(_unchecked_value(body, name) in self._valid_values for name in shape.unchecked)

    def _check_messages(self, parsed: list[Any], bodies: list[Any], known: KnownKeys, result: FastResult) -> None:
        """Doubt messages that have more than a role and a text: parts, tool calls, names, a key twice."""
        have_two = set(map(len, chain.from_iterable(map(_get_messages, parsed)))) == {2}
        if have_two and known.has_texts:
            return
        typed = list(chain.from_iterable(map(_of_messages, bodies)))
        if (
            have_two
            and set(map(_first_byte, map(_of_content, typed))) == _TEXT_START
            and (known.keys or _TOOL_ROLE not in map(_of_role, typed))
        ):
            return
        for i, (tree, body) in enumerate(zip(parsed, bodies, strict=True)):
            messages = body.messages
            is_plain = set(map(len, tree["messages"])) == {2} and _TOOL_ROLE not in map(_of_role, messages)
            if not is_plain or not (
                known.has_texts or set(map(_first_byte, map(_of_content, messages))) == _TEXT_START
            ):
                result.doubtful.add(i)

    def _check_files(self, bodies: list[Any], result: FastResult) -> None:
        """Doubt URLs without a public host, or with too short a life, and granularities that are there twice."""
        from tbatch_tui.engine.check.lines.signed_urls import is_long_lived  # a chat file does not need it

        for i, body in enumerate(bodies):
            url = _of_file(body)
            host = host_of(url)
            if host not in self._hosts:
                if not host or is_private(host):
                    result.doubtful.add(i)
                elif len(self._hosts) < _CACHED_MAX:
                    self._hosts.add(host)
            granularities = getattr(body, _GRANULARITIES, None)
            if isinstance(granularities, list) and len(set(granularities)) < len(granularities):
                result.doubtful.add(i)
            if not is_long_lived(url, self._now):
                result.doubtful.add(i)


def _unchecked_value(body: Any, name: str) -> bytes:
    """Return the text of a value with its name, and with all that decides on whether it is valid."""
    value = name.encode() + bytes(getattr(body, name))
    if name == "tool_choice" and (tools := getattr(body, "tools", UNSET)) is not UNSET:
        value += b"\0" + bytes(tools)
    return value


def _are_valid(tree: Any, keys: Sequence[str], levels: int = 16) -> bool:
    """Whether the values of these keys are valid. A key with a NUL, which simdjson cannot look up, counts as not."""
    if len(keys) > _LOOKUPS_MAX:  # simdjson looks up each of them from the first on
        wanted = set(keys)
        return all(_is_valid(value, levels) for key, value in tree.items() if key in wanted)
    return not any("\0" in key or not _is_valid(tree[key], levels) for key in keys)


def _is_valid(value: Any, levels: int) -> bool:
    """Whether an undocumented value has no key twice and is not nested unusually deep."""
    if isinstance(value, simdjson.Object):
        keys = list(value)
        return levels > 0 and len(set(keys)) == len(keys) and _are_valid(value, keys, levels - 1)
    return not isinstance(value, simdjson.Array) or (levels > 0 and all(_is_valid(item, levels - 1) for item in value))
