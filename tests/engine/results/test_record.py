"""Records for reading: messages by role, attachments as a note, indented JSON, tool calls, audio, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.results import ContentPart, Failure, PartKind, Source, ToolCall, Transcription, Usage
from tests.helpers.result_rows import answer_row, build_index, error_row, response_row

if TYPE_CHECKING:
    from pathlib import Path

PNG = "data:image/png;base64," + "iVBORw0KGgo" * 100


def test_a_conversation(tmp_path: Path) -> None:
    body = {
        "model": "meta/llama",
        "max_tokens": 64,
        "response_format": {"type": "json_object"},
        "messages": [
            {"role": "system", "content": "Be terse."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": PNG}},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "input_audio", "input_audio": {"data": "A" * 400, "format": "wav"}},
                ],
            },
        ],
    }
    answer = answer_row("a", '{"price":1.10,"n":12345678901234567890}', reasoning="Let me see.")
    answer["response"]["body"]["usage"]["completion_tokens_details"] = {"reasoning_tokens": 5}
    index = build_index(tmp_path, requests=[{"custom_id": "a", "body": body}], output=[answer])
    record = index.record(0)
    assert record.model == "meta/llama"
    assert record.settings == (("max_tokens", "64"), ("response_format", '{"type":"json_object"}'))
    assert [message.role for message in record.request_messages] == ["system", "user"]
    assert record.request_messages[1].parts == (
        ContentPart(PartKind.TEXT, "What is this?"),
        ContentPart(PartKind.IMAGE, "image/png", 825),
        ContentPart(PartKind.IMAGE, "https://example.com/a.png"),
        ContentPart(PartKind.AUDIO, "wav", 300),
    )
    (message,) = record.answers
    assert message.parts == (ContentPart(PartKind.JSON, '{\n  "price": 1.10,\n  "n": 12345678901234567890\n}'),)
    assert (message.role, message.reasoning, message.finish_reason) == ("assistant", "Let me see.", "stop")
    assert record.usage == Usage(prompt=3, completion=7, total=10, reasoning=5, cached=None)
    assert (record.source, record.source_line) == (Source.OUTPUT, 1)


def test_tool_calls(tmp_path: Path) -> None:
    calls = [
        {"function": {"name": "look_up", "arguments": '{"id":7}'}},
        {"function": {"name": "n", "arguments": "7]"}},
        5,
    ]
    index = build_index(tmp_path, output=[answer_row("a", None, tool_calls=calls)])
    assert index.record(0).answers[0].tool_calls == (
        ToolCall("look_up", '{\n  "id": 7\n}'),
        ToolCall("n", "7]"),
        ToolCall("?", "5"),
    )


def test_several_answers(tmp_path: Path) -> None:
    choices = [{"message": {"role": "assistant", "content": text}} for text in ("one", "two")]
    index = build_index(tmp_path, output=[response_row("a", {"choices": choices})])
    assert [answer.text for answer in index.record(0).answers] == ["one", "two"]


def test_a_transcription(tmp_path: Path) -> None:
    line = {
        "custom_id": "a",
        "method": "FILE",
        "body": {"file": "https://example.com/a.wav", "model": "w", "language": "de"},
    }
    index = build_index(
        tmp_path, requests=[line], output=[response_row("a", {"text": "Guten Tag", "language": "de", "duration": 61.5})]
    )
    record = index.record(0)
    assert record.transcription == Transcription("Guten Tag", "de", 61.5)
    assert record.answers == ()
    assert record.request_messages[0].parts == (ContentPart(PartKind.AUDIO, "https://example.com/a.wav"),)
    assert record.settings == (("language", "de"),)
    assert index.row(0).seconds == 61.5
    assert index.row(0).tokens is None


def test_an_error(tmp_path: Path) -> None:
    index = build_index(
        tmp_path,
        output=[response_row("a", {"error": {"message": "Busy", "code": "overloaded"}}, 503)],
        errors=[error_row("b", "No")],
    )
    assert index.record(0).failure == Failure("Busy", "overloaded", 503)
    assert index.record(1).failure == Failure("No", "batch_client_error", None)
    assert index.record(1).source is Source.ERRORS


def test_a_data_url_in_a_text_is_shortened(tmp_path: Path) -> None:
    index = build_index(tmp_path, output=[answer_row("a", f"![x]({PNG}) and so on")])
    assert index.record(0).answers[0].text == "![x]([image/png, 825 bytes]) and so on"
