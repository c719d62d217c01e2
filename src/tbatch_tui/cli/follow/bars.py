"""The progress of jobs: bars on a terminal, elsewhere one line for each change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from tbatch_tui.cli.output import format_transfer, print_message
from tbatch_tui.text import format as fmt
from tbatch_tui.text.escape import escape_controls

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rich.progress import Progress, TaskID

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.events import TransferProgress

_LONGEST_NAME = 32


class JobBars:
    """Shows jobs on standard error while they are waited for."""

    def __init__(self, records: Sequence[JobRecord]) -> None:
        """Make the bars of these jobs, which are drawn while the context is open."""
        self._shown: dict[str, tuple[str, int]] = {}
        """The status and percent that are shown of each job."""
        self._names: dict[str, str] = {}
        """What a job is called here, by its key: the key changes when a submission becomes a job."""
        self._tasks: dict[str, TaskID] = {}
        self._progress = _new_progress() if sys.stderr is not None and sys.stderr.isatty() else None
        for record in records:
            self.show(record)
        waiting = [record for record in records if record.is_waiting]
        if waiting and self._progress is None:
            print_message(f"{waiting[0].name_of_file}: {fmt.plural(len(waiting), 'part')} not sent yet")

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, record: JobRecord) -> None:
        """Show a job as it is now, if that is something else than it was; without a terminal, once it is sent."""
        if record.is_waiting and self._progress is None:
            return  # a group has many
        name = f"submission {record.submission.id}" if record.submission is not None else record.key
        self._names[record.key] = name
        job = record.job
        percent = 0 if job is None else 100 if job.is_ended else int(job.progress)
        state = (record.status_words, percent)
        if self._shown.get(name) == state:
            return
        self._shown[name] = state
        if self._progress is None:
            runs = job is not None and not job.is_ended and percent
            print_message(fmt.join(f"{record.name}: {state[0]}", f"{percent} %" if runs else ""))
            return
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task("", total=100, job=record, note="")
        self._progress.update(self._tasks[name], completed=percent, job=record, note="")

    def show_transfer(self, event: TransferProgress) -> None:
        """Show how far an upload or a download is, beside its job."""
        task = self._tasks.get(self._names.get(event.key, ""))
        if self._progress is not None and task is not None:
            self._progress.update(task, note="" if event.ended else format_transfer(event))


def _new_progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TimeElapsedColumn
    from rich.text import Text

    class NameColumn(ProgressColumn):
        """The name and the status of a job, as plain text: they may come from anywhere."""

        def render(self, task: Task) -> Text:
            """Return name and status."""
            record: JobRecord = task.fields["job"]
            name = fmt.cut(escape_controls(record.name), _LONGEST_NAME)
            return Text(f"{name}  {escape_controls(record.status_words)}")

    class NoteColumn(ProgressColumn):
        """What is being transferred."""

        def render(self, task: Task) -> Text:
            """Return the note."""
            return Text(task.fields["note"])

    console = Console(stderr=True, markup=False, highlight=False)
    columns = (NameColumn(), BarColumn(24), TaskProgressColumn(), TimeElapsedColumn(), NoteColumn())
    # What is printed to standard output goes there, also while bars are drawn on standard error.
    return Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty())
