"""Rows of any shape that a server, a proxy or a person may write are listed and classified, and crash nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.results import ExportFormat, Outcome, Row, errors_by_message, export_rows
from tbatch_tui.engine.results.index import jsonl
from tbatch_tui.engine.results.index.classify import classify, classify_value, parse_request
from tbatch_tui.engine.results.index.previews import PREVIEW_MAX, preview_bytes, preview_text
from tbatch_tui.engine.results.record import build_record
from tests.helpers.result_rows import answer_row, build_index, encode_row, error_row, request_row, response_row

if TYPE_CHECKING:
    from pathlib import Path

CALL = {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": '{"id": 7}'}}
ROWS: list[tuple[Any, Outcome, str]] = [
    (answer_row("a"), Outcome.OK, "Hi!"),
    (answer_row("a", 'two\nlines "quoted" \\ é 🙂'), Outcome.OK, 'two lines "quoted" \\ é 🙂'),
    (answer_row("a", tool_calls=[]), Outcome.OK, "Hi!"),
    (answer_row("a", tool_calls=None), Outcome.OK, "Hi!"),
    ({**answer_row("a"), "error": None}, Outcome.OK, "Hi!"),
    (answer_row("a", None, tool_calls=[CALL]), Outcome.OK, 'look_up({"id": 7})'),
    (answer_row("a", [{"type": "text", "text": "one"}, {"text": "two"}]), Outcome.OK, "one two"),
    (answer_row("a", ""), Outcome.INVALID, ""),
    (answer_row("a", " \n\t\u3000\u00a0"), Outcome.INVALID, ""),
    (answer_row("a", ["  "]), Outcome.INVALID, ""),
    (answer_row("a", None), Outcome.INVALID, ""),
    (answer_row("a", []), Outcome.INVALID, ""),
    (answer_row("a", "", reason="length"), Outcome.CUT_SHORT, ""),
    (answer_row("a", "Half a sen", reason="length"), Outcome.CUT_SHORT, "Half a sen"),
    (response_row("a", {"choices": [{"text": "plain", "finish_reason": "stop"}]}), Outcome.OK, "plain"),
    (response_row("a", {"choices": []}), Outcome.INVALID, ""),
    (response_row("a", {"choices": [None, 5]}), Outcome.INVALID, ""),
    (response_row("a", None), Outcome.INVALID, ""),
    (response_row("a", {"text": "Heard.", "duration": 2.5, "language": "en"}), Outcome.OK, "Heard."),
    (response_row("a", {"text": "", "duration": 2.5}), Outcome.OK, ""),
    (response_row("a", {"choices": [{"message": {"content": "x"}}]}, "200"), Outcome.OK, "x"),
    (response_row("a", {"error": {"message": "Overloaded"}}, 503), Outcome.ERROR, "Overloaded"),
    (response_row("a", {"error": "Overloaded"}, 503), Outcome.ERROR, "Overloaded"),
    (response_row("a", "gateway", 502), Outcome.ERROR, "gateway"),
    (response_row("a", None, 500), Outcome.ERROR, "HTTP 500, without a message"),
    (error_row("a", "[/bad] \x1b[2J"), Outcome.ERROR, "[/bad] \x1b[2J"),
    ({"custom_id": "a", "error": "boom"}, Outcome.ERROR, "boom"),
    ({"custom_id": "a", "error": {}}, Outcome.ERROR, "Neither an answer nor an error"),
    ({"custom_id": "a"}, Outcome.ERROR, "Neither an answer nor an error"),
    ({"custom_id": "a", "response": None, "error": {"message": ["no", 1]}}, Outcome.ERROR, '["no", 1]'),
    ({"response": {}}, Outcome.UNREADABLE, "This row has no custom_id"),
    ({"custom_id": True}, Outcome.UNREADABLE, "This row has no custom_id"),
    ([1], Outcome.UNREADABLE, "This row is not a JSON object"),
    (b"<html>", Outcome.UNREADABLE, "This row is not JSON"),
    (b'{"custom_id": "a", "response": {"status_code": 200', Outcome.INVALID, "This row is not JSON"),
    (b'{"id": 1, "custom_id": "a", "response": {"sta', Outcome.INVALID, "This row is not JSON"),
    (b'{"custom_id": "a", "response": {"custom_id": "b"', Outcome.INVALID, "This row is not JSON"),
    (b'{"response": {"custom_id": "a"', Outcome.UNREADABLE, "This row is not JSON"),
    (b'{"custom_id": 12', Outcome.UNREADABLE, "This row is not JSON"),
    (b"[" * 100_000, Outcome.UNREADABLE, "This row is not JSON"),
    (b"\x00" * 100, Outcome.UNREADABLE, "This row is not JSON"),
    (b"\xef\xbb\xbf" + encode_row(error_row("a")), Outcome.ERROR, "Request timeout"),
]


def readable(value: object) -> str:
    """Return a test's name that can be given to pytest: it finds none that has a backslash."""
    return re.sub(r"\W+", " ", ascii(value))[:60]


