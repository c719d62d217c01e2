"""Notify when jobs end: by toast, bell, desktop, the terminal's title and the user's own command."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.terminal.notify_command import run_notify_command
from tbatch_tui.tui.textual_private import write_to_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.app import App

    from tbatch_tui.config.settings import Notify
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.events import JobsEnded, RecordsChanged
    from tbatch_tui.tui.bridge import Bridge

_MAX_COMMANDS = 20
"""Jobs for which the command is run when many end together."""
_MAX_TEXT = 200
_NAME = "tbatch-tui"
_JOBS_NAMED = 3
_TAKE_OSC_777 = ("foot", "rxvt", "ghostty", "wezterm", "contour")
_PLAIN_TERMINALS = ("", "dumb", "linux")
"""Terminals with neither a title nor a desktop: they may print the sequences that are sent to them."""


class Notifier:
    """Notifies the user of finished jobs. The title counts those that ended since the last key press."""

    def __init__(self, app: App[Any], bridge: Bridge, notify: Notify) -> None:
        self._app = app
        self._bridge = bridge
        self._notify = notify
        self._running: set[str] = set()
        self._unseen = 0
        self._title = ""
        self._has_reported = False

    # -- events of the engine ------------------------------------------------------------------------

    def start(self, records: Iterable[JobRecord]) -> None:
        """Take the whole history, and show in the title what is running."""
        if self._notify.title:
            self._write("\x1b[22;2t")  # save the terminal's own title
        self.watch(records)

    def watch(self, records: Iterable[JobRecord]) -> None:
        """Take the whole history of another account: what is running, and nothing has ended yet."""
        self._running = {record.key for record in records if record.is_active}
        self._unseen = 0
        self._show_title()

    def records_changed(self, event: RecordsChanged) -> None:
        """Count what is running."""
        for record in event.changed:
            (self._running.add if record.is_active else self._running.discard)(record.key)
        self._running.difference_update(event.removed, (old for old, _ in event.renamed))
        self._show_title()

    def jobs_ended(self, event: JobsEnded) -> None:
        """Notify in every way that is switched on."""
        title, body = notice_text(event.records)
        self._unseen += len(event.records)
        if self._notify.toast and not all(map(_will_be_fetched, event.records)):
            self._bridge.notify(title, body)
        if self._notify.bell:
            self._app.bell()
        if self._notify.desktop:
            self._write(desktop_notice(title, body, os.environ))
        self._show_title()

    async def run_command(self, event: JobsEnded) -> None:
        """Run the user's command, for one job after the other. An error is shown once, and logged each time."""
        for record in event.records[:_MAX_COMMANDS] if self._notify.command else ():
            try:
                await run_notify_command(self._notify.command, record)
            except BatchError as error:
                logging.getLogger(__name__).warning("%s", error)
                if not self._has_reported:
                    self._has_reported = True
                    self._bridge.notify(error.title, f"{error.hint} Shown once; the log has every time.", "warning")
        if self._notify.command and (left := len(event.records) - _MAX_COMMANDS) > 0:
            title = f"The command of [notify] ran for {_MAX_COMMANDS} jobs, and not for {left:,} that ended with them"
            logging.getLogger(__name__).warning("%s", title)
            self._bridge.notify(title, "Those jobs are fine: see their rows.", "warning")

    # -- the terminal --------------------------------------------------------------------------------

    def clear_unseen(self) -> None:
        """Reset the counter of unseen finished jobs."""
        if self._unseen:
            self._unseen = 0
            self._show_title()

    def close(self) -> None:
        """Restore the terminal's own title."""
        if self._title:
            self._write("\x1b]2;\x1b\\\x1b[23;2t")
            self._title = ""

    def _show_title(self) -> None:
        if not self._notify.title:
            return
        counts = fmt.join(
            f"{len(self._running):,} running" if self._running else "", f"{self._unseen:,} done" if self._unseen else ""
        )
        title = f"● {counts}" if counts else _NAME
        if title != self._title:
            self._title = title
            self._write(f"\x1b]2;{title}\x1b\\")

    def _write(self, sequence: str) -> None:
        if os.environ.get("TERM", "") in _PLAIN_TERMINALS and os.name == "posix":
            return
        write_to_terminal(self._app, sequence)


def notice_text(records: tuple[JobRecord, ...]) -> tuple[str, str]:
    """Return title and text of a notice: the status of one job, or how many jobs ended, and which."""
    if len(records) == 1:
        return f"{records[0].name}: {records[0].status_words}", _next_step(records[0])
    names = ", ".join(record.name for record in records[:_JOBS_NAMED])
    more = f" and {len(records) - _JOBS_NAMED:,} more" if len(records) > _JOBS_NAMED else ""
    return f"{len(records):,} jobs have ended", f"{names}{more}."


def _next_step(record: JobRecord) -> str:
    if record.job is not None and record.job.error:
        return record.job.error
    if not record.has_result_files:
        return "It has no result files."
    return (
        "Downloading its results."
        if _will_be_fetched(record)
        else fill_keys("Press {job.download} to fetch its results.")
    )


def _will_be_fetched(record: JobRecord) -> bool:
    """Return whether the results are fetched automatically, so that another toast follows."""
    return record.submission is not None and record.has_result_files


def desktop_notice(title: str, body: str, environment: Mapping[str, str]) -> str:
    """Return the escape sequence that asks a terminal for a desktop notice. The text is sanitized here."""
    title, body = (line(text)[:_MAX_TEXT] for text in (title, body))
    terminal = f"{environment.get('TERM_PROGRAM', '')} {environment.get('TERM', '')}".lower()
    in_tmux = bool(environment.get("TMUX"))
    if not in_tmux and ("VTE_VERSION" in environment or any(name in terminal for name in _TAKE_OSC_777)):
        return f"\x1b]777;notify;{title.replace(';', ',')};{body}\x1b\\"
    # Some terminals take a number at the start for another command: so the name comes first.
    notice = f"\x1b]9;{_NAME}: {title}: {body}\x1b\\"
    # tmux drops it unless it is passed through (allow-passthrough).
    return "\x1bPtmux;" + notice.replace("\x1b", "\x1b\x1b") + "\x1b\\" if in_tmux else notice
