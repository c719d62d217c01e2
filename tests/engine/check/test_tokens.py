"""The tokens of a file as the check estimates them: what counts, and how close the sample comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import check_file
from tests.helpers.check_lines import MODEL, audio, chat, dumped, saved, with_messages

if TYPE_CHECKING:
    from pathlib import Path

TOOL = {"type": "function", "function": {"name": "f"}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x"}}


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        (with_messages({"role": "user", "content": "12345678"}), 2 + 4),
        (with_messages({"role": "user", "content": "é" * 4}), 2 + 4),  # two bytes each, however they are written
        (with_messages({"role": "user", "content": [{"type": "text", "text": "1234"}, {"type": "image_url"}]}), 1 + 4),
        (with_messages({"role": "user", "content": "1"}, {"role": "assistant", "content": None}), 1 + 8),
        (chat(tools=[TOOL], messages=[{"role": "user", "content": ""}]), 13 + 4),
        (chat(response_format=FORMAT, messages=[{"role": "user", "content": ""}]), 14 + 4),
        (audio(), 0),
        (b"{", 0),
    ],
)
def test_what_counts(tmp_path: Path, line: object, tokens: int) -> None:
    assert check_file(saved(tmp_path, dumped(line, line))).prompt_tokens == 2 * tokens


def test_a_sample_comes_close(tmp_path: Path) -> None:
    """A file whose later requests are longer, of two models, one of which has the short ones."""
    lines, expected = [], {MODEL: 0.0, "other": 0.0}
    for index in range(4_000):
        model, words = ("other", 5) if index % 3 == 0 else (MODEL, 20 + index // 20)
        lines.append(chat(str(index), model=model, messages=[{"role": "user", "content": "word " * words}]))
        expected[model] += 5 * words / 4 + 4
    report = check_file(saved(tmp_path, dumped(*lines)))
    assert report.size > 1_500_000
    assert report.tokens == pytest.approx(expected, rel=0.25)
    assert report.prompt_tokens == pytest.approx(sum(expected.values()), rel=0.1)
    assert check_file(report.path, measure=False).prompt_tokens == 0


def test_lines_longer_than_the_sample(tmp_path: Path) -> None:
    line = with_messages({"role": "user", "content": "word" * 200_000})
    assert check_file(saved(tmp_path, dumped(line, line, line))).prompt_tokens == pytest.approx(600_012, rel=0.001)
