"""The jobs in the command palette, by name: choosing one puts the cursor of Jobs on it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from textual.command import Hit, Hits, Provider
from textual.content import Content

from tbatch_tui.tui.messages import GoToJob
from tbatch_tui.tui.render.status import record_style
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.jobs.screen import JobsScreen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.domain.record import JobRecord

MOST = 20
"""Jobs that are offered; more than that say nothing, and typing one letter more leaves fewer."""
_PIECE = 500
"""Jobs that are looked at before the screen has its turn again."""
_SCORE = 0.5
"""Below that of an action whose name begins so."""


class JobNames(Provider):
    """Jobs whose name or id holds what was typed."""

    async def search(self, query: str) -> Hits:
        """Yield the jobs, the newest of each group first."""
        words = query.lower().split()
        found = 0
        for count, record in enumerate(self._records()):
            if not count % _PIECE:
                await asyncio.sleep(0)
            text = f"{record.name} {record.key}".lower()
            if not all(word in text for word in words):
                continue
            look = record_style(record)
            title = Content.assemble(line(record.name), (f"  {look.glyph} {look.word}", look.colour))
            job = line(record.key[:8]) if record.job is not None else "not created yet"
            yield Hit(
                _SCORE, title, partial(self.app.post_message, GoToJob(record.key)), help=f"Go to this job ({job})"
            )
            found += 1
            if found == MOST:
                return

    def _records(self) -> Iterator[JobRecord]:
        for screen in self.app.screen_stack:
            if isinstance(screen, JobsScreen):
                yield from screen.records_in_order()
