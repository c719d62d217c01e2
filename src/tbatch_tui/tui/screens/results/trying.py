"""What is tried from Results: the request of the row under the cursor, or of the marked ones, asked again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.live.answer import answer_of_row
from tbatch_tui.engine.live.request import MOST_AT_ONCE, live_request
from tbatch_tui.tui.dialogs.trying.subject import TrySubject
from tbatch_tui.tui.screens.trying import TriesRequests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.live.request import LiveRequest
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.tui.screens.results.family import Family
    from tbatch_tui.tui.screens.results.listing.browser import RowBrowser
    from tbatch_tui.tui.screens.results.session import ResultsSession


class ResultTries(TriesRequests):
    """Asks requests again that the batch has answered, or not. Mixed into Results."""

    session: ResultsSession
    family: Family

    @property
    def browser(self) -> RowBrowser:
        """The list and the record beside it."""
        raise NotImplementedError

    def _chosen(self) -> Sequence[int]:
        marked, row = self.browser.marked_rows(), self.browser.current_row
        rows = marked if len(marked) else [row.number] if row is not None else []
        return [number for number in rows if number < len(self.session.index.requests)]

    def reason_against_trying(self) -> str:
        """Return why the row under the cursor cannot be asked again."""
        index = self.session.index
        if not index.is_built:
            return "Still reading the results" if self.session.activity else "There are no results"
        if not index.has_input:
            return "The input file is not here, so that it is not known what was asked"
        if self.browser.by_cause:
            return "{results.errors} first returns to the rows"
        return "" if self._chosen() else "No request is selected"

    async def find_try(self) -> TrySubject:
        """Return the marked rows, ten at most, else the one under the cursor."""
        index, record, chosen = self.session.index, self.family.record, self._chosen()
        named = record.job.endpoint if record is not None and record.job is not None else None
        endpoint = Endpoint(named) if named in set(Endpoint) else None
        rows = chosen[:MOST_AT_ONCE]
        found = await asyncio.to_thread(_read, index, rows, endpoint)
        if len(chosen) > len(rows):
            self.bridge.notify(f"Only the first {len(rows)} of the marked rows are tried")

        async def read(count: int) -> list[LiveRequest]:
            return [request for request, _ in found[:count]]

        return TrySubject(
            name=record.name if record is not None else "",
            read=read,
            most=len(found),
            chosen=len(found),
            requests=len(index.requests),
            answers={request.fingerprint: answer for request, answer in found if answer is not None},
            schema=index.sources.answer_schema,
        )


def _read(index: ResultIndex, rows: Sequence[int], endpoint: Endpoint | None) -> list[tuple[LiveRequest, str | None]]:
    """Return the requests of rows, and what the batch answered. Reads the files. Raises BatchError."""
    found: list[tuple[LiveRequest, str | None]] = []
    for number in rows:
        record = index.record(number)
        if record.raw_request is None:
            raise BatchError("The line of this request cannot be read", "Nothing was sent.")
        request = live_request(loads(record.raw_request), endpoint=endpoint, line=record.row.line)
        found.append((request, answer_of_row(record.raw_response) if record.raw_response is not None else None))
    return found
