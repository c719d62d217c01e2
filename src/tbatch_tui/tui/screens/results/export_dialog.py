"""Where results are written to, as what, and which rows of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Input, Static

from tbatch_tui.engine.results import COLUMNS, DEFAULT_COLUMNS, ExportFormat, has_parquet
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.dialogs.form import Form
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.sanitize import one_line
from tbatch_tui.tui.screens.results.rows import MARKED
from tbatch_tui.tui.widgets.checkbox_list import Checkbox, CheckboxList
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

_WORDS = {
    ExportFormat.MERGED: ("Merged JSONL", "request and response of each row"),
    ExportFormat.ANSWERS: ("Answers JSONL", "custom_id and answer, nothing else"),
    ExportFormat.CSV: ("CSV", "a table, of the columns below; no cell is a formula"),
    ExportFormat.PARQUET: ("Parquet", "the same table, typed"),
    ExportFormat.MARKDOWN: ("Markdown", "conversations, to be read"),
}
NEEDS_EXTRA = "needs pyarrow: install tbatch-tui[parquet]"


@dataclass(frozen=True, slots=True)
class ExportWish:
    """What a person chose."""

    form: ExportFormat
    shown_only: bool
    """The rows that are shown, instead of all."""
    columns: tuple[str, ...]
    path: Path


class ExportDialog(Form[ExportWish]):
    """Formats, rows, columns and a path; answers what was chosen, or None."""

    AROUND = 10
    DEFAULT_CSS = """
    ExportDialog {
        .field > .name { width: 10; }
        #all { margin-top: 1; }
    }
    """

    def __init__(self, name: str, stem: str, folder: Path, *, count: int, shown: int, of: str = "") -> None:
        """A dialog.

        Args:
            name: What the job is called.
            stem: What the file is called, without its end; it goes to `folder`, where nothing else is said.
            count: Rows in all.
            shown: Rows that are shown, where they are not all; `of` says what they are.
        """
        super().__init__()
        self._name, self._stem, self._folder = name, stem, folder
        self._row_count, self._shown, self._of = count, shown, of

    def compose(self) -> ComposeResult:
        with Box():
            yield Static(one_line(f"Export {self._name}"), classes="dialog--title")
            with CheckboxList():
                for form, (title, about) in _WORDS.items():
                    if form is ExportFormat.PARQUET and not has_parquet():
                        about = f"typed; {NEEDS_EXTRA}"
                    words = [(f"{title:<15}", ""), (about, QUIET)]
                    yield Checkbox(words, on=form is ExportFormat.MERGED, id=form.value, group="form")
                yield Checkbox(
                    [(f"all {fmt.plural(self._row_count, 'row')}", "")], on=not self._of, id="all", group="rows"
                )
                if self._of:
                    words = [(f"{fmt.plural(self._shown, 'row')} shown", ""), (f" · {self._of}", QUIET)]
                    if self._of == MARKED:
                        words = [(fmt.plural(self._shown, "marked row"), "")]
                    yield Checkbox(words, on=True, id="shown", group="rows")
                with Horizontal(classes="field", id="columns-field"):
                    yield Static("Columns", classes="name", markup=False)
                    yield TextInput(", ".join(DEFAULT_COLUMNS), placeholder=", ".join(COLUMNS), id="columns")
                with Horizontal(classes="field"):
                    yield Static("File", classes="name", markup=False)
                    yield TextInput(self._usual(ExportFormat.MERGED), id="path")
            yield Static(id="sum", markup=False)
            yield self.hints("Write", "Choose")

    def on_mount(self) -> None:
        self._show_sum()

    def on_checkbox_changed(self) -> None:
        path = self.query_one("#path", TextInput)
        if path.value in [self._usual(form) for form in ExportFormat]:
            path.value = self._usual(self._form())
        self._show_sum()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show_sum()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_save()

    def _usual(self, form: ExportFormat) -> str:
        return fmt.place(self._folder / f"{self._stem}{form.suffix}")

    def _form(self) -> ExportFormat:
        return next(
            (form for form in ExportFormat if self.query_one(f"#{form.value}", Checkbox).on), ExportFormat.MERGED
        )

    def _columns(self) -> Sequence[str]:
        return [name.strip() for name in self.query_one("#columns", TextInput).value.split(",") if name.strip()]

    def _trouble(self) -> str:
        """Why it cannot be done as it stands."""
        if self._form() is ExportFormat.PARQUET and not has_parquet():
            return f"Parquet {NEEDS_EXTRA}, or choose CSV."
        unknown = [name for name in self._columns() if name not in COLUMNS]
        if self._form().is_table and (unknown or not self._columns()):
            what = f"There is no column {unknown[0]!r}." if unknown else "A table wants columns."
            return f"{what} There are: {', '.join(COLUMNS)}."
        return "" if self.query_one("#path", TextInput).value.strip() else "The file wants a name."

    def _show_sum(self) -> None:
        self.query_one("#columns-field").display = self._form().is_table
        trouble = self._trouble()
        count = self._shown if self._of and not self.query_one("#all", Checkbox).on else self._row_count
        said = f"{fmt.plural(count, 'row')}. A file that is there already is not written over unasked."
        self.say_sum([(trouble, ATTENTION) if trouble else (said, "")])

    def action_save(self) -> None:
        if self._trouble():
            self.app.bell()
            return
        form, written = self._form(), self.query_one("#path", TextInput).value.strip()
        usual = written == self._usual(form)  # the path itself: what is shown of it passed the gate
        path = self._folder / f"{self._stem}{form.suffix}" if usual else Path(written).expanduser()
        shown_only = bool(self._of) and not self.query_one("#all", Checkbox).on
        self.dismiss(ExportWish(form, shown_only, tuple(self._columns()), path))
