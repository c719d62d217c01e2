"""Attention without a webhook: when jobs end, by toast, bell, desktop, the terminal's title and a person's command."""

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

_HOOKS_AT_MOST = 20
"""Jobs for which the command is run when many end together."""
_LONGEST = 200
_NAME = "tbatch-tui"
_NAMED = 3
_KNOW_777 = ("foot", "rxvt", "ghostty", "wezterm", "contour")
_DEAF = ("", "dumb", "linux")
"""Terminals with neither a title nor a desktop around them: what they are sent, they may print."""


class Notifier:
    """Hears what the engine announces. `done` counts what ended since the person last pressed a key or came back."""

    def __init__(self, app: App[Any], bridge: Bridge, notify: Notify) -> None:
        self._app = app
        self._bridge = bridge
        self._notify = notify
        self._running: set[str] = set()
        self._done = 0
        self._title = ""
        self._has_failed = False

    # -- what the engine says ------------------------------------------------------------------------

    def start(self, records: Iterable[JobRecord]) -> None:
        """The whole history, once it is here: from now on the title tells of it."""
        self._running = {record.key for record in records if record.is_active}
        if self._notify.title:
            self._write("\x1b[22;2t")  # the terminal keeps its own title
        self._show_title()

    def records_changed(self, event: RecordsChanged) -> None:
        """Count what is running."""
        for record in event.changed:
            (self._running.add if record.is_active else self._running.discard)(record.key)
        self._running.difference_update(event.removed, (old for old, _ in event.renamed))
        self._show_title()

    def jobs_ended(self, event: JobsEnded) -> None:
        """Say it in every way that is switched on."""
        title, body = notice_text(event.records)
        self._done += len(event.records)
        if self._notify.toast and not all(map(_is_to_be_fetched, event.records)):
            self._bridge.notify(title, body)
        if self._notify.bell:
            self._app.bell()
        if self._notify.desktop:
            self._write(desktop_notice(title, body, os.environ))
        self._show_title()

    async def run_command(self, event: JobsEnded) -> None:
        """Run the person's command, a job at a time. What goes wrong is said once, and logged each time."""
        for record in event.records[:_HOOKS_AT_MOST] if self._notify.command else ():
            try:
                await run_notify_command(self._notify.command, record)
            except BatchError as error:
                logging.getLogger(__name__).warning("%s", error)
                if not self._has_failed:
                    self._has_failed = True
                    self._bridge.notify(error.title, f"{error.hint} Said once; the log says it each time.", "warning")
        if self._notify.command and (left := len(event.records) - _HOOKS_AT_MOST) > 0:
            title = f"The command of [notify] ran for {_HOOKS_AT_MOST} jobs, and not for {left:,} that ended with them"
            logging.getLogger(__name__).warning("%s", title)
            self._bridge.notify(title, "Nothing is wrong with those: their rows say what became of them.", "warning")

    # -- the terminal --------------------------------------------------------------------------------

    def clear_unseen(self) -> None:
        """The person is here: what has ended is no news any more."""
        if self._done:
            self._done = 0
            self._show_title()

    def close(self) -> None:
        """Give the terminal its title back."""
        if self._title:
            self._write("\x1b]2;\x1b\\\x1b[23;2t")
            self._title = ""

    def _show_title(self) -> None:
        if not self._notify.title:
            return
        said = fmt.join(
            f"{len(self._running):,} running" if self._running else "", f"{self._done:,} done" if self._done else ""
        )
        title = f"● {said}" if said else _NAME
        if title != self._title:
            self._title = title
            self._write(f"\x1b]2;{title}\x1b\\")

    def _write(self, sequence: str) -> None:
        if os.environ.get("TERM", "") in _DEAF and os.name == "posix":
            return
        write_to_terminal(self._app, sequence)


def notice_text(records: tuple[JobRecord, ...]) -> tuple[str, str]:
    """Title and text of a notice: of one job what became of it, of several how many and which."""
    if len(records) == 1:
        return f"{records[0].name}: {records[0].status_words}", _what_now(records[0])
    names = ", ".join(record.name for record in records[:_NAMED])
    more = f" and {len(records) - _NAMED:,} more" if len(records) > _NAMED else ""
    return f"{len(records):,} jobs have ended", f"{names}{more}."


def _what_now(record: JobRecord) -> str:
    if record.job is not None and record.job.error:
        return record.job.error
    if not record.has_result_files:
        return "It has no result files."
    return (
        "Its results are being fetched."
        if _is_to_be_fetched(record)
        else fill_keys("Press {job.download} to fetch its results.")
    )


def _is_to_be_fetched(record: JobRecord) -> bool:
    """Whether another toast follows by itself, when the results are here."""
    return record.submission is not None and record.has_result_files


def desktop_notice(title: str, body: str, environment: Mapping[str, str]) -> str:
    """The sequence that asks a terminal for a notice of the desktop. The text passes the gate here."""
    title, body = (line(text)[:_LONGEST] for text in (title, body))
    terminal = f"{environment.get('TERM_PROGRAM', '')} {environment.get('TERM', '')}".lower()
    in_tmux = bool(environment.get("TMUX"))
    if not in_tmux and ("VTE_VERSION" in environment or any(name in terminal for name in _KNOW_777)):
        return f"\x1b]777;notify;{title.replace(';', ',')};{body}\x1b\\"
    # A number at its start is another command to some terminals: the name, a word, comes first.
    notice = f"\x1b]9;{_NAME}: {title}: {body}\x1b\\"
    # tmux drops it unless it is handed through (allow-passthrough).
    return "\x1bPtmux;" + notice.replace("\x1b", "\x1b\x1b") + "\x1b\\" if in_tmux else notice
