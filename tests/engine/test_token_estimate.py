"""The estimate of a prompt's tokens: one rule, and Check and Create count by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.pricing.demand import demand_of
from tbatch_tui.engine.token_estimate import Prompt, estimate_prompt
from tests.engine.check.test_oracle import files
from tests.helpers.check_lines import MODEL, chat, dumped, saved, with_messages

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {
    f"field_{n}": {"type": "string", "description": "One fact of the review, in a word or two"} for n in range(20)
}
SCHEMA = {"type": "object", "properties": FIELDS, "required": list(FIELDS), "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "facts", "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "1", "function": {"name": "f", "arguments": "{}"}}
IMAGE = {"url": "https://example.com/a.png"}
USER = {"role": "user", "content": "Hi"}


def demanded(path: Path) -> dict[str, int]:
    """The prompt tokens of each model as Create prices them."""
    return {demand.model: demand.prompt_tokens for demand in demand_of(path)}


def test_check_and_create_agree_on_requests_with_a_schema(tmp_path: Path) -> None:
    """The schema is part of every prompt. Check once left it out: 1,800 tokens where Create priced 112,100."""
    path = saved(tmp_path, dumped(*(chat(f"r{n}", response_format=FORMAT) for n in range(200))))
    report = check_file(path)
    assert report.tokens == demanded(path)
    assert report.tokens[MODEL] > 200 * len(str(SCHEMA)) / 4


@pytest.mark.parametrize(
    "content",
    [
        dumped(chat("a"), chat("b", model="other"), chat("c")),
        dumped(chat("a"), chat("b"))[:-1],
        b"\xef\xbb\xbf" + dumped(chat("a"), chat("b")),
        dumped(chat("a"), b"", b" ", chat("b")).replace(b"\n", b"\r\n"),
        dumped(chat("a", tools=[TOOL]), chat("b", max_tokens=None), chat("c", n=2.0, max_tokens=10**30)),
        dumped(with_messages(USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, USER)),
        dumped(
            with_messages(
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "é\n"}, {"type": "image_url", "image_url": IMAGE}],
                }
            )
        ),
    ],
)
def test_check_and_create_agree(tmp_path: Path, content: bytes) -> None:
    path = saved(tmp_path, content)
    report = check_file(path)
    assert report.is_ok
    assert report.prompt_tokens > 0
    assert report.tokens == demanded(path)


@settings(suppress_health_check=list(HealthCheck))
@given(files())
def test_check_and_create_agree_on_any_valid_chat_file(tmp_path: Path, file: tuple[bytes, bool]) -> None:
    content, is_chat = file
    path = saved(tmp_path, content)
    report = check_file(path)
    if is_chat and report.is_ok:
        assert report.prompt_tokens == sum(demanded(path).values())


@pytest.mark.parametrize(
    ("body", "tokens", "has_attachments"),
    [
        (b"{}", 0, False),
        (b'{"messages": [{"content": "12345"}]}', 2 + 4, False),
        (b'{"messages": [{"content": null}, {}]}', 8, False),
        (b'{"messages": [{"content": "\\u00e9\\n\\\\n\\ud83d\\ude00"}]}', 3 + 4, False),
        (b'{"messages": [{"content": "\xc3\xa9\\n\\\\n\xf0\x9f\x98\x80"}]}', 3 + 4, False),
        (b'{"messages": [{"content": ["1234", {"type": "text", "text": "1"}]}]}', 2 + 4, False),
        (b'{"messages": [{"content": [{"type": "image_url", "image_url": {}}]}]}', 4, True),
        (b'{"messages": [{"content": ""}], "tools": [1, 2], "response_format": {"a": 1}}', 4 + 4, False),
    ],
)
def test_what_counts(body: bytes, tokens: int, has_attachments: bool) -> None:
    assert estimate_prompt(msgspec.json.decode(body, type=Prompt)) == (tokens, has_attachments)


@pytest.mark.parametrize(
    "text",
    ["a " * 40_000, "0123456789" * 500, "日本語" * 300, "😀" * 200, "\x01" * 100, ""],
    ids=["words of one letter", "digits", "Japanese", "emoji", "controls", "nothing"],
)
def test_a_prompt_has_no_more_tokens_than_its_bound(tmp_path: Path, text: str) -> None:
    """By bytes: no tokenizer makes more tokens than that, as the last resort of each is a token for a byte."""
    line = chat("a", messages=[{"role": "user", "content": text}] * 3)
    (demand,) = demand_of(saved(tmp_path, dumped(line)))
    assert demand.most_prompt_tokens >= 3 * (len(text.encode()) + 10)
    assert demand.most_prompt_tokens >= demand.prompt_tokens


def test_all_that_a_model_reads_is_in_the_bound(tmp_path: Path) -> None:
    """Calls and names in messages, parameters of the template: `prompt_tokens` leaves them out."""
    call = {"type": "function", "function": {"name": "f", "arguments": "x" * 5_000}}
    assistant = {"role": "assistant", "content": None, "tool_calls": [call]}
    line = chat("a", messages=[USER, assistant, USER], chat_template_kwargs={"a": "y" * 5_000}, tools=[TOOL] * 200)
    (demand,) = demand_of(saved(tmp_path, dumped(line)))
    assert demand.most_prompt_tokens > 10_000 + 2 * len(str([TOOL] * 200))


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="malformed"):
        estimate_prompt(msgspec.json.decode(b'{"messages": [{"content": "\\ud800 x"}]}', type=Prompt))
