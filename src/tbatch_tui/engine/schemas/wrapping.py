"""What models put around an answer, and what is left without it: reasoning before it, a Markdown fence around it."""

from __future__ import annotations

import re

_OPEN, _CLOSE = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE), re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_CLOSE_ALONE = re.compile(r"^</think(?:ing)?>[ \t]*$", re.IGNORECASE | re.MULTILINE)
"""Some servers leave out the opening tag, because it is the end of the prompt."""
_FENCE = "```"
JUDGED_FORMATS = ("json_object", "json_schema", "regex")
"""Types of a `response_format` that answers are judged by."""


def split_reasoning(text: str, *, within_lines: bool = False) -> tuple[str, str]:
    """Return an answer without its `<think>` block, and what is in the block.

    The block is at the beginning. One that is not closed is all there is; one that is not opened ends in a line of its
    own.

    Args:
        within_lines: Whether a block that is not opened may end within a line too, as in an answer that is no prose.
    """
    if "<" not in text:
        return text, ""
    opened = _OPEN.match(text)
    if opened is None:
        closed = (_CLOSE if within_lines else _CLOSE_ALONE).search(text) if "</" in text else None
        if closed is None or "<think" in text[: closed.start()].lower():
            return text, ""
        return text[closed.end() :].lstrip(), text[: closed.start()].strip()
    closed = _CLOSE.search(text, opened.end())
    if closed is None:
        return "", text[opened.end() :].strip()
    return text[closed.end() :].lstrip(), text[opened.end() : closed.start()].strip()


def strip_fence(text: str) -> str:
    """Return what is in a Markdown fence; a text that is not all in one as it is."""
    bare = text.strip()
    if bare.startswith(_FENCE) and bare.endswith(_FENCE) and "\n" in bare and len(bare) > 2 * len(_FENCE):
        return bare[bare.index("\n") + 1 : -len(_FENCE)].strip()
    return text


def strip_wrapping(text: str) -> tuple[str, tuple[str, ...]]:
    """Return an answer without the reasoning before it and the Markdown fence around it, and what was taken off.

    Reasoning ends with `</think>`, whether it was opened or not. If it is opened and never ends, nothing is left.
    """
    removed: tuple[str, ...] = ()
    bare = text.strip()
    if "<" in bare:
        rest, _ = split_reasoning(bare, within_lines=True)
        if rest != bare:
            bare, removed = rest, ("reasoning",)
    if bare.startswith(_FENCE) and (inside := strip_fence(bare)) != bare:
        bare, removed = inside, (*removed, "fence")
    return bare, removed
