"""THE gate for foreign text: whatever a file, a model or a server said passes here before it is drawn.

Three things are taken from it. Control sequences: no character that a terminal could obey, reorder by or
hide comes out. Markup: what is returned is plain, or a `Content` that never parses brackets. Width: what is
left is as wide as it is measured, so that a cell stays a cell.

Nothing is hidden silently where it could mislead: a control character becomes its picture (`␛`), an
override or a lone surrogate becomes `�`. Only what shapes its neighbour and would make terminals disagree
about widths (joiners, variation selectors, skin tones) is dropped.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeVar

from rich.cells import cell_len, get_character_cell_size
from rich.text import Text
from textual.content import Content

from tbatch_tui.tui.textual_private import zero_width_ranges

if TYPE_CHECKING:
    from collections.abc import Iterable

Align = Literal["left", "right", "center"]
StyleT = TypeVar("StyleT")

MARKS_KEPT = 3
"""Combining marks kept on one letter: enough for every script, too few to climb into the line above."""
TAB = 4
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
NEWLINE = "\N{RETURN SYMBOL}"
ELLIPSIS = "…"
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class _Table(dict[int, str | int | None]):
    """A `str.translate` table that learns the harmless characters it meets: a miss costs ten times a hit."""

    LEARNT = 20_000

    def __missing__(self, code: int) -> int:
        if len(self) < self.LEARNT:
            self[code] = code
        return code


def _table(*, one_line: bool) -> _Table:
    """What each dangerous character is drawn as; None drops it."""
    table = _Table({code: chr(0x2400 + code) for code in range(0x20)})
    table[0x7F] = "\N{SYMBOL FOR DELETE}"
    replaced = [
        *range(0x80, 0xA0),  # C1: one-byte escape sequences
        0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x2070),  # bidi marks, overrides, isolates
        0x200B, 0x2060, *range(0x2061, 0x2066), 0xFEFF, 0x180E,  # zero width: two ids that look the same
        *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080),  # annotations and tags: text nobody sees
        *range(0x1D173, 0x1D17B), *range(0x1BCA0, 0x1BCA4), *range(0x13430, 0x13440),  # other formatting controls
        *range(0xD800, 0xE000),  # lone surrogates: they cannot be encoded for the terminal
        0xFFFE, 0xFFFF,
    ]  # fmt: skip
    table.update(dict.fromkeys(replaced, UNKNOWN))
    dropped = [
        0xAD, 0x034F, 0x200C, 0x200D, *range(0x180B, 0x180E), 0x180F,  # soft hyphen, joiners
        *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x1F3FB, 0x1F400),  # variation selectors, skin tones
    ]  # fmt: skip
    table.update(dict.fromkeys(dropped, None))
    if one_line:
        table.update({0x0A: NEWLINE, 0x09: " ", 0x2028: NEWLINE, 0x2029: NEWLINE})
    else:
        table.update({0x0A: "\n", 0x09: "\t", 0x2028: "\n", 0x2029: "\n"})
    return table


_ONE_LINE = _table(one_line=True)
_MANY_LINES = _table(one_line=False)


@cache
def _suspects() -> re.Pattern[str]:
    """What `lines` would change below U+10000. Looking costs a tenth of translating, and mostly finds nothing."""
    codes = [code for code, drawn in _table(one_line=False).items() if code < 0x10000 and drawn not in ("\n", "\t")]
    return re.compile(f"[{re.escape(''.join(map(chr, codes)))}\u2028\u2029]")


@cache
def _marks(astral: bool) -> re.Pattern[str]:
    """Runs of zero-width characters. Made at first need: a launch with plain names never pays for it.

    Two patterns, because `re` looks a class up in a bitmap only below U+10000, and walks it above.
    """
    ranges = "".join(
        f"{re.escape(chr(first))}-{re.escape(chr(last))}"
        for first, last in zero_width_ranges()
        if first > 0x20 and (first > 0xFFFF) is astral
    )
    return re.compile(f"[{ranges}]+")


def _bounded(text: str) -> str:
    """The text with no more marks on a letter than it bears."""
    if text.isascii():
        return text
    text = _marks(False).sub(_tame, text)
    return _marks(True).sub(_tame, text) if _ASTRAL.search(text) else text


def _tame(match: re.Match[str]) -> str:
    """A run of marks, no longer than a letter bears; at a line's start it gets a circle to stand on."""
    start = match.start()
    bare = start == 0 or match.string[start - 1] == "\n"
    return ("\N{DOTTED CIRCLE}" if bare else "") + match[0][:MARKS_KEPT]


