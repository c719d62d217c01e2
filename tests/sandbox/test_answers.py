"""The answers of finished rows fit the SDK's own models."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from together.types.audio.transcription_create_response import (
    AudioTranscriptionJsonResponse,
    AudioTranscriptionVerboseJsonResponse,
)
from together.types.chat.chat_completion import ChatCompletion

from tbatch_tui.sandbox.answers.chat import completion
from tbatch_tui.sandbox.answers.failures import failure_reason
from tbatch_tui.sandbox.answers.transcripts import transcription
from tbatch_tui.sandbox.testing import Sandbox
from tests.sandbox.conftest import CHAT, chat_row, decode_rows, jsonl

TRANSCRIPTIONS = "/v1/audio/transcriptions"
WHISPER = "openai/whisper-large-v3"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["bug", "question"]},
        "urgent": {"type": "boolean"},
        "score": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "count": {"type": ["integer", "null"]},
        "kind": {"anyOf": [{"const": "x"}]},
    },
}


TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f"}}
NO_TOOL = "Selected function was not found in the tools list"
NO_PART = "data did not match any variant of untagged enum MessageContent"


def other_tool() -> dict[str, Any]:
    """Return a choice of a tool that is not there."""
    return {"type": "function", "function": {"name": "g"}}


def asked(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Return messages with one content part."""
    return [{"role": "user", "content": [part]}]


def answer_to(**body: Any) -> dict[str, Any]:
    """Return the answer to a chat request, checked against the SDK's model."""
    answer = completion(chat_row(**body)["body"], "row-1", 1_700_000_000, cut=False)
    ChatCompletion.model_validate(answer)
    return answer


def audio_row(**more: Any) -> dict[str, Any]:
    """Return an audio request."""
    body = {"model": WHISPER, "file": "https://media.example.org/a.mp3"} | more
    return {"custom_id": "row-1", "method": "FILE", "body": body}


def test_plain_chat() -> None:
    answer = answer_to()
    [choice] = answer["choices"]
    assert choice["finish_reason"] == "stop" and choice["message"]["content"]
    assert answer == answer_to()
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_reasoning_models_send_their_reasoning() -> None:
    assert answer_to(model="openai/gpt-oss-120b")["choices"][0]["message"]["reasoning"]
    assert "reasoning" not in answer_to()["choices"][0]["message"]


def test_an_answer_is_cut_at_max_tokens() -> None:
    [choice] = answer_to(max_tokens=3)["choices"]
    assert choice["finish_reason"] == "length" and len(choice["message"]["content"]) == 12


