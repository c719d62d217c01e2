"""What is tried from Compose: the request of the row under view, and of the rows that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.live.request import MOST_AT_ONCE, live_request
from tbatch_tui.engine.tables.compose.paced import PacedSource
from tbatch_tui.engine.tables.compose.preview import RequestPreview
from tbatch_tui.engine.tables.compose.row_window import AROUND, RowWindow
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.tui.dialogs.trying.subject import TrySubject
from tbatch_tui.tui.screens.trying import TriesRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.live.request import LiveRequest
    from tbatch_tui.engine.tables.readers.source import TableSource
    from tbatch_tui.engine.tables.recipe import Recipe
    from tbatch_tui.tui.screens.compose.session import ComposeSession


class ComposeTries(TriesRequests):
    """Tries requests as they would be written. Mixed into the Compose screen."""

    session: ComposeSession

    def reason_against_trying(self) -> str:
        """Return why the row under view cannot be asked."""
        session = self.session
        if session.source is None:
            return "The table is not open"
        if session.preview is None or session.preview.request is None:
            return "This row has no request yet"
        if not session.draft.model.strip():
            return "No model is named yet"
        return "This row has a problem" if session.preview.problem else ""

    async def find_try(self) -> TrySubject:
        """Return the row under view, and those that follow."""
        session = self.session
        source, row = session.source, session.row
        assert source is not None
        recipe, _ = await run_reading(_recipe, session)
        summary = session.summary
        is_whole = summary is not None and summary.is_whole

        async def read(count: int) -> list[LiveRequest]:
            return await run_reading(_read, recipe, source, row, count)

        return TrySubject(
            name=source.name,
            read=read,
            most=MOST_AT_ONCE,
            requests=summary.requests if summary is not None and is_whole else None,
            unit="row",
        )


def _recipe(session: ComposeSession, *, cancelled: Callable[[], bool]) -> tuple[Recipe, object]:  # noqa: ARG001
    return session.recipe()


def _read(
    recipe: Recipe, source: TableSource, first: int, count: int, *, cancelled: Callable[[], bool]
) -> list[LiveRequest]:
    """Return the requests of a row and of those that follow, without rows that have none. Raises BatchError."""
    window, paced = RowWindow(), PacedSource(source, cancelled)
    preview = RequestPreview(recipe, paced)
    found: list[LiveRequest] = []
    for number in range(first, first + AROUND):
        row = window.row(paced, number)
        if row is None or len(found) == count:
            break
        made = preview.row(row)
        if made.request is not None and not made.problem and not made.left_out:
            found.append(live_request(made.request, path=source.path, line=number))
        elif number == first:
            raise BatchError(made.problem or made.left_out or "This row has no request", "Nothing was sent.")
    return found
