"""The check against the oracle: the fast path, `check_line` and two processes report what plain code does."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.check import RULES, check_file
from tbatch_tui.engine.check.scan import parallel, reader
from tbatch_tui.engine.domain.check_report import Severity
from tests.helpers.check_lines import audio, chat, dumped, saved
from tests.helpers.check_oracle import expected_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARAMETERS = """
max_tokens max_completion_tokens temperature top_k seed stream stop logprobs tools tool_choice logit_bias
response_format reasoning reasoning_effort compliance user metadata language diarize min_speakers
timestamp_granularities"""
PLACES = """custom_id body method url body.model body.messages body.file
body.messages.0.role body.messages.0.content body.messages.0.name body.messages.0.tool_calls body.messages.0.refusal
body.messages.0.extra body.messages.0.tool_call_id body.messages.0.tool_calls.0.function
body.messages.0.tool_calls.0.function.name body.messages.0.tool_calls.0.function.arguments
body.messages.1.content.0.image_url.url body.messages.1.role body.messages.1.content body.messages.1.content.0.type
body.messages.1.content.0.text body.messages.1.content.0.image_url body.response_format.type body.response_format.schema
body.response_format.json_schema body.response_format.json_schema.name body.tools.0.function body.tools.0.name
body.tools.0.function.name body.tool_choice.function.name
body.tools.0.function.parameters body.reasoning.enabled"""
PATHS = [path.split(".") for path in [*PLACES.split(), *(f"body.{name}" for name in PARAMETERS.split())]]
WORDS = """
a b FILE POST user tool assistant text image_url json_schema regex json verbose_json word hipaa low ftp://x/a
https://example.com/a.wav"""
values = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 9, 1.0, 1.5, 2**53, 2**64, -(2**64), 10**30, 1e300, -0.0, "", " ", "x" * 64, "é" * 65]),
    st.sampled_from(WORDS.split()),
    st.sampled_from([[], {}, [1], ["a"], ["a"] * 5, {"a": 1}, {"a": "b"}, {"type": "text"}, [{"type": "text"}], [[]]]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
PIECES = [*'\r\x00\t{}[]"\\,:\ufeffé', "NaN", "1e999", "\\ud800", "\\u0061"]
PARTS = [{"role": "user", "content": "x"}, {"role": "user", "content": [{"type": "text", "text": "x"}]}]
TOOL = {"type": "function", "function": {"name": "f"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
BASES = [
    chat("1"),
    audio("2"),
    chat("3", messages=PARTS),
    chat("4", response_format={"type": "json_schema", "json_schema": {"name": "x"}}, reasoning={}, stop=["a"]),
    chat("6", tools=[TOOL], tool_choice=TOOL, messages=[CALLING, {"role": "user", "content": [IMAGE]}]),
    chat("5", tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}]),
]


def put(line: Any, path: list[str], value: object, *, is_removed: bool) -> None:
    """Set a value in the line, or remove it, if its parent is there."""
    for part in path[:-1]:
        inner = dict(enumerate(line)) if isinstance(line, list) else line
        line = inner.get(int(part) if part.isdigit() else part) if isinstance(inner, dict) else None
    if isinstance(line, dict):
        if is_removed:
            line.pop(path[-1], None)
        else:
            line[path[-1]] = value


@st.composite
def lines(draw: st.DrawFn, is_chat: bool) -> bytes:
    """A line with something wrong in its values or in its text."""
    line = copy.deepcopy(draw(st.sampled_from(BASES if is_chat else [BASES[1], BASES[1], BASES[0]])))
    if draw(st.booleans()):
        line["custom_id"] = draw(st.sampled_from(["a", "b", "c", "d", "e"]))
    for path in draw(st.lists(st.sampled_from(PATHS), max_size=2)):
        value = copy.deepcopy(draw(values))  # a list or an object that the next path may change
        put(line, path, value, is_removed=draw(st.integers(0, 3)) == 0)
    if draw(st.integers(0, 5)) == 0:
        keys = list(line)
        line = {key: line[key] for key in draw(st.permutations(keys))}
    text = json.dumps(
        line, ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    )
    match draw(st.integers(0, 9)):
        case 0:
            at = draw(st.integers(0, len(text)))
            text = text[:at] + draw(st.sampled_from(PIECES)) + text[at + draw(st.integers(0, 1)) :]
        case 1:  # a key that is there twice, perhaps
            at = draw(st.sampled_from([i + 1 for i, character in enumerate(text) if character == "{"]))
            key = draw(st.sampled_from(sorted({part for path in PATHS for part in path})))
            text = text[:at] + f"{json.dumps(key)}: {json.dumps(draw(values))}, " + text[at:]
        case 2:
            text = draw(
                st.sampled_from(
                    ["", " ", "\t", "1", "[]", '"x"', "null", text + text, text + ",", " " + text, text[:-1]]
                )
            )
    content = text.encode().replace(b"\n", b" ")
    return content.replace(b"x", b"\xff", 1) if draw(st.integers(0, 30)) == 0 else content


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, bool]:
    """A file, and whether it is for chat, as its first line shows."""
    is_chat = draw(st.integers(0, 2)) > 0
    valid = [dumped((chat if is_chat else audio)(f"sound {n}"))[:-1] for n in range(8)]
    content = valid + draw(st.lists(lines(is_chat), max_size=8))
    end = draw(st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"]))
    content = [line + end for line in content]
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(content) - 1))
        content[at] = content[at].removesuffix(end) + draw(st.sampled_from([b"\n", b"\r\n", b"\r\r\n"]))
    return b"".join(content).removesuffix(draw(st.sampled_from([b"", end]))), is_chat


@pytest.fixture(scope="module", autouse=True)
def small_pieces() -> Iterator[pytest.MonkeyPatch]:
    """Split small files as large ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "PARALLEL_BYTES_MIN", 0)
        patch.setattr("tbatch_tui.engine.check.checker.PARALLEL_BYTES_MIN", 0)
        yield patch


@settings(suppress_health_check=list(HealthCheck))
@given(files(), st.sampled_from([200, 700, 256 * 1024]), st.booleans())
@example((dumped(chat("a")) + dumped(chat("b")).replace(b"\n", b"\r\n"), True), 256 * 1024, False)
def test_check_and_oracle_agree(
    tmp_path: Path, small_pieces: pytest.MonkeyPatch, file: tuple[bytes, bool], piece: int, is_forked: bool
) -> None:
    content, is_chat = file
    small_pieces.setattr(reader, "PIECE_BYTES", piece)
    expected = expected_report(content, is_chat=is_chat)
    report = check_file(saved(tmp_path, content))
    errors = {
        (problem.line, problem.rule)
        for problem in report.problems
        if problem.severity is Severity.ERROR or problem.rule == "duplicate-key"
    }
    assert errors == expected.errors
    once = {
        rule: number for rule, number in report.counts.items() if RULES[rule].once_per_file and rule != "not-for-batch"
    }
    assert once == expected.counts
    assert {problem.rule: problem.line for problem in report.problems if problem.rule in once} == expected.firsts
    assert report.models == expected.models
    if is_forked:
        two = check_file(report.path, processes=2)
        assert two._replace(seconds=0) == report._replace(seconds=0)