def line(s: object) -> str:
    """One harmless line: newlines as `⏎`, tabs as spaces, controls as pictures, overrides as `�`."""
    text = s if isinstance(s, str) else str(s)
    if text.isascii():
        return text if text.isprintable() else text.replace("\r\n", "\n").translate(_ONE_LINE)
    return _bounded(text.replace("\r\n", "\n").translate(_ONE_LINE))


def lines(s: object) -> str:
    """As `line`, with newlines kept and tabs expanded."""
    text = s if isinstance(s, str) else str(s)
    if _suspects().search(text) or _ASTRAL.search(text):
        text = text.replace("\r\n", "\n").translate(_MANY_LINES)
    return _bounded(text.expandtabs(TAB))


def shown(s: object, style: str = "") -> Content:
    """Foreign text for a `Static`, a tooltip, a notice: many lines, never markup."""
    return Content.styled(lines(s), style, strip_control_codes=False)


def one_line(s: object, style: str = "") -> Content:
    """As `shown`, on one line: for labels, titles and headers."""
    return Content.styled(line(s), style, strip_control_codes=False)


def cell(s: object, width: int | None = None, style: str = "", *, align: Align = "left") -> Text:
    """Foreign text for what still wants a rich `Text`; cut and filled to `width` if one is given."""
    plain = line(s) if width is None else fit(s, width, align=align)
    return Text(plain, style, no_wrap=True, end="")


def fit(
    s: object,
    width: int,
    *,
    ellipsis: str = ELLIPSIS,
    align: Align = "left",
    keep: Literal["start", "end"] = "start",
) -> str:
    """Exactly `width` cells of `s`: filled with spaces, or cut with an ellipsis.

    `keep="end"` cuts at the front, for paths. Long input is cut before it is looked at, so that a
    token of a megabyte costs no more than a word.
    """
    if width <= 0:
        return ""
    text = s if isinstance(s, str) else str(s)
    reach = width * (MARKS_KEPT + 1) + 64
    if long := len(text) > reach:
        text = text[:reach] if keep == "start" else text[-reach:]
    text = line(text)
    cells = len(text) if text.isascii() else cell_len(text)
    if not long and cells <= width:
        return _filled(text, width - cells, align)
    ellipsis = ellipsis if cell_len(ellipsis) < width else ELLIPSIS[:width]
    room = width - cell_len(ellipsis)
    text = _head(text, room) if keep == "start" else _tail(text, room)
    spare = room - cell_len(text)
    return _filled(text + ellipsis if keep == "start" else ellipsis + text, spare, align)


def fit_pieces(
    pieces: Iterable[tuple[str, StyleT]], width: int, *, align: Align = "left", fill: StyleT
) -> list[tuple[str, StyleT]]:
    """As `fit`, for pieces with a style each: exactly `width` cells of them, filled with spaces of the style `fill`."""
    if width <= 0:
        return []
    reach = width * (MARKS_KEPT + 1) + 64
    drawn: list[tuple[str, StyleT]] = []
    left = width
    for text, style in pieces:
        clean = line(text[:reach])
        drawn.append((clean, style))
        left -= cell_len(clean)
        if left < 0 or len(text) > reach:
            drawn = _shortened(drawn, width - 1)
            left = width - sum(cell_len(text) for text, _ in drawn)
            break
    before = {"left": 0, "right": left, "center": left // 2}[align]
    padded = [(" " * before, fill), *drawn, (" " * (left - before), fill)]
    return [piece for piece in padded if piece[0]]


def _shortened(pieces: list[tuple[str, StyleT]], room: int) -> list[tuple[str, StyleT]]:
    """The start of the pieces that fits into `room` cells, and an ellipsis after it."""
    short: list[tuple[str, StyleT]] = []
    for text, style in pieces:
        if (cells := cell_len(text)) > room:
            return [*short, (_head(text, room) + ELLIPSIS, style)]
        short.append((text, style))
        room -= cells
    return [*short, (ELLIPSIS, pieces[-1][1])]


def _filled(text: str, spare: int, align: Align) -> str:
    if align == "left":
        return text + " " * spare
    if align == "right":
        return " " * spare + text
    return " " * (spare // 2) + text + " " * (spare - spare // 2)


def _head(text: str, room: int) -> str:
    """As much of the start as fits into `room` cells; a wide character is never halved."""
    if text.isascii():
        return text[:room]
    for index, character in enumerate(text):
        room -= get_character_cell_size(character)
        if room < 0:
            return text[:index]
    return text


def _tail(text: str, room: int) -> str:
    """As much of the end as fits; marks never lose the letter that bears them."""
    if text.isascii():
        return text[-room:] if room else ""
    start = len(text)
    for index in range(len(text) - 1, -1, -1):
        size = get_character_cell_size(text[index])
        if size > room:
            break
        room -= size
        if size:
            start = index
    return text[start:]
