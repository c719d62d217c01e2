"""What a screen asks of the App. Screens post these; they know neither each other nor the App."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport


class NewBatch(Message):
    """Choose an input file: go to Pick."""


class CheckFile(Message):
    """Go to Check with this file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class CreateBatch(Message):
    """The file is without errors: go to Create with what was found in it."""

    def __init__(self, report: CheckReport) -> None:
        super().__init__()
        self.report = report


class Submitted(Message):
    """A submission has been committed: go back to Jobs, with the cursor on it."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class OpenJob(Message):
    """Go to Job."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class OpenResults(Message):
    """Go to Results of a job whose files are here."""

    def __init__(self, key: str, *, retry: bool = False) -> None:
        super().__init__()
        self.key = key
        self.retry = retry
        """Ask there at once what is to be asked once more."""


class OpenFiles(Message):
    """Go to Files: what lies on the server."""


class GoBack(Message):
    """Leave this screen for the one it came from. On Jobs it does nothing."""


class TryDemo(Message):
    """Leave this and come back as the demo."""
