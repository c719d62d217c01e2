"""THE gate for foreign text: whatever comes from a file, a model or a server passes here before it is painted.

It takes care of three things. Control sequences: no character comes out that a terminal could obey, reorder text by or
hide. Markup: the result is plain text, or a `Content` that never parses brackets. Width: text is as wide as it is
measured, so that a cell stays a cell.

Nothing that could mislead is hidden silently: a control character becomes its picture (`␛`), an override or a lone
surrogate becomes `�`. Only what shapes its neighbour, and would make terminals disagree about widths, is dropped:
joiners, variation selectors, skin tones.
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
Keep = Literal["start", "end", "middle"]
"""What is kept of a text that is too long: its start, its end, or both ends and not its middle."""
StyleT = TypeVar("StyleT")

MAX_MARKS = 3
"""Combining marks left on one letter: enough for every script, too few to climb into the line above."""
TAB = 4
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
NEWLINE = "\N{RETURN SYMBOL}"
ELLIPSIS = "…"
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_PLAIN = re.compile("[\t\n -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u2030-\u205f\u2190-\u27bf]*")
"""Text with nothing to replace and no marks: Latin letters, punctuation and signs, as our own texts are. So the launch
does without `_suspects` and `_marks`, which take some milliseconds to compile."""


class _Table(dict[int, str | int | None]):
    """A `str.translate` table that adds the harmless characters it meets: a miss costs ten times a hit."""

    MAX_SIZE = 20_000

    def __missing__(self, code: int) -> int:
        if len(self) < self.MAX_SIZE:
            self[code] = code
        return code


def _table(*, one_line: bool) -> _Table:
    """Return what replaces each dangerous character; None drops it."""
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
    """Return a pattern for what `lines` would change below U+10000.

    Searching costs a tenth of translating, and mostly finds nothing.
    """
    codes = [code for code, to in _table(one_line=False).items() if code < 0x10000 and to not in ("\n", "\t")]
    return re.compile(f"[{re.escape(''.join(map(chr, codes)))}\u2028\u2029]")


@cache
def _marks(astral: bool) -> re.Pattern[str]:
    """Return a pattern for runs of zero-width characters, below U+10000 or above it.

    There are two, because `re` looks a class up in a bitmap only below U+10000. Each is compiled at first need: a
    launch with plain names never pays for it.
    """
    ranges = "".join(
        f"{re.escape(chr(first))}-{re.escape(chr(last))}"
        for first, last in zero_width_ranges()
        if first > 0x20 and (first > 0xFFFF) is astral
    )
    return re.compile(f"[{ranges}]+")


def _limit_marks(text: str) -> str:
    """Return the text with at most `MAX_MARKS` marks on a letter."""
    if text.isascii() or _PLAIN.fullmatch(text):
        return text
    text = _marks(False).sub(_shorten_run, text)
    return _marks(True).sub(_shorten_run, text) if _ASTRAL.search(text) else text


def _shorten_run(match: re.Match[str]) -> str:
    """Cut a run of marks; at the start of a line, put a circle below it."""
    start = match.start()
    is_bare = start == 0 or match.string[start - 1] == "\n"
    return ("\N{DOTTED CIRCLE}" if is_bare else "") + match[0][:MAX_MARKS]


def line(s: object) -> str:
    """Return one harmless line: newlines as `⏎`, tabs as spaces, controls as pictures, overrides as `�`."""
    text = s if isinstance(s, str) else str(s)
    if text.isascii():
        return text if text.isprintable() else text.replace("\r\n", "\n").translate(_ONE_LINE)
    return _limit_marks(text.replace("\r\n", "\n").translate(_ONE_LINE))


def lines(s: object) -> str:
    """Return harmless text like `line`, but with its newlines, and with tabs expanded."""
    text = s if isinstance(s, str) else str(s)
    if _PLAIN.fullmatch(text):
        return text.expandtabs(TAB)
    if _suspects().search(text) or _ASTRAL.search(text):
        text = text.replace("\r\n", "\n").translate(_MANY_LINES)
    return _limit_marks(text.expandtabs(TAB))


def lines_content(s: object, style: str = "") -> Content:
    """Return foreign text for a `Static`, a tooltip or a toast: many lines, never markup."""
    return Content.styled(lines(s), style, strip_control_codes=False)


def line_content(s: object, style: str = "") -> Content:
    """Return foreign text on one line, never markup: for labels, titles and headers."""
    return Content.styled(line(s), style, strip_control_codes=False)


def cell(s: object, width: int | None = None, style: str = "", *, align: Align = "left") -> Text:
    """Return foreign text for what needs a rich `Text`, cut and filled to `width` if one is given."""
    plain = line(s) if width is None else fit(s, width, align=align)
    return Text(plain, style, no_wrap=True, end="")


def fit(
    s: object,
    width: int,
    *,
    ellipsis: str = ELLIPSIS,
    align: Align = "left",
    keep: Keep = "start",
    tail: int = 0,
) -> str:
    """Return exactly `width` cells of `s`: filled with spaces, or cut with an ellipsis.

    Long input is cut before anything else, so that a token of a megabyte costs no more than a word.

    Args:
        keep: What stays: `end` cuts at the front, for paths; `middle` cuts there, for names that differ at their end.
        tail: Of `middle`, the least cells of the end that stay.
    """
    if width <= 0:
        return ""
    text = s if isinstance(s, str) else str(s)
    reach = width * (MAX_MARKS + 1) + 64
    if long := len(text) > reach:
        text = text[:reach] if keep == "start" else text[-reach:] if keep == "end" else text[:reach] + text[-reach:]
    text = line(text)
    cells = len(text) if text.isascii() else cell_len(text)
    if not long and cells <= width:
        return _filled(text, width - cells, align)
    ellipsis = ellipsis if cell_len(ellipsis) < width else ELLIPSIS[:width]
    room = width - cell_len(ellipsis)
    if keep == "middle":
        at_end = min(max(0, room - 1), max(tail, room // 2))
        text = _head(text, room - at_end) + ellipsis + _tail(text, at_end)
        return _filled(text, width - cell_len(text), align)
    text = _head(text, room) if keep == "start" else _tail(text, room)
    spare = room - cell_len(text)
    return _filled(text + ellipsis if keep == "start" else ellipsis + text, spare, align)


def fit_styled(
    parts: Iterable[tuple[str, StyleT]], width: int, *, align: Align = "left", fill: StyleT
) -> list[tuple[str, StyleT]]:
    """Return exactly `width` cells of styled text, filled with spaces of the style `fill`, or cut with an ellipsis."""
    if width <= 0:
        return []
    reach = width * (MAX_MARKS + 1) + 64
    clean_parts: list[tuple[str, StyleT]] = []
    left = width
    for text, style in parts:
        clean = line(text[:reach])
        clean_parts.append((clean, style))
        left -= cell_len(clean)
        if left < 0 or len(text) > reach:
            clean_parts = _shortened(clean_parts, width - 1)
            left = width - sum(cell_len(text) for text, _ in clean_parts)
            break
    before = {"left": 0, "right": left, "center": left // 2}[align]
    padded = [(" " * before, fill), *clean_parts, (" " * (left - before), fill)]
    return [part for part in padded if part[0]]


def _shortened(parts: list[tuple[str, StyleT]], room: int) -> list[tuple[str, StyleT]]:
    """Return the start of the text that fits into `room` cells, and an ellipsis after it."""
    short: list[tuple[str, StyleT]] = []
    for text, style in parts:
        if (cells := cell_len(text)) > room:
            return [*short, (_head(text, room) + ELLIPSIS, style)]
        short.append((text, style))
        room -= cells
    return [*short, (ELLIPSIS, parts[-1][1])]


def _filled(text: str, spare: int, align: Align) -> str:
    if align == "left":
        return text + " " * spare
    if align == "right":
        return " " * spare + text
    return " " * (spare // 2) + text + " " * (spare - spare // 2)


def _head(text: str, room: int) -> str:
    """Return as much of the start as fits into `room` cells; a wide character is never halved."""
    if text.isascii():
        return text[:room]
    for index, character in enumerate(text):
        room -= get_character_cell_size(character)
        if room < 0:
            return text[:index]
    return text


def _tail(text: str, room: int) -> str:
    """Return as much of the end as fits; marks never lose their letter."""
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
