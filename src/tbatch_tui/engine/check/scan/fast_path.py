"""The fast look: whole pieces of clean lines judged at once, by two parsers that must both agree.

simdjson reads the piece as one list, its line ends turned to commas: that judges UTF-8, JSON, and counts the keys
of every object. msgspec reads it as lines of typed structs: that judges the types. A line end inside a value cannot
please both. What either of them refuses, and what the types leave open, is left to the close look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from struct import Struct as Layout
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET

from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.check.lines.url_hosts import host_of, is_private
from tbatch_tui.engine.check.scan.line_types import PARAMS, REQUIRED, lenient_line_type, strict_line_type, unchecked

if TYPE_CHECKING:
    import simdjson

    from tbatch_tui.engine.check.scan.reader import Piece
else:
    import csimdjson as simdjson  # of which the package makes a module like `json`, and loads that

Refusal = (ValueError, RuntimeError, RecursionError)
"""What simdjson and msgspec raise for lines they cannot take."""

_Decode = Callable[[bytes | memoryview], list[Any]]

_PLAIN = {(b'"',)}
_LINE_KEYS = frozenset({"custom_id", "body"})
_OTHER_LIMIT = "max_completion_tokens"
_FULLER = "tool"
"""The role whose messages need more than a content."""
_SHORT = 700
"""Bytes of a line, on average, under which making its texts costs less than looking at where each begins."""
_MOULDS_MAX = 16
_MISFITS_MAX = 4
"""Pieces that do not fit a mould before moulds are given up."""
_PROVEN_MAX = 4_000
_PROVEN_BYTES = 16_000
_KEPT_MAX = 2_000

_get_body, _get_messages = itemgetter("body"), itemgetter("messages")
_of_body, _of_messages, _of_content = attrgetter("body"), attrgetter("messages"), attrgetter("content")
_of_role, _of_id, _of_model, _of_file = map(attrgetter, ("role", "custom_id", "model", "file"))
_first_byte = Layout("c").unpack_from


class Shape(NamedTuple):
    """What the keys of a body tell by themselves. Most files have one or two shapes."""

    is_sound: bool
    """No key is there twice."""
    unchecked: tuple[str, ...]
    """Its keys whose values the types leave open."""
    unknown: tuple[str, ...]
    """Its keys that are no documented parameters."""
    has_stream: bool
    has_limit: bool
    """Whether there is a limit of tokens."""


class KnownKeys(NamedTuple):
    """How lines fit the mould of the first of them."""

    keys: tuple[str, ...] = ()
    """The keys that all bodies have, and no other; none where they do not fit."""
    has_texts: bool = False
    """Whether all contents are known to be texts."""


class FastResult(NamedTuple):
    """What a fast look learned of a piece whose lines are all sound, but for the `doubtful` ones."""

    ids: list[str]
    models: list[str]
    once: dict[str, list[int]]
    """Rules told once a file, and the lines (counted in the piece) that break them."""
    doubtful: set[int]
    """Lines (counted in the piece) to be looked at closely."""


class FastPath:
    """The fast look at chat or audio lines. Not to be shared between threads: it owns a parser."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._parser = simdjson.Parser()
        self._decode: _Decode = msgspec.json.Decoder(lenient_line_type(kind)).decode_lines
        self._moulds: dict[tuple[tuple[str, ...], bool], _Decode] = {}
        self._misfits = {True: 0, False: 0}
        self._open = unchecked(kind)
        self._line_keys = 2 if kind is Kind.CHAT else 3
        self._marks = {"method", "url"} if kind is Kind.CHAT else {"url"}
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._proven: set[bytes] = set()
        self._hosts: set[str] = set()

    def look(self, piece: Piece) -> FastResult | None:
        """Judge whole lines. None when something is odd among them: then each line is to be tried by itself."""
        try:
            tree: Any = self._parser.parse(piece.as_list())
            lines = list(tree)
            if piece.is_ended:
                lines.pop()  # after the last comma
            rows, fit = self._rows(piece.view, lines)
        except Refusal:
            return None
        if not rows or len(rows) != len(lines):
            return None
        look = FastResult(list(map(_of_id, rows)), [], {}, set())
        if not self._judge_lines(lines, look):
            return None
        bodies = list(map(_of_body, rows))
        parsed = list(map(_get_body, lines))
        look.models.extend(map(_of_model, bodies))
        if not self._judge_bodies(parsed, bodies, fit.keys, look) or not all(map(str.strip, set(look.models))):
            return None
        if self._kind is Kind.AUDIO:
            self._judge_files(bodies, look)
        else:
            self._judge_messages(parsed, bodies, fit, look)
        return look

    def prove(self, line: bytes) -> None:
        """The close look found nothing wrong in this doubtful line: its open values need no second look."""
        if len(self._proven) > _PROVEN_MAX:
            self._proven.clear()
        (row,) = self._decode(line)
        for name in self._open:
            value = getattr(row.body, name)
            if value is not UNSET and len(value := bytes(value)) < _PROVEN_BYTES:
                self._proven.add(name.encode() + value)

    def _rows(self, data: memoryview, lines: list[Any]) -> tuple[list[Any], KnownKeys]:
        """The lines as structs, and how they fit the mould of the first line."""
        keys = self._keys_of_first(lines)
        is_short = self._kind is Kind.CHAT and len(data) < _SHORT * len(lines)
        for has_texts in (True, False) if is_short else (False,):
            decode = self._moulds.get((keys, has_texts))
            if decode is None and self._is_castable(keys):
                made = strict_line_type(self._kind, keys, has_texts)
                decode = self._moulds[keys, has_texts] = msgspec.json.Decoder(made).decode_lines
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

    def _is_castable(self, keys: tuple[str, ...]) -> bool:
        """Whether a mould can be made of these keys, and there is room for one more."""
        known, required, own = PARAMS[self._kind].keys(), REQUIRED[self._kind], set(keys)
        return len(self._moulds) < _MOULDS_MAX and len(own) == len(keys) and known >= own and own.issuperset(required)

    def _judge_lines(self, lines: list[Any], look: FastResult) -> bool:
        """Whether no line has a key twice; notes the OpenAI envelope."""
        if set(map(len, lines)) == {self._line_keys}:  # the struct requires as many, so there are no others
            return True
        tops = list(map(tuple, lines))
        distinct = set(tops)
        if not all(len(set(top)) == len(top) for top in distinct):
            return False
        for i, top in enumerate(tops):
            if len(top) > 2 and not _are_sound(lines[i], [key for key in top if key not in _LINE_KEYS]):
                look.doubtful.add(i)
        marked = {top for top in distinct if not self._marks.isdisjoint(top)}
        if marked:
            look.once["openai-envelope"] = [i for i, top in enumerate(tops) if top in marked]
        return True

    def _judge_bodies(self, parsed: list[Any], bodies: list[Any], keys: tuple[str, ...], look: FastResult) -> bool:
        """Whether no body has a key twice; notes what the keys tell, and doubts values that the types leave open."""
        groups: dict[tuple[str, ...], Sequence[int]]
        if keys and set(map(len, parsed)) == {len(keys)}:  # they fit the mould, and there is room for no key more
            groups = {keys: range(len(bodies))}
        else:
            spread: dict[tuple[str, ...], list[int]] = {}
            for i, body in enumerate(parsed):
                spread.setdefault(tuple(body), []).append(i)
            groups = {**spread}
        for group, members in groups.items():
            shape = self._shape(group)
            if not shape.is_sound:
                return False
            if shape.unchecked:
                look.doubtful.update(i for i in members if not self._is_proven(bodies[i], shape))
            if shape.unknown:
                look.doubtful.update(i for i in members if not _are_sound(parsed[i], shape.unknown))
            if self._kind is not Kind.CHAT:
                continue
            if not shape.has_limit:
                look.once.setdefault("no-max-tokens", []).extend(members)
            elif "max_tokens" not in group and (open_ := [i for i in members if parsed[i][_OTHER_LIMIT] is None]):
                look.once.setdefault("no-max-tokens", []).extend(open_)
            if shape.has_stream and (streaming := [i for i in members if bodies[i].stream is True]):
                look.once.setdefault("stream", []).extend(streaming)
        return True

    def _shape(self, keys: tuple[str, ...]) -> Shape:
        shape = self._shapes.get(keys)
        if shape is None:
            shape = Shape(
                is_sound=len(set(keys)) == len(keys),
                unchecked=tuple(k for k in keys if k in self._open),
                unknown=tuple(k for k in keys if k not in PARAMS[self._kind]),
                has_stream="stream" in keys,
                has_limit="max_tokens" in keys or _OTHER_LIMIT in keys,
            )
            if len(self._shapes) < _KEPT_MAX:
                self._shapes[keys] = shape
        return shape

    def _is_proven(self, body: Any, shape: Shape) -> bool:
        return all(name.encode() + bytes(getattr(body, name)) in self._proven for name in shape.unchecked)

    def _judge_messages(self, parsed: list[Any], bodies: list[Any], fit: KnownKeys, look: FastResult) -> None:
        """Doubt what is more than a role and a text: parts, tool calls, names, keys that are there twice."""
        have_two = set(map(len, chain.from_iterable(map(_get_messages, parsed)))) == {2}
        if have_two and fit.has_texts:
            return
        typed = list(chain.from_iterable(map(_of_messages, bodies)))
        if (
            have_two
            and set(map(_first_byte, map(_of_content, typed))) == _PLAIN
            and (fit.keys or _FULLER not in map(_of_role, typed))
        ):
            return
        for i, (tree, body) in enumerate(zip(parsed, bodies, strict=True)):
            plain = set(map(len, tree["messages"])) == {2} and _FULLER not in map(_of_role, body.messages)
            if not plain or not (fit.has_texts or set(map(_first_byte, map(_of_content, body.messages))) == _PLAIN):
                look.doubtful.add(i)

    def _judge_files(self, bodies: list[Any], look: FastResult) -> None:
        """Doubt URLs whose host has not been seen to be a public one."""
        for i, url in enumerate(map(_of_file, bodies)):
            host = host_of(url)
            if host in self._hosts:
                continue
            if not host or is_private(host):
                look.doubtful.add(i)
            elif len(self._hosts) < _KEPT_MAX:
                self._hosts.add(host)


def _are_sound(tree: Any, keys: Sequence[str], levels: int = 16) -> bool:
    """Whether the values of these keys are sound. simdjson finds no key with a NUL in it: such a one is doubted."""
    return not any("\0" in key or not _is_sound(tree[key], levels) for key in keys)


def _is_sound(value: Any, levels: int) -> bool:
    """Whether a value that nothing is documented of has no key twice, and is not nested strangely deep."""
    if isinstance(value, simdjson.Object):
        keys = list(value)
        return levels > 0 and len(set(keys)) == len(keys) and _are_sound(value, keys, levels - 1)
    return not isinstance(value, simdjson.Array) or (levels > 0 and all(_is_sound(item, levels - 1) for item in value))
