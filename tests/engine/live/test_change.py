"""Ask a request in another way: what is changed, and that all else stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.live.change import Asked, asked_of, changed_body

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def body(**more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Good?"}]
    return {"model": "a/b", "messages": messages, "max_tokens": 5, "temperature": 0, **more}


def test_what_a_body_asks() -> None:
    assert asked_of(body()) == Asked("a/b", 5, "Be brief.", "Good?")
    assert asked_of({"model": "w", "file": "https://x/a.wav", "prompt": "Names"}) == Asked("w", None, "", "Names")
    assert asked_of({}) == Asked()


def test_each_part_is_changed_and_the_rest_stays() -> None:
    asked = asked_of(body())
    assert changed_body(body(), asked) == body()
    assert changed_body(body(), replace(asked, model="c/d")) == body(model="c/d")
    assert changed_body(body(), replace(asked, max_tokens=9)) == body(max_tokens=9)
    assert "max_tokens" not in changed_body(body(), replace(asked, max_tokens=None))
    both = body(max_completion_tokens=7)
    assert changed_body(both, replace(asked, max_tokens=9)) == body(max_tokens=9, max_completion_tokens=9)
    prompted = changed_body(body(), replace(asked, prompt="Bad?"))
    assert prompted["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Bad?"}]
    assert changed_body(body(), replace(asked, system=""))["messages"] == [{"role": "user", "content": "Good?"}]
    bare = {"model": "a/b", "messages": [{"role": "user", "content": "Good?"}]}
    assert changed_body(bare, replace(asked_of(bare), system="Hi"))["messages"][0] == {
        "role": "system",
        "content": "Hi",
    }


def test_an_image_stays_and_a_recording_takes_a_prompt() -> None:
    parts = body(messages=[{"role": "user", "content": [{"type": "text", "text": "What is it?"}, IMAGE]}])
    changed = changed_body(parts, replace(asked_of(parts), prompt="Which colour?"))
    assert changed["messages"][0]["content"] == [{"type": "text", "text": "Which colour?"}, IMAGE]
    audio = {"model": "w", "file": "https://x/a.wav"}
    assert changed_body(audio, replace(asked_of(audio), prompt="Names")) == {**audio, "prompt": "Names"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "text"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["model", "messages", "max_tokens", "prompt", "file"]), json_values))
def test_any_body_can_be_asked_in_another_way(value: dict[str, Any]) -> None:
    asked = asked_of(value)
    assert changed_body(value, asked) == value
    assert changed_body(value, replace(asked, model="other"))["model"] == "other"
    assert asked_of(changed_body(value, replace(asked, max_tokens=3))).max_tokens == 3


@pytest.mark.parametrize("limit", ["5", 5.0, "x", None, True, -1])
def test_a_limit_that_is_none_is_not_taken_for_one(limit: object) -> None:
    found = asked_of({"max_tokens": limit}).max_tokens
    assert found == (5 if limit in ("5", 5.0) else None)
