"""The table of the files that are checked together: what each holds, and how many problems it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from textual.binding import BindingType

    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.screens.check.several.session import FileCheck, FilesSession


class CheckedRow(NamedTuple):
    """A row of the table."""

    number: int
    """The place of the file in the order in which they are sent, from 1."""
    file: FileCheck
    with_folder: bool
    """Whether the files are from more than one folder."""

    @property
    def has_errors(self) -> bool:
        """Whether it keeps the files from being submitted."""
        return self.file.errors > 0


def rows_of(session: FilesSession) -> list[tuple[str, CheckedRow]]:
    """Return the rows, each after its key: files with errors first, then the others in the order they are sent."""
    with_folder = len({file.path.parent for file in session.files}) > 1
    rows = [CheckedRow(number, file, with_folder) for number, file in enumerate(session.files, start=1)]
    return [(str(row.file.path), row) for row in sorted(rows, key=lambda row: not row.has_errors)]


class CheckedTable(RecordTable[CheckedRow], inherit_bindings=False):
    """Files; Enter opens the check of one."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.SELECT, *keys.MOVING]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(_COLUMNS, group=lambda row: row.has_errors, enter="Open", id=id)


def format_problems(file: FileCheck) -> StyledText:
    """Return `✗ 3 errors · ! 41 warnings`, `✓ No problems`, or why the file cannot be read."""
    if file.error is not None:
        return [("✗ ", "$status-failed"), (line(file.error.title.removeprefix(f"{file.path} ")), "$status-failed")]
    if file.report is None:
        return [("…", "$status-quiet")]
    if not (file.errors or file.warnings):
        return [("✓ No problems", "$status-ok")]
    text: StyledText = []
    for number, noun, glyph, style in (
        (file.errors, "error", "✗", "$status-failed"),
        (file.warnings, "warning", "!", "$status-attention"),
    ):
        if number:
            text += [(" · " if text else "", "$rule"), (f"{glyph} {fmt.plural(number, noun)}", style)]
    return text


def _name_cell(row: CheckedRow, width: int) -> StyledText:
    name = line(row.file.path.name)
    if not row.with_folder:
        return [(name, "")]
    room = max(0, width - len(name) - 3)
    folder = shorten_path(row.file.path.parent, room) if room >= 8 else ""
    return [(name, ""), (f"  {folder}" if folder else "", "$status-quiet")]


def _count_cell(row: CheckedRow) -> str:
    return fmt.count(row.file.report.requests) if row.file.report is not None else ""


def _tokens_cell(row: CheckedRow) -> str:
    tokens = row.file.report.prompt_tokens if row.file.report is not None else 0
    return fmt.count(round(tokens, 2 - len(str(tokens)))) if tokens else ""


def _size_cell(row: CheckedRow) -> str:
    return fmt.size(row.file.report.size) if row.file.report is not None else ""


_COLUMNS: list[Column[CheckedRow]] = [
    Column("number", "#", render=lambda row: f"{row.number:,}", width=5, align="right", priority=8, base=True),
    Column("name", "File", draw=_name_cell, min=16, max=60, priority=9, keep="middle", base=True),
    Column("problems", "Problems", render=lambda row: format_problems(row.file), min=14, priority=7, base=True),
    Column("requests", "Requests", render=_count_cell, min=8, align="right", priority=6),
    Column("size", "Size", render=_size_cell, width=8, align="right", priority=5, style="$status-quiet"),
    Column("tokens", "Tokens, about", render=_tokens_cell, min=13, align="right", priority=4, style="$status-quiet"),
]
