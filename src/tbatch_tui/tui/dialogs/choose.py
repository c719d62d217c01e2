"""A question with several answers, each with what it means; escape leaves things as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual.widgets import Static

from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import key_display
from tbatch_tui.tui.sanitize import line_content, lines_content
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.tui.render.styled import StyledText

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Option(Generic[Answer]):
    """One answer, and what it means."""

    answer: Answer
    title: str
    means: StyledText


class ChoiceDialog(Dialog["Answer | None"], Generic[Answer]):
    """Returns one of the answers, or None. The answer that costs and loses nothing comes first."""

    AUTO_FOCUS = "RecordTable"
    BINDINGS: ClassVar[list[BindingType]] = [keys.NO]
    DEFAULT_CSS = """
    ChoiceDialog { Box { width: 100; } RecordTable { margin-top: 1; } }
    """

    def __init__(
        self,
        question: str,
        explanation: str,
        options: Sequence[Option[Answer]],
        *,
        leave: str,
        heads: tuple[str, str] = ("Do", "What it means"),
        verb: str = "Do that",
        title_width: int = 14,
        lines: int = 8,
    ) -> None:
        """Make a dialog.

        Args:
            question: One line, ending with a question mark.
            explanation: What the question is about, in full.
            options: The answers, in the order of the list.
            leave: What escape does, as a verb: "Decide later".
            heads: The titles of the two columns.
            verb: What Enter does.
            title_width: Cells of the first column.
            lines: Answers that are in view at once.
        """
        super().__init__()
        self._question = question
        self._explanation = explanation
        self._options = options
        self._leave = leave
        self._heads, self._verb, self._title_width, self._lines = heads, verb, title_width, lines

    def compose(self) -> ComposeResult:
        """Lay out the question, the answers and the keys."""
        with Box():
            yield Static(line_content(self._question), classes="dialog--title")
            yield Static(lines_content(self._explanation))
            yield RecordTable[Option[Answer]](
                [
                    Column("way", self._heads[0], lambda option: option.title, width=self._title_width, keep="middle"),
                    Column("means", self._heads[1], lambda option: option.means, min=10),
                ],
                id="ways",
            )
            yield KeyHints((key_display(keys.SELECT), self._verb), (self.key_of("answer.no"), self._leave))

    def on_mount(self) -> None:
        """List the answers."""
        table = self.query_one(RecordTable)
        table.styles.height = min(len(self._options), self._lines) + 1
        table.set_rows((str(number), option) for number, option in enumerate(self._options))

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """Return the answer under the cursor."""
        event.stop()
        self.dismiss(self._options[int(event.key)].answer)

    def action_no(self) -> None:
        """Return None."""
        self.dismiss(None)
