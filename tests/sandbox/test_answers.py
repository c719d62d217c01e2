"""What a finished row says, held against the SDK's own models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
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

HEARD = "/v1/audio/transcriptions"
WHISPER = "openai/whisper-large-v3"
SCHEMA = {
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


def answered(**body: Any) -> dict[str, Any]:
    """The answer to a chat request, which fits the SDK's model."""
    answer = completion(chat_row(**body)["body"], "row-1", 1_700_000_000, cut=False)
    ChatCompletion.model_validate(answer)
    return answer


def audio_row(**more: Any) -> dict[str, Any]:
    """An audio request."""
    body = {"model": WHISPER, "file": "https://media.example.org/a.mp3"} | more
    return {"custom_id": "row-1", "method": "FILE", "body": body}


def test_plain_chat() -> None:
    answer = answered()
    [choice] = answer["choices"]
    assert choice["finish_reason"] == "stop" and choice["message"]["content"]
    assert answer == answered()
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_reasoning_models_think() -> None:
    assert answered(model="openai/gpt-oss-120b")["choices"][0]["message"]["reasoning"]
    assert "reasoning" not in answered()["choices"][0]["message"]


def test_few_tokens_are_soon_spent() -> None:
    [choice] = answered(max_tokens=3)["choices"]
    assert choice["finish_reason"] == "length" and len(choice["message"]["content"]) == 12


def test_cut_short_by_its_own_reasoning() -> None:
    answer = completion(chat_row()["body"], "row-1", 0, cut=True)
    ChatCompletion.model_validate(answer)
    [choice] = answer["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "")
    assert choice["message"]["reasoning"]


def test_several_choices() -> None:
    assert [choice["index"] for choice in answered(n=3)["choices"]] == [0, 1, 2]


def test_tools_are_called_with_arguments_that_fit() -> None:
    function = {"name": "file_ticket", "parameters": SCHEMA}
    tools = [{"type": "function", "function": function}]
    [choice] = answered(tools=tools)["choices"]
    assert choice["finish_reason"] == "tool_calls"
    [call] = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "file_ticket"
    assert json.loads(call["function"]["arguments"])["label"] in ("bug", "question")
    assert answered(tools=tools, tool_choice="none")["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_object"},
        {"type": "json_object", "schema": SCHEMA},
        {"type": "json_schema", "schema": SCHEMA},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
    ],
)
def test_json_where_it_is_asked_for(form: dict[str, Any]) -> None:
    said = json.loads(answered(response_format=form)["choices"][0]["message"]["content"])
    if "label" in said:
        assert isinstance(said["urgent"], bool) and isinstance(said["tags"], list) and isinstance(said["count"], int)
        assert said["kind"] == "x"


@pytest.mark.parametrize(
    ("text", "label"),
    [("I love it, great!", "positive"), ("It broke. I want a refund.", "negative"), ("Great, but it broke.", "mixed")],
)
def test_labels_are_chosen_with_sense(text: str, label: str) -> None:
    system = "Classify the sentiment as positive, negative or mixed."
    messages = [{"role": "system", "content": system}, {"role": "user", "content": [{"type": "text", "text": text}]}]
    assert answered(messages=messages)["choices"][0]["message"]["content"] == label


def test_transcriptions() -> None:
    plain = transcription(audio_row()["body"], HEARD)
    AudioTranscriptionJsonResponse.model_validate(plain)
    assert plain.keys() == {"duration", "language", "text"}
    more = {"response_format": "verbose_json", "timestamp_granularities": ["word"], "diarize": True, "language": "de"}
    full = transcription(audio_row(**more)["body"], HEARD)
    AudioTranscriptionVerboseJsonResponse.model_validate(full)
    assert full["text"] == plain["text"] == " ".join(segment["text"] for segment in full["segments"])
    assert full["language"] == "de"
    assert " ".join(word["word"] for word in full["words"]) == full["text"]
    spoken = [word["word"] for segment in full["speaker_segments"] for word in segment["words"]]
    assert spoken == full["text"].split()
    assert transcription(audio_row(language="de")["body"], "/v1/audio/translations")["language"] == "en"


@pytest.mark.parametrize(
    ("row", "endpoint", "told"),
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
        (chat_row(model=WHISPER), CHAT, "does not support"),
        (audio_row() | {"method": "POST"}, HEARD, "Content-Type must be multipart/form-data"),
        (audio_row(model="openai/gpt-oss-20b"), HEARD, "does not support"),
        (audio_row(file="https://nowhere.invalid/a.mp3"), HEARD, "could not reach nowhere.invalid"),
        (audio_row(file="http://localhost/a.mp3"), HEARD, "could not reach localhost"),
        (audio_row(file="/tmp/a.mp3"), HEARD, "invalid URL"),
        (audio_row(file="http://[broken/a.mp3"), HEARD, "invalid URL"),
        (audio_row(response_format="srt"), HEARD, "response_format"),
        (audio_row(diarize="yes"), HEARD, "diarize"),
        (audio_row(file=None), HEARD, "`file` is required"),
    ],
)
def test_rows_that_fail(row: dict[str, Any], endpoint: str, told: str) -> None:
    message = failure_reason(row, endpoint)
    assert message is not None and told in message


def test_a_chosen_failure_rate() -> None:
    content = jsonl(*(chat_row(f"row-{n}") for n in range(200)))
    with Sandbox(speed=0, failure_rate=0.5, cut_rate=0.25) as box:
        job_id = box.add_job("COMPLETED", content=content)
        job = box.job(job_id)
        failed, fine = (decode_rows(box.file_bytes(job[key])) for key in ("error_file_id", "output_file_id"))
    assert 60 < len(failed) < 140 and len(failed) + len(fine) == 200
    cut = [row for row in fine if row["response"]["body"]["choices"][0]["finish_reason"] == "length"]
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


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(chat_fields, json_values, max_size=4), messages, tools | json_values, json_values)
def test_no_request_is_too_strange(body: dict[str, Any], said: Any, called: Any, schema: Any) -> None:
    form = {"type": "json_schema", "schema": schema}
    row = chat_row(**({"messages": said, "tools": called, "response_format": form} | body))
    if isinstance(row["body"]["model"], str) and failure_reason(row, CHAT) is None:
        ChatCompletion.model_validate(json.loads(json.dumps(completion(row["body"], "x", 0, cut=False))))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["file", "language", "response_format", "diarize", "model"]), json_values))
def test_no_recording_is_too_strange(body: dict[str, Any]) -> None:
    row = audio_row(**body)
    if isinstance(row["body"]["model"], str) and failure_reason(row, HEARD) is None:
        transcription(row["body"], HEARD)
