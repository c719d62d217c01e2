"""How wide each column of a table is: decided by what stands in it and by the room there is. A pure function.

The room is spent in one fixed order, a cell or a column at a time, and a step that does not fit ends it. So with more
room the same steps are taken, and perhaps some more: no column is narrower in a wider terminal, and none goes. And what
is shown is whole before another column comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GAP = 2
"""Cells between two columns."""


class WidthRule(NamedTuple):
    """What one column asks for, in cells of the terminal."""

    least: int
    """It is never narrower, unless its content needs less."""
    need: int
    """With so many cells nothing in it is cut."""
    limit: int
    """It has no more than this before every other column is there; 0 for no limit."""
    priority: int
    """Columns of a higher priority come first, of equals the left one."""
    is_base: bool = False
    """Whether it is there from the narrowest terminal on, before any other column."""
    names: bool = False
    """Whether it holds names or ids: of what is left when every column is there, these have their share first."""

    @property
    def start(self) -> int:
        """The cells it begins with."""
        return min(self.least, self.need)

    @property
    def first_need(self) -> int:
        """The cells it has before the next column comes."""
        return max(self.start, min(self.need, self.limit) if self.limit else self.need)


def column_widths(rules: Sequence[WidthRule], room: int) -> dict[int, int]:
    """Return the widths of the columns that are shown, by their index in `rules`. One column always is.

    The base columns come first, at their least width, and grow to what they need, then the others one by one. A base
    column that has no room is left out, and so is all after it.

    Args:
        room: Cells of the whole line, those between the columns included.
    """
    if not rules:
        return {}
    order = sorted(range(len(rules)), key=lambda index: (-rules[index].priority, index))
    base = [index for index in order if rules[index].is_base] or order[:1]
    widths: dict[int, int] = {}
    for index in base:
        if not widths:
            widths[index] = min(rules[index].start, max(0, room))
        elif (cells := rules[index].start + GAP) <= room - _taken(widths):
            widths[index] = cells - GAP
        else:
            break
    present = list(widths)
    _grow(widths, present, [rules[index].first_need for index in present], room)
    if len(present) < len(base):
        return widths
    for index in order:
        if index in widths:
            continue
        rule = rules[index]
        if rule.start + GAP > room - _taken(widths):
            return widths
        widths[index] = rule.start
        _grow(widths, [index], [rule.first_need], room)
    for names in (True, False):
        growing = [index for index in order if rules[index].names is names]
        _grow(widths, growing, [rules[index].need for index in growing], room)
    return widths


def whole_width(rules: Iterable[WidthRule]) -> int:
    """Return the room in which every column is there and none of them is cut."""
    widths = [max(rule.start, rule.need) for rule in rules]
    return sum(widths) + GAP * max(0, len(widths) - 1)


def _taken(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _grow(widths: dict[int, int], indexes: Sequence[int], goals: Sequence[int], room: int) -> None:
    """Widen one column after the other, each as far as its goal, while there is room."""
    left = room - _taken(widths)
    for index, goal in zip(indexes, goals, strict=True):
        cells = min(max(0, goal - widths[index]), max(0, left))
        widths[index] += cells
        left -= cells
