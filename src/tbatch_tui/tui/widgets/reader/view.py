"""A pane for reading foreign text, wrapped as the user comes to it, so that its size does not matter."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import Offset, Size
from textual.strip import Strip

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import fit_styled
from tbatch_tui.tui.widgets.reader.find import find_spans, highlight_spans, query_pattern
from tbatch_tui.tui.widgets.reader.selectable import DragSelectable, SelectableScreen
from tbatch_tui.tui.widgets.reader.selection import MAX_CHARACTERS, paint_selection, selected_text, span_in
from tbatch_tui.tui.widgets.reader.wrap import Block, WrappedLine, WrappedText

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

    from rich.style import Style as RichStyle
    from textual.binding import BindingType
    from textual.selection import Selection

AHEAD = 400
"""Lines that are wrapped beyond those on the screen."""
_AT_A_TIME = 4_000
"""Lines of a selection that are read at a time."""
BUDGET = 0.02
"""Seconds of wrapping at a time, so that keys and clock go on however long the text is."""


class RecordView(DragSelectable, can_focus=True, inherit_bindings=False):
    """Blocks of text below each other. The last line tells how much is not wrapped yet."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.MOVING]
    DEFAULT_CSS = """
    RecordView { height: 1fr; padding: 0 1; overflow-x: hidden; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    def __init__(self, *blocks: Block, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._blocks: tuple[Block, ...] = blocks
        self._following = False
        self._pattern: re.Pattern[str] | None = None
        self._hit = -1
        """The line of the current hit; -1 before the first."""
        self._start: int | None = None
        """The block that is kept in view until the user scrolls."""
        self._kept: tuple[int, int] | None = None
        """Block and offset of the text that was at the top at another width, until it is wrapped again."""
        self._begin(0)

    def show(
        self, blocks: Sequence[Block], *, keep_scroll: bool = False, query: str = "", start: int | None = None
    ) -> None:
        """Show these blocks.

        Args:
            keep_scroll: Whether to stay on the line where the user was, instead of going to the top.
            query: Text whose hits are highlighted.
            start: The block that the user should see first: the view scrolls to it where it is too far down, at
                every size, until the user scrolls.
        """
        if self._blocks != (blocks := tuple(blocks)):
            self._clear_selection()
        self._blocks = blocks
        self._pattern = query_pattern(query)
        self._hit = self._hit if keep_scroll else -1
        self._following = False
        self._start, self._kept = start, None
        self._begin(self._wrapped_for)
        if self.is_attached and self._wrapped_for:
            top = round(self.scroll_y) if keep_scroll else self._top_for_start()
            self._wrap(top + self.size.height + AHEAD)
            self.scroll_to(y=top, animate=False, force=True)
            self.refresh(layout=self.styles.is_auto_height)
        elif start is not None:
            self.call_after_refresh(self._scroll_to_start)

    def _scroll_to_start(self) -> None:
        """Scroll to the block that is to be seen first, unless the user has scrolled."""
        if self._start is None or not self._wrapped_for:
            return
        top = self._top_for_start()
        self._wrap(top + self.size.height + AHEAD)
        self.scroll_to(y=top, animate=False, force=True)

    def _top_for_start(self) -> int:
        """Return the line to begin at for the block that is to be seen first: it is in the upper half of the view then.

        0 where it is there anyway, and where what comes before is too long to be wrapped between two keys.
        """
        if self._start is None:
            return 0
        until = monotonic() + BUDGET
        lines = 0
        for lines, _ in enumerate(WrappedText(self._blocks[: self._start], self._wrapped_for), start=1):
            if lines % 64 == 0 and monotonic() > until:
                return 0
        height = self.scrollable_content_region.height
        return lines - height // 3 if lines >= height // 2 > 0 else 0

    def show_text(self, text: str) -> None:
        """Show one text as it is."""
        self.show([Block(text)])

    @property
    def is_complete(self) -> bool:
        """Whether all of it is wrapped, so that the last line can be scrolled to."""
        return self._ended

    async def go_to_hit(self, by: int) -> bool:
        """Go to the next line with a hit, or to one before it; False when there is none that way.

        Args:
            by: 1 for the next, -1 for the one before.
        """
        at = self._hit + by
        flow = self._flow
        while self._pattern is not None and flow is self._flow and at >= 0:
            if at >= len(self._wrapped) - 1 and not self._ended:
                self._wrap(len(self._wrapped) + AHEAD)
                await asyncio.sleep(0)
            elif at >= len(self._wrapped):
                return False
            elif self._hits_in(at):
                self._hit = at
                self._let_scroll()
                self.scroll_to(y=max(0, at - self.size.height // 3), animate=False, force=True)
                self.refresh()
                return True
            else:
                at += by
                if at % 512 == 0:
                    await asyncio.sleep(0)
        return False

    def _hits_in(self, index: int) -> list[tuple[int, int]]:
        """Return start and end of the hits in a wrapped line. A hit may begin a line before or end a line after."""
        if self._pattern is None:
            return []
        block = self._wrapped[index].block

        def text(at: int) -> str:
            line = self._wrapped[at] if 0 <= at < len(self._wrapped) else None
            return line.parts[-1][0] if line is not None and line.block == block else ""

        return find_spans(self._pattern, text(index - 1), text(index), text(index + 1))

    def _begin(self, width: int) -> None:
        """Forget the wrapped lines, and wrap from the start at this width."""
        self._wrapped_for = width
        self._flow = WrappedText(self._blocks, width)
        self._unwrapped: Iterator[WrappedLine] = iter(self._flow)
        self._wrapped: list[WrappedLine] = []
        self._ended = False

    def _wrap(self, count: int | None) -> None:
        """Wrap until there are so many lines, all if None, or until the time is up."""
        until = monotonic() + BUDGET
        while (count is None or len(self._wrapped) < count) and not self._ended:
            if len(self._wrapped) % 64 == 63 and monotonic() > until:
                break
            if (line := next(self._unwrapped, None)) is None:
                self._ended = True
            else:
                self._wrapped.append(line)
        height = len(self._wrapped) + (not self._ended)
        if self.virtual_size.height != height:
            self.virtual_size = Size(0, height)

    def _fit_width(self) -> None:
        """Wrap again when the width changed, and keep the same text at the top."""
        width = self.scrollable_content_region.width
        if not width or width == self._wrapped_for:
            return
        top = round(self.scroll_y)
        anchor = self._wrapped[top] if 0 < top < len(self._wrapped) else None
        if anchor is not None and self._kept is None and self._start is None:
            self._kept = anchor.block, anchor.offset
        self._hit = -1
        self._clear_selection()
        self._begin(width)
        if self._kept is None:
            self._wrap(top + self.size.height + AHEAD)
        else:
            self._scroll_to_kept()

    def _scroll_to_kept(self) -> None:
        """Scroll to the text that was at the top, as soon as it and a screen below it is wrapped at this width."""
        if self._kept is None:
            return
        self._wrap(None)
        line = bisect_right(self._wrapped, self._kept, key=lambda line: (line.block, line.offset)) - 1
        if line + self.size.height >= len(self._wrapped) and not self._ended:
            self.call_after_refresh(self._scroll_to_kept)
        else:
            self.call_after_refresh(self._end_kept, self._kept, max(0, line))

    def _end_kept(self, kept: tuple[int, int], line: int) -> None:
        """Scroll to a line, unless the user has scrolled, or there is another width once more."""
        if self._kept == kept:
            self._kept = None
            self.scroll_to(y=line, animate=False, force=True)

    def _let_scroll(self) -> None:
        """Leave the view where the user scrolls to."""
        self._start = self._kept = None

    def get_content_height(self, _container: Size, viewport: Size, width: int) -> int:
        """Take as many lines as there are, up to the screen's, for `height: auto`."""
        flow = iter(WrappedText(self._blocks, width))
        return max(1, sum(1 for _ in zip(range(viewport.height), flow, strict=False)))

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self._fit_width()
        if self._start is not None:
            self.call_after_refresh(self._scroll_to_start)

    def on_scroll_to(self) -> None:
        """Leave the view where the user drags it to."""
        self._let_scroll()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Wrap ahead, and extend a selection that is being dragged."""
        super().watch_scroll_y(old_value, new_value)
        self._wrap_ahead()
        if self.is_attached and isinstance(self.screen, SelectableScreen):
            self.screen.follow_drag()

    def on_mouse_scroll_down(self) -> None:
        """Wrap ahead."""
        self._let_scroll()
        self._wrap_ahead()

    def on_mouse_scroll_up(self) -> None:
        """Stop following the end."""
        self._following = False
        self._let_scroll()

    def _wrap_ahead(self) -> None:
        """Wrap the lines that may be scrolled to next."""
        if self._wrapped_for and not self._following:
            self._wrap(round(self.scroll_y) + self.size.height + AHEAD)

    def _follow(self) -> None:
        """Go to the end, wrapping a moment at a time; the last line tells how much is left."""
        if not self._following or not self.is_attached:
            return
        self._wrap(None)
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        if self._ended:
            self._following = False
        else:
            self.set_timer(BUDGET / 2, self._follow)

    # -- selection -----------------------------------------------------------------------------------

    def _clear_selection(self) -> None:
        """Drop a selection: other lines are shown now, and what was selected is gone."""
        if self.is_attached and self in self.screen.selections:
            self.screen.clear_selection()

    def offset_at(self, x: int, y: int) -> Offset:
        """Return character and line at a cell of the pane."""
        index = y + round(self.scroll_y)
        return Offset(self._wrapped[index].selectable.character_at(x) if index < len(self._wrapped) else 0, index)

    async def read_selection(self, selection: Selection) -> str:
        """Return the selected text as far as it can be copied.

        It is read a moment at a time, because it may have very many lines.
        """
        flow, first = self._flow, 0 if selection.start is None else selection.start.y
        while selection.end is None and not self._ended and flow.read <= first * self._wrapped_for + MAX_CHARACTERS:
            self._wrap(None)
            await asyncio.sleep(BUDGET / 4)
        parts: list[str] = []
        while flow is self._flow and first < len(self._wrapped) and sum(map(len, parts)) <= MAX_CHARACTERS:
            lines = self._wrapped[first : first + _AT_A_TIME]
            parts.append(selected_text((line.selectable for line in lines), selection, first))
            first += len(lines)
            if selection.end is not None and first > selection.end.y:
                break
            await asyncio.sleep(0)
        return "".join(parts)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, of the lines that are wrapped so far."""
        first = 0 if selection.start is None else selection.start.y
        lines = (self._wrapped[index].selectable for index in range(first, len(self._wrapped)))
        return selected_text(lines, selection, first), "\n"

    # -- painting and keys ---------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Render a wrapped line with its hits and its selection."""
        width, base = self.scrollable_content_region.width, self.rich_style
        index = y + round(self.scroll_y)
        span = None
        if index < len(self._wrapped):
            parts = self._wrapped[index].parts
            span = span_in(self.text_selection, index, self._wrapped[index].selectable)
            if hits := self._hits_in(index):
                text, style = parts[-1]
                highlight = "bold reverse" if index == self._hit else "reverse"
                parts = (*parts[:-1], *highlight_spans(text, style, hits, highlight))
        elif index == len(self._wrapped) and not self._ended and self._wrapped_for:
            left = fmt.size(max(1, self._flow.total - self._flow.read))
            parts = ((f"… {left} more below", "$status-attention"),)
        else:
            return Strip.blank(width, base).apply_offsets(0, index)
        styled = [(text, self._style(base, style)) for text, style in parts]
        segments = [Segment(text, style) for text, style in fit_styled(styled, width, fill=base)]
        if span is not None:
            segments = list(paint_selection(segments, span, self.screen.get_component_rich_style("screen--selection")))
        return Strip(segments, width).apply_offsets(0, index)

    def _style(self, base: RichStyle, style: str) -> RichStyle:
        return base + self.app.stylesheet.parse_style(style).rich_style if style else base

    def action_cursor_down(self) -> None:
        """Scroll a line down."""
        self._scroll_by(1)

    def action_cursor_up(self) -> None:
        """Scroll a line up."""
        self._scroll_by(-1)

    def action_page_down(self) -> None:
        """Scroll a page down."""
        self._scroll_by(max(1, self.size.height - 1))

    def action_page_up(self) -> None:
        """Scroll a page up."""
        self._scroll_by(-max(1, self.size.height - 1))

    def action_cursor_top(self) -> None:
        """Go to the first line."""
        self._following = False
        self._let_scroll()
        self.scroll_to(y=0, animate=False, force=True)

    def action_cursor_bottom(self) -> None:
        """Go to the last line, however much there is to wrap."""
        self._following = True
        self._let_scroll()
        self._follow()

    def _scroll_by(self, lines: int) -> None:
        self._following = False
        self._let_scroll()
        self._wrap_ahead()
        self.scroll_to(y=round(self.scroll_y) + lines, animate=False, force=True)
