"""What a mend changes in a line: what goes, what comes, and what stands around it, to be seen at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.tui.sanitize import ELLIPSIS, fit, line

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText

_KEPT = 300
"""Characters kept of each part: more than a line of the screen shows."""
_STEP = 4096
_AHEAD = 2
"""The place of the change is in the first half of what is shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line before and after."""

    head: str
    """What stands before the place that changes: its end."""
    gone: str
    new: str
    tail: str
    """What stands after it: its beginning."""
    more: bool = False
    """There is something before the head."""
    drops: bool = False
    """Of the line nothing is left."""
    note: str = ""
    """Instead of a line, where none shows it."""


def change_of(rule: str, before: str, after: str) -> Change:
    """What differs between two texts. Looks at megabytes: for a thread."""
    match rule:
        case "bom":
            return Change("", "", "", "", note="the three bytes before the first line")
        case "blank-line":
            return Change("", "(a blank line)", "", "", drops=True)
        case "crlf":
            text = before.removesuffix("\r")
            return Change(text[-_KEPT:], "\r", "", "\n", more=len(text) > _KEPT)
    head = _same(before, after)
    left = min(len(before), len(after)) - head
    tail = _same(before[::-1], after[::-1], left)
    gone, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if not (gone and new):  # something came in or was cut out: of several ways to see it, the one with whole members
        back = _whole_member(before[max(0, head - _KEPT) : head], gone or new)
        if back:
            piece = gone or new
            piece = before[head - back : head] + piece[:-back] if back <= len(piece) else piece
            gone, new = (piece, "") if gone else ("", piece)
            head, tail = head - back, tail + back
    start = max(0, head - _KEPT)
    rest = before[len(before) - tail :][:_KEPT]
    return Change(before[start:head], gone[:_KEPT], new[:_KEPT], rest, more=start > 0)


def _same(one: str, other: str, most: int | None = None) -> int:
    """How many characters both begin with."""
    stop = min(len(one), len(other)) if most is None else most
    at = 0
    while at < stop and one[at : min(at + _STEP, stop)] == other[at : min(at + _STEP, stop)]:
        at = min(at + _STEP, stop)
    return at + sum(1 for _ in takewhile(bool, map(str.__eq__, one[at:stop][:_STEP], other[at:stop][:_STEP])))


def _whole_member(before: str, piece: str) -> int:
    """By how many characters to the left the piece is a member of an object with its comma; 0 if it never is."""
    for back in range(min(len(before), len(piece))):
        moved = before[len(before) - back :] + piece[: len(piece) - back]
        if (moved.startswith('"') and moved.rstrip().endswith(",")) or moved.startswith(","):
            return back
        if before[len(before) - back - 1] != piece[len(piece) - back - 1]:
            return 0
    return 0


def change_pieces(change: Change, width: int) -> tuple[StyledText, StyledText]:
    """Both lines, no wider than `width`, with the place that changes in sight."""
    if change.note:
        return [(change.note, "")], []
    room = max(8, width - 2)
    head, gone, new, tail = (line(part) for part in (change.head, change.gone, change.new, change.tail))
    kept = max(room // _AHEAD, room - len(max(gone, new, key=len)) - len(tail))
    if change.more or len(head) > kept:
        head = fit(ELLIPSIS + head, min(kept, cell_len(head) + 1), keep="end")
    before: StyledText = [("− ", "$status-failed"), (head, ""), (gone, "$status-failed underline"), (tail, "")]
    after: StyledText = [("+ ", "$status-ok"), (head, ""), (new, "$status-ok underline"), (tail, "")]
    if change.drops:
        after = [("+ ", "$status-ok"), ("nothing: the line is dropped", "$status-quiet")]
    return before, after
