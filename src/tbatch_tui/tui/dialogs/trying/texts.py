"""A request, its answer, and how that differs from the batch's, as styled text. Pure functions, safe for the screen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.answers.word_diff import word_diff
from tbatch_tui.engine.domain.tried import LOST
from tbatch_tui.engine.lenient_json import as_id
from tbatch_tui.engine.live.wording import format_verdict
from tbatch_tui.engine.results.conversation import PartKind, parse_message
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, FAILED, OK, QUIET
from tbatch_tui.tui.sanitize import line, lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tbatch_tui.engine.answers.word_diff import DiffPiece
    from tbatch_tui.engine.domain.tried import TriedRequest
    from tbatch_tui.tui.render.styled import StyledText

LONGEST = 20_000
"""Characters of a text that are shown."""
_ROLE = "bold $accent-text"
_GLYPHS = {"ok": ("✓", OK), "cut short": ("✂", ATTENTION), "invalid": ("≠", ATTENTION)}
_DIFFERS = "bold underline"


def request_text(body: Mapping[str, Any]) -> StyledText:
    """Return a request as a conversation, with its parameters below."""
    text: StyledText = []
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        parsed = parse_message(message, "message")
        text.append((f"{line(parsed.role)}\n", _ROLE))
        for part in parsed.parts:
            if part.kind in (PartKind.TEXT, PartKind.JSON):
                text.append((f"{_shown(part.text)}\n", ""))
            else:
                size = f", {fmt.size(part.size)}" if part.size is not None else ""
                text.append((f"[{part.kind.value}: {line(part.text)[:200]}{size}]\n", QUIET))
    for name in ("file", "prompt"):
        if name in body and not messages:
            text += [(f"{name}\n", _ROLE), (f"{_shown(str(body[name]))}\n", "")]
    rest = [f"{key} {_one_line(value)}" for key, value in body.items() if key not in ("messages", "file", "prompt")]
    return [*text, (line(fmt.join(*rest)), QUIET)]


def answer_text(tried: TriedRequest, note: str = "") -> StyledText:
    """Return the verdict, why it is that, and the answer.

    Args:
        tried: What became of a request.
        note: When it was asked, of an earlier try.
    """
    text = verdict_text(tried)
    if note:
        text.append((f"\n{note}", QUIET))
    if tried.reason and tried.reason != tried.answer:
        text.append((f"\n{_shown(tried.reason)}", ATTENTION if tried.outcome != LOST else FAILED))
    if tried.answer:
        text.append((f"\n\n{_shown(tried.answer)}", FAILED if tried.outcome == "error" else ""))
    return text


def verdict_text(tried: TriedRequest) -> StyledText:
    """Return `✓ ok · 412 in, 38 out · 1.2 s · $0.0002`."""
    glyph, colour = _GLYPHS.get(tried.outcome, ("✗" if tried.outcome != LOST else "?", FAILED))
    return [(f"{glyph} {format_verdict(tried)}", f"bold {colour}")]


def differences(before: str, now: str) -> tuple[StyledText, StyledText]:
    """Return both texts with the words marked that only one of them has. For a thread."""
    first, second = word_diff(before[:LONGEST], now[:LONGEST])
    return _pieces(first), _pieces(second)


def _pieces(pieces: Sequence[DiffPiece]) -> StyledText:
    return [(lines(piece.text), "" if piece.is_same else _DIFFERS) for piece in pieces]


def _shown(text: str) -> str:
    more = f"… ({len(text):,} characters)" if len(text) > LONGEST else ""
    return f"{lines(text[:LONGEST])}{more}"


def _one_line(value: object) -> str:
    text = as_id(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    return (text if text is not None else json.dumps(value, ensure_ascii=False))[:300]


def summary_pieces(parts: Sequence[str]) -> StyledText:
    """Return the parts of a summary, without those that are empty; the last one stands out."""
    found = [part for part in parts if part]
    text: StyledText = []
    for number, part in enumerate(found):
        text += [(" · ", QUIET)] if number else []
        text.append((part, "bold" if number else ""))
    return text
