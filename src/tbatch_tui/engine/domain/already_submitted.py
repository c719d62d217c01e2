"""That the same bytes were submitted before, which a person or a script is asked about: it would be billed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord


class AlreadySubmittedError(BatchError):
    """The same bytes were submitted before. Nothing was submitted now: it would be billed again."""

    def __init__(self, path: Path, earlier: Sequence[JobRecord]) -> None:
        super().__init__(
            f"The content of {path.name} was submitted before, as {earlier[0].key}",
            "Nothing was submitted. Pass again=True to run it, and pay for it, again.",
        )
        self.path = path
        """The file."""
        self.earlier = tuple(earlier)
        """The records they became, the newest first."""
