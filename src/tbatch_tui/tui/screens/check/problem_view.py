"""The problem under the cursor: what is wrong, how to mend it, and the line itself with the place marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.widgets import Static

from tbatch_tui.engine.check import RULES, read_line
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.styled import StyledText, styled_content
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.check.problem_rows import ProblemRow, RowKind
from tbatch_tui.tui.screens.check.problem_table import LOOKS, format_line
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.reader.json_blocks import fault_blocks, json_blocks
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block, WrappedText

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult

    from tbatch_tui.engine.domain.check_report import Problem

_READ = 10 << 20
_LAID_OUT = 200_000
"""Characters of a line that is still laid out; a longer one is shown as it is, around the place."""
_AS_IT_IS = frozenset({"not-json", "not-utf8", "too-deep", "lone-cr", "line-too-long"})

LineText = tuple[list[Block], int | None]
"""A line laid out, and which block bears the mark."""


def line_text(path: Path, problem: Problem) -> LineText:
    """Read the line of a problem and lay it out. For a thread. Raises OSError."""
    if not problem.length:
        return [], None
    data = read_line(path, problem.offset, min(problem.length, _READ))
    style = f"bold {LOOKS[problem.severity][2]}"
    place = max(0, problem.column - 1)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        before, after = data[:place].decode("utf-8", "replace"), data[place : place + 4096].decode("utf-8", "replace")
        return fault_blocks(before, after, style)
    if problem.rule in _AS_IT_IS or len(text) > _LAID_OUT or not text.lstrip().startswith(("{", "[")):
        return fault_blocks(text[:place], text[place:], style)
    return json_blocks(text, place, style)


class ProblemView(Vertical):
    """Below the table; on a wide terminal beside it."""

    DEFAULT_CSS = """
    ProblemView {
        & > Static { height: auto; max-height: 6; padding: 0 2; }
        & > RecordView { padding: 0 2; }
    }
    """

    def compose(self) -> ComposeResult:
        yield Divider()
        yield Static(markup=False)
        yield RecordView()

    def show(self, row: ProblemRow, text: LineText) -> None:
        """Explain this row, above the text of its line."""
        problem = row.problem
        place = "the file" if format_line(problem) == "file" else f"line {problem.line:,}, column {problem.column:,}"
        title = fmt.joined(place, problem.rule, problem.custom_id or "")
        self.query_one(Divider).set_title(f"first of {row.count:,}: {title}" if row.kind is RowKind.RULE else title)
        glyph, _, colour = LOOKS[problem.severity]
        said: StyledText = [(f"{glyph} ", colour), (line(problem.message), colour)]
        if problem.fix:
            said += [("\n→ ", "$accent-text"), (line(problem.fix), "")]
            if RULES[problem.rule].is_fixable:
                said.append((fill_keys("; {check.fix} does it in a copy"), "$status-quiet"))
        self.query_one(Static).update(styled_content(said))
        self._show_text(*text)

    def show_trouble(self, words: str) -> None:
        """Why the line cannot be shown."""
        self._show_text([Block(words, "$status-attention")], None)

    def _show_text(self, blocks: list[Block], mark: int | None) -> None:
        view = self.query_one(RecordView)
        view.display = bool(blocks)
        view.show(blocks)
        if mark is not None:
            self.call_after_refresh(self._bring_into_view, blocks[:mark], view)

    @staticmethod
    def _bring_into_view(blocks: list[Block], view: RecordView) -> None:
        """Bring what follows these blocks into the upper half of the view."""
        width, height = view.scrollable_content_region.size
        lines = sum(1 for _ in WrappedText(blocks, width))
        if lines >= height // 2 > 0:
            view.scroll_to(y=lines - height // 3, animate=False, force=True)