@pytest.mark.parametrize(("row", "outcome", "preview"), ROWS, ids=readable)
def test_a_row_of_any_shape_is_classified_listed_and_read(
    row: Any, outcome: Outcome, preview: str, tmp_path: Path
) -> None:
    index = build_index(tmp_path, output=[row])
    assert len(index) == 1
    listed = index.row(0)
    assert (listed.outcome, listed.preview) == (outcome, preview)
    record = index.record(0)
    assert record.raw_response == encode_row(row)
    if outcome in (Outcome.ERROR, Outcome.UNREADABLE) or isinstance(row, bytes):
        assert record.failure is not None and " ".join(record.failure.message.split()) == preview
    else:
        text = " ".join(message.text for message in record.answers) + (
            record.transcription.text if record.transcription else ""
        )
        assert preview.startswith("look_up") or " ".join(text.split()) == preview


def nested_answer(message: bytes) -> bytes:
    return b'{"custom_id": "a", "response": {"status_code": 200, "body": {"choices": [{"message": {%s}}]}}}' % message


NESTED = {
    "error": b'{"custom_id": "a", "error": %s}',
    "message of an error": b'{"custom_id": "a", "error": {"message": %s}}',
    "body of an error": b'{"custom_id": "a", "response": {"status_code": 500, "body": %s}}',
    "body": b'{"custom_id": "a", "response": {"status_code": 200, "body": %s}}',
    "content": nested_answer(b'"content": %s'),
    "part": nested_answer(b'"content": [%s]'),
    "arguments": nested_answer(b'"tool_calls": [{"function": {"name": "f", "arguments": %s}}]'),
    "reasoning": nested_answer(b'"reasoning": %s, "content": "\\ud800"'),
    "setting": b'{"custom_id": "a", "body": {"model": "m", "stop": %s, "messages": []}}',
}


