"""The columns dialog: which columns the list of results has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

from tbatch_tui.engine.answers.order import COST, FIELD, FINISH, LENGTH, LINE, PROMPT_TOKENS, SECONDS, TOKENS
from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.dialogs.form import Form
from tbatch_tui.tui.render.status import QUIET
from tbatch_tui.tui.sanitize import line, line_content
from tbatch_tui.tui.screens.results.listing.columns import ALWAYS, ANSWER, TITLES
from tbatch_tui.tui.widgets.checkbox_list import Checkbox, CheckboxList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

_ABOUT = {
    LINE: "of the input file",
    TOKENS: "of the answer",
    PROMPT_TOKENS: "of the request",
    SECONDS: "of the recording",
    COST: "at the prices in force",
    LENGTH: "characters of the answer",
    FINISH: "why the answer ended",
    ANSWER: "its beginning, or the part that a search found",
}


class ColumnDialog(Form[tuple[str, ...]]):
    """A tick for each column, fields of the JSON among them; returns the names of those that are ticked, or None."""

    AROUND = 9

    def __init__(self, names: Sequence[str], fields: Sequence[str]) -> None:
        """Make a dialog.

        Args:
            names: The columns that are shown.
            fields: The fields of the JSON that the answers are.
        """
        super().__init__()
        self._shown = tuple(names)
        known = [f"{FIELD}{name}" for name in fields]
        # Fields that other jobs of this kind have stay chosen.
        self._others = tuple(name for name in names if name.startswith(FIELD) and name not in known)
        self._names = [*(name for name in TITLES if name not in ALWAYS), *known]

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        with Box():
            yield Static(line_content("Columns of Results"), classes="dialog--title")
            with CheckboxList():
                for number, name in enumerate(self._names):
                    about = _ABOUT.get(name, "field of the answers")
                    title = TITLES.get(name) or line(name.removeprefix(FIELD))
                    words = [(f"{title:<16}", ""), (f" {about}", QUIET)]
                    yield Checkbox(words, on=name in self._shown, id=f"column-{number}")
            yield Static(id="sum", markup=False)
            yield self.hints("Show them", "Toggle")

    def _chosen(self) -> tuple[str, ...]:
        ticked = {tick.id for tick in self.query(Checkbox) if tick.on}
        chosen = {name for number, name in enumerate(self._names) if f"column-{number}" in ticked}
        kept = [name for name in self._shown if name in chosen or name in ALWAYS or name in self._others]
        return tuple(dict.fromkeys([*kept, *(name for name in self._names if name in chosen)]))

    def on_checkbox_changed(self) -> None:
        """Say how many columns that are."""
        self.update_summary()

    def update_summary(self) -> None:
        """Say how many columns that are, and that they are remembered."""
        count = len({*self._chosen(), *ALWAYS}) - len(self._others)
        self.show_summary([(f"{count} columns, custom_id and Outcome among them; remembered for such jobs.", "")])

    def action_save(self) -> None:
        """Return the columns that are ticked."""
        self.dismiss(self._chosen())
