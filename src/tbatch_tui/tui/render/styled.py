"""Styled text, and how parts of it are joined."""

from __future__ import annotations

from textual.content import Content

StyledText = list[tuple[str, str]]
"""Parts of a text, each with its style: `"bold $accent-text"`, or empty for none."""


def one_per_line(text: StyledText) -> StyledText:
    """Put each part of ` · one · two` on a line of its own."""
    return [
        (part.removeprefix(" · ") + ("\n" if n < len(text) - 1 else ""), style) for n, (part, style) in enumerate(text)
    ]


def styled_content(text: StyledText) -> Content:
    """Return styled text as Content. The text must be sanitized already."""
    return Content.assemble(*((part, style) if style else part for part, style in text))


def format_marked(marked: int, hidden: int) -> StyledText:
    """Return `3 marked, 1 hidden`; nothing if none is marked."""
    if not marked:
        return []
    text = f"{marked:,} marked" + (f", {hidden:,} hidden" if hidden else "")
    return [(text, "bold $accent-text")]
