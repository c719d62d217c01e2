"""Check one line thoroughly: everything that is wrong in it, with its column. For lines that the fast path refuses."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from itertools import chain, count, islice
from math import isinf
from typing import TYPE_CHECKING

import msgspec

from tbatch_tui.engine.check.limits import CUSTOM_ID_CHARACTERS, DEPTH_MAX
from tbatch_tui.engine.check.lines.audio import audio_findings
from tbatch_tui.engine.check.lines.chat import chat_findings
from tbatch_tui.engine.check.lines.finding import FINDINGS_MAX, Finding, JsonObject, JsonPath, quoted
from tbatch_tui.engine.check.lines.json_spans import find_key_colon, find_second_keys, locate, locate_all
from tbatch_tui.engine.check.lines.params import FILE_METHOD, Kind, type_name
from tbatch_tui.engine.check.lines.shapes import is_object_text, objects_in_a_row, without_body
from tbatch_tui.engine.check.lines.stopping import stop_if

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_STRING = r'"(?:[^"\\]|\\.)*+"'
_CONSTANT = re.compile(_STRING + r"|(-?Infinity|NaN)")
_NUMBER = re.compile(_STRING + r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_BRACKET = re.compile(_STRING + r"|([\[{])|[\]}]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)")
_BITS_MAX = 900
"""Whole numbers with more bits may be too large."""
_JSON_SPACE = " \t\r\n"
_VALUES_BETWEEN_STOPS = 1_000
"""If a line has more values than this, `cancelled` is asked while it is read."""
_FEW_COLUMNS = 2
"""Up to so many columns are looked for one by one, which is faster than to walk over the line."""
_KIND = {Kind.CHAT: "for chat", Kind.AUDIO: "for audio"}


class LineReport(msgspec.Struct, gc=False):
    """What `check_line` returns: the findings of a line, and what else the report on the file needs of it."""

    findings: list[Finding] = []
    text: str = ""
    value: JsonObject | None = None
    """The line as an object; None if it is not one."""
    custom_id: str | None = None
    model: str | None = None
    once_per_file: list[str] = []
    """The once-per-file rules that it breaks."""
    is_blank: bool = False
    others: dict[str, int] = {}
    """How many findings more than FINDINGS_MAX a rule has, which are not among the findings."""

    def columns(self) -> list[int]:
        """Return the columns of the findings, from 1: where the value at the path begins, as far as that is there."""
        columns = [finding.column for finding in self.findings]
        paths = [_existing(self.value, finding.path) for finding in self.findings]
        missing = [index for index, column in enumerate(columns) if not column]
        if len(missing) <= _FEW_COLUMNS:
            for index in missing:
                columns[index] = _key_column(self.text, paths[index]) or locate(self.text, paths[index]) + 1
        else:
            starts = locate_all(self.text, {paths[index] for index in missing})
            for index in missing:
                columns[index] = starts[paths[index]] + 1
        return columns


class _NotJsonError(Exception):
    pass


class _TooLargeError(Exception):
    pass


def check_line(
    line: bytes,
    kind: Kind,
    offset: int = 0,
    cancelled: Callable[[], bool] | None = None,
    now: float | None = None,
    store: str = "",
) -> LineReport:
    """Check a line and return what is wrong in it: of each rule FINDINGS_MAX findings, and the number of the others.

    Args:
        line: The line without its line end.
        offset: Its byte offset in the file, for messages about bytes.
        cancelled: Asked now and then inside a long line; once it returns true, OperationCancelledError is raised.
        now: When the job would begin, in seconds since the epoch, for URLs that run out; now if None.
        store: `s3://bucket/prefix`, where recordings may be; empty for none.
    """
    report = LineReport()
    try:
        report.text = text = line.decode()
    except UnicodeDecodeError as error:
        position = offset + error.start
        message = f"byte 0x{line[error.start]:02X} is not UTF-8 (byte {position:,} of the file)"
        report.findings.append(Finding("not-utf8", message, column=error.start + 1))
        return report
    if "\r" in text[:-1]:
        column = text.index("\r") + 1
        report.findings.append(Finding("lone-cr", "a carriage return inside the line", column=column))
    if not text.strip(_JSON_SPACE):
        report.is_blank = True
        report.findings = [Finding("blank-line", "the line is blank", column=1)]
        return report
    twice: dict[str, None] = {}
    report.value = value = plain_value(line, text, cancelled) or _parse(report, twice, cancelled)
    if value is None:
        return report
    findings = _line(report, value, kind, time.time() if now is None else now, cancelled, store)
    if twice:
        findings = chain(_second_keys(text, list(twice)), findings)
    first = list(islice(findings, FINDINGS_MAX + 1))
    report.findings += first if len(first) <= FINDINGS_MAX else _first_findings(report, chain(first, findings))
    return report


def _first_findings(report: LineReport, findings: Iterable[Finding]) -> list[Finding]:
    """Return the first findings of each rule, the others counted in the message of the last and in the report."""
    numbers: dict[str, int] = {}
    last: dict[str, int] = {}
    first: list[Finding] = []
    for finding in findings:
        number = numbers[finding.rule] = numbers.get(finding.rule, 0) + 1
        if number <= FINDINGS_MAX:
            last[finding.rule] = len(first)
            first.append(finding)
    report.others = {rule: number - FINDINGS_MAX for rule, number in numbers.items() if number > FINDINGS_MAX}
    for rule, others in report.others.items():
        finding = first[last[rule]]
        first[last[rule]] = finding._replace(message=f"{finding.message}, and {others:,} more like it")
    return first


def _second_keys(text: str, keys: list[str]) -> Iterator[Finding]:
    """Yield the keys that an object has twice, with the column of the second: that of those that are reported."""
    starts = find_second_keys(text, keys[:FINDINGS_MAX])
    for key in keys:
        yield Finding("duplicate-key", f"the key {quoted(key)} is there twice", column=starts.get(key, 0) + 1)


def _existing(value: object, path: JsonPath) -> JsonPath:
    """Return the path as far as it is there."""
    for depth, part in enumerate(path):
        if not (isinstance(value, list) if isinstance(part, int) else isinstance(value, dict) and part in value):
            return path[:depth]
        value = value[part]  # type: ignore[index]
    return path


def _key_column(text: str, path: JsonPath) -> int:
    """Return the column of the value of the last key, if that is easily found; else 0."""
    if not path or not isinstance(path[-1], str) or (colon := find_key_colon(text, path[-1])) is None:
        return 0
    return colon.end() + 1


def plain_value(line: bytes, text: str, cancelled: Callable[[], bool] | None = None) -> JsonObject | None:
    """Return the line as an object if it is plain enough for msgspec to read it as `json` would; else None.

    No key is there twice if the text has as many quotes with a colon after them as the object has keys.
    """
    try:
        value: object = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or _is_deep(text, cancelled) or " :" in text or "\t:" in text or "\r" in text:
        return None
    keys = 0
    inner: list[object] = [value]
    while inner:
        match inner.pop():
            case dict() as item:
                if len(inner) > _VALUES_BETWEEN_STOPS:
                    stop_if(cancelled)
                keys += len(item)
                inner += item.values()
            case list() as items:
                inner += items
            case int() as number if number.bit_length() > _BITS_MAX:
                return None
    return value if text.count('":') == keys else None


def _parse(report: LineReport, twice: dict[str, None], cancelled: Callable[[], bool] | None) -> JsonObject | None:
    """Return the line as an object, or None after adding the reason to the findings.

    Adds the keys that an object has more than once to `twice`.
    """
    text = report.text
    objects = count(1)

    def pairs(items: list[tuple[str, object]]) -> JsonObject:
        if not next(objects) % _VALUES_BETWEEN_STOPS:
            stop_if(cancelled)
        value = dict(items)
        if len(value) < len(items):
            times = Counter(key for key, _ in items)
            twice.update(dict.fromkeys(key for key in value if times[key] > 1))
        return value

    try:
        value: object = json.loads(
            text, object_pairs_hook=pairs, parse_constant=_refuse, parse_int=_int, parse_float=_float
        )
        if _is_deep(text, cancelled):
            raise RecursionError
    except RecursionError:
        report.findings.append(Finding("too-deep", "values are nested too deeply to read", column=1))
        return None
    except _TooLargeError:
        column = next(m.start(1) for m in _NUMBER.finditer(text) if m[1] and isinf(float(m[1]))) + 1
        report.findings.append(Finding("number-too-large", "a number is too large", column=column))
        return None
    except _NotJsonError as error:
        column = next(m.start(1) for m in _CONSTANT.finditer(text) if m[1]) + 1
        report.findings.append(Finding("not-json", f"{error} is not JSON", column=column))
        return None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and (finding := objects_in_a_row(text, error.pos)) is not None:
            report.findings.append(finding)
            return None
        column = min(error.pos, len(text.rstrip("\r"))) + 1
        report.findings.append(Finding("not-json", f"not JSON: {_reason(error)}", column=column))
        return None
    if (at := _lone_surrogate(text)) >= 0:
        message = f"{text[at : at + 6]} is half of a surrogate pair, which is not valid text"
        report.findings.append(Finding("lone-surrogate", message, column=at + 1))
        return None
    if isinstance(value, str) and is_object_text(value):
        message = "the line is a string containing an object: it was encoded twice"
        report.findings.append(Finding("double-encoded", message))
        return None
    if not isinstance(value, dict):
        report.findings.append(Finding("not-object", f"the line is {type_name(value)}, not an object", ()))
        return None
    return value


def _reason(error: json.JSONDecodeError) -> str:
    """Return the parser's message, or our own where that would mislead."""
    if error.msg == "Extra data":
        return "there is more text after the object"
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


