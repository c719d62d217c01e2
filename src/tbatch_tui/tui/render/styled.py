"""Pieces of styled text, joined."""

from __future__ import annotations

from textual.content import Content

StyledText = list[tuple[str, str]]
"""Text and its style, `"bold $accent-text"` or empty; the text passes the gate when it is drawn."""


def one_per_line(facts: StyledText) -> StyledText:
    """` · one · two` as a line each."""
    return [
        (text.removeprefix(" · ") + ("\n" if n < len(facts) - 1 else ""), style)
        for n, (text, style) in enumerate(facts)
    ]


def styled_content(pieces: StyledText) -> Content:
    """Text with a style each as one Content. The text has passed the gate where the pieces were made."""
    return Content.assemble(*((text, style) if style else text for text, style in pieces))


def format_marked(marked: int, hidden: int) -> StyledText:
    """`3 marked, 1 of them hidden`."""
    if not marked:
        return []
    words = f"{marked:,} marked" + (f", {hidden:,} hidden" if hidden else "")
    return [(words, "bold $accent-text")]
