"""The file under the cursor: what is wrong with it, beside the others too, line by line; else what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical

from tbatch_tui.engine.domain.check_report import Problem, Severity
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.check_report import format_summary
from tbatch_tui.tui.screens.check.problem_table import SEVERITY_LOOKS, format_line
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult

    from tbatch_tui.tui.screens.check.several.session import FileCheck

_LISTED = 50
"""Problems that are listed."""


class FileView(Vertical):
    """Below the table; on a wide terminal beside it."""

    DEFAULT_CSS = """
    FileView {
        & > RecordView { padding: 0 2; }
    }
    """

    def compose(self) -> ComposeResult:
        """Compose the name of the file and what is said of it."""
        yield Divider()
        yield RecordView()

    def show(self, file: FileCheck) -> None:
        """Show what is known of a file."""
        self.query_one(Divider).set_title(file.path.name)
        self.query_one(RecordView).show(list(blocks_of(file)))


def blocks_of(file: FileCheck) -> Iterator[Block]:
    """Yield what is said of a file, line by line."""
    if file.error is not None:
        yield Block(f"✗ {file.error.title}", "$status-failed")
        yield Block(f"→ {file.error.hint}")
        return
    report = file.report
    if report is None:
        yield Block("Not read yet", "$status-quiet")
        return
    if file.other_endpoint:
        yield Block(f"✗ {file.other_endpoint}", "$status-failed")
    problems = sorted((*file.shared[:_LISTED], *report.problems), key=lambda problem: _RANKS[problem.severity])
    for problem in problems[:_LISTED]:
        yield _block(problem)
    whole = file.shared_count + report.errors + report.warnings + report.notes
    if whole > _LISTED:
        yield Block(fill_keys(f"The first {_LISTED} of {whole:,}: {{go.on}} lists them all"), "$status-quiet")
    if not (file.errors or report.warnings):
        yield Block("✓ No problems", "$status-ok")
    yield Block("".join(text for text, _ in format_summary(report)), "$status-quiet")


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def _block(problem: Problem) -> Block:
    glyph, _, colour = SEVERITY_LOOKS[problem.severity]
    place = format_line(problem)
    where = "" if place == "file" else f"line {place}: "
    custom_id = f" ({problem.custom_id})" if problem.custom_id else ""
    return Block(f"{glyph} {where}{fmt.join(problem.message, problem.fix)}{custom_id}", colour)
