"""The chart of progress over time: a filled curve so far, dots for the forecast, a line for the deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tbatch_tui.engine.progress.outlook import progress_at
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.sanitize import fit_styled

if TYPE_CHECKING:
    from textual.geometry import Size

    from tbatch_tui.tui.render.styled import StyledText

GUTTER = 6
"""Cells of the percentages at the left."""
LEAST_WIDTH = 30
"""Cells below which no chart is drawn."""
_BLOCKS = " ▁▂▃▄▅▆▇█"
_NEAR = 1.6
"""How much longer the time axis may become to show the deadline; with more the curve would be too narrow."""


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """What the chart shows.

    Times are whole minutes, or from polls: a second later the chart is equal and is not drawn again.
    """

    run: tuple[tuple[float, float], ...]
    """Times in seconds since 1970, and progress in percent."""
    until: float
    """The time up to which the last progress is known to have held."""
    done_at: float | None = None
    """When the job may be done; None if there is no forecast, or it has ended."""
    deadline: float | None = None
    """The deadline of a running job."""


def time_span(drawn: DrawnChart) -> tuple[float, float]:
    """Return start and end of the time axis."""
    start = drawn.run[0][0]
    end = max(drawn.until, drawn.done_at or 0.0, start + 60)
    if drawn.deadline is not None and end < drawn.deadline <= start + (end - start) * _NEAR:
        end = drawn.deadline
    return start, end


def chart_lines(drawn: DrawnChart, width: int, height: int, now: float) -> list[StyledText]:
    """Return the lines of the chart, from 100 % down, and below them the times."""
    start, end = time_span(drawn)
    cells = width - GUTTER
    step = (end - start) / cells
    deadline = None
    if drawn.deadline is not None and start <= drawn.deadline <= end:
        deadline = min(cells - 1, int((drawn.deadline - start) / step))
    rows: list[StyledText] = []
    for row in range(height):
        floor = (height - 1 - row) * 8
        label = "100 %" if row == 0 else "0 %" if row == height - 1 else ""
        pieces: StyledText = [(f"{label:>{GUTTER - 1}} ", "$status-quiet")]
        for cell in range(cells):
            pieces.append(_cell(drawn, start + step * (cell + 0.5), floor, height, is_deadline=cell == deadline))
        rows.append(_joined(pieces))
    return [*rows, _times(drawn, start, end, cells, deadline, now)]


def _cell(drawn: DrawnChart, at: float, floor: int, height: int, *, is_deadline: bool) -> tuple[str, str]:
    """Return one cell; `floor` is the height below it, in eighths of a cell."""
    if at <= drawn.until:
        eighths = round(progress_at(drawn.run, at) / 100 * height * 8)
        if block := min(8, max(0, eighths - floor)):
            return (_BLOCKS[block], "$status-active")
    elif drawn.done_at is not None and at <= drawn.done_at:
        last = drawn.run[-1][1]
        reached = last + (100 - last) * (at - drawn.until) / max(drawn.done_at - drawn.until, 1e-9)
        if floor <= min(reached / 100 * height * 8, height * 8 - 1) < floor + 8:
            return ("·", "$status-quiet")
    return ("┊", "$status-attention") if is_deadline else (" ", "")


def _times(drawn: DrawnChart, start: float, end: float, cells: int, deadline: int | None, now: float) -> StyledText:
    """Return `14:02               15:31`, or the time of the deadline below its line."""
    left = fmt.when(start, now)
    right = fmt.when(end, now)
    if deadline is not None:
        right = f"deadline {fmt.when(drawn.deadline, now)}"
        stop = max(deadline + 1, len(right))
    else:
        stop = cells
    between = stop - len(left) - len(right)
    if between < 2:
        return [(" " * GUTTER + right.rjust(stop), "$status-quiet")]
    return [(" " * GUTTER + left + " " * between + right, "$status-quiet")]


def _joined(pieces: StyledText) -> StyledText:
    """Join neighbours of the same style."""
    joined: StyledText = []
    for text, style in pieces:
        if joined and joined[-1][1] == style:
            joined[-1] = (joined[-1][0] + text, style)
        else:
            joined.append((text, style))
    return joined


class ProgressChart(Widget):
    """The chart as a widget, hidden until there is a curve. In a narrow terminal it stays blank."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ProgressChart { width: 1fr; height: 6; padding: 0 2; margin-bottom: 1; display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: DrawnChart | None = None
        self._now = 0.0

    def show(self, drawn: DrawnChart | None, now: float) -> None:
        """Draw a chart, if it is not the one that is drawn already."""
        if drawn is not None and (len(drawn.run) < 2 or drawn.run[-1][0] <= drawn.run[0][0]):
            drawn = None
        if drawn != self._drawn:
            self._drawn, self._now = drawn, now
            self.display = drawn is not None
            self.refresh()

    def get_content_width(self, container: Size, _viewport: Size) -> int:
        """Take all the width there is."""
        return container.width

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width, base = self.size.width, self.rich_style
        if self._drawn is None or width < LEAST_WIDTH:
            return Strip.blank(width, base)
        lines = chart_lines(self._drawn, width, self.size.height - 1, self._now)
        pieces = [
            (text, base + self.app.stylesheet.parse_style(style).rich_style if style else base)
            for text, style in (lines[y] if y < len(lines) else [])
        ]
        return Strip([Segment(text, style) for text, style in fit_styled(pieces, width, fill=base)], width)
