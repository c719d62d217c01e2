"""Each answer is judged by its own request, while it is counted, and quickly."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.results.choices import read_content
from tbatch_tui.engine.results.index.judges import judge_for
from tbatch_tui.engine.schemas.wrapping import strip_wrapping
from tests.helpers.result_rows import answer_row, build_index, request_row

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 400


def schema(number: int) -> dict[str, Any]:
    wanted = {"type": "object", "properties": {"n": {"const": number}}, "required": ["n"]}
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": wanted}}


def test_each_answer_is_judged_by_its_own_request(tmp_path: Path) -> None:
    """More schemas than are kept compiled: every third answer is that of the request before."""
    requests = [request_row(str(number)) for number in range(ROWS)]
    for number, request in enumerate(requests):
        request["body"]["response_format"] = schema(number)
    output = [answer_row(str(number), json.dumps({"n": number - (number % 3 == 0)})) for number in range(ROWS)]
    index = build_index(tmp_path, requests=requests, output=output[::-1])
    words = [index.outcome(number).words for number in range(ROWS)]
    assert words == ["invalid" if number % 3 == 0 else "ok" for number in range(ROWS)]
    assert index.row(3).reason.startswith("n: ")


def test_what_asks_for_nothing_has_no_judge() -> None:
    for response_format in (b"", b"null", b'"json_object"', b'{"type": "text"}', b"{", b"[]"):
        assert judge_for(response_format, b"") is None
        assert judge_for(response_format, b"[]") is None
    assert judge_for(b"", b'[{"type": "function"}]') is not None


@given(st.binary(max_size=40), st.binary(max_size=40), st.text(max_size=20))
def test_no_request_and_no_answer_stops_the_counting(response_format: bytes, tools: bytes, text: str) -> None:
    for asked in (response_format, b'{"type": "json_object", "schema": ' + response_format + b"}"):
        judge = judge_for(asked, b"[" + tools)
        if judge is None:
            assert tools.strip() == b"]", "only a list without tools asks for nothing"
            continue
        for call in (text, {"function": text}, {"function": {"name": text, "arguments": text}}, {}, None):
            assert isinstance(judge.violation([text], [call]), str)


def test_fifty_thousand_answers_are_judged_at_once() -> None:
    """0.3 s of one core are promised; other work on the machine may take as much again."""
    wanted = {"type": "object", "properties": {"label": {"enum": ["yes", "no"]}, "why": {"type": "string"}}}
    judge = judge_for(json.dumps({"type": "json_object", "schema": wanted}).encode(), b"")
    assert judge is not None
    answers = [json.dumps({"label": "yes", "why": f"because of {number}"}) for number in range(50_000)]
    began = time.process_time()
    assert not any(judge.violation((answer,), ()) for answer in answers)
    assert time.process_time() - began <= 0.6


@given(st.text(st.sampled_from("<>/think \n`{}1"), max_size=40) | st.text(max_size=20))
def test_reasoning_is_the_same_to_who_shows_it_and_who_judges_it(text: str) -> None:
    shown, reasoning = read_content(text)
    if reasoning:
        assert strip_wrapping(text)[0] == strip_wrapping(shown)[0] or "</think" in shown
