"""Job: all that is known of one job, live: what happened when, where its files are, what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tbatch_tui.engine.events import RecordsChanged, TransferMoved
from tbatch_tui.engine.model import FileKind, JobRecord, TransferState
from tbatch_tui.tui import format as fmt
from tbatch_tui.tui import keys
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.frame import Frame
from tbatch_tui.tui.job_actions import JobActions
from tbatch_tui.tui.text import line, lines
from tbatch_tui.tui.widgets.fact_list import FactList
from tbatch_tui.tui.widgets.job_foot import pieces_content
from tbatch_tui.tui.widgets.job_story import error_hint, timeline
from tbatch_tui.tui.widgets.job_words import (
    Pieces,
    kind_of,
    moved_pieces,
    outcome_pieces,
    progress_cell,
    took,
    what_now,
)
from tbatch_tui.tui.widgets.status import look_of_record
from tbatch_tui.tui.widgets.tally_words import sum_style, sum_words

if TYPE_CHECKING:
    from tbatch_tui.engine.controller import Controller


class JobScreen(JobActions, Frame):
    """One job. It follows a submission when that takes its job's id."""

    NAME = "Job"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.RESULTS,
        keys.DOWNLOAD,
        keys.CANCEL,
        keys.REFRESH,
        keys.LABEL,
        keys.COPY_ID,
    ]
    DEFAULT_CSS = """
    JobScreen #story { height: 1fr; scrollbar-size-vertical: 1; }
    JobScreen #columns { height: auto; layout: vertical; }
    JobScreen.-wide #columns { layout: horizontal; }
    JobScreen #facts { padding: 0 2 1 2; }
    JobScreen #timeline { width: 1fr; height: auto; padding: 0 2 1 2; }
    JobScreen.-wide #timeline { width: 56; }
    """

    def __init__(self, engine: Controller, bridge: Bridge, key: str) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self._key = key
        self._transfers: dict[FileKind | None, TransferMoved] = {}

    @property
    def current(self) -> JobRecord | None:
        return self.engine.record(self._key)

    def body(self) -> ComposeResult:
        with VerticalScroll(id="story", can_focus=True):
            with _Columns(id="columns"):
                yield FactList(id="facts")
                yield Static(id="timeline", markup=False)
            yield FactList(id="files")

    def on_mount(self) -> None:
        self.bridge.records.subscribe(self, self._records_changed)
        self.bridge.transfers.subscribe(self, self._transfer_moved)
        self.set_interval(1.0, self._show)
        self.query_one("#story").focus()
        self.engine.recount(self._key)
        self._show()

    def _records_changed(self, event: RecordsChanged) -> None:
        self._key = dict(event.renamed).get(self._key, self._key)
        if any(record.key == self._key for record in event.changed):
            self._show()
            self.refresh_bindings()

    def _transfer_moved(self, event: TransferMoved) -> None:
        if event.key != self._key:
            return
        if event.ended:
            self._transfers.pop(event.kind, None)
        else:
            self._transfers[event.kind] = event
        self._show()

    # -- showing -------------------------------------------------------------------------------------

    def _show(self) -> None:
        record, now = self.current, self.engine.now()
        if record is None:
            self.header.show("gone from the history", [])
            return
        look = look_of_record(record)
        lasted = took(record, now)
        self.header.show(
            record.name, [(f"{look.glyph} {look.word}", look.colour), lasted if lasted != fmt.MISSING else ""]
        )
        self.query_one("#facts", FactList).show(self._facts(record, now))
        self.query_one("#timeline", Static).update(Content("\n").join(map(pieces_content, timeline(record, now))))
        self.query_one("#files", FactList).show(self._files(record))

    def _facts(self, record: JobRecord, now: float) -> list[tuple[str, Pieces]]:
        job, submission = record.job, record.submission
        look = look_of_record(record)
        facts: list[tuple[str, Pieces]] = [("Status", [(f"{look.glyph} {look.word}", look.colour)])]
        moved = self._transfers.get(None)
        if moved is not None and moved.total:
            facts.append(("Upload", moved_pieces(moved, 24)))
        if job is not None and not job.is_ended:
            facts.append(("Progress", progress_cell(record, 32)))
        if said := what_now(record):
            facts.append(("", [(said, "$status-quiet")]))
        if job is not None and job.is_ended:
            even = [(sum_words(record.tally), sum_style(record.tally))] if record.tally is not None else None
            facts.append(("Outcome", even or outcome_pieces(record)))
        if job is not None and job.error:
            facts.append(("Error", [(_some(job.error), "$status-failed")]))
            facts.append(("", [(error_hint(job.error), "$status-quiet")]))
        if submission is not None and submission.error:
            facts.append(("Trouble", [(_some(submission.error), "$status-attention")]))
            facts.append(("", [(_some(submission.hint or ""), "$status-quiet")]))
        if submission is not None and submission.warning:
            facts.append(("Warning", [(_some(submission.warning), "$status-attention")]))
        facts.append(("Label", [(line(record.label), "")]))
        facts.append(("Note", [(_some(record.note), "")]))
        if job is not None:
            facts.append(("Job id", [(line(job.id), "")]))
            facts.append(("Model", [(line(job.model or ("–" if job.is_ended else "named once validated")), "")]))
        facts.append(("Endpoint", [(kind_of(record), ""), (f"  {line(record.endpoint or '')}", "$status-quiet")]))
        facts.append(("Requests", [(fmt.count(record.requests), "")] if record.requests is not None else []))
        facts.append(("Submitted", [(fmt.absolute(record.created_at), ""), (_ago(record.created_at, now), _QUIET)]))
        if job is not None and job.deadline is not None:
            left = f"  in {fmt.duration(job.deadline - now)}" if not job.is_ended and job.deadline > now else ""
            facts.append(("Deadline", [(fmt.absolute(job.deadline), ""), (left, _QUIET)]))
        return [(name, pieces) for name, pieces in facts if any(text for text, _ in pieces)]

    def _files(self, record: JobRecord) -> list[tuple[str, Pieces]]:
        """Where the input and the results are."""
        job, submission = record.job, record.submission
        rows: list[tuple[str, Pieces]] = []
        if submission is not None:
            rows.append(("Input", [(fmt.size(submission.size), ""), (f"  {line(fmt.place(submission.path))}", "")]))
        elif record.input_name:
            size = job.file_size if job is not None else None
            rows.append(("Input", [(fmt.size(size), ""), (f"  {line(record.input_name)}, uploaded elsewhere", _QUIET)]))
        if job is not None and job.input_file_id:
            rows.append(("", [(line(job.input_file_id), _QUIET)]))
        for kind, title, here in (
            (FileKind.OUTPUT, "Output", record.output),
            (FileKind.ERRORS, "Errors", record.errors),
        ):
            file_id = job.file_id(kind) if job is not None else None
            if file_id is None:
                continue
            moved = self._transfers.get(kind)
            if moved is not None:
                rows.append((title, moved_pieces(moved, 24)))
            elif here is None:
                rows.append((title, [("on the server; d fetches it", "$status-attention")]))
            elif here.state is TransferState.FETCHED:
                facts = f"{fmt.size(here.size)}, {fmt.plural(here.rows or 0, 'row')}"
                rows.append((title, [(facts, ""), (f"  {line(fmt.place(here.path))}", "")]))
            elif here.state is TransferState.GONE:
                rows.append((title, [("gone from the server", "$status-attention")]))
            elif here.state is TransferState.WANTED:
                rows.append((title, [("being fetched", "$status-active")]))
            if here is not None and here.message:
                rows.append(
                    (title if here.state is TransferState.FAILED else "", [(line(here.message), "$status-attention")])
                )
            rows.append(("", [(line(file_id), _QUIET)]))
        return rows

    def action_cursor_down(self) -> None:
        self.query_one("#story").scroll_down()

    def action_cursor_up(self) -> None:
        self.query_one("#story").scroll_up()


class _Columns(VerticalScroll, can_focus=False):
    """Facts and timeline: below each other, or side by side where there is room."""


_QUIET = "$status-quiet"
_SHOWN = 1_500


def _some(text: str) -> str:
    """Foreign text of several lines, as much of it as a person would read here."""
    more = len(text) - _SHOWN
    return lines(text) if more <= 0 else f"{lines(text[:_SHOWN])} … and {more:,} characters more"


def _ago(then: float, now: float) -> str:
    return f"  {fmt.age(then, now)}"