DEPTHS = [120, 400, 700, *range(860, 1020), 5_000]
"""Many near the limit of Python's recursion: what could be read and not be written was of 948 to 956."""


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("bracket", [(b"[", b"]"), (b'{"message":', b"}")], ids=["lists", "objects"])
def test_no_depth_of_nesting_is_too_deep(kind: str, bracket: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Between what can be read and what can be written there is a window of some depths, which the stack moves."""
    depths = DEPTHS if kind == "error" else [*DEPTHS[::3], DEPTHS[-1]]
    lines = [NESTED[kind] % (bracket[0] * depth + b"1" + bracket[1] * depth) for depth in depths]
    lines = [line.replace(b'"a"', b'"%d"' % depth, 1) for line, depth in zip(lines, depths, strict=True)]
    answers = [encode_row(answer_row(str(depth))) for depth in depths] if kind == "setting" else lines
    index = build_index(tmp_path, requests=lines if kind == "setting" else None, output=answers)
    assert len(index) >= len(depths)
    errors_by_message(index)
    for number in range(len(index)):
        index.record(number)
    for export_format in ExportFormat.MERGED, ExportFormat.ANSWERS, ExportFormat.CSV, ExportFormat.MARKDOWN:
        export_rows(index, range(len(index)), tmp_path / export_format.value, export_format)


@pytest.mark.parametrize(
    ("id_json", "custom_id"),
    [
        (b'"a"', "a"),
        (b"17", "17"),
        (b"-1.5", "-1.5"),
        (b'""', ""),
        (b'"\\ud83d"', "\ud83d"),
        (b'"\\u0000"', "\x00"),
        (b'"\xff"', "\N{REPLACEMENT CHARACTER}"),
        ('"żółw 🐢"'.encode(), "żółw 🐢"),
        (b'"' + b"x" * 100_000 + b'"', "x" * 100_000),
    ],
    ids=readable,
)
def test_any_id_joins_its_rows(id_json: bytes, custom_id: str, tmp_path: Path) -> None:
    line = b'{"custom_id": %s, "body": {}}' % id_json
    row = encode_row(answer_row("ID")).replace(b'"ID"', id_json)
    index = build_index(tmp_path, requests=[line], output=[row])
    assert index.counts is not None and index.counts.is_even
    assert index.row(0).custom_id == custom_id
    assert index.row(0).preview == "Hi!"


@pytest.mark.parametrize("line", [b"null", b"[]", b"{", b'{"custom_id": null}', b'{"custom_id": {}}', b"\xff"])
def test_an_input_line_without_an_id_is_a_request_that_is_missing(line: bytes, tmp_path: Path) -> None:
    index = build_index(tmp_path, requests=[line, request_row("a")], output=[answer_row("a")])
    assert index.outcome(0) is Outcome.MISSING
    assert index.outcome(1) is Outcome.OK
    assert index.record(0).request_messages == ()


def test_a_row_of_megabytes_is_read_whole(tmp_path: Path) -> None:
    text = "word " * 1_200_000
    index = build_index(tmp_path, requests=[request_row("a", text)], output=[answer_row("a", text)])
    assert index.row(0).preview.startswith("word word")
    record = index.record(0)
    assert record.answers[0].text == text
    assert record.request_messages[0].text == text


def test_a_row_that_is_too_long_is_not_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "LINE_MAX", 600_000)
    index = build_index(tmp_path, output=[answer_row("long", "x" * 2_000_000), answer_row("b")])
    assert [(index.row(n).custom_id, index.row(n).outcome) for n in range(2)] == [
        ("long", Outcome.INVALID),
        ("b", Outcome.OK),
    ]
    assert "too long" in index.row(0).reason
    assert index.row(1).line == 2


def test_a_file_that_changed_later_is_an_issue_of_the_record(tmp_path: Path) -> None:
    index = build_index(tmp_path, requests=[request_row("a")], output=[answer_row("a")])
    (tmp_path / "out.jsonl").write_bytes(b"{}\n")
    record = index.record(0)
    assert record.raw_response is None
    assert record.request_messages[0].text == "Hello?"
    assert "has changed" in record.issues[0]
    (tmp_path / "in.jsonl").unlink()
    assert len(index.record(0).issues) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
CONTENT = (
    st.text(max_size=20)
    | JSON
    | st.sampled_from([" ", "\n \u00a0", "\u3000x", "<think>a</think>b", " <THINK>a", "a\n</think>\nb", "I think"])
)
MESSAGE = st.fixed_dictionaries(
    {"content": CONTENT}, optional={"tool_calls": st.just([]) | JSON, "reasoning": JSON, "refusal": JSON}
)
CHOICE = st.fixed_dictionaries(
    {"message": MESSAGE | JSON},
    optional={"finish_reason": st.sampled_from(["stop", "length", "error"]) | JSON, "error": JSON},
)
USAGE = st.fixed_dictionaries({"completion_tokens": st.integers(0, 99) | JSON, "prompt_tokens": st.integers(0, 99)})
BODY = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=2) | JSON}, optional={"usage": USAGE | JSON, "text": JSON, "error": JSON}
)
RESPONSE = st.fixed_dictionaries({"body": BODY | JSON}, optional={"status_code": st.just(200) | JSON})
ROW = st.fixed_dictionaries({"custom_id": st.text(max_size=5) | JSON}, optional={"response": RESPONSE, "error": JSON})


@given(row=ROW, ascii_only=st.booleans())
def test_the_fast_and_the_general_classification_agree(row: Any, ascii_only: bool) -> None:
    data = json.dumps(row, ensure_ascii=ascii_only).encode("utf-8", "backslashreplace")
    fast, slow = classify(data), classify_value(loads(data))
    if len(fast.preview) < PREVIEW_MAX and len(slow.preview) < PREVIEW_MAX:
        assert preview_text(fast.preview) == preview_text(slow.preview)
    if fast.outcome is Outcome.OK:
        assert fast.contents() == slow.contents()
    fast.preview = slow.preview = b""
    fast.content, fast.texts, slow.texts = None, (), ()
    assert fast == slow
    build_record(Row(0, 1, "a", fast.outcome), data, data)


@given(data=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_classified(data: bytes) -> None:
    classified = classify(data)
    parse_request(data)
    preview_text(classified.preview)
    build_record(Row(0, 1, "a", classified.outcome), data, data)


@given(text=st.text(st.characters(), max_size=400), start=st.integers(0, 5))
def test_a_preview_cut_anywhere_is_the_beginning_of_the_text(text: str, start: int) -> None:
    text = "x" * start + text
    for preview in (preview_bytes(text), json.dumps(text)[1:-1].encode()[:PREVIEW_MAX]):
        decoded = preview_text(preview)
        assert " ".join(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split()).startswith(
            decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
