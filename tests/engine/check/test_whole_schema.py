"""Every documented parameter of a request: each valid value passes, and each value just outside gets its verdict.

Requests are generated from the table of all of them; the sandbox has to answer and to refuse the same ones.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.check import RULES, check_file
from tbatch_tui.engine.check.lines import params
from tbatch_tui.engine.domain.check_report import Severity
from tbatch_tui.sandbox.answers.failures import failure_reason
from tests.helpers.check_lines import audio, chat, dumped, saved

if TYPE_CHECKING:
    from pathlib import Path

Values = list[Any]
Outside = list[tuple[Any, str]]
"""Values, each with the one rule that it breaks."""

USER = {"role": "user", "content": "Hi"}
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "c", "index": 0, "type": "function", "function": {"name": "f", "arguments": "{}"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
PNG, URL, WAV = "data:image/png;base64,AAAA", "https://example.com/a", "AAAA"


def wrong(*values: Any) -> Outside:
    """Values of another type."""
    return [(value, "wrong-type") for value in values]


def text(*values: str) -> tuple[Values, Outside]:
    return [None, *values], wrong(5, True, [], {})


def flag() -> tuple[Values, Outside]:
    return [None, True, False], wrong("true", 1, [], {})


def number(valid: Values, outside: Values, rule: str, *, whole: bool = False) -> tuple[Values, Outside]:
    fraction = wrong(1.5) if whole else []
    return [None, *valid], [*wrong("1", True, [], {}), *fraction, *((value, rule) for value in outside)]


def part(kind: str, value: Any) -> Values:
    return [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": kind, kind: value}]}]


def schema(**own: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": own}


def called(*calls: Any) -> Values:
    return [USER, {"role": "assistant", "content": None, "reasoning": "r", "tool_calls": [*calls]}]


def chosen(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


NO_CONTENT: Values = [None, 5, {}, ["x"], [{}]]
NO_OBJECT_WITH_URL: Values = [URL, {}]
NO_URL: Values = [None, 5, "", " ", "a.png", "/a", "ftp://a/b"]
MESSAGES: tuple[Values, Outside] = (
    [
        *([{"role": role, "content": "x"}] for role in ("system", "user", "assistant", "function", "developer")),
        [{"role": "tool", "content": "x", "tool_call_id": "c"}],
        [{**USER, "name": "Bob"}],
        [{"role": "user", "content": ""}],
        called(CALL, CALL),
        *([{"role": "assistant", "content": None, key: "x"}] for key in ("reasoning", "reasoning_content", "refusal")),
        *(part(kind, {"url": URL}) for kind in ("image_url", "video_url", "audio_url")),
        part("image_url", {"url": PNG, "detail": "low"}),
        part("input_audio", {"data": WAV, "format": "wav"}),
    ],
    [
        (None, "no-messages"),
        ([], "no-messages"),
        *wrong("Hi", {}, 5, ["Hi"]),
        ([{**USER, "name": 5}], "wrong-type"),
        ([{"content": "x"}], "message-role"),
        ([{"role": "bot", "content": "x"}], "message-role"),
        ([{"role": None, "content": "x"}], "message-role"),
        *(([{"role": "user", "content": value}], "message-content") for value in NO_CONTENT),
        ([{"role": "user"}], "message-content"),
        ([{"role": "user", "content": [{"type": "text"}]}], "message-content"),
        ([{"role": "assistant", "content": None}], "message-content"),
        *((part(kind, {}), "part-type") for kind in sorted(params.FOREIGN_PARTS)),
        *(
            (part(kind, value), "media-url")
            for kind in ("image_url", "video_url", "audio_url")
            for value in NO_OBJECT_WITH_URL
        ),
        *((part("image_url", {"url": url}), "media-url") for url in NO_URL),
        (part("image_url", 5), "message-content"),
        *(
            (part("image_url", {"url": f"data:{rest}"}), "data-uri")
            for rest in ("", ",", "image/png,AAAA", ";base64,A")
        ),
        (part("image_url", {"url": PNG + "?"}), "data-uri"),
        (part("audio_url", {"url": PNG}), "unusual-value"),
        (part("image_url", {"url": "http://10.0.0.1/a"}), "private-host"),
        (part("image_url", {"url": f"{URL}?X-Amz-Expires=259199"}), "url-expires-within-72h"),
        (part("input_audio", {"data": WAV}), "input-audio"),
        (part("input_audio", {"format": "wav"}), "input-audio"),
        (part("input_audio", {"data": "?", "format": "wav"}), "input-audio"),
        (part("input_audio", {"data": WAV, "format": "mp3"}), "unusual-value"),
        ([{"role": "tool", "content": "x"}], "tool-call-id"),
        ([{"role": "tool", "content": "x", "tool_call_id": ""}], "tool-call-id"),
        (called(), "tool-calls"),
        (called({**CALL, "function": None}), "tool-calls"),
        (called({**CALL, "function": {"arguments": "{}"}}), "tool-calls"),
        (called({**CALL, "function": {"name": "f", "arguments": {}}}), "tool-calls"),
        (called({**CALL, "function": {"name": "f"}}), "tool-calls"),
        (called("f"), "wrong-type"),
    ],
)
FORMATS: tuple[Values, Outside] = (
    [
        None,
        {"type": "text"},
        {"type": "json_object"},
        {"type": "regex", "pattern": "a+"},
        schema(name="x", schema=SCHEMA, description="d", strict=True),
        schema(name="A-z_0" * 12 + "9999"),
        {"type": "json_schema", "schema": SCHEMA},
    ],
    [
        *wrong("text", [], 5),
        ({}, "response-format"),
        ({"type": "xml"}, "response-format"),
        ({"type": "regex"}, "response-format"),
        ({"type": "regex", "pattern": ""}, "response-format"),
        ({"type": "json_schema"}, "response-format"),
        ({"type": "json_schema", "json_schema": []}, "response-format"),
        (schema(schema=SCHEMA), "schema-name"),
        (schema(name="", schema=SCHEMA), "schema-name"),
        (schema(name="x" * 65, schema=SCHEMA), "unusual-value"),
        (schema(**SCHEMA), "schema-bare"),
        (schema(name="x", schema={"type": "text"}), "schema-invalid"),
        (schema(name="x", schema={"properties": []}), "schema-invalid"),
        (schema(name="x", schema={"required": "a"}), "schema-invalid"),
        (schema(name="x", schema={"$ref": "#/$defs/a"}), "schema-invalid"),
        *((schema(name="x", **{key: 5}), "wrong-type") for key in ("schema", "strict", "description")),
        (schema(name=5, schema=SCHEMA), "wrong-type"),
    ],
)
CHAT: dict[str, tuple[Values, Outside]] = {
    "messages": MESSAGES,
    "response_format": FORMATS,
    "max_tokens": ([1, 2**40], [*wrong("1", True, 1.5, [], {}), (0, "out-of-range"), (-1, "out-of-range")]),
    "n": number([1, 128, 1.0], [0, 129, -1], "out-of-range", whole=True),
    "logprobs": number([0, 20], [-1, 21], "out-of-range", whole=True),
    "temperature": number([0, 1, 1.7, 2], [-0.001, 2.001], "unusual-value"),
    "top_p": number([0, 0.5, 1], [-0.001, 1.001], "unusual-value"),
    "min_p": number([0, 1], [-0.001, 1.001], "unusual-value"),
    "presence_penalty": number([-2, 2], [-2.001, 2.001], "unusual-value"),
    "frequency_penalty": number([-2, 2], [-2.001, 2.001], "unusual-value"),
    "repetition_penalty": number([0.5, 1, 1.2], [], ""),
    "top_k": number([-1, 0, 50], [], "", whole=True),
    "seed": number([0, -1, 2**70], [], "", whole=True),
    "stream": ([None, False], wrong("true", 1)),
    "echo": flag(),
    "safety_model": text("meta-llama/Llama-Guard-4-12B"),
    "compliance": ([None, "hipaa"], [*wrong(5, []), ("gdpr", "unusual-value")]),
    "context_length_exceeded_behavior": ([None, "truncate", "error"], [*wrong(True), ("ignore", "unusual-value")]),
    "reasoning_effort": ([None, "low", "medium", "high"], [*wrong(1), ("max", "unusual-value")]),
    "reasoning": ([None, {}, {"enabled": True}], [*wrong(True, "on"), ({"enabled": "yes"}, "wrong-type")]),
    "stop": (
        [None, "x", [], ["a"] * 4],
        [*wrong(5, {}, True, [5], [None]), (["a"] * 5, "too-many-stops")],
    ),
    "logit_bias": ([None, {}, {"50256": -100}], wrong([], "x", {"1": "x"})),
    "function_call": ([None, "none", "auto", {"name": "f"}], wrong(5, [])),
    "chat_template_kwargs": ([None, {"thinking": True}, "x", 5], []),
    "tools": (
        [None, [], [TOOL], [{"function": {"name": "f"}}], [TOOL] * 128],
        [
            *wrong("f", {}, ["f"]),
            ([{"type": "function"}], "tool-function"),
            ([{"type": "web_search"}], "tool-function"),
            ([{"type": "function", "function": {}}], "tool-function"),
            ([{"type": "function", "function": {"name": ""}}], "tool-function"),
            ([{"type": "function", "function": {"name": 5}}], "wrong-type"),
            ([{"type": "function", "function": {"name": "f", "parameters": []}}], "wrong-type"),
            ([{"type": "function", "name": "f", "parameters": {}}], "tool-flat"),
            ([{"name": "f", "input_schema": {}}], "tool-flat"),
            ([{**TOOL, "type": "custom"}], "unusual-value"),
        ],
    ),
    "tool_choice": (
        [None, "auto", "none", "required"],
        [*wrong(5, []), (chosen("g"), "tool-choice"), ({"type": "auto"}, "tool-choice"), ("any", "unusual-value")],
    ),
    "model": (
        ["meta-llama/Llama-3.3-70B-Instruct-Turbo"],
        [
            *wrong(5, [], True),
            (None, "no-model"),
            ("", "no-model"),
            (" ", "no-model"),
            ("meta-llama/Llama-3.3-70B-Instruct-Turbo ", "model-spaces"),
        ],
    ),
}
AUDIO: dict[str, tuple[Values, Outside]] = {
    "file": (
        [f"{URL}.wav", "http://example.com:8080/a b.mp3?x=1#y", f"{URL}?X-Amz-Expires=259200"],
        [
            *((value, "file-url") for value in (None, 5, "", "a.wav", "/a.wav", "s3://a/b", "data:audio/wav;base64,A")),
            ("http://192.168.0.1/a.wav", "private-host"),
            (f"{URL}?X-Amz-Expires=86400", "url-expires-within-72h"),
        ],
    ),
    "model": (
        ["openai/whisper-large-v3"],
        [(None, "no-model"), ("openai/whisper-large-v3 ", "model-spaces"), *wrong(5)],
    ),
    "response_format": ([None, "json", "verbose_json"], [*wrong(5, {}), ("srt", "response-format")]),
    "language": text("en", "auto"),
    "prompt": text("x"),
    "temperature": number([0, 0.5, 1], [-0.001, 1.001], "out-of-range"),
    "timestamp_granularities": (
        [None, "word", "segment", ["word"], ["word", "segment"]],
        [
            *wrong(5, {}, [5]),
            ("", "granularities"),
            ([], "granularities"),
            (["word", ""], "granularities"),
            (["word", "word"], "unusual-value"),
            ("line", "unusual-value"),
        ],
    ),
    "diarize": flag(),
    "min_speakers": number([1], [], "", whole=True),
    "max_speakers": number([1, 9], [], "", whole=True),
}

NOT_REFUSED_BY_THE_SANDBOX = {
    *("logit_bias", "reasoning"),  # what is inside them
    "timestamp_granularities",  # their types
}
"""Parameters whose types inside the sandbox does not look at."""


def rules_of(folder: Path, line: dict[str, Any]) -> list[str]:
    """The rules that a line breaks, beside lines that are valid; the fast path and the thorough one agree on it."""
    other = audio if "file" in line["body"] else chat
    report = check_file(saved(folder, dumped(other("sound"), line, other("last"))))
    assert [problem.line for problem in report.problems if problem.rule != "mixed-models"] == [
        2 for problem in report.problems if problem.rule != "mixed-models"
    ]
    alone = check_file(saved(folder, dumped(line)))
    rules = [problem.rule for problem in alone.problems if problem.rule != "mixed-models"]
    assert rules == [problem.rule for problem in report.problems if problem.rule != "mixed-models"]
    return rules


def is_refused(line: dict[str, Any], endpoint: str) -> bool:
    """Whether the sandbox answers the line with an error."""
    return failure_reason(json.loads(json.dumps(line)), endpoint) is not None


def cases(table: dict[str, tuple[Values, Outside]]) -> list[Any]:
    """Each value of each parameter, with the rule that it breaks, or an empty text."""
    return [
        pytest.param(name, value, rule, id=f"{name}-{rule or 'valid'}-{index}")
        for name, (valid, outside) in table.items()
        for index, (value, rule) in enumerate([*((value, "") for value in valid), *outside])
    ]


def assert_verdict(folder: Path, line: dict[str, Any], name: str, rule: str, endpoint: str) -> None:
    assert rules_of(folder, line) == ([rule] if rule else [])
    is_error = bool(rule) and RULES[rule].severity is Severity.ERROR
    if rule == "no-model" or (rule == "wrong-type" and name in {"model", *NOT_REFUSED_BY_THE_SANDBOX}):
        return  # the job as a whole fails with a model that is none: tests/engine/check/test_sandbox_agrees.py
    if rule == "wrong-type" and is_error and not is_refused(line, endpoint):
        assert isinstance(line["body"][name], dict | list | float), "only what stands inside it may pass the sandbox"
        return
    if rule != "private-host":
        assert is_refused(line, endpoint) is is_error


@pytest.mark.parametrize(("name", "value", "rule"), cases(CHAT))
def test_each_value_of_a_chat_parameter(tmp_path: Path, name: str, value: Any, rule: str) -> None:
    line = chat("it", **{name: value})
    if name == "tool_choice" and value in ("auto", "none", "required"):
        line["body"]["tools"] = [TOOL]
    assert_verdict(tmp_path, line, name, rule, "/v1/chat/completions")


@pytest.mark.parametrize(("name", "value", "rule"), cases(AUDIO))
def test_each_value_of_an_audio_parameter(tmp_path: Path, name: str, value: Any, rule: str) -> None:
    assert_verdict(tmp_path, audio("it", **{name: value}), name, rule, "/v1/audio/transcriptions")


def test_no_parameter_is_left_out() -> None:
    assert CHAT.keys() == params.CHAT_PARAMS.keys()
    assert AUDIO.keys() == params.AUDIO_PARAMS.keys()


@st.composite
def requests(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A request with any parameters, all valid or one just outside, and the rule that this one breaks."""
    is_chat = draw(st.booleans())
    table = CHAT if is_chat else AUDIO
    names = draw(st.lists(st.sampled_from(sorted(table)), unique=True))
    body = {name: draw(st.sampled_from(table[name][0])) for name in names}
    rule = ""
    if names and (outside := table[names[0]][1]) and draw(st.booleans()):
        body[names[0]], rule = draw(st.sampled_from(outside))
    if names[:1] != ["tool_choice"] and isinstance(body.get("tool_choice"), dict):
        del body["tool_choice"]
    line = (chat if is_chat else audio)("it", **body)
    keys = draw(st.permutations(sorted(line["body"])))
    return {**line, "body": {key: line["body"][key] for key in keys}}, rule


@settings(suppress_health_check=list(HealthCheck))
@given(requests())
def test_any_request(tmp_path: Path, request_and_rule: tuple[dict[str, Any], str]) -> None:
    line, rule = request_and_rule
    assert rules_of(tmp_path, line) == ([rule] if rule else [])
    if not rule:
        is_audio = "file" in line["body"]
        assert not is_refused(line, "/v1/audio/transcriptions" if is_audio else "/v1/chat/completions")
