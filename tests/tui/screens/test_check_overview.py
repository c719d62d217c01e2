"""A clean file: its first request and the values of its parameters, whatever stands in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.tui.screens.check.overview import SAMPLE_REQUESTS, parameter_facts, read_overview, request_blocks
from tests.conftest import until
from tests.helpers.app_host import ALL_SIZES, make_app
from tests.helpers.drawn import check_screen, is_harmless, painted, screen_text

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM = "Answer with one word."


def request(number: int, **body: object) -> bytes:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"Great, love it {number}"}]
    model = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
    row = {"custom_id": f"review-{number:04}", "body": {"model": model, "messages": messages, "max_tokens": 8, **body}}
    return json.dumps(row).encode() + b"\n"


def facts_of(path: Path) -> dict[str, str]:
    facts = [(name, "".join(text for text, _ in value)) for name, value in parameter_facts(read_overview(path))]
    return {text.partition(" ")[0] if name in ("", "Parameters") else name: text for name, text in facts}


def test_parameters_are_counted_by_value(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"".join(request(n, **({"temperature": 0.7} if n < 3 else {})) for n in range(10)))
    facts = facts_of(path)
    assert facts["System"] == "same in every request"
    assert facts["max_tokens"] == "max_tokens 8 ×10"
    assert facts["temperature"] == "temperature 0.7 ×3 · 7 without it"
    assert "in" not in facts, "all of it was read"


def test_of_a_large_file_it_says_how_much_was_read(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\xef\xbb\xbf\n" + b"".join(map(request, range(SAMPLE_REQUESTS + 1))))
    overview = read_overview(path)
    assert (overview.requests, overview.is_whole, overview.custom_id) == (SAMPLE_REQUESTS, False, "review-0000")
    assert facts_of(path)["in"] == "in the first 2,000 requests"
    path.write_bytes(b"".join(map(request, range(SAMPLE_REQUESTS))))
    assert read_overview(path).is_whole


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_crash_it_and_nothing_reaches_the_terminal(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("any") / "in.jsonl"
    path.write_bytes(b"\n".join(lines))
    overview = read_overview(path)
    for _, value in parameter_facts(overview):
        assert all(is_harmless(text) for text, _ in value)
    request_blocks(overview)


@pytest.mark.parametrize("size", ALL_SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_clean_check_shows_the_first_request(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    evil = "\x1b[31mevil\u202e[/bold]"
    path.write_bytes(request(1, stop=[evil]) + b"".join(map(request, range(2, 30))))
    app = make_app(tmp_path, None, file=path)
    async with app.run_test(size=size):
        await until(lambda: "No problems" in screen_text(app) and "review-0001" in screen_text(app))
        await painted(app)
        check_screen(app)
        text = screen_text(app)
        assert "The first request" in text and '"custom_id"' in text
        if size[1] > 20:
            assert "max_tokens 8 ×29" in text and "same in every request" in text