def _is_deep(text: str, cancelled: Callable[[], bool] | None) -> bool:
    """Whether valid JSON is nested deeper than DEPTH_MAX. How deep `json` reads depends on the depth of the stack."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return False
    depth = 0
    for number, match in enumerate(_BRACKET.finditer(text), 1):
        if not number % _VALUES_BETWEEN_STOPS:
            stop_if(cancelled)
        if match[1]:
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif not match[0].startswith('"'):
            depth -= 1
    return False


def _lone_surrogate(text: str) -> int:
    """Return the position of an escaped half of a surrogate pair without its other half; -1 if there is none."""
    if "\\ud" not in text and "\\uD" not in text:
        return -1
    high = -1  # the position of a high half whose low half has to follow
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


def _line(
    report: LineReport, line: JsonObject, kind: Kind, now: float, cancelled: Callable[[], bool] | None, store: str
) -> Iterator[Finding]:
    yield from _custom_id(report, line)
    body = line.get("body")
    if "body" not in line:
        yield without_body(line)
        return
    if not isinstance(body, dict):
        yield Finding("body-type", f"body is {type_name(body)}, not an object", ("body",))
        return
    yield from _model(report, body)
    own, others, other = ("messages", "file", Kind.AUDIO) if kind is Kind.CHAT else ("file", "messages", Kind.CHAT)
    if others in body and own not in body:
        message = f"the request is {_KIND[other]} (it has body.{others}), the batch is {_KIND[kind]}"
        yield Finding("other-kind", message, ("body", others))
        return
    if kind is Kind.AUDIO:
        yield from audio_findings(line, body, now, store)
        if "url" in line:
            report.once_per_file.append("openai-envelope")
        return
    if has_file_method := line.get("method") == FILE_METHOD:
        yield Finding("method-chat", 'method is "FILE", which is for audio: a chat request fails with it', ("method",))
    yield from chat_findings(body, now, cancelled)
    if ("method" in line and not has_file_method) or "url" in line:
        report.once_per_file.append("openai-envelope")
    if body.get("stream") is True:
        report.once_per_file.append("stream")
    if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
        report.once_per_file.append("no-max-tokens")


def _custom_id(report: LineReport, line: JsonObject) -> Iterator[Finding]:
    path: JsonPath = ("custom_id",)
    value = line.get("custom_id")
    if value is None:
        state = "null" if "custom_id" in line else "missing"
        yield Finding("custom-id-missing", f"custom_id is {state}", path)
    elif not isinstance(value, str):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        shown = f": {str(value)[:60]}" if is_number else ""
        yield Finding("custom-id-type", f"custom_id is {type_name(value)}, not a string{shown}", path)
    elif not value.strip():
        yield Finding("custom-id-empty", "custom_id is only spaces" if value else "custom_id is empty", path)
    else:
        report.custom_id = value
        if len(value) > CUSTOM_ID_CHARACTERS:
            message = f"custom_id has {len(value)} characters (max. {CUSTOM_ID_CHARACTERS})"
            yield Finding("custom-id-long", message, path)


def _model(report: LineReport, body: JsonObject) -> Iterator[Finding]:
    model = body.get("model")
    path: JsonPath = ("body", "model")
    if model is None:
        yield Finding("no-model", f"body.model is {'null' if 'model' in body else 'missing'}", path)
    elif not isinstance(model, str):
        yield Finding("wrong-type", f"body.model is {type_name(model)}, not a string", path)
    elif not model.strip():
        yield Finding("no-model", "body.model is empty", path)
    elif model != model.strip():
        yield Finding("model-spaces", f"body.model has spaces around the name: {quoted(repr(model)[1:-1])}", path)
    else:
        report.model = model
