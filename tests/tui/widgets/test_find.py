"""Hits in wrapped text: nothing is lost or changed by marking them, and a line break hides none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.reader.find import find_spans, highlight_spans, query_pattern
from tbatch_tui.tui.widgets.reader.wrap import fold


@given(st.text(max_size=80).map(line), st.text(alphabet="ab ", max_size=6))
def test_marking_changes_no_text(text: str, sought: str) -> None:
    pattern = query_pattern(sought)
    hits = find_spans(pattern, "ab", text, "ba") if pattern is not None else []
    assert "".join(piece for piece, _ in highlight_spans(text, "bold", hits, "reverse")) == text


@given(st.lists(st.sampled_from(["needle", "in", "the", "hay"]), min_size=1, max_size=30), st.integers(3, 20))
def test_a_line_break_hides_no_hit(words: list[str], width: int) -> None:
    folded = ["", *fold(" ".join(words), width), ""]
    pattern = query_pattern("NEEDLE")
    assert pattern is not None
    marked = "".join(
        text[first:last]
        for before, text, after in zip(folded, folded[1:], folded[2:], strict=False)
        for first, last in find_spans(pattern, before, text, after)
    )
    assert (width < 6 or marked == "needle" * words.count("needle")) and ("needle" in words) is bool(marked)
