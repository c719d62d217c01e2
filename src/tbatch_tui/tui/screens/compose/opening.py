"""Opens the table of Compose: asks where it cannot be told how, says why it cannot be read, and notices changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.screen import Screen
from textual.widgets import Static

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.tables.output_names import free_name
from tbatch_tui.engine.tables.problems import EncodingError, FaultyTableError
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.render.styled import styled_content
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.compose.questions import reading_question

if TYPE_CHECKING:
    from tbatch_tui.tui.background import BackgroundWork
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.compose.form import DraftForm
    from tbatch_tui.tui.screens.compose.request_pane import RequestPane
    from tbatch_tui.tui.screens.compose.session import ComposeSession


class ComposeOpening(Screen[None]):
    """What goes on while a table is opened and read. Mixed into the Compose screen."""

    bridge: Bridge
    session: ComposeSession
    writing: BackgroundWork
    _openings = 0
    """How often opening the table was begun and has not ended: a table on a slow disk takes its time."""

    @property
    def form(self) -> DraftForm:
        """The form."""
        raise NotImplementedError

    @property
    def pane(self) -> RequestPane:
        """The request of the row under view."""
        raise NotImplementedError

    def show_header(self) -> None:
        """Show what is known of the table."""
        raise NotImplementedError

    def show_sums(self) -> None:
        """Show what the draft comes to."""
        raise NotImplementedError

    def recalculate(self, *, at_once: bool = False) -> None:
        """Find out what the draft comes to."""
        raise NotImplementedError

    @work(group="open", exclusive=True, exit_on_error=False)
    async def open_table(self) -> None:
        """Open the table; ask where it cannot be told how; show why it cannot be read where that is so."""
        self._openings += 1
        try:
            await self._open_table()
        finally:
            self._openings -= 1

    async def _open_table(self) -> None:
        session = self.session
        is_first = not session.has_begun
        while True:
            try:
                await session.open()
                break
            except BatchError as error:
                question = reading_question(error, session.reading)
                answer = None if question is None else await self.app.push_screen_wait(question)
                if answer is None:
                    self._show_trouble(error)
                    return
                session.reading = answer
        self.remove_class("-closed")
        assert session.source is not None
        output = await asyncio.to_thread(_default_output, session)
        if not self.is_attached:
            return
        self.form.show_default_output(output)
        if is_first:
            self.form.show(session.draft)
            is_begun = bool(session.began_with)
            self.set_focus(self.pane.view if is_begun else self.query_one("#prompt"))
        self.show_header()
        self._find_columns()
        self.recalculate(at_once=True)

    def _show_trouble(self, error: BatchError) -> None:
        """Show why the table cannot be read, in place of the form."""
        self.session.close()
        self.add_class("-closed")
        self.set_focus(None)
        pieces = [("✗ ", "$status-failed"), (line(error.title), "$status-failed"), (f"\n\n{line(_hint(error))}", "")]
        again = fill_keys("\n\nIt is opened again when it changes on disk; {go.on} opens it now.")
        self.query_one("#trouble", Static).update(styled_content([*pieces, (again, "$status-quiet")]))
        self.show_header()
        self.refresh_bindings()

    @work(group="look", exit_on_error=False)
    async def look_at_table(self) -> None:
        """Open the table again if it is another one than was read, or gone."""
        if not self.is_current or self.writing.label or self._openings:
            return
        if await self.session.has_changed() and self.is_current and not self._openings:
            if self.session.source is not None:
                self.bridge.notify(f"{self.session.source.name} has changed on disk", "It is read again.")
            self.open_table()

    @work(group="columns", exclusive=True, exit_on_error=False)
    async def _find_columns(self) -> None:
        try:
            await self.session.find_columns(self._show_columns)
            self.show_sums()
        except OperationCancelledError:
            return
        except BatchError as error:
            self.show_reading_error(error)

    def _show_columns(self) -> None:
        profile = self.session.profile
        if profile is not None and self.is_attached:
            self.form.show_columns(profile.columns)
            self.show_header()

    def show_reading_error(self, error: BatchError) -> None:
        """Deal with what was found while rows were read: ask for the encoding, or show it in place of the form."""
        if reading_question(error, self.session.reading) is not None:
            self._ask_for_reading(error)
        else:
            self._show_trouble(error)

    @work(group="reading", exclusive=True, exit_on_error=False)
    async def _ask_for_reading(self, error: BatchError) -> None:
        if not self.is_current:  # the question is there already
            return
        question = reading_question(error, self.session.reading)
        answer = None if question is None else await self.app.push_screen_wait(question)
        if answer is None:
            self._show_trouble(error)
        else:
            self.session.reading = answer
            self.open_table()


def _hint(error: BatchError) -> str:
    """Return what helps, on this screen."""
    if isinstance(error, EncodingError):
        return "Open it again to choose its encoding, or save it as UTF-8."
    if isinstance(error, FaultyTableError):
        return "Fix it in the table."
    return error.hint


def _default_output(session: ComposeSession) -> str:
    """Return where the file goes if nothing is typed. Reads the disk."""
    source = session.source
    return "" if source is None else shorten_path(free_name(session.folder, source.stem))
