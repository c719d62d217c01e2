"""One line of progress: a bar, how much of how much, how fast, how long yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.text import format
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText

MARGIN = 1
BAR = (8, 40)
"""Cells of the bar at least and at most; below the least only words are shown."""


class ProgressLine(OneLine):
    """`━━━━━━━╸──── 64 %  15.4 MB of 24.1 MB · 3.1 MB/s · 3 s left`"""

    _label = ""
    _done: float = 0
    _total: float | None = None
    _rate: float | None = None
    _unit = "bytes"

    def show(
        self,
        done: float,
        total: float | None,
        *,
        rate: float | None = None,
        label: str = "",
        unit: str = "bytes",
    ) -> None:
        """Where it stands. With `rate`, per second, the time left is told; `unit` other than bytes is counted."""
        self._done, self._total, self._rate = done, total, rate
        self._label, self._unit = label, unit
        self.changed()

    def pieces(self, width: int) -> StyledText:
        words = self._words()
        label = f"{self._label}  " if self._label else ""
        if not self._total:
            return [(" " * MARGIN + label, ""), (words, "$status-quiet")]
        fraction = self._done / self._total
        share = f" {format.percent(fraction):>5}  "
        room = width - 2 * MARGIN - len(label) - len(share) - len(words)
        said: StyledText = [(" " * MARGIN + label, "")]
        if room >= BAR[0]:
            done, rest = format.bar_parts(fraction, min(room, BAR[1]))
            said += [(done, "$status-active"), (rest, "$bar-rest")]
        return [*said, (share.lstrip() if room < BAR[0] else share, ""), (words, "$status-quiet")]

    def _words(self) -> str:
        amount = format.size if self._unit == "bytes" else lambda number: format.count(int(number or 0))
        unit = "" if self._unit == "bytes" else f" {self._unit}"
        said = amount(self._done) if not self._total else f"{amount(self._done)} of {amount(self._total)}"
        if not self._rate or self._rate <= 0:
            return said + unit
        fast = format.rate(self._rate) if self._unit == "bytes" else f"{format.count(int(self._rate))}/s"
        left = "" if not self._total else f"{format.duration(max(0.0, self._total - self._done) / self._rate)} left"
        return format.join(said + unit, fast, left)
