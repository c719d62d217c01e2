"""Every rule at least once: the exact line, column, custom_id and message that it reports."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tbatch_tui.engine.check import RULES, check_file, read_line
from tbatch_tui.engine.check.lines.check_line import check_line
from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.check.links import add_looks, find_links
from tbatch_tui.engine.domain.catalogue import ModelInfo
from tbatch_tui.engine.domain.check_report import CheckReport, Severity
from tbatch_tui.engine.domain.link import LinkFault, LinkLook
from tbatch_tui.engine.endpoint import Endpoint
from tests.helpers.check_lines import MODEL, audio, chat, dumped, saved, with_messages, without

VALID = chat("sound")
IMAGE = {"url": "https://example.com/a.png"}
USER = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
BAD_URL = 'body.file is not an http or https URL: "'
LONG_NAME = "x" * 65
ENCODED_TWICE = "the line is a string containing an object: it was encoded twice"
TWICE = 'the key "a" is there twice'
NEST: list[Any] = []
for _ in range(510):
    NEST = [NEST]

MAKE = "not requests: turn its rows into requests with tbatch-tui make, or open it in the app"
RESULTS = dumped(*({"custom_id": f"{n}", "response": {"status_code": 200, "body": {}}} for n in range(3)))
RESULTS_MESSAGE = "the lines are results of a batch (each has a response or an error), not requests"

# rule, the line, its column, message, custom_id
LINES: list[tuple[str, object, int, str, str | None]] = [
    ("not-utf8", b'{"custom_id": "\xe9"}', 16, "byte 0xE9 is not UTF-8 (byte {at:15} of the file)", None),
    ("not-utf8", b'{"custom_id": "\xed\xa0\x80"}', 16, "byte 0xED is not UTF-8 (byte {at:15} of the file)", None),
    ("not-json", b'{"custom_id": "a", }', 20, "not JSON: expecting property name enclosed in double quotes", None),
    ("not-json", b'{"custom_id": "a"', 18, "not JSON: expecting ',' delimiter", None),
    ("not-json", b'{"custom_id": "a"} x', 20, "not JSON: there is more text after the object", None),
    ("not-json", b'{"a": 1},,', 9, "not JSON: there is more text after the object", None),
    ("not-json", b'{"a": 1}{"b": 2}]', 9, "not JSON: there is more text after the object", None),
    ("not-json", b"[1],", 4, "not JSON: there is more text after the object", None),
    ("trailing-comma", dumped(chat())[:-1] + b",", 150, "a comma follows the object", None),
    ("trailing-comma", b'{"a": 1} , ', 10, "a comma follows the object", None),
    ("several-objects", b'{"custom_id": "a"} {}', 20, "2 objects on one line", None),
    ("several-objects", b'{"a": 1}{"a": 2}, {"a": 3} ,', 9, "3 objects on one line", None),
    ("double-encoded", dumped(dumped(chat()).decode())[:-1], 1, ENCODED_TWICE, None),
    ("double-encoded", b' "{}"', 2, ENCODED_TWICE, None),
    ("not-json", b'{"a": "NaN", "b": -Infinity}', 19, "-Infinity is not JSON", None),
    ("not-json", b'{"a": NaN}', 7, "NaN is not JSON", None),
    ("not-json", b'{"a": "\x00"}', 8, "not JSON: control character 0x00 inside a string", None),
    ("not-json", b'{"custom_id": {', 16, "not JSON: expecting property name enclosed in double quotes", None),
    ("not-json", b"\x00\x00", 1, "not JSON: expecting value", None),
    ("not-json", b"{'a': 1}", 2, "not JSON: expecting property name enclosed in double quotes", None),
    ("not-json", b"\xef\xbb\xbf{}", 1, "not JSON: a byte order mark before the object", None),
    ("lone-surrogate", b'{"a": "x\\ud83d"}', 9, "\\ud83d is half of a surrogate pair, which is not valid text", None),
    ("lone-surrogate", b'{"a": "\\uDC00"}', 8, "\\uDC00 is half of a surrogate pair, which is not valid text", None),
    ("too-deep", b"[" * 100_000, 1, "values are nested too deeply to read", None),
    ("too-deep", chat(x=NEST), 1, "values are nested too deeply to read", None),
    ("number-too-large", chat(seed=10**309), 158, "a number is too large", None),
    ("number-too-large", b'{"a": "1e999", "b": -1e999}', 21, "a number is too large", None),
    ("number-too-large", b'{"a": 1.3e+999e+16}', 7, "a number is too large", None),
    ("not-object", b" [1]", 2, "the line is a list, not an object", None),
    ("not-object", b'"text"', 1, "the line is a string, not an object", None),
    ("custom-id-missing", without(chat(), "custom_id"), 1, "custom_id is missing", None),
    ("custom-id-missing", chat(None), 15, "custom_id is null", None),
    ("custom-id-type", chat(17), 15, "custom_id is a number, not a string: 17", None),
    ("custom-id-type", chat(True), 15, "custom_id is true, not a string", None),
    ("custom-id-empty", chat(""), 15, "custom_id is empty", None),
    ("custom-id-empty", chat(" \t"), 15, "custom_id is only spaces", None),
    ("custom-id-long", chat(LONG_NAME), 15, "custom_id has 65 characters (max. 64)", LONG_NAME),
    ("body-missing", without(chat(), "body"), 1, "body is missing", "a"),
    ("body-missing", {"custom_id": "a", "model": "m"}, 1, "body is missing: model must stand inside it", "a"),
    (
        "anthropic-params",
        {"custom_id": "a", "params": {"model": "m", "messages": [USER]}},
        30,
        "the request is in params (Anthropic's format); it has to be in body",
        "a",
    ),
    ("body-missing", {"custom_id": "a", "params": 1}, 1, "body is missing", "a"),
    (
        "body-flat",
        {"custom_id": "a", "model": "m", "messages": [USER]},
        29,
        "model and messages must be inside body, not next to custom_id",
        "a",
    ),
    ("body-flat", {"custom_id": "a", "file": "x"}, 28, "file must be inside body, not next to custom_id", "a"),
    ("body-type", {"custom_id": "a", "body": "{}"}, 28, "body is a string, not an object", "a"),
    ("body-type", {"custom_id": "a", "body": None}, 28, "body is null, not an object", "a"),
    ("no-model", without(chat(), "body", "model"), 28, "body.model is missing", "a"),
    ("no-model", chat(model=""), 38, "body.model is empty", "a"),
    ("no-model", chat(model=" "), 38, "body.model is empty", "a"),
    ("no-model", chat(model=None), 38, "body.model is null", "a"),
    ("model-spaces", chat(model="m "), 38, 'body.model has spaces around the name: "m "', "a"),
    ("model-spaces", chat(model="\nm"), 38, 'body.model has spaces around the name: "\\nm"', "a"),
    ("wrong-type", chat(model=5), 38, "body.model is a number, not a string", "a"),
    ("wrong-type", chat(max_tokens="9"), 147, "body.max_tokens is a string, not a whole number", "a"),
    ("wrong-type", chat(max_tokens=1.5), 147, "body.max_tokens is a number, not a whole number", "a"),
    ("wrong-type", chat(max_tokens=True), 147, "body.max_tokens is true, not a whole number", "a"),
    ("wrong-type", chat(temperature="0"), 165, "body.temperature is a string, not a number", "a"),
    ("wrong-type", chat(stream="yes"), 160, "body.stream is a string, not true or false", "a"),
    ("wrong-type", chat(tools={}), 159, "body.tools is an object, not a list", "a"),
    (
        "wrong-type",
        chat(tools=[{"type": "function", "function": {"name": "f", "parameters": "{}"}}]),
        221,
        "body.tools[0].function.parameters is a string, not an object",
        "a",
    ),
    (
        "wrong-type",
        chat(response_format={"type": "json_schema", "json_schema": {"name": 5}}),
        217,
        "body.response_format.json_schema.name is a number, not a string",
        "a",
    ),
    (
        "wrong-type",
        chat(reasoning={"enabled": "no"}),
        175,
        "body.reasoning.enabled is a string, not true or false",
        "a",
    ),
    ("wrong-type", chat(tools=["f"]), 160, "body.tools[0] is a string, not an object", "a"),
    ("wrong-type", chat(logit_bias={"1": "x"}), 164, "body.logit_bias is an object, not an object of numbers", "a"),
    ("wrong-type", chat(tool_choice=[]), 165, "body.tool_choice is a list, not a string or an object", "a"),
    ("wrong-type", chat(stop=[1]), 158, "body.stop holds something that is not a string", "a"),
    ("wrong-type", chat(stop=1), 158, "body.stop is a number, neither a string nor a list", "a"),
    ("wrong-type", chat(messages="Hi"), 93, "body.messages is a string, not a list", "a"),
    ("wrong-type", with_messages("Hi"), 94, "body.messages[0] is a string, not an object", "a"),
    ("other-kind", audio(), 55, "the request is for audio (it has body.file), the batch is for chat", "a"),
    ("no-messages", without(chat(), "body", "messages"), 28, "body.messages is missing", "a"),
    ("no-messages", with_messages(), 93, "body.messages is an empty list", "a"),
    ("no-messages", chat(messages=None), 93, "body.messages is null", "a"),
    ("message-role", with_messages({"content": "Hi"}), 94, "body.messages[0].role is missing", "a"),
    ("message-role", with_messages({"role": "bot", "content": "Hi"}), 103, 'body.messages[0].role is "bot"', "a"),
    ("message-role", with_messages({"role": 1, "content": "Hi"}), 103, "body.messages[0].role is a number", "a"),
    ("message-content", with_messages({"role": "user"}), 94, "body.messages[0].content is missing", "a"),
    ("message-content", with_messages({"role": "user", "content": None}), 122, "body.messages[0].content is null", "a"),
    (
        "message-content",
        with_messages({"role": "user", "content": 5}),
        122,
        "body.messages[0].content is a number, neither text nor a list of parts",
        "a",
    ),
    (
        "message-content",
        with_messages({"role": "user", "content": [{"type": "text"}]}),
        123,
        "body.messages[0].content[0].text is missing",
        "a",
    ),
    (
        "message-content",
        with_messages({"role": "user", "content": [{"type": "image_url", "image_url": 5}]}),
        158,
        "body.messages[0].content[0].image_url is a number, not an object",
        "a",
    ),
    (
        "message-content",
        with_messages({"role": "user", "content": ["Hi"]}),
        123,
        "body.messages[0].content[0] is a string, not an object",
        "a",
    ),
    ("too-many-stops", chat(stop=list("abcde")), 158, "5 stop sequences (max. 4)", "a"),
    (
        "response-format",
        chat(response_format={"type": "xml"}),
        178,
        'body.response_format.type is "xml", supported: text, json_object, json_schema or regex',
        "a",
    ),
    (
        "response-format",
        chat(response_format={"type": "json_schema"}),
        169,
        "body.response_format.json_schema is missing, or not an object",
        "a",
    ),
    ("lone-cr", dumped(chat())[:-2] + b"\r}", 149, "a carriage return inside the line", "a"),
    ("duplicate-key", b'{"custom_id": "a", ' + dumped(chat())[1:-1], 20, 'the key "custom_id" is there twice', "a"),
    (
        "duplicate-key",
        dumped(chat())[:-1].replace(b'"content"', b'"role": "user", "content"'),
        111,
        'the key "role" is there twice',
        "a",
    ),
    (
        "duplicate-key",
        dumped(chat())[:-1].replace(b'"content"', b'"cont\\u0065nt": "x", "content"'),
        132,
        'the key "content" is there twice',
        "a",
    ),
    (
        "unusual-value",
        chat(reasoning_effort="max"),
        170,
        'body.reasoning_effort is "max", documented: low, medium or high',
        "a",
    ),
    ("duplicate-key", dumped(chat(user=[True]))[:-1].replace(b"true", b'{"a": 1, "a": 2}'), 168, TWICE, "a"),
    ("duplicate-key", dumped({**chat(), "y": 0})[:-1].replace(b" 0", b'{"a": 1, "a": 2}'), 164, TWICE, "a"),
    (
        "duplicate-key",
        dumped(chat())[:-1].replace(b'"model"', b'"mode\\u006c": "x", "model"'),
        48,
        'the key "model" is there twice',
        "a",
    ),
    ("blank-line", b"", 1, "the line is blank", None),
    ("blank-line", b" \t", 1, "the line is blank", None),
]

AUDIO_LINES: list[tuple[str, object, int, str, str | None]] = [
    ("method-file", without(audio(), "method"), 1, 'method is missing, and must be "FILE" for audio', "a"),
    ("method-file", {**audio(), "method": "POST"}, 30, 'method is "POST", and must be "FILE" for audio', "a"),
    ("file-url", without(audio(), "body", "file"), 46, "body.file is missing", "a"),
    ("file-url", audio(file="clip.wav"), 55, f'{BAD_URL}clip.wav"', "a"),
    ("file-url", audio(file="ftp://example.com/a.wav"), 55, f'{BAD_URL}ftp://example.com/a.wav"', "a"),
    ("file-url", audio(file="https:///a.wav"), 55, f'{BAD_URL}https:///a.wav"', "a"),
    ("file-url", audio(file=None), 55, "body.file is null, not a URL", "a"),
    (
        "response-format",
        audio(response_format="srt"),
        142,
        'body.response_format is "srt", supported: json or verbose_json',
        "a",
    ),
    (
        "unusual-value",
        audio(timestamp_granularities=["line"]),
        150,
        'body.timestamp_granularities has "line", documented: segment or word',
        "a",
    ),
    ("wrong-type", audio(diarize="yes"), 134, "body.diarize is a string, not true or false", "a"),
    (
        "private-host",
        audio(file="http://192.168.1.9:8000/a.wav"),
        55,
        "body.file is on 192.168.1.9, which Together cannot reach",
        "a",
    ),
    (
        "private-host",
        audio(file="http://localhost/a"),
        55,
        "body.file is on localhost, which Together cannot reach",
        "a",
    ),
    ("other-kind", chat(), 93, "the request is for chat (it has body.messages), the batch is for audio", "a"),
]


def check(folder: Path, *lines: object, **options: Any) -> CheckReport:
    """Check a file of these lines."""
    return check_file(saved(folder, dumped(*lines)), **options)


@pytest.mark.parametrize(("rule", "line", "column", "message", "custom_id"), LINES)
def test_problem_of_a_chat_line(
    tmp_path: Path, rule: str, line: object, column: int, message: str, custom_id: str | None
) -> None:
    assert_only_problem(tmp_path, VALID, rule, line, column, message, custom_id)


@pytest.mark.parametrize(("rule", "line", "column", "message", "custom_id"), AUDIO_LINES)
def test_problem_of_an_audio_line(
    tmp_path: Path, rule: str, line: object, column: int, message: str, custom_id: str | None
) -> None:
    assert_only_problem(tmp_path, audio("sound"), rule, line, column, message, custom_id)


def assert_only_problem(
    folder: Path, valid: dict[str, Any], rule: str, line: object, column: int, message: str, custom_id: str | None
) -> None:
    """The problem is reported on line 3 of a file of otherwise valid lines, and no other but for its model."""
    other = {**valid, "custom_id": "other"}
    report = check(folder, valid, other, line, {**other, "custom_id": "last"})
    problems = [p for p in report.problems if p.rule not in ("mixed-models", "no-max-tokens")]
    offset = len(dumped(valid, other))
    if "{at:" in message:
        within = int(message.partition("{at:")[2].partition("}")[0])
        message = message.replace(f"{{at:{within}}}", f"{offset + within:,}")
    assert [(p.rule, p.line, p.column, p.message, p.custom_id) for p in problems] == [
        (rule, 3, column, message, custom_id)
    ]
    assert problems[0].severity is RULES[rule].severity
    assert problems[0].fix == RULES[rule].fix
    assert (problems[0].offset, problems[0].length) == (offset, len(dumped(line)) - 1)
    assert report.is_ok is (RULES[rule].severity is not Severity.ERROR)


@pytest.mark.parametrize(
    "line",
    [
        chat(temperature=None, stop=None, tools=None, response_format=None, stream=False),
        chat(invented={"of": ["a", {"later": "version"}]}, top_p=1, seed=2**70, n=1.0),
        chat(stop="x"),
        chat(response_format=SCHEMA, tool_choice="auto", tools=[{"type": "function", "function": {"name": "f"}}]),
        chat(response_format={"type": "regex", "pattern": "a+"}, logit_bias={"5": -1.5}, logprobs=1),
        with_messages(
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": IMAGE}]}
        ),
        with_messages(
            {"role": "developer", "content": "x"},
            {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": ""}}]},
            {"role": "tool", "content": "x", "tool_call_id": "1"},
            {"role": "function", "name": "f", "content": "x"},
        ),
        chat("x" * 64),
        chat("é" * 64),
        chat("\u2028 🙂 \x7f"),
        chat(stop=["a", "b", "c", "d"]),
        chat(messages=[{"content": "", "role": "user"}], temperature=1e-5, top_k=10**30),
        b'  {"body": {"model": "m", "messages": [{"role": "user", "content": "\\u0000 \\ud83d\\ude00 \xe2\x80\xa8"}], '
        b'"max_tokens": 1}, "custom_id": "x"}  ',
        {**chat(), "extra": [1]},
        chat(user="x", metadata={"a": {"b": ["c"]}}, max_completion_tokens=5, top_logprobs=2, parallel_tool_calls=True),
        chat(response_format={"type": "json_schema", "schema": {"type": "object"}}, reasoning={"enabled": True}),
        chat(response_format={"type": "json_object", "schema": {}}, seed=10**308, reasoning_effort="low"),
        chat(x=NEST[0]),
        {**chat(**{"a\0b": {"c\0": 1, "c": 2}, "\0": [{"": 1}]}), "\0": {"\0": {}}},
        with_messages(USER, {"role": "assistant", "content": None, "refusal": "No."}, {**USER, "name": "Bob"}),
        with_messages(
            USER, {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}
        ),
        with_messages(
            {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]}
        ),
    ],
)
def test_a_valid_line_passes(tmp_path: Path, line: object) -> None:
    report = check(tmp_path, line)
    assert report.problems == ()
    assert (report.requests, report.endpoint) == (1, Endpoint.CHAT)


def problems_of(report: CheckReport) -> list[tuple[str, int, int, str]]:
    """The rule, line, column and message of each problem."""
    return [(p.rule, p.line, p.column, p.message) for p in report.problems]


def test_duplicate_names_the_first_line(tmp_path: Path) -> None:
    report = check(tmp_path, chat("a"), chat("b"), chat("a"), chat("a"))
    message = "duplicate custom_id (first used on line 1)"
    assert problems_of(report) == [("duplicate-custom-id", 3, 15, message), ("duplicate-custom-id", 4, 15, message)]
    assert [p.custom_id for p in report.problems] == ["a", "a"]


def test_rules_that_are_reported_once_per_file(tmp_path: Path) -> None:
    envelope = {"method": "POST", "url": "/v1/chat/completions"}
    lines = [chat("1"), without(chat("2"), "body", "max_tokens"), chat("3", stream=True), {**chat("4"), **envelope}]
    more = [without(chat("5"), "body", "max_tokens"), without(chat("6"), "body", "max_tokens")]
    report = check_file(saved(tmp_path, dumped(*lines, *more).replace(b"9}}\n", b"9}}\r\n")))
    assert problems_of(report) == [
        ("crlf", 1, 1, "the line ends in CR LF"),
        ("no-max-tokens", 2, 1, "body.max_tokens is missing, as on 2 more lines"),
        ("stream", 3, 160, "body.stream is true, which has no effect in a batch"),
        ("openai-envelope", 4, 176, "the line has OpenAI's method and url, which are not needed"),
    ]
    assert [p.custom_id for p in report.problems] == ["1", "2", "3", "4"]
    assert report.counts == {"crlf": 1, "stream": 1, "no-max-tokens": 3, "openai-envelope": 1}
    assert (report.errors, report.warnings, report.notes) == (0, 3, 1)


def test_a_comma_after_every_line_is_told_line_by_line(tmp_path: Path) -> None:
    content = dumped(chat("1"), chat("2"), chat("3")).replace(b"\n", b",\n")
    report = check_file(saved(tmp_path, content))
    assert report.counts == {"trailing-comma": 3}
    assert [p.column for p in report.problems] == [150, 150, 150]


def test_lines_that_were_encoded_twice_are_told_line_by_line(tmp_path: Path) -> None:
    content = dumped(*(dumped(chat(f"{n}"))[:-1].decode() for n in range(3)))
    assert check_file(saved(tmp_path, content)).counts == {"double-encoded": 3}


def test_a_request_that_names_a_response_is_no_result(tmp_path: Path) -> None:
    line = {**chat(), "response": {"body": {}}, "error": "none"}
    assert check(tmp_path, line).problems == ()


@pytest.mark.parametrize(
    ("name", "content", "rule", "message"),
    [
        ("a.json", dumped(VALID), "suffix", "the name ends in .json; only .jsonl is accepted"),
        ("a.JSONL", dumped(VALID), "suffix", "the name ends in .JSONL; only .jsonl is accepted"),
        ("requests", dumped(VALID), "suffix", "the name has no suffix; only .jsonl is accepted"),
        ("a.jsonl", b"", "no-requests", "the file is empty"),
        ("a.jsonl", b"\xef\xbb\xbf" + dumped(VALID), "bom", "the file begins with a byte order mark"),
        ("a.jsonl", "x".join(["{}"] * 9).encode("utf-16"), "utf16", "the file is UTF-16 or UTF-32, not UTF-8"),
        ("a.jsonl", dumped(VALID).decode().encode("utf-16-le"), "utf16", "the file is UTF-16 or UTF-32, not UTF-8"),
        (
            "a.jsonl",
            b"[\n" + dumped(VALID) * 3 + b"]\n",
            "json-array",
            "the file is one JSON array, not one object per line",
        ),
        (
            "a.jsonl",
            b'{\n  "custom_id": "a",\n  "body": {\n  }\n}\n',
            "pretty-printed",
            "the file is JSON spread over several lines; each object must stand on one line",
        ),
        ("a.jsonl", b"\0" * 99, "not-json", "not JSON: expecting value"),
        ("a.jsonl", b"id,prompt\n1,Hello\n2,Bye\n", "table-file", f"the file is CSV, {MAKE}"),
        ("a.csv", b"id,prompt\n1,Hello\n2,Bye\n", "table-file", f"the file is CSV, {MAKE}"),
        ("a.csv", b'id,"pro\nmpt"\n1,"Hello\nyou"\n', "table-file", f"the file is CSV, {MAKE}"),
        ("a.csv", b"text\n", "table-file", f"the file is CSV, {MAKE}"),
        ("a.jsonl", b'"id","prompt"\n"1","Hello"\n', "table-file", f"the file is CSV, {MAKE}"),
        ("a.tsv", b"id\tprompt\n1\tHello\n", "table-file", f"the file is TSV, {MAKE}"),
        ("a.parquet", b"PAR1\x15\x04\x15", "table-file", f"the file is Parquet, {MAKE}"),
        (
            "a.xlsx",
            b"PK\x03\x04\x14",
            "table-file",
            f"the file is an Excel workbook or another ZIP file, {MAKE}",
        ),
        ("a.db", b"SQLite format 3\0\x10", "table-file", f"the file is an SQLite database, {MAKE}"),
        ("a.jsonl.gz", b"\x1f\x8b\x08\x08", "not-jsonl", "the file is compressed; unpack it first"),
        ("a.jsonl", RESULTS, "result-file", RESULTS_MESSAGE),
        (
            "a.jsonl",
            dumped({"id": "br_1", "custom_id": "a", "error": {"message": "x"}}),
            "result-file",
            RESULTS_MESSAGE,
        ),
        ("a.jsonl", b"\n" + RESULTS[:-9], "result-file", RESULTS_MESSAGE),
        ("a.json", dumped([VALID, VALID]), "json-array", "the file is one JSON array, not one object per line"),
        (
            "a.jsonl",
            dumped(VALID, VALID).replace(b"\n", b"\r"),
            "not-jsonl",
            "its lines end in CR alone (old Mac format), so the whole file is one line",
        ),
    ],
)
def test_problem_of_the_whole_file(tmp_path: Path, name: str, content: bytes, rule: str, message: str) -> None:
    report = check_file(saved(tmp_path, content, name))
    assert problems_of(report) == [(rule, 1, 1, message)]


def test_blank_file_has_no_request(tmp_path: Path) -> None:
    report = check_file(saved(tmp_path, b"\n \n"))
    assert [(p.rule, p.line) for p in report.problems] == [("blank-line", 1), ("no-requests", 1), ("blank-line", 2)]
    assert report.requests == 0


def test_null_is_no_limit(tmp_path: Path) -> None:
    lines = [chat(str(n), max_tokens=None) for n in range(3)] + [without(chat("x"), "body", "max_tokens")]
    other = without(chat("y", max_completion_tokens=None), "body", "max_tokens")
    fine = without(chat("z", max_completion_tokens=1), "body", "max_tokens")
    report = check(tmp_path, chat("sound"), *lines, other, fine, chat("last", max_tokens=None, max_completion_tokens=1))
    assert problems_of(report) == [("no-max-tokens", 2, 1, "body.max_tokens is missing, as on 4 more lines")]


def test_number_of_requests(tmp_path: Path) -> None:
    lines = dumped(*(chat(f"{i}") for i in range(10_000)))
    assert problems_of(check_file(saved(tmp_path, lines))) == []
    lines += dumped(chat("10000"))
    assert problems_of(check_file(saved(tmp_path, lines))) == [
        ("large-batch", 1, 1, "10,001 requests (recommended max. 10,000)")
    ]
    lines += dumped(*(chat(f"{i}") for i in range(10_001, 50_000)))
    report = check_file(saved(tmp_path, lines))
    assert problems_of(report) == [("large-batch", 1, 1, "50,000 requests (recommended max. 10,000)")]
    assert report.is_ok and not report.can_be_split
    lines += dumped(chat("50000"))
    assert problems_of(check_file(saved(tmp_path, lines))) == [
        ("too-many-requests", 1, 1, "50,001 requests (max. 50,000 per job): it will be submitted as 2 jobs")
    ]


def test_links_are_longer_than_their_addresses(tmp_path: Path) -> None:
    number = 1_000
    line = {"method": "FILE", "body": {"model": "openai/whisper-large-v3", "prompt": "", "file": ""}}
    with (tmp_path / "a.jsonl").open("wb") as file:
        for index in range(number):
            line["custom_id"] = f"{index}"
            line["body"] |= {"file": f"s3://talks/2026/{index}.mp3", "prompt": "x" * 104_700}  # type: ignore[operator]
            file.write(dumped(line))
        size = file.tell()
    assert size < 100 * 1_048_576 < size + number * 280
    report = check_file(tmp_path / "a.jsonl", store="s3://talks")
    message = f"with its links the file has at least {(size + number * 280) / 1e6:.1f} MB (max. 100 MB per job)"
    assert problems_of(report)[-1] == ("links-too-large", 1, 1, message) and not report.is_ok
    with (tmp_path / "a.jsonl").open("r+b") as file:
        file.truncate(size // number * (number // 2))
    assert "links-too-large" not in check_file(tmp_path / "a.jsonl", store="s3://talks").counts


@pytest.mark.parametrize(
    ("size", "rule", "message"),
    [
        (100_000_000, None, ""),
        (100_000_001, "file-large", "the file has 100.0 MB (documented max. 100 MB)"),
        (104_857_600, "file-large", "the file has 104.9 MB (documented max. 100 MB)"),
        (104_857_601, "file-too-large", "the file has 104.9 MB (max. 100 MB per job): it will be submitted as 2 jobs"),
    ],
)
def test_size_of_the_file(tmp_path: Path, size: int, rule: str | None, message: str) -> None:
    number = 100
    line = size // number
    with (tmp_path / "a.jsonl").open("wb") as file:
        for index in range(number):
            empty = dumped(chat(f"{index}", messages=[{"role": "user", "content": ""}]))
            length = line if index < number - 1 else size - line * (number - 1)
            file.write(empty.replace(b'""', b'"' + b"x" * (length - len(empty)) + b'"'))
    report = check_file(tmp_path / "a.jsonl")
    assert report.size == size
    assert problems_of(report) == ([(rule, 1, 1, message)] if rule else [])


@pytest.mark.parametrize(
    ("length", "rule", "message"),
    [
        (10_000_000, None, ""),
        (10_000_001, "line-large", "the line has 10.00 MB (documented max. 10 MB)"),
        (10_485_760, "line-large", "the line has 10.49 MB (documented max. 10 MB)"),
        (10_485_761, "line-too-long", "the line has 10.5 MB (max. 10 MB)"),
        (30_000_000, "line-too-long", "the line has 30.0 MB (max. 10 MB)"),
    ],
)
@pytest.mark.parametrize("last", [b"\n", b""])
def test_length_of_a_line(tmp_path: Path, length: int, rule: str | None, message: str, last: bytes) -> None:
    empty = dumped(chat("long", messages=[{"role": "user", "content": ""}]))[:-1]
    line = empty.replace(b'""', b'"' + b"x" * (length - len(empty)) + b'"')
    report = check_file(saved(tmp_path, dumped(chat("1")) + line + last + (dumped(chat("3")) if last else b"")))
    assert problems_of(report) == ([(rule, 2, 1, message)] if rule else [])
    assert (report.longest_line, report.lines, report.requests) == (length, 2 + bool(last), 2 + bool(last))


def test_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(VALID))

    def grow(_done: int, _total: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    assert problems_of(check_file(path, progress=grow)) == [
        ("changed-while-read", 1, 1, "the file changed while it was being read")
    ]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_file_that_is_rewritten_at_the_same_size_while_it_is_read(tmp_path: Path, is_replaced: bool) -> None:
    """In place, or by another file: a size says nothing about which lines were read."""
    path = saved(tmp_path, dumped(VALID))
    content, mtime_ns = path.read_bytes(), path.stat().st_mtime_ns

    def rewrite(_done: int, _total: int) -> None:
        new = saved(tmp_path, content.replace(b"Hello", b"HELLO"), "new.jsonl") if is_replaced else path
        new.write_bytes(content.replace(b"Hello", b"HELLO"))
        os.utime(new, ns=(mtime_ns + 1, mtime_ns + 1))
        new.replace(path)

    report = check_file(path, progress=rewrite)
    assert path.stat().st_size == report.size
    assert problems_of(report) == [("changed-while-read", 1, 1, "the file changed while it was being read")]
    assert not report.is_ok


def test_file_that_is_edited_in_place_while_it_is_read(tmp_path: Path) -> None:
    """Its size stays: only the time tells."""
    path = saved(tmp_path, dumped(VALID))
    written_before = path.stat().st_mtime_ns

    def edit(_done: int, _total: int) -> None:
        with path.open("r+b") as file:
            file.write(path.read_bytes()[:10])
        os.utime(path, ns=(written_before, written_before + 1))

    assert problems_of(check_file(path, progress=edit)) == [
        ("changed-while-read", 1, 1, "the file changed while it was being read")
    ]


def test_models(tmp_path: Path) -> None:
    report = check(tmp_path, chat("1"), chat("2", model="zai-org/GLM-5"), chat("3"))
    assert problems_of(report) == [
        ("mixed-models", 2, 1, f'2 models in one file: "{MODEL}" (2), "zai-org/GLM-5" (1)'),
        ("not-for-batch", 2, 1, '"zai-org/GLM-5" is listed as not available for batch (July 2026)'),
    ]
    assert report.models == {MODEL: 2, "zai-org/GLM-5": 1}


def test_catalogue(tmp_path: Path) -> None:
    catalogue = {MODEL: ModelInfo(MODEL, context_length=8_000)}
    long = "x" * 40_000
    lines = [chat("1", model=MODEL.lower()), chat("2"), chat("3", messages=[{"role": "user", "content": long}])]
    expected = [
        ("mixed-models", 2, 1, f'2 models in one file: "{MODEL.lower()}" (1), "{MODEL}" (2)'),
        ("unknown-model", 1, 1, f'"{MODEL.lower()}" is not in the catalogue; did you mean "{MODEL}"?'),
        ("long-prompt", 3, 1, "about 10,036 tokens, and the context of the model holds 8,000"),
    ]
    report = check(tmp_path, *lines, catalogue=catalogue)
    assert sorted(problems_of(report)) == sorted(expected)
    from tbatch_tui.engine.check import apply_catalogue

    offline = check(tmp_path, *lines)
    assert [p.rule for p in offline.problems] == ["mixed-models"]
    assert apply_catalogue(offline, catalogue).problems == report.problems
    assert apply_catalogue(report, None).problems == offline.problems


@pytest.mark.parametrize(
    ("lines", "endpoint", "why"),
    [
        ([chat()], Endpoint.CHAT, "every line has messages"),
        ([audio()], Endpoint.TRANSCRIPTION, "every line has an audio file; pick translation if you want English"),
        (
            [{**audio(), "url": "/v1/audio/translations"}],
            Endpoint.TRANSLATION,
            "every line has an audio file, and url says translation",
        ),
        ([chat(), audio("b")], None, "chat and audio requests are mixed"),
        ([{"custom_id": "a"}], None, "couldn't tell the endpoint"),
    ],
)
def test_endpoint(tmp_path: Path, lines: list[object], endpoint: Endpoint | None, why: str) -> None:
    report = check(tmp_path, *lines)
    assert (report.endpoint, report.endpoint_why) == (endpoint, why)


def test_endpoint_behind_a_long_line(tmp_path: Path) -> None:
    long = chat("b", messages=[{"role": "user", "content": "x" * 300_000}])
    assert check(tmp_path, long).endpoint is Endpoint.CHAT
    assert check(tmp_path, b" " * 300_000, audio()).endpoint is Endpoint.TRANSCRIPTION
    spelled = dumped(chat()).replace(b'"messages"', b'"\\u006dessages"')[:-1]
    assert check(tmp_path, spelled).endpoint is Endpoint.CHAT


def test_chosen_endpoint(tmp_path: Path) -> None:
    report = check(tmp_path, chat(), endpoint=Endpoint.TRANSLATION)
    assert (report.endpoint, report.endpoint_why) == (Endpoint.TRANSLATION, "as chosen")
    assert [p.rule for p in report.problems] == ["other-kind"]


def test_a_request_with_what_both_kinds_need_is_of_the_kind_of_the_batch(tmp_path: Path) -> None:
    both = chat(file="https://example.com/a.wav", method="FILE")
    for kind, endpoint in (Kind.CHAT, Endpoint.CHAT), (Kind.AUDIO, Endpoint.TRANSCRIPTION):
        # The whole file takes a faster way where nothing is wrong.
        rules = [problem.rule for problem in check(tmp_path, both, endpoint=endpoint).problems]
        rules += [finding.rule for finding in check_line(dumped(both), kind).findings]
        assert "other-kind" not in rules


@pytest.mark.parametrize(
    ("rule", "severity"),
    [
        ("url-gone", "error"),
        ("url-refused", "error"),
        ("url-empty", "error"),
        ("url-login-page", "error"),
        ("url-unreachable", "warning"),
    ],
)
def test_what_links_lead_to(tmp_path: Path, rule: str, severity: str) -> None:
    url, other = "https://example.com/a.png", "http://10.0.0.1/b.png"
    parts = [{"type": "image_url", "image_url": {"url": link}} for link in (url, url, other)]
    lines = [chat("a"), with_messages({"role": "user", "content": parts}), b"", b"{", chat("b")]
    report = check(tmp_path, *lines)
    links = find_links(report.path)
    assert [*links] == [url, other]
    looks = {url: LinkLook(LinkFault(rule), "answers so"), other: LinkLook(None, "", 5, "image/png")}
    looked = add_looks(add_looks(report, links, looks), links, looks)
    [problem] = [problem for problem in looked.problems if problem.rule == rule]
    line = json.dumps(lines[1])
    assert problem.line == 2
    assert problem.column == line.index(url)
    assert problem.severity == severity
    assert problem.message == f'example.com answers so: "{url}"'
    assert read_line(report.path, problem.offset, problem.length).decode() == line
    assert looked.counts == {**report.counts, rule: 1}
    assert looked.errors + looked.warnings == report.errors + report.warnings + 1
    assert add_looks(looked, links, {}).problems == report.problems


def test_the_links_of_audio_requests_are_found(tmp_path: Path) -> None:
    url = "https://example.com/a.wav"
    lines = [audio("a", file=url), audio("b", file=url), audio("c", file="data:x"), {"body": {"file": [url]}}, [url]]
    path = saved(tmp_path, b"\xef\xbb\xbf" + dumped(*lines))
    [(found, uses)] = find_links(path).items()
    assert found == url
    assert [use.line for use in uses] == [1, 2]
    assert [read_line(path, use.offset, use.length) for use in uses] == [
        json.dumps(line).encode() for line in lines[:2]
    ]


def test_every_rule_has_a_test() -> None:
    folder = Path(__file__).parent
    source = "".join((folder / name).read_text(encoding="utf-8") for name in ("test_rules.py", "test_request_rules.py"))
    assert [rule for rule in RULES if f'"{rule}"' not in source] == []


def test_the_documentation_is_up_to_date() -> None:
    from tbatch_tui.engine.check.rules import table

    page = Path(__file__).parents[3] / "docs" / "reference" / "rules.md"
    expected = f"{_HEAD}\n{table()}\n{_TAIL}"
    if os.environ.get("WRITE_DOCS"):
        page.write_text(expected, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == expected, "run this test with WRITE_DOCS=1"


_HEAD = """# What the check looks for

