"""The close look at one line: every fault in it, each with its column. Only lines that need it are looked at so."""

from __future__ import annotations

import json
import re
from math import isinf
from typing import TYPE_CHECKING

import msgspec

from tbatch_tui.engine.check.limits import CUSTOM_ID_CHARACTERS, DEPTH_MAX
from tbatch_tui.engine.check.lines.audio import audio_findings
from tbatch_tui.engine.check.lines.chat import chat_findings
from tbatch_tui.engine.check.lines.finding import Finding, Json, JsonPathPart, quoted
from tbatch_tui.engine.check.lines.json_spans import locate, members, skip, spelled_key
from tbatch_tui.engine.check.lines.params import Kind, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING = r'"(?:[^"\\]|\\.)*+"'
_CONSTANT = re.compile(_STRING + r"|(-?Infinity|NaN)")
_NUMBER = re.compile(_STRING + r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_BRACKET = re.compile(_STRING + r"|([\[{])|[\]}]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)")
_BITS = 900
"""Of a whole number that may be too large."""
_JSON_SPACE = " \t\r\n"
_KIND = {Kind.CHAT: "for chat", Kind.AUDIO: "for audio"}


class LineReport(msgspec.Struct, gc=False):
    """What a close look saw."""

    findings: list[Finding] = []
    text: str = ""
    value: Json | None = None
    custom_id: str | None = None
    model: str | None = None
    once: list[str] = []
    """The rules it breaks of those that are told once a file."""
    is_blank: bool = False

    def column(self, finding: Finding) -> int:
        if finding.column:
            return finding.column
        value: object = self.value
        path: list[JsonPathPart] = []  # so far as there is something
        for step in finding.path:
            if not (isinstance(value, list) if isinstance(step, int) else isinstance(value, dict) and step in value):
                break
            value = value[step]  # type: ignore[index]
            path.append(step)
        if path and isinstance(path[-1], str) and len(places := spelled_key(self.text, path[-1], 1)) == 1:
            return places[0].end() + 1
        return locate(self.text, tuple(path)) + 1


class _NotJsonError(Exception):
    pass


class _TooLargeError(Exception):
    pass


def check_line(line: bytes, kind: Kind, offset: int = 0) -> LineReport:
    """Everything that is wrong in a line, given without its line end. `offset` is the line's place in the file."""
    seen = LineReport()
    try:
        seen.text = text = line.decode()
    except UnicodeDecodeError as error:
        place = offset + error.start
        message = f"byte 0x{line[error.start]:02X} is not UTF-8 (byte {place:,} of the file)"
        seen.findings.append(Finding("not-utf8", message, column=error.start + 1))
        return seen
    if "\r" in text[:-1]:
        column = text.index("\r") + 1
        seen.findings.append(Finding("lone-cr", "a carriage return inside the line", column=column))
    if not text.strip(_JSON_SPACE):
        seen.is_blank = True
        seen.findings = [Finding("blank-line", "the line is blank", column=1)]
        return seen
    twice: list[str] = []
    seen.value = value = plain_value(line, text) or _parsed(seen, twice)
    if value is None:
        return seen
    for key in twice:
        seen.findings.append(
            Finding("duplicate-key", f"the key {quoted(key)} is there twice", column=_second(text, key))
        )
    seen.findings.extend(_line(seen, value, kind))
    return seen


def plain_value(line: bytes, text: str) -> Json | None:
    """The line as an object, if nothing is odd about it as JSON: then the quick parser reads it as the other would.

    That no key is there twice is known where no more quotes are followed by a colon than there are keys.
    """
    try:
        value: object = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or _is_deep(text) or " :" in text or "\t:" in text or "\r" in text:
        return None
    keys = 0
    inner: list[object] = [value]
    while inner:
        match inner.pop():
            case dict() as item:
                keys += len(item)
                inner += item.values()
            case list() as items:
                inner += items
            case int() as number if number.bit_length() > _BITS:
                return None
    return value if text.count('":') == keys else None


def _parsed(seen: LineReport, twice: list[str]) -> Json | None:
    """The line as an object; None, with the reason among the findings, when it is none."""
    text = seen.text

    def pairs(items: list[tuple[str, object]]) -> Json:
        made = dict(items)
        if len(made) < len(items):
            keys = [key for key, _ in items]
            twice.extend(key for key in made if keys.count(key) > 1 and key not in twice)
        return made

    try:
        value: object = json.loads(
            text, object_pairs_hook=pairs, parse_constant=_refuse, parse_int=_int, parse_float=_float
        )
        if _is_deep(text):
            raise RecursionError
    except RecursionError:
        seen.findings.append(Finding("too-deep", "values are nested too deep to be read", column=1))
        return None
    except _TooLargeError:
        column = next(m.start(1) for m in _NUMBER.finditer(text) if m[1] and isinf(float(m[1]))) + 1
        seen.findings.append(Finding("number-too-large", "a number too large to be held", column=column))
        return None
    except _NotJsonError as error:
        column = next(m.start(1) for m in _CONSTANT.finditer(text) if m[1]) + 1
        seen.findings.append(Finding("not-json", f"{error} is not JSON", column=column))
        return None
    except json.JSONDecodeError as error:
        column = min(error.pos, len(text.rstrip("\r"))) + 1
        seen.findings.append(Finding("not-json", f"not JSON: {_reason(error)}", column=column))
        return None
    if (at := _lone_surrogate(text)) >= 0:
        message = f"{text[at : at + 6]} is half of a surrogate pair, which no text can hold"
        seen.findings.append(Finding("lone-surrogate", message, column=at + 1))
        return None
    if not isinstance(value, dict):
        seen.findings.append(Finding("not-object", f"the line is {type_name(value)}, not an object", ()))
        return None
    return value


def _reason(error: json.JSONDecodeError) -> str:
    """The parser's words, in ours where its own mislead."""
    if error.msg == "Extra data":
        return "something follows the object"
    if "BOM" in error.msg:
        return "a byte order mark before the object"
    if error.msg.startswith("Invalid control character"):
        return f"control character 0x{ord(error.doc[error.pos]):02X} inside a string"
    reason = error.msg.removesuffix(" at").removesuffix(" starting")
    return reason[:1].lower() + reason[1:]


def _refuse(constant: str) -> object:
    raise _NotJsonError(constant)


def _int(digits: str) -> int:
    if len(digits) > 300 and isinf(float(digits)):
        raise _TooLargeError
    return int(digits)


def _float(digits: str) -> float:
    if isinf(value := float(digits)):
        raise _TooLargeError
    return value


def _is_deep(text: str) -> bool:
    """Whether sound JSON is nested deeper than we take. How deep Python reads depends on where it is called from."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return False
    depth = 0
    for match in _BRACKET.finditer(text):
        if match[1]:
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif not match[0].startswith('"'):
            depth -= 1
    return False


def _lone_surrogate(text: str) -> int:
    """Where an escaped half of a surrogate pair stands without its other half; -1 if nowhere."""
    if "\\ud" not in text and "\\uD" not in text:
        return -1
    high = -1  # the place of a high half that waits for its low one
    end = 0
    for match in _ESCAPE.finditer(text):
        code = int(match[1], 16) if match[1] else 0
        if high >= 0 and not (0xDC00 <= code < 0xE000 and match.start() == end):
            return high
        if high < 0 and 0xDC00 <= code < 0xE000:
            return match.start()
        high = match.start() if 0xD800 <= code < 0xDC00 else -1
        end = match.end()
    return high


def _second(text: str, key: str) -> int:
    """The column of a key's second place in an object; 1 where it is nested too deep to be looked for."""
    name = json.dumps(key, ensure_ascii=False)
    if len(places := spelled_key(text, name[1:-1])) == 2:
        return text.rindex(name, 0, places[1].start()) + 1
    try:
        return (_again(text, skip(text, 0), key) or 0) + 1
    except RecursionError:
        return 1


def _again(text: str, start: int, key: str) -> int | None:
    """Where a key comes for the second time, in the value that begins at `start` or inside it."""
    is_there = False
    for member in members(text, start):
        if member.key == key:
            if is_there:
                return member.start
            is_there = True
        if text[member.value] in "{[" and (found := _again(text, member.value, key)) is not None:
            return found
    return None


def _line(seen: LineReport, line: Json, kind: Kind) -> Iterator[Finding]:
    yield from _custom_id(seen, line)
    body = line.get("body")
    if "body" not in line:
        beside = [name for name in ("model", "messages", "file") if name in line]
        more = f": {' and '.join(beside)} must stand inside it" if beside else ""
        yield Finding("body-missing", f"body is missing{more}")
        return
    if not isinstance(body, dict):
        yield Finding("body-type", f"body is {type_name(body)}, not an object", ("body",))
        return
    yield from _model(seen, body)
    own, there, other = ("messages", "file", Kind.AUDIO) if kind is Kind.CHAT else ("file", "messages", Kind.CHAT)
    if there in body and own not in body:
        message = f"the request is {_KIND[other]} (it has body.{there}), the batch is {_KIND[kind]}"
        yield Finding("other-kind", message, ("body", there))
        return
    if kind is Kind.AUDIO:
        yield from audio_findings(line, body)
        if "url" in line:
            seen.once.append("openai-envelope")
        return
    yield from chat_findings(body)
    if "method" in line or "url" in line:
        seen.once.append("openai-envelope")
    if body.get("stream") is True:
        seen.once.append("stream")
    if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
        seen.once.append("no-max-tokens")


def _custom_id(seen: LineReport, line: Json) -> Iterator[Finding]:
    path: tuple[JsonPathPart, ...] = ("custom_id",)
    value = line.get("custom_id")
    if value is None:
        state = "null" if "custom_id" in line else "missing"
        yield Finding("custom-id-missing", f"custom_id is {state}", path)
    elif not isinstance(value, str):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        shown = f": {str(value)[:60]}" if is_number else ""
        yield Finding("custom-id-type", f"custom_id is {type_name(value)}, not a string{shown}", path)
    elif not value:
        yield Finding("custom-id-empty", "custom_id is empty", path)
    else:
        seen.custom_id = value
        if len(value) > CUSTOM_ID_CHARACTERS:
            message = f"custom_id has {len(value)} characters, {CUSTOM_ID_CHARACTERS} at most"
            yield Finding("custom-id-long", message, path)


def _model(seen: LineReport, body: Json) -> Iterator[Finding]:
    model = body.get("model")
    path: tuple[JsonPathPart, ...] = ("body", "model")
    if model is None:
        yield Finding("no-model", f"body.model is {'null' if 'model' in body else 'missing'}", path)
    elif not isinstance(model, str):
        yield Finding("wrong-type", f"body.model is {type_name(model)}, not a string", path)
    elif not model.strip():
        yield Finding("no-model", "body.model is empty", path)
    else:
        seen.model = model
