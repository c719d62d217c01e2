"""The export dialog: in which format, which rows and columns, and to which file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.containers import Horizontal
from textual.widgets import Static

from tbatch_tui.engine.audio.transcript_files import TranscriptFormat
from tbatch_tui.engine.results import AUDIO_TABLE, COLUMNS, DEFAULT_COLUMNS, ExportFormat, has_parquet
from tbatch_tui.text import format as fmt
from tbatch_tui.text.paths import path_of
from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.dialogs.form import Form
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.sanitize import line, line_content
from tbatch_tui.tui.screens.results.exporting.choice import AnyFormat, ExportChoice, ExportPreferences
from tbatch_tui.tui.screens.results.rows import MARKED
from tbatch_tui.tui.widgets.checkbox_list import Checkbox, CheckboxList
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from textual.app import ComposeResult

    from tbatch_tui.engine.tables.join_back import KnownSource
    from tbatch_tui.tui.screens.comparing import Other

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
class ComparedWith:
    """What an HTML report can compare the answers with."""

    ask: Callable[[str], Awaitable[Other | None]]
    """Asks for one of a kind; returns None where nothing is chosen."""
    names: Mapping[str, str]
    """The other jobs and groups with results here, by key."""
    has_source: bool
    """Whether the job was made of a table, whose columns can be chosen."""


_KINDS = {"other": "compare with another job", "gold": "compare with what each answer should be"}
"""What is ticked to compare with a job, and with a column of the source table."""


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
        source: KnownSource | None = None,
        source_is_here: bool = True,
        job_id: str = "",
        last: ExportPreferences | None = None,
        recordings: bool = False,
        compared: ComparedWith | None = None,
    ) -> None:
        """Make a dialog.

        Args:
            name: The name of the job.
            stem: The file name that is offered, without its suffix.
            folder: The folder that is offered.
            count: How many rows there are in all.
            shown: How many rows are shown or marked.
            label: What the rows that are shown have in common; empty if they are all rows.
            source: The table that the job was made of; None where that is not known.
            source_is_here: Whether that table is still where it was.
            job_id: The id of the job, for the name of that table with the answers.
            last: What was chosen the last time.
            recordings: Whether the rows are about recordings, whose transcripts can be files of their own.
            compared: What an HTML report can compare the answers with; None for nothing.
        """
        super().__init__()
        columns = AUDIO_TABLE if recordings else DEFAULT_COLUMNS
        is_into = source is not None and source_is_here
        default = ExportPreferences(None if is_into else ExportFormat.MERGED, columns, False, folder)
        self._titles = _FORMATS | _TRANSCRIPTS if recordings else _FORMATS
        self._last = last or default
        if self._last.format not in (*self._titles, *((None,) if is_into else ())):
            self._last = default
        self._source, self._source_is_here, self._job_id = source, source_is_here, job_id
        self._job_name, self._stem, self._folder = name, stem, self._last.folder
        self._row_count, self._shown, self._label = count, shown, label
        self._compared = compared or ComparedWith(_ask_nothing, {}, has_source=False)
        self._chosen = {
            "other": self._last.other if self._last.other in self._compared.names else "",
            "gold": self._last.gold if self._compared.has_source else "",
        }
        self._offered_text = ""

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        default = self._last.format
        with Box():
            yield Static(line_content(f"Export {self._job_name}"), classes="dialog--title")
            with CheckboxList():
                yield from self._formats(default)
                yield from self._rows()
                words = [("with reasoning", ""), (" · merged JSONL always has it", QUIET)]
                yield Checkbox(words, on=self._last.reasoning, id="reasoning")
                for kind in _KINDS:
                    yield Checkbox(self._kind_words(kind), on=bool(self._chosen[kind]), id=kind)
                with Horizontal(classes="field", id="columns-field"):
                    yield Static("Columns", classes="name", markup=False)
                    yield TextInput(", ".join(self._last.columns), placeholder=", ".join(COLUMNS), id="columns")
                with Horizontal(classes="field", id="table-field"):
                    yield Static("Table", classes="name", markup=False)
                    yield TextInput(self._source_text(), placeholder="where it is now", id="table")
                with Horizontal(classes="field"):
                    yield Static("File", classes="name", markup=False)
                    yield TextInput(fmt.short_path(self._offered(default)), id="path")
            yield Static(id="sum", markup=False)
            yield self.hints("Write", "Choose")

    def _formats(self, default: AnyFormat | None) -> ComposeResult:
        if self._source is not None:
            about = " · its rows, with the answers" if self._source_is_here else " · is not where it was: say where"
            words = [(f"into {line(self._source.name)}", ""), (about, QUIET)]
            yield Checkbox(words, on=default is None, id="into", group="form")
        for form, (title, about) in self._titles.items():
            if form is ExportFormat.PARQUET and not has_parquet():
                about = f"typed; {NEEDS_EXTRA}"
            words = [(f"{title:<15}", ""), (about, QUIET)]
            yield Checkbox(words, on=form is default, id=form.value, group="form")

    def _rows(self) -> ComposeResult:
        all_rows = [(f"all {fmt.plural(self._row_count, 'row')}", "")]
        yield Checkbox(all_rows, on=not self._label, id="all", group="rows")
        if self._label:
            words = [(f"{fmt.plural(self._shown, 'row')} shown", ""), (f" · {self._label}", QUIET)]
            if self._label == MARKED:
                words = [(fmt.plural(self._shown, "marked row"), "")]
            yield Checkbox(words, on=True, id="shown", group="rows")

    def _kind_words(self, kind: str) -> list[tuple[str, str]]:
        chosen = self._chosen[kind]
        if not chosen:
            return [(f"{_KINDS[kind]} …", "")]
        name, what = (self._compared.names[chosen], "job") if kind == "other" else (chosen, "column of the table")
        return [(f"compare with {line(name)}", ""), (f" · {what}", QUIET)]

    def on_mount(self) -> None:
        """Note the path that is offered, and show what the first choice amounts to."""
        self._offered_text = self.query_one("#path", TextInput).value
        super().on_mount()

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Ask what to compare with where that was ticked, and show what the choice amounts to now."""
        kind = event.checkbox.id or ""
        if kind in _KINDS:
            self._chosen[kind] = ""
            event.checkbox.set_label(self._kind_words(kind))
            if event.checkbox.on:
                self._ask_other(kind)
        self.update_summary()

    @work(group="other", exclusive=True, exit_on_error=False)
    async def _ask_other(self, kind: str) -> None:
        box = self.query_one(f"#{kind}", Checkbox)
        chosen = await self._compared.ask(kind)
        self._chosen[kind] = (chosen.key or chosen.gold) if chosen is not None else ""
        box.set_label(self._kind_words(kind), on=bool(self._chosen[kind]))

    def _source_text(self) -> str:
        """Return what the field shows of the path of the source table."""
        if self._source is None or not self._source_is_here:
            return ""
        return self._source.text if self._source.is_job else fmt.short_path(Path(self._source.text))

    def _table(self) -> str:
        """Return where the source table is: as it was known, unless the person named another place."""
        text = self.query_one("#table", TextInput).value.strip()
        if not text or self._source is None:
            return ""
        if text == line(self._source_text()):
            return self._source.text
        return text if self._source.at(text).is_job else str(path_of(text))

    def _offered(self, form: AnyFormat | None) -> Path:
        """Return the path that is offered for a format; None stands for the source table."""
        if form is None and self._source is not None:
            table = self._table() if self.is_mounted else ""
            return (self._source.at(table) if table else self._source).joined_path(self._folder, self._job_id)
        return self._folder / f"{self._stem}{form.suffix if form is not None else ''}"

    def _offer_path(self) -> None:
        """Give the file the name that is offered for the format, unless the person named it."""
        path, offered = self.query_one("#path", TextInput), fmt.short_path(self._offered(self._format()))
        if path.value == self._offered_text and path.value != line(offered):
            path.value = offered
            self._offered_text = path.value

    def _format(self) -> AnyFormat | None:
        """Return the format that is ticked; None for the source table."""
        if self._source is not None and self.query_one("#into", Checkbox).on:
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
        if self._format() is None and not self._table():
            return "Enter where the table is now."
        return "" if self.query_one("#path", TextInput).value.strip() else "Enter a file name."

    def update_summary(self) -> None:
        """Show the fields that the format has, the path that is offered for it, and how many rows would be written."""
        self._offer_path()
        form = self._format()
        self.query_one("#columns-field").display = self._is_table()
        self.query_one("#table-field").display = form is None
        for box in self.query("#all, #shown, #reasoning"):
            box.display = form is not None
        can_compare = {"other": bool(self._compared.names), "gold": self._compared.has_source}
        for kind, possible in can_compare.items():
            self.query_one(f"#{kind}").display = form is ExportFormat.HTML and possible
        mistake = self._mistake()
        count = self._shown if self._label and not self.query_one("#all", Checkbox).on else self._row_count
        summary = f"{fmt.plural(count, 'row')}. You are asked before anything is replaced."
        if form is None:
            summary = "All rows; retries and parts count as one."
        self.show_summary([(mistake, ATTENTION) if mistake else (summary, "")])

    def action_save(self) -> None:
        """Return the choice; with a mistake in it, ring the bell."""
        if self._mistake():
            self.app.bell()
            return
        form, text = self._format(), self.query_one("#path", TextInput).value.strip()
        # The path that was offered is taken as it is: what the field shows of it was made safe for the screen.
        path = self._offered(form) if text == self._offered_text else path_of(text)
        self.dismiss(
            ExportChoice(
                form,
                bool(self._label) and not self.query_one("#all", Checkbox).on,
                tuple(self._columns()),
                path,
                reasoning=self.query_one("#reasoning", Checkbox).on,
                table=self._table(),
                other=self._chosen["other"],
                gold=self._chosen["gold"],
            )
        )


async def _ask_nothing(_kind: str) -> None:
    return None
