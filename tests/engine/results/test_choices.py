"""What a response body says, in each of the shapes that an answer can have."""

from __future__ import annotations

from typing import Any

import pytest

from tbatch_tui.engine.results.choices import Choice, body_flaw, read_choice, read_choices, read_content, response_body

CALL = {"type": "function", "function": {"name": "look_up", "arguments": "{}"}}


@pytest.mark.parametrize("kind", ["thinking", "reasoning", "reasoning_text", "redacted_thinking"])
@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        ({"thinking": "t", "reasoning": "r", "text": "x", "summary": "s"}, "t"),
        ({"thinking": "", "reasoning": "r", "text": "x", "summary": "s"}, "r"),
        ({"text": "x", "summary": "s"}, "x"),
        ({"summary": [{"text": "one"}, "two", 3, {"text": 4}, {}]}, "one\ntwo"),
        ({"thinking": {"a": 1}}, '{"a": 1}'),
        ({}, ""),
    ],
)
def test_a_part_that_is_reasoning_is_no_text(kind: str, fields: dict[str, Any], reasoning: str) -> None:
    text = {"type": "text", "text": "Hi"}
    assert read_content([{"type": kind, **fields}, text]) == ("Hi", reasoning)
    assert read_content([text, "there", {"type": [kind]}, 7, None]) == ("Hi\nthere", "")


def test_content_of_any_kind() -> None:
    assert read_content(None) == ("", "")
    assert read_content("Hi") == ("Hi", "")
    assert read_content("<think>why</think>Hi") == ("Hi", "why")
    assert read_content(["<think>a</think>one", {"text": "<think>b</think>two"}]) == ("one\ntwo", "a\n\nb")
    assert read_content({"a": 1}) == ('{"a": 1}', "")


def test_a_choice_is_read_whole() -> None:
    message = {
        "content": "<think>inner</think>Hi",
        "reasoning": "outer",
        "reasoning_content": "not this one",
        "refusal": "No.",
        "audio": {"transcript": "Spoken."},
        "tool_calls": [CALL],
    }
    choice = {"message": message, "finish_reason": "stop", "logprobs": {"content": []}, "error": {"message": "boom"}}
    assert read_choice(choice) == Choice(
        "Hi", "outer\n\ninner", True, "No.", "Spoken.", True, (CALL,), "stop", "boom", {"content": []}
    )
    assert read_choices({"choices": [choice, 5]}) == [read_choice(choice), Choice()]
    assert read_choices({"choices": {}}) == read_choices([choice]) == []


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, Choice()),
        ({"message": "Hi"}, Choice("Hi")),
        ({"text": "Hi"}, Choice("Hi")),
        ({"message": {"content": "<think>a</think>"}, "text": "<think>b</think>Hi"}, Choice("Hi", "a\n\nb", True)),
        ({"message": {"content": "Hi"}, "text": "never"}, Choice("Hi")),
        ({"message": {"reasoning_content": "why"}}, Choice(reasoning="why")),
        ({"message": {"reasoning": {"a": 1}}}, Choice(reasoning='{"a": 1}')),
        ({"message": {"refusal": 7, "audio": {}}}, Choice()),
        ({"message": {"audio": {"data": "x", "transcript": 7}}}, Choice(has_audio=True)),
        ({"message": {"audio": "x"}}, Choice()),
        ({"message": {"tool_calls": [], "function_call": CALL["function"]}}, Choice(tool_calls=(CALL,))),
        ({"message": {"function_call": {}}}, Choice()),
        ({"finish_reason": 7, "logprobs": [], "error": {"message": ""}}, Choice(finish_reason="7")),
        ({"error": {"code": 5}}, Choice(error="5")),
        ({"error": [True]}, Choice(error="The answer holds an error")),
    ],
)
def test_a_choice_of_any_shape(choice: Any, expected: Choice) -> None:
    read = read_choice(choice)
    if expected.error:
        assert read.error
    else:
        assert read == expected


@pytest.mark.parametrize(
    ("choice", "answer"),
    [
        (Choice("Hi", refusal="No."), "Hi"),
        (Choice(" \n", refusal="No.", transcript="Spoken."), "No."),
        (Choice(transcript="Spoken.", tool_calls=(CALL,)), "Spoken."),
        (Choice(tool_calls=(CALL,)), "look_up({})"),
        (Choice(" "), " "),
    ],
)
def test_the_answer_is_what_there_is_of_it(choice: Choice, answer: str) -> None:
    assert choice.answer == answer


@pytest.mark.parametrize(("reason", "is_cut"), [("length", True), ("max_tokens", True), ("stop", False), ("", False)])
def test_an_answer_is_cut_at_the_limit(reason: str, is_cut: bool) -> None:
    assert Choice("Hi", finish_reason=reason).is_cut is is_cut


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        ("text", "The body of the response is a string, not an object"),
        (None, "The response has no body"),
        (7, "The body of the response is not an object"),
        ({"error": {"message": "boom"}, "choices": [1]}, "boom"),
        ({"error": {"message": ""}, "choices": [1]}, ""),
        ({"error": True}, "The body of the response holds an error"),
        ({}, "There is no answer"),
        ({"message": "why"}, "why"),
        ({"detail": "why"}, "why"),
        ({"choices": {}}, "There is no answer"),
        ({"choices": []}, "There is no answer"),
        ({"text": ""}, ""),
        ({"choices": [None]}, ""),
    ],
)
def test_why_a_body_holds_no_answer(body: Any, flaw: str) -> None:
    assert body_flaw(body) == flaw


def test_a_body_that_is_a_string_of_json_is_decoded() -> None:
    assert response_body('{"choices": []}') == {"choices": []}
    assert response_body("[1]") == "[1]" and response_body("\ud800") == "\ud800" and response_body(7) == 7
