"""Lay out a line of JSON over several lines, by its tokens alone, so that cut or faulty JSON works too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(r'\s++|"(?:[^"\\]++|\\.)*+"?|[{}\[\],:]|[^\s"{}\[\],:]++', re.DOTALL)
_LONG_STRING = 600
_MAX_INDENT = 16
"""Levels that are indented; deeper ones are not indented further."""
ABOVE, BELOW = 80, 200
"""Lines shown before and after the marked line."""
_BEFORE, _AFTER = 240, 2_000
"""Characters shown before and after a fault, where a line is shown as it is."""
HERE = "◂ here"


@dataclass(slots=True)
class _Line:
    depth: int
    key: str = ""
    text: str = ""
    is_marked: bool = False


def json_blocks(text: str, mark: int | None = None, style: str = "") -> tuple[list[Block], int | None]:
    """Return the text in lines, and the index of the line that is marked.

    Args:
        text: JSON, or what should have been.
        mark: The offset of a character whose line is marked; None for no mark.
        style: The style of the marked line.
    """
    lines = list(_lines(text, mark))
    marked = next((index for index, line in enumerate(lines) if line.is_marked), None)
    start = max(0, (marked or 0) - ABOVE)
    stop = (marked or 0) + BELOW
    blocks = [_block(line, style) for line in lines[start:stop]]
    if start:
        blocks.insert(0, Block(f"… {start:,} lines above", "$status-quiet"))
    if stop < len(lines):
        blocks.append(Block(f"… {len(lines) - stop:,} lines below", "$status-quiet"))
    return blocks, None if marked is None else marked - start + (start > 0)


def fault_blocks(before: str, after: str, style: str) -> tuple[list[Block], int | None]:
    """Return a line as it is, broken where the fault is, and the index of the block that begins there.

    What is not JSON is not laid out as if it were.
    """
    blocks = []
    if before:
        cut = len(before) > _BEFORE
        blocks.append(Block(("… " if cut else "") + before[-_BEFORE:]))
    more = len(after) - _AFTER
    blocks.append(Block(after[:_AFTER] or "(the line ends here)", style, lead=(("▸ ", style),)))
    if more > 0:
        blocks.append(Block(f"… {more:,} more characters", "$status-quiet"))
    return blocks, len(blocks) - 1 - (more > 0)


def _lines(text: str, mark: int | None) -> Iterator[_Line]:
    line = _Line(0)
    opened = ""
    """The bracket that was just opened: if its other half comes next, it stays on the same line."""
    is_mark_ahead = mark is not None
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token.isspace():
            continue
        is_marked = is_mark_ahead and mark is not None and mark < match.end()
        if token in "}]":
            if not opened:
                if line.key or line.text:
                    yield line
                line = _Line(max(0, line.depth - 1))
            line.text += token
        else:
            if opened:
                yield line
                line = _Line(line.depth + 1)
            if token == ":" and not line.key:
                line.key, line.text = line.text, ""
            elif token == ",":
                line.text += token
                line.is_marked |= is_marked
                yield line
                line = _Line(line.depth)
            else:
                line.text += _shortened(token, mark - match.start() if is_marked and mark is not None else None)
        opened = token if token in "{[" else ""
        if is_marked:
            line.is_marked |= token != ","
            is_mark_ahead = False
    if is_mark_ahead:
        line.is_marked = True
    if line.key or line.text:
        yield line


def _shortened(token: str, mark: int | None) -> str:
    if len(token) <= _LONG_STRING:
        return token
    if mark is None or mark < _LONG_STRING:
        return f"{token[:_LONG_STRING]}… ({len(token):,} characters)"
    return f"… {token[mark - 200 : mark + 200]} … ({len(token):,} characters)"


def _block(line: _Line, style: str) -> Block:
    depth = min(line.depth, _MAX_INDENT)
    line_style = style if line.is_marked else ""
    margin = ("  " * depth, "")
    text = f"{line.text}  {HERE}" if line.is_marked else line.text
    if not line.key:
        return Block(text, line_style, 2 * depth, (margin,))
    lead = (margin, (line.key, line_style or "$status-quiet"), (": ", "$status-quiet"))
    return Block(text, line_style, 2 * depth + 2, lead)