def test_an_answer_cut_short_by_its_own_reasoning() -> None:
    answer = completion(chat_row()["body"], "row-1", 0, cut=True)
    ChatCompletion.model_validate(answer)
    [choice] = answer["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "")
    assert choice["message"]["reasoning"]


def test_several_choices() -> None:
    assert [choice["index"] for choice in answer_to(n=3)["choices"]] == [0, 1, 2]


def test_tools_are_called_with_arguments_that_fit_their_schema() -> None:
    function = {"name": "file_ticket", "parameters": SCHEMA}
    tools = [{"type": "function", "function": function}]
    [choice] = answer_to(tools=tools)["choices"]
    assert choice["finish_reason"] == "tool_calls"
    [call] = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "file_ticket"
    assert json.loads(call["function"]["arguments"])["label"] in ("bug", "question")
    assert answer_to(tools=tools, tool_choice="none")["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    "response_format",
    [
        {"type": "json_object"},
        {"type": "json_object", "schema": SCHEMA},
        {"type": "json_schema", "schema": SCHEMA},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
    ],
)
def test_response_format_gives_json(response_format: dict[str, Any]) -> None:
    value = json.loads(answer_to(response_format=response_format)["choices"][0]["message"]["content"])
    if "label" in value:
        assert isinstance(value["urgent"], bool) and isinstance(value["tags"], list) and isinstance(value["count"], int)
        assert value["kind"] == "x"


BOUNDED: dict[str, Any] = {
    "$defs": {"place": {"type": "object", "properties": {"street": {"type": "string", "maxLength": 3}}}},
    "type": "object",
    "properties": {
        "stars": {"type": "integer", "minimum": 3, "maximum": 4},
        "share": {"type": "number", "minimum": 10, "maximum": 11},
        "places": {"type": "array", "items": {"$ref": "#/$defs/place"}, "minItems": 2, "maxItems": 2},
    },
}


@pytest.mark.parametrize("number", range(5))
def test_values_keep_to_the_bounds_of_their_schema(number: int) -> None:
    row = chat_row(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": BOUNDED}})
    content = completion(row["body"], f"row-{number}", 1_700_000_000)["choices"][0]["message"]["content"]
    assert jsonschema_rs.is_valid(BOUNDED, json.loads(content))


def test_an_invalid_answer_is_not_what_was_asked_for() -> None:
    schema = {**SCHEMA, "required": list(SCHEMA["properties"])}
    format_ = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    bodies = [chat_row(response_format=format_)["body"], chat_row()["body"]]
    seen = set()
    for number in range(8):
        invalid, prose = (
            completion(body, f"row-{number}", 0, invalid=True)["choices"][0]["message"]["content"] for body in bodies
        )
        seen.add(invalid)
        assert prose == completion(bodies[1], f"row-{number}", 0)["choices"][0]["message"]["content"]
        assert not invalid.startswith("{") or not jsonschema_rs.is_valid(schema, json.loads(invalid))
    assert len(seen) > 2


def test_a_pattern_of_alternatives_is_kept_to() -> None:
    format_ = {"type": "regex", "pattern": "(positive|negative)"}
    messages = [{"role": "user", "content": "I love it."}]
    answer = answer_to(messages=messages, response_format=format_)
    assert answer["choices"][0]["message"]["content"] == "positive"


@pytest.mark.parametrize(
    ("text", "label"),
    [("I love it, great!", "positive"), ("It broke. I want a refund.", "negative"), ("Great, but it broke.", "mixed")],
)
def test_labels_fit_the_text(text: str, label: str) -> None:
    system = "Classify the sentiment as positive, negative or mixed."
    messages = [{"role": "system", "content": system}, {"role": "user", "content": [{"type": "text", "text": text}]}]
    assert answer_to(messages=messages)["choices"][0]["message"]["content"] == label


def test_transcriptions() -> None:
    plain = transcription(audio_row()["body"], TRANSCRIPTIONS)
    AudioTranscriptionJsonResponse.model_validate(plain)
    assert plain.keys() == {"duration", "language", "text"}
    more = {"response_format": "verbose_json", "timestamp_granularities": ["word"], "diarize": True, "language": "de"}
    full = transcription(audio_row(**more)["body"], TRANSCRIPTIONS)
    AudioTranscriptionVerboseJsonResponse.model_validate(full)
    assert full["text"] == plain["text"] == " ".join(segment["text"] for segment in full["segments"])
    assert full["language"] == "de"
    assert " ".join(word["word"] for word in full["words"]) == full["text"]
    spoken = [word["word"] for segment in full["speaker_segments"] for word in segment["words"]]
    assert spoken == full["text"].split()
    assert transcription(audio_row(language="de")["body"], "/v1/audio/translations")["language"] == "en"


@pytest.mark.parametrize(
    ("row", "endpoint", "expected"),
    [
        (chat_row(model="acme/none"), CHAT, "Unable to access model acme/none"),
        (chat_row(stop=["a"] * 5), CHAT, "stop"),
        (chat_row(messages=[]), CHAT, "messages"),
        (chat_row(messages=[{"content": "x"}]), CHAT, "role"),
        (chat_row(messages=[{"role": "bot", "content": "x"}]), CHAT, "role"),
        (chat_row(messages=[{"role": "user"}]), CHAT, "content"),
        (chat_row(messages=[{"role": "user", "content": 5}]), CHAT, "content"),
        (chat_row(temperature="hot"), CHAT, "temperature"),
        (chat_row(seed=True), CHAT, "seed"),
        (chat_row(response_format={"type": "xml"}), CHAT, "response_format"),
        (chat_row(max_tokens=0), CHAT, "max_tokens"),
        (chat_row(stop=["a"] * 5), CHAT, "Maximum four stop sequences allowed"),
        (chat_row(tools=[{"type": "function", "name": "f"}]), CHAT, "tools[0]: missing field 'function'"),
        (chat_row(tools=[TOOL, {"function": {}}]), CHAT, "tools[1]: missing field 'name'"),
        (chat_row(tools=[TOOL], tool_choice=other_tool()), CHAT, NO_TOOL),
        (chat_row(tool_choice=other_tool()), CHAT, NO_TOOL),
        (chat_row(messages=asked({"type": "file", "file": {"file_id": "f"}})), CHAT, NO_PART),
        (chat_row(messages=asked({"type": "text"})), CHAT, NO_PART),
        (chat_row(messages=asked({"type": "image_url", "image_url": {"url": "ftp://x/y"}})), CHAT, "failed to fetch"),
        (chat_row(messages=asked({"type": "image_url", "image_url": {}})), CHAT, "missing field 'url'"),
        (
            chat_row(response_format={"type": "json_schema", "json_schema": {"schema": {}}}),
            CHAT,
            "missing field 'name'",
        ),
        (chat_row(n=129), CHAT, "`n` must be between 1 and 128"),
        (chat_row(logprobs=21), CHAT, "`logprobs` must be between 0 and 20"),
        (chat_row() | {"method": "FILE"}, CHAT, "Content-Type must be application/json"),
        (chat_row(model=None), CHAT, "missing field 'model'"),
        (audio_row(temperature=1.5), TRANSCRIPTIONS, "`temperature` must be between 0 and 1"),
        (chat_row(model=WHISPER), CHAT, "does not support"),
        (audio_row() | {"method": "POST"}, TRANSCRIPTIONS, "Content-Type must be multipart/form-data"),
        (audio_row(model="openai/gpt-oss-20b"), TRANSCRIPTIONS, "does not support"),
        (audio_row(file="https://nowhere.invalid/a.mp3"), TRANSCRIPTIONS, "could not reach nowhere.invalid"),
        (audio_row(file="http://localhost/a.mp3"), TRANSCRIPTIONS, "could not reach localhost"),
        (audio_row(file="/tmp/a.mp3"), TRANSCRIPTIONS, "invalid URL"),
        (audio_row(file="http://[broken/a.mp3"), TRANSCRIPTIONS, "invalid URL"),
        (audio_row(response_format="srt"), TRANSCRIPTIONS, "response_format"),
        (audio_row(diarize="yes"), TRANSCRIPTIONS, "diarize"),
        (audio_row(file=None), TRANSCRIPTIONS, "`file` is required"),
    ],
)
def test_rows_that_fail(row: dict[str, Any], endpoint: str, expected: str) -> None:
    message = failure_reason(row, endpoint)
    assert message is not None and expected in message


@pytest.mark.parametrize(
    "more",
    [
        {"stop": "end"},
        {"stop": ["a", "b", "c", "d"]},
        {"n": 128, "logprobs": 20},
        {"temperature": 1.9, "top_p": 1.5},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "auto"},
    ],
)
def test_rows_that_are_answered(more: dict[str, Any]) -> None:
    assert failure_reason(chat_row(**more), CHAT) is None
    assert failure_reason(chat_row(**more) | {"method": "POST", "url": "/v1/chat/completions"}, CHAT) is None


@pytest.mark.parametrize("more", [{"temperature": 1.9}, {"top_p": 1.5}, {"presence_penalty": 3}])
def test_what_only_the_documentation_forbids_fails_when_strict(more: dict[str, Any]) -> None:
    assert failure_reason(chat_row(**more), CHAT) is None
    assert "must be between" in (failure_reason(chat_row(**more), CHAT, strict=True) or "")


def test_a_chosen_failure_rate() -> None:
    content = jsonl(*(chat_row(f"row-{n}") for n in range(200)))
    with Sandbox(speed=0, failure_rate=0.5, cut_rate=0.25) as box:
        job_id = box.add_job("COMPLETED", content=content)
        job = box.job(job_id)
        failed, answered = (decode_rows(box.file_bytes(job[key])) for key in ("error_file_id", "output_file_id"))
    assert 60 < len(failed) < 140 and len(failed) + len(answered) == 200
    cut = [row for row in answered if row["response"]["body"]["choices"][0]["finish_reason"] == "length"]
    assert 20 < len(cut) < 80
    assert {row["error"]["code"] for row in failed} == {"batch_client_error"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
chat_fields = st.sampled_from(
    ["messages", "stop", "max_tokens", "n", "tools", "tool_choice", "response_format", "model", "temperature"]
)
messages = st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "system"]), "content": json_values}))
tools = st.lists(
    st.fixed_dictionaries({"function": st.fixed_dictionaries({"name": st.text(), "parameters": json_values})})
)


@given(st.dictionaries(chat_fields, json_values, max_size=4), messages, tools | json_values, json_values)
def test_any_chat_request_is_answered_or_fails(
    body: dict[str, Any], drawn_messages: Any, drawn_tools: Any, schema: Any
) -> None:
    response_format = {"type": "json_schema", "schema": schema}
    defaults = {"messages": drawn_messages, "tools": drawn_tools, "response_format": response_format}
    row = chat_row(**(defaults | body))
    if isinstance(row["body"]["model"], str) and failure_reason(row, CHAT) is None:
        ChatCompletion.model_validate(json.loads(json.dumps(completion(row["body"], "x", 0, cut=False))))


@given(st.dictionaries(st.sampled_from(["file", "language", "response_format", "diarize", "model"]), json_values))
def test_any_audio_request_is_answered_or_fails(body: dict[str, Any]) -> None:
    row = audio_row(**body)
    if isinstance(row["body"]["model"], str) and failure_reason(row, TRANSCRIPTIONS) is None:
        transcription(row["body"], TRANSCRIPTIONS)
