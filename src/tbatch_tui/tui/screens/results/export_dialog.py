"""The export dialog: in which format, which rows and columns, and to which file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Static

from tbatch_tui.engine.audio.transcript_files import TranscriptFormat
from tbatch_tui.engine.results import AUDIO_TABLE, COLUMNS, DEFAULT_COLUMNS, ExportFormat, has_parquet
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.dialogs.form import Form
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.sanitize import line, line_content
from tbatch_tui.tui.screens.results.rows import MARKED
from tbatch_tui.tui.widgets.checkbox_list import Checkbox, CheckboxList
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

AnyFormat = ExportFormat | TranscriptFormat
_FORMATS: dict[AnyFormat, tuple[str, str]] = {
    ExportFormat.MERGED: ("Merged JSONL", "request and response of each row"),
    ExportFormat.ANSWERS: ("Answers JSONL", "custom_id and answer, nothing else"),
    ExportFormat.CSV: ("CSV", "table with the columns below (formula-safe)"),
    ExportFormat.PARQUET: ("Parquet", "the same table, typed"),
    ExportFormat.MARKDOWN: ("Markdown", "readable conversations"),
    ExportFormat.HTML: ("HTML report", "one file for a browser: values, and rows to search"),
}
_TRANSCRIPTS: dict[AnyFormat, tuple[str, str]] = {
    TranscriptFormat.SRT: ("Subtitles, srt", "a folder with a file for each recording"),
    TranscriptFormat.VTT: ("Subtitles, vtt", "the same for browsers, speakers as voices"),
    TranscriptFormat.TXT: ("Text", "a file for each recording"),
    TranscriptFormat.JSON: ("JSON", "a file for each recording, with its segments"),
}
NEEDS_EXTRA = "needs pyarrow: install tbatch-tui[parquet]"


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What the person chose."""

    format: AnyFormat
    shown_only: bool
    """Only the rows that are shown or marked, instead of all."""
    columns: tuple[str, ...]
    path: Path
    reasoning: bool = False
    """With what the model thought, in formats other than merged JSONL, which always has it."""
    into_source: bool = False
    """The whole source table with the answers, whatever the other fields say."""


@dataclass(frozen=True, slots=True)
class ExportPreferences:
    """What was chosen the last time for a job, and is offered again."""

    format: AnyFormat | None
    """None for the source table."""
    columns: tuple[str, ...]
    reasoning: bool
    folder: Path

    def as_text(self) -> str:
        """Return it as the history keeps it."""
        form = self.format.value if self.format is not None else ""
        return json.dumps([form, *map(str, (int(self.reasoning), self.folder)), *self.columns])

    @classmethod
    def read(cls, text: str | None) -> ExportPreferences | None:
        """Return what was kept; None where that cannot be read, or names what is not there any more."""
        try:
            form, reasoning, folder, *columns = json.loads(text or "[]")
            known = tuple(name for name in columns if name in COLUMNS) or DEFAULT_COLUMNS
            return cls(_format_called(form) if form else None, known, reasoning == "1", Path(folder))
        except (ValueError, TypeError):
            return None


def _format_called(name: str) -> AnyFormat:
    """Return a format by its value. Raises ValueError."""
    return TranscriptFormat(name) if name in [*TranscriptFormat] else ExportFormat(name)


