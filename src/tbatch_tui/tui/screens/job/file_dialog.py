"""The dialog that asks which file of a job to open; shown only when there are several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import key_display
from tbatch_tui.tui.sanitize import line_content
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file of a job that is on this machine."""

    name: str
    path: Path
    size: int | None


class ChooseFile(Dialog["Path | None"]):
    """Returns the path of one of several files, or None."""

    AUTO_FOCUS = "RecordTable"
    BINDINGS: ClassVar[list[BindingType]] = [keys.NO]
    DEFAULT_CSS = """
    ChooseFile { Box { width: 90; } RecordTable { margin-top: 1; } }
    """

    def __init__(self, question: str, files: Sequence[JobFile]) -> None:
        super().__init__()
        self._question = question
        self._files = files

    def compose(self) -> ComposeResult:
        """Lay out the question, the files and the keys."""
        with Box():
            yield Static(line_content(self._question), classes="dialog--title")
            yield RecordTable[JobFile](
                [
                    Column("file", "File", lambda file: file.name, width=8),
                    Column("size", "Size", lambda file: fmt.size(file.size), width=9, align="right"),
                    Column("path", "Where", lambda file: fmt.short_path(file.path), min=10, keep="end"),
                ],
                id="choices",
            )
            yield KeyHints((key_display(keys.SELECT), "Open"), (self.key_of("answer.no"), "Cancel"))

    def on_mount(self) -> None:
        """List the files."""
        table = self.query_one(RecordTable)
        table.styles.height = len(self._files) + 1
        table.set_rows((file.name, file) for file in self._files)

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """Return the path of the file under the cursor."""
        event.stop()
        self.dismiss(next(file.path for file in self._files if file.name == event.key))

    def action_no(self) -> None:
        """Return None."""
        self.dismiss(None)
