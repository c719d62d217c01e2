"""Change the request of one line: model, parameters, system prompt. All other bytes of it stay as they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.check.fix.object_edits import Edit, ObjectText, apply_edits, json_string
from tbatch_tui.engine.check.lines.check_line import check_line
from tbatch_tui.engine.check.lines.json_spans import members, skip
from tbatch_tui.engine.check.lines.params import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REQUIRED_KEYS = ("model", "messages", "file")
"""Keys of a body that no request can be without."""
_SYSTEM_ROLES = ("system", "developer")
_LIMITS = ("max_tokens", "max_completion_tokens")
_FIX = "`tbatch-tui check --fix` may fix it"


class LineError(ValueError):
    """A line that cannot be changed as asked. The text says why, and what to do, without a full stop."""


@dataclass(frozen=True, slots=True)
class LineChanges:
    """What is changed in each request. What is None or empty stays."""

    model: str | None = None
    system: str | None = None
    """The text of the system prompt; an empty one removes it."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Values of keys of the body."""
    dropped: tuple[str, ...] = ()
    """Keys that are removed from the body."""
    max_tokens: int | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is changed."""
        is_set = self.model is not None or self.system is not None or self.max_tokens is not None
        return not (is_set or self.parameters or self.dropped)

    def apply(self, line: bytes) -> bytes:
        """Return the line with the changes, without its line end; the same bytes where it has all of them already.

        Raises LineError for what is no request, or none for which a change makes sense.
        """
        body = _read_body(line)
        if self.system is None:
            edits = list(self._body_edits(body))
        else:
            edits = [*_system_edits(body, self.system), *self._body_edits(body)]
        return apply_edits(body.text, edits).encode() if edits else line

    def _body_edits(self, body: ObjectText) -> Iterator[Edit]:
        values = dict(self.parameters)
        if self.model is not None:
            values = {"model": self.model, **values}
        if self.max_tokens is not None:
            _require_chat(body, "a transcription has no token limit")
            for name in [name for name in _LIMITS if name in body] or _LIMITS[:1]:
                values[name] = self.max_tokens  # both, where both are there: the lower one would count
        added: list[str] = []
        for key, value in values.items():
            if key not in body:
                added.append(f"{json_string(key)}: {_encoded(value)}")
            elif _canonical(body.value(key)) != _canonical(value):
                yield body.replace(key, _encoded(value))
        kept = [member for member in body.members if member.key not in self.dropped]
        if added:
            at = kept[-1].end if kept else body.start + 1
            yield Edit(at, at, f"{', ' if kept else ''}{', '.join(added)}")
        yield from body.cut_out(self.dropped)


def _read_body(line: bytes) -> ObjectText:
    """Return the body of a request. Raises LineError."""
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        text = line.decode()
        request = ObjectText(text)
    except (ValueError, RecursionError, StopIteration, IndexError):
        findings = check_line(line, Kind.CHAT).findings
        raise LineError(f"{findings[0].message if findings else 'the line is not a request'}. {_FIX}") from None
    body = request.object("body")
    if body is None:
        raise LineError(f"the line has no body that is an object. {_FIX}")
    if not (request.has_unique_keys and body.has_unique_keys):
        raise LineError("a key is there twice: remove one of them")
    return body


def _require_chat(body: ObjectText, why: str) -> None:
    if "file" in body and "messages" not in body:
        raise LineError(why)


def _system_edits(body: ObjectText, system: str) -> Iterator[Edit]:
    """Yield the edits that replace the system prompt, put it before the other messages, or remove it."""
    _require_chat(body, "a transcription has no system prompt")
    if not body.begins("messages", "["):
        raise LineError(f"the request has no messages. {_FIX}")
    text, at = body.text, body["messages"].value
    items = list(members(text, at))
    found = [index for index, item in enumerate(items) if _is_system(text, item.value)]
    if len(found) > 1:
        raise LineError(f"the request has {len(found)} system messages: only one can be replaced")
    if not found:
        if system:
            comma = ", " if items else ""
            first = skip(text, at + 1)
            yield Edit(first, first, f'{{"role": "system", "content": {json_string(system)}}}{comma}')
        return
    index = found[0]
    message = ObjectText(text, items[index].value)
    if system:
        if "content" not in message:
            yield from message.insert([f'"content": {json_string(system)}'])
        elif message.value("content") != system:
            yield message.replace("content", json_string(system))
    elif len(items) == 1:
        raise LineError("the system message is the only one: without it there is no request")
    elif index + 1 < len(items):
        yield Edit(items[index].start, items[index + 1].start, "")
    else:
        yield Edit(items[index - 1].end, items[index].end, "")


def _is_system(text: str, at: int) -> bool:
    return text[at] == "{" and ObjectText(text, at).value("role") in _SYSTEM_ROLES


def _encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _canonical(value: object) -> str:
    """Return a text that is equal for equal values; whole numbers are equal however they are written."""
    return json.dumps(_with_floats(value), sort_keys=True)


def _with_floats(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 2**53 else str(value)
    if isinstance(value, dict):
        return {key: _with_floats(item) for key, item in value.items()}
    return [_with_floats(item) for item in value] if isinstance(value, list) else value
