"""The gate: what comes out is harmless, plain and exactly as wide as asked."""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from tbatch_tui.tui import sanitize
from tbatch_tui.tui.sanitize import MAX_MARKS, cell, fit, fit_styled, line, line_content, lines, lines_content
from tests.helpers.drawn import is_harmless
from tests.helpers.hostile_text import NASTY

if TYPE_CHECKING:
    from collections.abc import Callable

ANY = st.text(st.characters(), max_size=60) | st.sampled_from(NASTY)


@given(ANY)
def test_a_line_is_harmless_and_one_line(s: str) -> None:
    clean = line(s)
    assert is_harmless(clean)
    assert "\n" not in clean and "\t" not in clean
    assert line(clean) == clean
    clean.encode()


@pytest.mark.parametrize("gate", [line, lines])
def test_no_character_of_unicode_passes_as_a_control(gate: Callable[[object], str]) -> None:
    """Alone, for the gate may let pass what it does not look for, and among others, for its quick look may miss one."""
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            assert is_harmless(gate(f"a{chr(code)}b").replace("\n", "")), hex(code)
    for start in range(0, sys.maxunicode + 1, 0x1000):
        assert is_harmless(gate("".join(map(chr, range(start, start + 0x1000)))).replace("\n", "")), hex(start)


VISIBLE_SIGNS = {*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD}
"""Signs around Arabic and Kaithi numbers: Unicode counts them as formatting, but they are seen."""
DROPPED = {0xAD, 0x034F, 0x200C, 0x200D, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
SKIN_TONES = {*range(0x1F3FB, 0x1F400)}


@pytest.mark.parametrize("gate", [line, lines])
def test_no_other_character_of_unicode_is_changed(gate: Callable[[object], str]) -> None:
    """Letters, marks, signs and private symbols (icon fonts) of every script stay what they are."""
    controls = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
    for start in range(0, sys.maxunicode + 1, 0x100):
        harmless = [
            chr(code)
            for code in range(start, start + 0x100)
            if (unicodedata.category(chr(code)) not in controls or code in VISIBLE_SIGNS)
            and code not in DROPPED | SKIN_TONES
        ]
        text = "a".join(["", *harmless, ""])
        assert gate(text) == text, hex(start)


@pytest.mark.parametrize("gate", [line, lines])
def test_what_is_no_character_is_shown_as_unknown(gate: Callable[[object], str]) -> None:
    for code in (0xD800, 0xDFFF, 0xFFFE, 0xFFFF, *range(0xE0000, 0xE0080)):
        assert gate(f"a{chr(code)}b") == "a\N{REPLACEMENT CHARACTER}b", hex(code)


def test_plain_text_is_known_without_looking_for_each_control(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patterns for these take milliseconds to compile, which the first frame does not have."""
    looked: list[str] = []

    def look(name: str) -> re.Pattern[str]:
        looked.append(name)
        return re.compile("x")

    monkeypatch.setattr(sanitize, "_suspects", lambda: look("suspects"))
    monkeypatch.setattr(sanitize, "_marks", lambda _: look("marks"))
    for text in ("Asking for the list …\n\tÜbersetzung · 12 – 14 ▌ ✓ → ⏎", "No jobs yet"):
        assert lines(text) == text.expandtabs(4)
        assert line(text.replace("\n\t", " ")) == text.replace("\n\t", " ")
    assert looked == []
    lines("e\u0301")
    assert looked == ["suspects", "marks"]


def test_what_is_no_text_is_shown_as_python_writes_it() -> None:
    assert (line(12), lines(None), fit(1.5, 5)) == ("12", "None", "1.5  ")


@given(ANY)
def test_many_lines_keep_their_newlines_and_nothing_worse(s: str) -> None:
    clean = lines(s)
    assert all(is_harmless(part) for part in clean.split("\n"))
    assert "\t" not in clean


@given(ANY, st.integers(0, 40), st.sampled_from(["left", "right", "center"]), st.sampled_from(["start", "end"]))
def test_fit_is_always_exactly_as_wide_as_asked(s: str, width: int, align: str, keep: str) -> None:
    clean = fit(s, width, align=align, keep=keep)  # type: ignore[arg-type]
    assert cell_len(clean) == width
    assert is_harmless(clean)


@given(st.lists(ANY, max_size=5), st.integers(0, 40), st.sampled_from(["left", "right", "center"]))
def test_styled_text_fits_too(texts: list[str], width: int, align: str) -> None:
    clean = fit_styled([(text, "bold") for text in texts], width, align=align, fill="")  # type: ignore[arg-type]
    assert sum(cell_len(text) for text, _ in clean) == width


@pytest.mark.parametrize("gate", [line, lines])
@pytest.mark.parametrize(
    "code",
    [
        *range(0x20),
        *range(0x7F, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x206A),
        *(0xD800, 0x1D173, 0x1BCA0, 0x13430, 0xE0001, 0xE0041, 0xE007F),
    ],
)
def test_no_control_comes_out(code: int, gate: Callable[[object], str]) -> None:
    clean = gate(f"a{chr(code)}b")
    assert chr(code) not in clean or (gate is lines and code == 0x0A)
    assert clean.startswith("a") and clean.endswith("b")
    between = clean[1:-1].replace("\n", " ")
    assert all(unicodedata.category(c)[0] in "SZ" for c in between or " ")


def test_controls_are_shown_not_hidden() -> None:
    assert line("\x1b]52;c;eA==\x07") == "␛]52;c;eA==␇"
    assert line("user\u202egnp") == "user�gnp"
    assert line("one\r\ntwo\tthree") == "one⏎two three"
    assert lines("one\r\ntwo\tthree") == "one\ntwo three"


def test_two_ids_that_look_alike_are_shown_apart() -> None:
    for hidden in "\u200b\u2060\u2063\ufeff\u180e\U000e0041":
        for gate in line, lines:
            assert gate(f"case-1{hidden}") != gate("case-1"), hex(ord(hidden))


def test_marks_cannot_climb_out_of_their_cell() -> None:
    assert line("e" + "\u0301" * 100 + "x") == "e" + "\u0301" * MAX_MARKS + "x"
    assert line("\u0301x") == "\N{DOTTED CIRCLE}\u0301x"
    assert lines("a\n\u0301x") == "a\n\N{DOTTED CIRCLE}\u0301x"


def test_a_cut_is_marked_and_wide_letters_are_not_halved() -> None:
    assert fit("reviews-march", 8) == "reviews…"
    assert fit("/data/evals/reviews.jsonl", 14, keep="end") == "…reviews.jsonl"
    assert fit("日本語", 4) == "日… "
    assert fit("日本語", 5) == "日本…"
    assert fit("日本語", 6) == "日本語"
    assert fit("日本語", 5, keep="end") == "…本語"
    assert fit("12", 5, align="right") == "   12"
    assert fit("anything", 0) == ""
    assert fit("\u200d" * 10_000 + "hidden", 5).strip() == "…"


def test_a_cut_in_the_middle_keeps_both_ends() -> None:
    name = "reviews-march-2026.jsonl"
    assert fit(name, 12, keep="middle") == "review…jsonl"
    assert fit(name, 12, keep="middle", tail=8) == "rev…26.jsonl"
    assert fit(name, 12, keep="middle", tail=50) == "r…2026.jsonl"
    assert fit(name, 2, keep="middle") == "r…"
    assert fit("日本語日本語", 8, keep="middle") == "日本…語 "
    assert fit("日本語日本語", 8, keep="middle", align="right") == " 日本…語"
    assert fit("a" * 5_000 + "b" * 5_000, 9, keep="middle") == "aaaa…bbbb"


def test_styled_text_is_cut_where_a_part_ends_or_within_it() -> None:
    assert fit_styled([("ab", "x"), ("cdefg", "y")], 5, fill="f") == [("ab", "x"), ("cd…", "y")]
    assert fit_styled([("ab", "x"), ("cd", "y"), ("ef", "z")], 5, fill="f") == [("ab", "x"), ("cd", "y"), ("…", "z")]
    assert fit_styled([("a\n", "x"), ("\x1b", "y")], 5, fill="f") == [("a⏎", "x"), ("␛", "y"), ("  ", "f")]
    assert fit_styled([("ab", "x")], 5, align="right", fill="f") == [("   ", "f"), ("ab", "x")]
    assert fit_styled([("ab", "x")], 5, align="center", fill="f") == [(" ", "f"), ("ab", "x"), ("  ", "f")]
    marked = ("e" + "\u0301" * MAX_MARKS) * 80
    assert fit_styled([(marked, "x")], 80, fill="f") == [(marked, "x")]
    assert fit(marked, 80) == marked


def test_markup_is_text() -> None:
    assert lines_content("[/bad] [bold]x").plain == "[/bad] [bold]x"
    assert line_content("[@click=app.quit]x", "bold").plain == "[@click=app.quit]x"
    assert cell("[/bad]\n", 8).plain == "[/bad]⏎ "
    assert cell("[/bad]\n").plain == "[/bad]⏎"
    for content, plain in (lines_content("a\nb"), "a\nb"), (line_content("a\nb"), "a⏎b"):
        assert content == Content(plain) and not content.spans


def test_a_megabyte_in_a_cell_costs_nothing() -> None:
    huge = "日本語 text é\n" * 100_000
    fit(huge, 20)
    started = time.process_time()
    for _ in range(100):
        fit(huge, 20)
    assert time.process_time() - started < 1.0
