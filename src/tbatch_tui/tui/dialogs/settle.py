"""What to do with a create whose answer is lost: which job it is, look on, create again, or give up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tbatch_tui.engine.lookup import Verdict
from tbatch_tui.engine.model import Job, JobRecord
from tbatch_tui.tui import format as fmt
from tbatch_tui.tui import keys
from tbatch_tui.tui.dialogs.dialog import Box, Dialog, KeyHints
from tbatch_tui.tui.key_words import shown_key
from tbatch_tui.tui.text import line, one_line, shown
from tbatch_tui.tui.widgets.columns import Column
from tbatch_tui.tui.widgets.one_line import Pieces
from tbatch_tui.tui.widgets.record_table import RecordTable
from tbatch_tui.tui.widgets.status import QUIET, look_of


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways to settle it, and what it means."""

    verdict: Verdict
    title: str
    means: Pieces


class Settle(Dialog["Verdict | None"]):
    """One of the ways, or None to leave it to the list. The way that costs nothing and loses nothing comes first."""

    AUTO_FOCUS = "RecordTable"
    BINDINGS: ClassVar[list[BindingType]] = [keys.NO]
    DEFAULT_CSS = """
    Settle { Box { width: 100; } RecordTable { margin-top: 1; } }
    """

    def __init__(self, record: JobRecord, candidates: Sequence[Job], now: float) -> None:
        super().__init__()
        self._record = record
        self._now = now
        self._ways = list(_ways(candidates, now))

    def compose(self) -> ComposeResult:
        submission = self._record.submission
        since = submission.uncertain_since if submission is not None else None
        said = (submission.error if submission is not None else None) or ""
        with Box():
            yield Static(one_line(f"Was {self._record.name} created?"), classes="dialog--title")
            yield Static(shown(f"{said.rstrip('.')}. Not known since {_moment(since, self._now)}."))
            yield RecordTable[Way](
                [
                    Column("way", "Settle it", lambda way: way.title, width=14),
                    Column("means", "What it means", lambda way: way.means, min=10),
                ],
                id="ways",
            )
            yield KeyHints((shown_key(keys.SELECT), "Do that"), (self.key_of("answer.no"), "Leave it to the list"))

    def on_mount(self) -> None:
        table = self.query_one(RecordTable)
        table.styles.height = min(len(self._ways), 8) + 1
        table.set_rows((str(number), way) for number, way in enumerate(self._ways))

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        event.stop()
        self.dismiss(self._ways[int(event.key)].verdict)

    def action_no(self) -> None:
        self.dismiss(None)


def _ways(candidates: Sequence[Job], now: float) -> Iterator[Way]:
    yield Way(Verdict(wait=True), "Wait longer", [("looked for, not created by itself", "")])
    for job in candidates:
        look = look_of(job.status)
        created = f" · created {_moment(job.created_at, now)} · " if job.created_at is not None else " · "
        means: Pieces = [(f"{look.glyph} {look.word}", look.colour), (created, ""), (line(job.id), QUIET)]
        yield Way(Verdict(job_id=job.id), f"It is {line(job.id[:8])}", means)
    yield Way(Verdict(again=True), "Create again", [("billed twice if the first was made", "")])
    yield Way(Verdict(), "Give up", [("a job that was made shows up later, as made elsewhere", "")])


def _moment(then: float | None, now: float) -> str:
    """`14:02:11`, and of another day that day: jobs made seconds apart are to be told apart."""
    if then is None:
        return fmt.MISSING
    said = fmt.when(then, now)
    return f"{said}:{int(then) % 60:02d}" if ":" in said else said
