"""What is asked again is chosen of the index that is shown, not of one that was read meanwhile."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tbatch_tui.tui.screens.results.retry import RetryWriter
from tbatch_tui.tui.screens.results.session import ResultsSession
from tests.helpers.result_rows import build_index, error_row, request_row

if TYPE_CHECKING:
    from tbatch_tui.engine.results import ErrorGroup


class ReadAgain(ResultsSession):
    """A session whose files are read again while the causes of its errors are counted."""

    folder = Path()

    async def load_causes(self) -> list[ErrorGroup]:
        self.index = build_index(self.folder, requests=[request_row("other")], errors=[error_row("other")])
        self.causes = None
        return await super().load_causes()


async def test_causes_of_another_index_are_not_offered(tmp_path: Path) -> None:
    told: list[tuple[str, ...]] = []
    bridge: Any = SimpleNamespace(notify=lambda *texts: told.append(texts), report=told.append)
    session, family, app = ReadAgain(), SimpleNamespace(record=None, name="reviews", retry_parent=""), SimpleNamespace()
    session.folder = tmp_path / "b"
    session.index = build_index(tmp_path / "a", requests=[request_row("one"), request_row("two")])
    nothing: Any = None
    any_app: Any = app  # it has no screens: a dialog would fail
    any_family: Any = family
    assert await RetryWriter(nothing, bridge).run(any_app, session, any_family, []) is None
    assert [texts[0] for texts in told] == ["The files have been read again"]