Generated from the check's own rules by `WRITE_DOCS=1 pytest tests/engine/check/test_rules.py`, which otherwise
tests that it is true.

Errors keep a file from being submitted; warnings and notes don't. `tbatch-tui check` prints each as
`path:line:column: severity rule: message (custom_id)`; a problem of the whole file bears line 1.

`--fix` fixes what says *yes*, and what says *some* where no guessing is needed
([check.md](../guide/check.md#a-fixed-copy)).
"""
_TAIL = """
Sizes: over the documented number × 10⁶ bytes is a warning, over × 2²⁰ an error.

`crlf`, `stream`, `no-max-tokens`, `openai-envelope`, `unknown-model`, `model-kind` and `not-for-batch` are true of
every line or of none, as a rule: they are told once, on the first line (of that model) they are true of, with the
number of the others.

An error is what certainly fails the job or the request, a warning what may. A URL that is signed has to live for 24
hours, in which the job has its deadline, and should live for 72, as a job that is late still runs.

Nothing is judged in keys that Together does not document, but for `duplicate-key`, which is looked for everywhere.

The rules about the catalogue (`unknown-model`, `model-kind`, `long-prompt`) are silent without one: the server's,
or a copy that is kept for a week. Those about what a URL leads to (`url-gone`, `url-refused`, `url-empty`,
`url-login-page`, `url-unreachable`) apply only where `u` or `--urls` looks at the links.
"""
