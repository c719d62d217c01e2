"""A line of progress: a bar, the amount, the speed and the time left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText

MARGIN = 1
MIN_BAR, MAX_BAR = 8, 40
"""Cells of the bar. Where there is no room for the smallest, there is no bar."""


class ProgressLine(OneLine):
    """A line such as `━━━━━━━╸──── 64 %  15.4 MB of 24.1 MB · 3.1 MB/s · 3 s left`."""

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
        """Show this progress.

        Args:
            done: How much is done, in units.
            total: How much there is; None if that is not known.
            rate: Units a second; with it the time left is shown.
            label: Text before the bar.
            unit: What is counted. Bytes are formatted as a size.
        """
        self._done, self._total, self._rate = done, total, rate
        self._label, self._unit = label, unit
        self.refresh_if_changed()

    def styled_text(self, width: int) -> StyledText:
        """Show label, bar and amounts; without a total, no bar."""
        amounts = self._amounts()
        label = f"{self._label}  " if self._label else ""
        if not self._total:
            return [(" " * MARGIN + label, ""), (amounts if self._done else "…", "$status-quiet")]
        fraction = self._done / self._total
        share = f" {fmt.percent(fraction):>5}  "
        room = width - 2 * MARGIN - len(label) - len(share) - len(amounts)
        text: StyledText = [(" " * MARGIN + label, "")]
        if room >= MIN_BAR:
            done, rest = fmt.bar_parts(fraction, min(room, MAX_BAR))
            text += [(done, "$status-active"), (rest, "$bar-rest")]
        return [*text, (share.lstrip() if room < MIN_BAR else share, ""), (amounts, "$status-quiet")]

    def _amounts(self) -> str:
        amount = fmt.size if self._unit == "bytes" else lambda number: fmt.count(int(number or 0))
        unit = "" if self._unit == "bytes" else f" {self._unit}"
        done = amount(self._done) if not self._total else f"{amount(self._done)} of {amount(self._total)}"
        if not self._rate or self._rate <= 0:
            return done + unit
        speed = fmt.rate(self._rate) if self._unit == "bytes" else f"{fmt.count(int(self._rate))}/s"
        left = "" if not self._total else f"{fmt.duration(max(0.0, self._total - self._done) / self._rate)} left"
        return fmt.join(done + unit, speed, left)
