"""The dialog behind `?`: every key of the current screen, as the person mapped it, and what it does.

What is not possible right now is greyed, and says why. Where there is room the keys stand in two columns.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.dialogs.text_dialog import TextDialog
from tbatch_tui.tui.keys.actions import grouped, help_of, screen_actions
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.screen import Screen

    from tbatch_tui.tui.render.styled import StyledText

NARROW, WIDE = 90, 166
"""Cells of the box with one column, and with two."""
TWO_COLUMNS_FROM = 120
"""Cells of the terminal from which there is room for two columns."""
_AROUND = 7
"""Cells of the box beside its text: border, padding, and the scrollbar."""
_BETWEEN = 3
"""Cells between two columns."""


class KeyEntry:
    """One action: its keys, what it is called, what it does, and why it is not possible, if it is not."""

    def __init__(self, keys: str, description: str, text: str, *, enabled: bool) -> None:
        self.keys = keys
        self.description = description
        self.text = text
        self.enabled = enabled

    def lines(self, keys_width: int, name_width: int, width: int) -> list[StyledText]:
        """Return it in lines of so many cells."""
        dim = "" if self.enabled else "dim"
        indent = keys_width + name_width
        wrapped = wrap(self.text, max(12, width - indent)) or [""]
        first: StyledText = [
            (self.keys.ljust(keys_width - cell_len(self.keys) + len(self.keys)), f"bold {dim}".strip()),
            (self.description.ljust(name_width), dim),
            (wrapped[0], f"$status-quiet {dim}".strip()),
        ]
        return [first, *([(" " * indent + more, f"$status-quiet {dim}".strip())] for more in wrapped[1:])]


class KeysHelp(TextDialog):
    """Lists the actions of a screen. Make it while that screen is still the current one."""

    def __init__(self, screen: Screen[object], title: str = "") -> None:
        self._groups = {
            name: [
                KeyEntry(
                    " ".join(action.displays),
                    action.description,
                    help_of(screen, action),
                    enabled=action.enabled,
                )
                for action in actions
            ]
            for name, actions in grouped(screen_actions(screen)).items()
        }
        self._shown_width = 0
        super().__init__(f"Keys of {title}" if title else "Keys", self._blocks_at(screen.app.size.width))

    def on_mount(self) -> None:
        """Be as wide as the columns are."""
        self._widen()

    def on_resize(self) -> None:
        """Use one column or two, as there is room."""
        self._widen()
        if self._shown_width != self.app.size.width:
            for view in self.query(RecordView):
                view.show(self._blocks_at(self.app.size.width))
        super().on_resize()

    def _widen(self) -> None:
        for box in self.query(Box):  # there is none before the dialog is whole, and at its end
            box.styles.width = WIDE if self.app.size.width >= TWO_COLUMNS_FROM else NARROW

    def _blocks_at(self, terminal: int) -> list[Block]:
        self._shown_width = terminal
        two = terminal >= TWO_COLUMNS_FROM
        room = min(terminal, WIDE if two else NARROW) - _AROUND
        return key_blocks(self._groups, room, columns=2 if two else 1)


def key_blocks(groups: dict[str, list[KeyEntry]], room: int, *, columns: int) -> list[Block]:
    """Return the groups as lines of at most `room` cells, in so many columns of about the same height."""
    entries = [entry for group in groups.values() for entry in group]
    keys_width = max((cell_len(entry.keys) for entry in entries), default=0) + 2
    name_width = max((cell_len(entry.description) for entry in entries), default=0) + 2
    width = (room - _BETWEEN * (columns - 1)) // columns
    sections: list[list[StyledText]] = []
    for name, group in groups.items():
        section: list[StyledText] = [[(name or "Here", "bold $accent-text")]]
        for entry in group:
            section += entry.lines(keys_width, name_width, width)
        sections.append(section)
    return _beside(_divided(sections, columns), width)


def _divided(sections: Sequence[list[StyledText]], columns: int) -> list[list[StyledText]]:
    """Return the sections below each other, parted by a blank line, in columns of about the same height."""
    goal = sum(len(section) + 1 for section in sections) / columns
    divided: list[list[StyledText]] = [[]]
    for section in sections:
        if len(divided) < columns and divided[-1] and len(divided[-1]) + len(section) / 2 > goal:
            divided.append([])
        divided[-1] += [[], *section] if divided[-1] else section
    return divided


def _beside(columns: Sequence[list[StyledText]], width: int) -> list[Block]:
    """Return the lines of columns that stand side by side."""
    blocks = []
    for row in range(max(map(len, columns), default=0)):
        lead: StyledText = []
        for column in columns:
            line = column[row] if row < len(column) else []
            lead += line
            if column is not columns[-1]:
                lead.append((" " * (width + _BETWEEN - sum(cell_len(text) for text, _ in line)), ""))
        blocks.append(Block("", lead=lead))
    return blocks
