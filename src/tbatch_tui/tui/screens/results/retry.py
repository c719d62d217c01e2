"""Asking again for rows that failed: chosen by the person, written as a new input file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.results import rows_to_retry, token_limit
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.app import App

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.results.family import Family
    from tbatch_tui.tui.screens.results.retry_dialog import RetryChoice, RetryOffer
    from tbatch_tui.tui.screens.results.session import ResultsSession


class RetryWriter:
    """Asks which requests to send again, and writes their lines to a new input file."""

    def __init__(self, engine: BatchEngine, bridge: Bridge) -> None:
        self._engine = engine
        self._bridge = bridge

    async def run(self, app: App[Any], session: ResultsSession, family: Family, marked: Sequence[int]) -> Path | None:
        """Return the new input file, which is recorded as a retry; None when there is none to check."""
        from tbatch_tui.tui.screens.results.retry_dialog import RetryDialog

        index = session.index
        if not index.is_built or not index.has_input:
            why = "has changed since" if index.input_changed else "is not here"
            self._bridge.notify(f"The input file {why}", "A retry needs the original lines.", "warning")
            return None
        offer = await self._offer(session, index, family, marked)
        if session.index is not index:
            self._bridge.notify("The files have been read again", "Choose again what to retry.")
            return None
        if not (offer.groups or offer.missing or offer.cut_short or offer.marked):
            self._bridge.notify("There is nothing to retry", "Every request has a complete answer.")
            return None
        choice = await app.push_screen_wait(RetryDialog(offer))
        if choice is None:
            return None
        try:
            rows = await asyncio.to_thread(_chosen_rows, index, choice, marked)
            path = await self._engine.retries.write(
                index, rows, family.retry_parent, model=choice.model, max_tokens=choice.max_tokens
            )
        except BatchError as error:
            self._bridge.report(error)
            return None
        self._bridge.notify(f"Wrote {path.name}", f"{fmt.short_path(path)}: nothing is sent until you submit it.")
        return path

    async def _offer(
        self, session: ResultsSession, index: ResultIndex, family: Family, marked: Sequence[int]
    ) -> RetryOffer:
        """Return what can be asked again, of the requests whose lines are in the input file.

        The causes are of this index only as long as the session has it.
        """
        from tbatch_tui.tui.screens.results.retry_dialog import RetryOffer

        causes = await session.load_causes()

        def count() -> RetryOffer:
            cut_short = rows_to_retry(index, cut_short=True)
            sample = index.record(cut_short[0] if cut_short else 0)
            return RetryOffer(
                name=family.name,
                groups=tuple(causes),
                missing=len(rows_to_retry(index, missing=True)),
                cut_short=len(cut_short),
                marked=len(rows_to_retry(index, marked=marked)),
                model=sample.model,
                max_tokens=token_limit(sample) if cut_short else None,
            )

        return await asyncio.to_thread(count)


def _chosen_rows(index: ResultIndex, choice: RetryChoice, marked: Sequence[int]) -> Sequence[int]:
    """Return the requests that were chosen. Raises BatchError when none of the rows is a request."""
    rows = rows_to_retry(
        index,
        groups=choice.groups,
        missing=choice.missing,
        cut_short=choice.cut_short,
        marked=marked if choice.marked else (),
    )
    if not len(rows):
        raise BatchError("None of these rows is in the input file", "Nothing was written.")
    return rows
