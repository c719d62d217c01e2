"""Numbers, times and money as text, with a fixed clock and time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.text import format as fmt

NOW = datetime(2026, 3, 5, 14, 2, 11, tzinfo=UTC).timestamp()
DAY = 86_400


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (24_100_000, "24.1 MB"),
        (999_960, "1.0 MB"),
        (5_000_000_000, "5.0 GB"),
    ],
)
def test_size(number: float | None, words: str) -> None:
    assert fmt.size(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (-5, "0 s"),
        (0.01, "0 s"),
        (0.44, "0.4 s"),
        (0.97, "1 s"),
        (3.3, "3 s"),
        (4.0, "4 s"),
        (12, "12 s"),
        (41 * 60 + 3, "41 m"),
        (3_900, "1 h 05 m"),
        (100_000, "1 d 3 h"),
    ],
)
def test_duration(seconds: float | None, words: str) -> None:
    assert fmt.duration(seconds) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (-30, "now"),
        (0.5, "now"),
        (12, "12 s ago"),
        (2_460, "41 m ago"),
        (2 * DAY + 5, "2 d ago"),
        (400 * DAY, "1 y ago"),
    ],
)
def test_age(ago: float, words: str) -> None:
    assert fmt.age(NOW - ago, NOW) == words


@pytest.mark.parametrize(
    ("then", "words"),
    [
        (NOW, "14:02"),
        (NOW - DAY, "yesterday 14:02"),
        (NOW + DAY, "tomorrow 14:02"),
        (NOW - 3 * DAY, "Mon 14:02"),
        (NOW - 20 * DAY, "13 Feb 14:02"),
        (NOW - 400 * DAY, "29 Jan 2025"),
        (None, "–"),
        (1e30, "–"),
        (float("nan"), "–"),
    ],
)
def test_when(then: float | None, words: str) -> None:
    assert fmt.when(then, NOW, UTC) == words


def test_absolute_is_in_the_given_zone() -> None:
    assert fmt.absolute(NOW, timezone(timedelta(hours=2))) == "2026-03-05 16:02:11"
    assert fmt.absolute(None) == "–"


@pytest.mark.parametrize(("left", "words"), [(-3, "0:00"), (22, "0:22"), (845, "14:05"), (3_600, "1:00:00")])
def test_countdown(left: float, words: str) -> None:
    assert fmt.countdown(NOW + left, NOW) == words


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (None, "–"),
        (0, "$0.00"),
        (0.41, "$0.41"),
        (0.0031, "$0.0031"),
        (0.00996, "$0.01"),
        (0.0099, "$0.0099"),
        (1e-7, "<$0.0001"),
        (1_204.4, "$1,204"),
        (-2, "-$2.00"),
    ],
)
def test_money(usd: float | None, words: str) -> None:
    assert fmt.money(usd) == words


def test_a_part_of_an_amount_looks_like_less() -> None:
    assert fmt.money_part(1.2, 4.8) == ("$1.20", "$4.80")
    assert fmt.money_part(0.0571, 0.0602) == ("$0.0571", "$0.0602")
    assert fmt.money_part(0.06, 0.06) == ("$0.06", "$0.06")


@given(st.floats(allow_nan=True) | st.none(), st.integers(0, 60))
def test_a_bar_has_the_given_width_and_is_full_only_when_whole(fraction: float | None, width: int) -> None:
    drawn = fmt.bar(fraction, width)
    assert len(drawn) == width
    if fraction is not None and fraction < 0.999999:
        assert width == 0 or drawn != "━" * width
    if fraction is not None and fraction >= 1:
        assert drawn == "━" * width


@pytest.mark.parametrize(
    ("fraction", "words"), [(None, "–"), (0, "0 %"), (0.64, "64 %"), (0.999, "99 %"), (1, "100 %"), (7, "100 %")]
)
def test_only_a_whole_is_a_hundred_percent(fraction: float | None, words: str) -> None:
    assert fmt.percent(fraction) == words


def test_the_other_formats() -> None:
    assert fmt.bar(0.64, 12) == "━━━━━━━╸────"
    assert fmt.count(12_000) == "12,000"
    assert fmt.plural(1, "request") == "1 request"
    assert fmt.plural(12_000, "request") == "12,000 requests"
    assert fmt.plural(2, "reply", "replies") == "2 replies"
    assert fmt.rate(3_100_000) == "3.1 MB/s"
    assert fmt.short_model("meta-llama/Llama-3.3-70B-Instruct-Turbo") == "Llama-3.3-70B-Turbo"
    assert fmt.short_model("openai/whisper-large-v3") == "whisper-large-v3"
    assert fmt.short_model("///") == "///"
    assert fmt.short_model(None) == "–"
    assert fmt.sparkline([0, 1, 2, 4], 3) == "▂▄▇"
    assert fmt.join("a", "", "b") == "a · b"
