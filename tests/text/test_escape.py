"""What a terminal might act on is escaped, and everything else stays as it is."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.text.escape import escape_controls, escape_for_file, escape_json, escape_surrogates

HOSTILE = "\x1b]52;c;AA\x07 \x9b2J \u202e \ud800"


@pytest.mark.parametrize("escape", [escape_controls, escape_for_file, escape_json])
def test_nothing_is_left_for_a_terminal_to_act_on(escape: object) -> None:
    assert callable(escape)
    text = json.dumps(HOSTILE, ensure_ascii=False) if escape is escape_json else HOSTILE
    assert not {"\x9b", "\u202e", "\ud800"} & set(escape(text))


@given(st.text())
def test_escaped_controls_are_printable(text: str) -> None:
    assert escape_controls(text).isprintable()


def test_line_breaks_stay_only_in_a_file() -> None:
    assert escape_controls("a\nb\tc") == "a\\nb\\tc"
    assert escape_for_file("a\nb\tc\r") == "a\nb\tc\\r"


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_escaped_json_is_the_same_value(value: object) -> None:
    assert json.loads(escape_json(json.dumps(value, ensure_ascii=False))) == value


def test_a_name_that_is_not_utf8_can_be_encoded() -> None:
    name = escape_surrogates(os.fsdecode(b"caf\xe9.jsonl"))
    assert name == "caf\\xe9.jsonl"
    assert escape_surrogates(os.fsdecode(b"\x80\xff")) == "\\x80\\xff"
    assert escape_surrogates("café.jsonl") == "café.jsonl"
