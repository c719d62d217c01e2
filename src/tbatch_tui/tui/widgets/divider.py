"""A thin rule across the screen, with or without a title."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.tui.sanitize import fit, line
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText


class Divider(OneLine):
    """A rule of one line: `── line 4,812 ─────────────`."""

    def __init__(self, title: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._title = title

    def set_title(self, title: str) -> None:
        """Change the title; an empty one leaves a bare rule."""
        self._title = title
        self.refresh_if_changed()

    def styled_text(self, width: int) -> StyledText:
        """Show title and rule; no title where there is no room for one."""
        bare: StyledText = [("─" * width, "$rule")]
        if not self._title or width < 12:
            return bare
        title = fit(line(self._title[: width * 8]), width - 8).rstrip()
        rest = width - 4 - cell_len(title)
        return [("── ", "$rule"), (title, "$status-quiet"), (" ", ""), ("─" * rest, "$rule")]
