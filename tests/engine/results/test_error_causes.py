"""The words of an error message decide what to do about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.results import cause_of
from tbatch_tui.sandbox.answers.failures import CHANCE_MESSAGES, failure_reason


@pytest.mark.parametrize(
    "message",
    [
        "Internal Server Error",
        "internal server error.",
        *CHANCE_MESSAGES,
        "Rate limit exceeded",
        "HTTP 503, without a message",
        "batch expired",
    ],
)
def test_errors_by_chance_are_retryable(message: str) -> None:
    assert cause_of(message).retryable


@pytest.mark.parametrize(
    "row",
    [
        {"body": {"model": "acme/none", "messages": []}},
        {"body": {"model": "openai/gpt-oss-120b", "messages": []}},
        {"body": {"model": "openai/gpt-oss-120b", "messages": [{"role": "user", "content": "x"}], "stop": 7}},
        {"body": {"model": "openai/whisper-large-v3"}},
    ],
)
def test_requests_that_the_server_refuses_are_not_retryable(row: dict[str, object]) -> None:
    message = failure_reason(row, "/v1/chat/completions")
    assert message is not None and not cause_of(message).retryable


@pytest.mark.parametrize(
    "message",
    [
        "Failed to download file: could not reach x.invalid",
        "This model's maximum context length is <n> tokens, 900 were asked",
        "Insufficient credits",
        "Invalid API key",
    ],
)
def test_errors_that_would_come_again_are_not_retryable(message: str) -> None:
    assert not cause_of(message).retryable


@given(st.text())
def test_any_message_has_a_hint(message: str) -> None:
    assert cause_of(message).hint
