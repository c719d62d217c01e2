"""The problem under the cursor: what is wrong, how to fix it, and the line itself with the place marked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.containers import Vertical
from textual.widgets import Static

from tbatch_tui.engine.check import RULES, read_line
from tbatch_tui.engine.check.rules import FIXABLE_IN_SOME_FORMS
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.styled import StyledText, styled_content
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.check.problem_rows import ProblemRow, RowKind
from tbatch_tui.tui.screens.check.problem_table import SEVERITY_LOOKS, format_line
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.reader.json_blocks import fault_blocks, json_blocks
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult

    from tbatch_tui.engine.domain.check_report import Problem

_READ_LIMIT = 10 << 20
"""Bytes of a line that are read."""
_LAYOUT_LIMIT = 200_000
"""Characters up to which a line is laid out as JSON; a longer one is shown as it is, around the place."""
_NOT_LAID_OUT = frozenset({"not-json", "not-utf8", "too-deep", "lone-cr", "line-too-long"})

LineText = tuple[list[Block], int | None]
"""The blocks of a line, and which of them bears the mark."""


def read_blocks(path: Path, problem: Problem) -> LineText:
    """Read the line of a problem and lay it out. For a thread. Raises OSError."""
    if not problem.length:
        return [], None
    data = read_line(path, problem.offset, min(problem.length, _READ_LIMIT))
    style = f"bold {SEVERITY_LOOKS[problem.severity][2]}"
    place = max(0, problem.column - 1)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        before, after = data[:place].decode("utf-8", "replace"), data[place : place + 4096].decode("utf-8", "replace")
        return fault_blocks(before, after, style)
    if problem.rule in _NOT_LAID_OUT or len(text) > _LAYOUT_LIMIT or not text.lstrip().startswith(("{", "[")):
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
        """Compose the title, the message and the line."""
        yield Divider()
        yield Static(markup=False)
        yield RecordView()

    @work(group="line", exclusive=True, exit_on_error=False)
    async def load(self, path: Path, row: ProblemRow) -> None:
        """Read the row's line in a thread, and show it below what is wrong with it."""
        try:
            text = await asyncio.to_thread(read_blocks, path, row.problem)
        except OSError as error:
            reason = f"The line can no longer be read: {error.strerror or error}"
            text = [Block(reason, "$status-attention")], None
        self._show(row, text)

    def _show(self, row: ProblemRow, text: LineText) -> None:
        problem = row.problem
        place = "the file" if format_line(problem) == "file" else f"line {problem.line:,}, column {problem.column:,}"
        title = fmt.join(place, problem.rule, problem.custom_id or "")
        self.query_one(Divider).set_title(f"first of {row.count:,}: {title}" if row.kind is RowKind.RULE else title)
        glyph, _, colour = SEVERITY_LOOKS[problem.severity]
        pieces: StyledText = [(f"{glyph} ", colour), (line(problem.message), colour)]
        if problem.fix:
            pieces += [("\n→ ", "$accent-text"), (line(problem.fix), "")]
            if RULES[problem.rule].is_fixable:
                pieces.append((fill_keys("; {check.fix} fixes a copy"), "$status-quiet"))
            elif problem.rule in FIXABLE_IN_SOME_FORMS:
                pieces.append((fill_keys("; {check.fix} fixes a copy where it is safe"), "$status-quiet"))
        self.query_one(Static).update(styled_content(pieces))
        blocks, mark = text
        view = self.query_one(RecordView)
        view.display = bool(blocks)
        view.show(blocks, start=mark)
