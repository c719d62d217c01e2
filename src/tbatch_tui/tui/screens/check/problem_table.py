"""The table of the problems of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tbatch_tui.engine.domain.check_report import Problem, Severity
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.check.problem_rows import ProblemRow, ProblemRows, RowKind
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.line_scroll import HEADER
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from textual import events
    from textual.binding import BindingType

    from tbatch_tui.tui.render.styled import StyledText

SEVERITY_LOOKS = {
    Severity.ERROR: ("✗", "Error", "$status-failed"),
    Severity.WARNING: ("!", "Warning", "$status-attention"),
    Severity.NOTE: ("·", "Note", "$status-quiet"),
}
"""Glyph, word and colour of a severity: never a colour alone."""


class ProblemTable(RecordTable[ProblemRow]):
    """Problems under their rules: space, → and ← open and close a rule; Enter belongs to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.MOVING,
        keys.FOLD,
        keys.UNFOLD_LINES,
        keys.FOLD_LINES,
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(_COLUMNS, enter=None, id=id)

    @property
    def rows(self) -> ProblemRows | None:
        """The rows; None before the first report."""
        return self.source if isinstance(self.source, ProblemRows) else None

    def action_fold(self) -> None:
        """Open a rule that is closed, and close one that is open."""
        self._set_open(None)

    def action_unfold_lines(self) -> None:
        """Open the rule."""
        self._set_open(True)

    def action_fold_lines(self) -> None:
        """Close the rule."""
        self._set_open(False)

    def _set_open(self, is_open: bool | None) -> None:
        if self.rows is None or self.cursor_row is None:
            return
        head = self.rows.set_open(self.cursor_row.problem.rule, is_open)
        if head is not None:
            self.set_source(self.rows)
            if is_open is not True:
                self.move_cursor(key=head)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now: a rule of one line has nothing to open."""
        if action in ("fold", "unfold_lines", "fold_lines"):
            return self.cursor_row is not None and self.cursor_row.kind is not RowKind.ONLY
        return super().check_action(action, parameters)

    def on_click(self, event: events.Click) -> None:
        """Open or close a rule on a double click."""
        offset = event.get_content_offset(self)
        row = self.cursor_row
        on_row = event.chain == 2 and offset is not None and offset.y >= HEADER
        if on_row and row is not None and row.kind is RowKind.RULE:
            self.action_fold()


def _severity_cell(row: ProblemRow) -> StyledText:
    if row.kind is RowKind.LINE:
        return []
    glyph, word, colour = SEVERITY_LOOKS[row.problem.severity]
    return [(f"{glyph} {word}", colour)]


def _rule_cell(row: ProblemRow) -> str:
    return "" if row.kind is RowKind.LINE else row.problem.rule


def format_line(problem: Problem) -> str:
    """Return the line number; `file` if the problem is one of the file as a whole."""
    return "file" if _is_about_file(problem) else f"{problem.line:,}"


def _is_about_file(problem: Problem) -> bool:
    return problem.length == 0 and problem.rule != "blank-line"


def _line_cell(row: ProblemRow) -> StyledText:
    if row.kind is RowKind.RULE:
        return [("▾ " if row.is_open else "▸ ", "$accent-text"), (f"×{row.count:,}", "")]
    return [(format_line(row.problem), "")]


def _id_cell(row: ProblemRow) -> str:
    return "" if row.kind is RowKind.RULE else line(row.problem.custom_id or "")


def _what_cell(row: ProblemRow) -> str:
    from tbatch_tui.engine.check import RULES

    return RULES[row.problem.rule].title if row.kind is RowKind.RULE else row.problem.message


_COLUMNS: list[Column[ProblemRow]] = [
    Column("severity", "Severity", render=_severity_cell, min=9, priority=9, base=True),
    Column("line", "Line", render=_line_cell, min=6, align="right", priority=8, base=True),
    Column("custom_id", "custom_id", render=_id_cell, min=10, max=48, priority=7, keep="middle", base=True),
    Column("what", "Problem", render=_what_cell, min=24, max=56, priority=6, base=True),
    Column(
        "mend",
        "How to fix",
        render=lambda row: "" if row.kind is RowKind.LINE else row.problem.fix,
        min=30,
        max=48,
        priority=3,
        style="$status-quiet",
    ),
    Column("rule", "Rule", render=_rule_cell, min=12, max=20, priority=1, style="$status-quiet"),
]