class ExportDialog(Form[ExportChoice]):
    """A form of formats, rows, columns and a path; returns the choice, or None."""

    AROUND = 10
    DEFAULT_CSS = """
    ExportDialog {
        .field > .name { width: 10; }
        #all { margin-top: 1; }
    }
    """

    def __init__(
        self,
        name: str,
        stem: str,
        folder: Path,
        *,
        count: int,
        shown: int,
        label: str = "",
        source: str = "",
        joined: Path | None = None,
        last: ExportPreferences | None = None,
        recordings: bool = False,
    ) -> None:
        """Make a dialog.

        Args:
            name: The name of the job.
            stem: The file name that is offered, without its suffix.
            folder: The folder that is offered.
            count: How many rows there are in all.
            shown: How many rows are shown or marked.
            label: What the rows that are shown have in common; empty if they are all rows.
            source: The name of the table that the job was made of; empty if it is not here.
            joined: The path that is offered for that table with the answers.
            last: What was chosen the last time.
            recordings: Whether the rows are about recordings, whose transcripts can be files of their own.
        """
        super().__init__()
        columns = AUDIO_TABLE if recordings else DEFAULT_COLUMNS
        default = ExportPreferences(None if source else ExportFormat.MERGED, columns, False, folder)
        self._titles = _FORMATS | _TRANSCRIPTS if recordings else _FORMATS
        self._last = last or default
        if (self._last.format or ExportFormat.MERGED) not in self._titles or (self._last.format is None and not source):
            self._last = default
        folder = self._last.folder
        self._source, self._joined = source, joined
        self._job_name, self._stem, self._folder = name, stem, folder
        self._row_count, self._shown, self._label = count, shown, label

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        default = self._last.format
        with Box():
            yield Static(line_content(f"Export {self._job_name}"), classes="dialog--title")
            with CheckboxList():
                if self._source:
                    words = [
                        (f"into {line(self._source)}", ""),
                        (" · its rows, with the answers", QUIET),
                    ]
                    yield Checkbox(words, on=default is None, id="into", group="form")
                for form, (title, about) in self._titles.items():
                    if form is ExportFormat.PARQUET and not has_parquet():
                        about = f"typed; {NEEDS_EXTRA}"
                    words = [(f"{title:<15}", ""), (about, QUIET)]
                    yield Checkbox(words, on=form is default, id=form.value, group="form")
                yield Checkbox(
                    [(f"all {fmt.plural(self._row_count, 'row')}", "")], on=not self._label, id="all", group="rows"
                )
                if self._label:
                    words = [(f"{fmt.plural(self._shown, 'row')} shown", ""), (f" · {self._label}", QUIET)]
                    if self._label == MARKED:
                        words = [(fmt.plural(self._shown, "marked row"), "")]
                    yield Checkbox(words, on=True, id="shown", group="rows")
                words = [("with reasoning", ""), (" · merged JSONL always has it", QUIET)]
                yield Checkbox(words, on=self._last.reasoning, id="reasoning")
                with Horizontal(classes="field", id="columns-field"):
                    yield Static("Columns", classes="name", markup=False)
                    yield TextInput(", ".join(self._last.columns), placeholder=", ".join(COLUMNS), id="columns")
                with Horizontal(classes="field"):
                    yield Static("File", classes="name", markup=False)
                    yield TextInput(self._default_path(default), id="path")
            yield Static(id="sum", markup=False)
            yield self.hints("Write", "Choose")

    def on_checkbox_changed(self) -> None:
        """Give the file the suffix of the format, unless the person named it."""
        path = self.query_one("#path", TextInput)
        if path.value in [self._default_path(form) for form in (None, *self._titles)]:
            path.value = self._default_path(self._format())
        self.update_summary()

    def _offered(self, form: AnyFormat | None) -> Path:
        """Return the path that is offered for a format; None stands for the source table."""
        if form is None:
            return self._joined or self._folder
        return self._folder / f"{self._stem}{form.suffix}"

    def _default_path(self, form: AnyFormat | None) -> str:
        return fmt.short_path(self._offered(form))

    def _format(self) -> AnyFormat | None:
        """Return the format that is ticked; None for the source table."""
        if self._source and self.query_one("#into", Checkbox).on:
            return None
        return next(
            (form for form in self._titles if self.query_one(f"#{form.value}", Checkbox).on), ExportFormat.MERGED
        )

    def _is_table(self) -> bool:
        form = self._format()
        return isinstance(form, ExportFormat) and form.is_table

    def _columns(self) -> Sequence[str]:
        return [name.strip() for name in self.query_one("#columns", TextInput).value.split(",") if name.strip()]

    def _mistake(self) -> str:
        """Return what is wrong with the choice; empty if nothing is."""
        if self._format() is ExportFormat.PARQUET and not has_parquet():
            return f"Parquet {NEEDS_EXTRA}, or choose CSV."
        unknown = [name for name in self._columns() if name not in COLUMNS]
        if self._is_table() and (unknown or not self._columns()):
            what = f"There is no column {unknown[0]!r}." if unknown else "Enter at least one column."
            return f"{what} There are: {', '.join(COLUMNS)}."
        return "" if self.query_one("#path", TextInput).value.strip() else "Enter a file name."

    def update_summary(self) -> None:
        """Show how many rows would be written, and the columns where the format has some."""
        self.query_one("#columns-field").display = self._is_table()
        is_into = self._format() is None
        for box in self.query("#all, #shown"):
            box.display = not is_into
        mistake = self._mistake()
        count = self._shown if self._label and not self.query_one("#all", Checkbox).on else self._row_count
        summary = f"{fmt.plural(count, 'row')}. You'll be asked before a file is overwritten."
        if is_into:
            summary = "All rows; retries and parts count as one."
        self.show_summary([(mistake, ATTENTION) if mistake else (summary, "")])

    def action_save(self) -> None:
        """Return the choice; with a mistake in it, ring the bell."""
        if self._mistake():
            self.app.bell()
            return
        form, text = self._format(), self.query_one("#path", TextInput).value.strip()
        # The path that was offered is taken as it is: what the field shows of it was made safe for the screen.
        is_default = text == self._default_path(form)
        path = self._offered(form) if is_default else Path(text).expanduser()
        shown_only = bool(self._label) and not self.query_one("#all", Checkbox).on
        reasoning = self.query_one("#reasoning", Checkbox).on
        self.dismiss(
            ExportChoice(
                form or ExportFormat.MERGED,
                shown_only,
                tuple(self._columns()),
                path,
                reasoning=reasoning,
                into_source=form is None,
            )
        )
