"""What a fix changes in a line: what is removed, what is added, and what stands around it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.tui.sanitize import ELLIPSIS, fit, line

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText

_PART_LIMIT = 300
"""Characters of each part: more than a line of the screen shows."""
_STEP = 4096
"""Characters compared at a time."""
_AHEAD = 2
"""The change begins in the first half of what is shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line before and after."""

    head: str
    """The end of what stands before the change."""
    removed: str
    added: str
    tail: str
    """The beginning of what stands after the change."""
    is_cut: bool = False
    """Whether there is more of the line before `head`."""
    drops_line: bool = False
    """Whether nothing is left of the line."""
    note: str = ""
    """What is shown instead, where no line shows the change."""


def diff_lines(rule: str, before: str, after: str) -> Change:
    """Return what the fix of a rule changes from one text to the other. Reads megabytes: for a thread."""
    match rule:
        case "not-jsonl" | "json-array" | "pretty-printed":
            return Change("", "", "", "", note="each request is written as it is, on a line of its own")
        case "bom":
            return Change("", "", "", "", note="the three bytes before the first line")
        case "blank-line":
            return Change("", "(a blank line)", "", "", drops_line=True)
        case "crlf":
            text = before.removesuffix("\r")
            return Change(text[-_PART_LIMIT:], "\r", "", "\n", is_cut=len(text) > _PART_LIMIT)
    head = _common_prefix(before, after)
    left = min(len(before), len(after)) - head
    tail = _common_prefix(before[::-1], after[::-1], left)
    removed, added = before[head : len(before) - tail], after[head : len(after) - tail]
    if not (removed and added):  # only one of them: of several ways to see it, take the one with whole members
        back = _shift_to_member(before[max(0, head - _PART_LIMIT) : head], removed or added)
        if back:
            piece = removed or added
            piece = before[head - back : head] + piece[:-back] if back <= len(piece) else piece
            removed, added = (piece, "") if removed else ("", piece)
            head, tail = head - back, tail + back
    start = max(0, head - _PART_LIMIT)
    rest = before[len(before) - tail :][:_PART_LIMIT]
    return Change(before[start:head], removed[:_PART_LIMIT], added[:_PART_LIMIT], rest, is_cut=start > 0)


def _common_prefix(one: str, other: str, limit: int | None = None) -> int:
    """Return how many characters both begin with, at most `limit`."""
    stop = min(len(one), len(other)) if limit is None else limit
    at = 0
    while at < stop and one[at : min(at + _STEP, stop)] == other[at : min(at + _STEP, stop)]:
        at = min(at + _STEP, stop)
    return at + sum(1 for _ in takewhile(bool, map(str.__eq__, one[at:stop][:_STEP], other[at:stop][:_STEP])))


def _shift_to_member(before: str, piece: str) -> int:
    """Return by how many characters to the left the piece is a whole member of an object, with its comma.

    Where the text repeats around a change, it can be aligned in several ways. 0 if none gives a whole member.
    """
    for back in range(min(len(before), len(piece))):
        shifted = before[len(before) - back :] + piece[: len(piece) - back]
        if (shifted.startswith('"') and shifted.rstrip().endswith(",")) or shifted.startswith(","):
            return back
        if before[len(before) - back - 1] != piece[len(piece) - back - 1]:
            return 0
    return 0


def change_pieces(change: Change, width: int) -> tuple[StyledText, StyledText]:
    """Return both lines, with what changes in sight of the first `width` cells."""
    if change.note:
        return [(change.note, "")], []
    room = max(8, width - 2)
    head, removed, added, tail = (line(part) for part in (change.head, change.removed, change.added, change.tail))
    head_room = max(room // _AHEAD, room - len(max(removed, added, key=len)) - len(tail))
    if change.is_cut or len(head) > head_room:
        head = fit(ELLIPSIS + head, min(head_room, cell_len(head) + 1), keep="end")
    before: StyledText = [("− ", "$status-failed"), (head, ""), (removed, "$status-failed underline"), (tail, "")]
    after: StyledText = [("+ ", "$status-ok"), (head, ""), (added, "$status-ok underline"), (tail, "")]
    if change.drops_line:
        after = [("+ ", "$status-ok"), ("nothing: the line is dropped", "$status-quiet")]
    return before, after
