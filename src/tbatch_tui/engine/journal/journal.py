"""The history as one object. Synchronous, for one thread at a time: `JobStore` gives it its own.

Each public method of a table is one transaction, unless its docstring says that it belongs inside one. Methods that
change a record return it as it is then.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tbatch_tui.engine.journal.database import Database
from tbatch_tui.engine.journal.tables.accounts import AccountTable
from tbatch_tui.engine.journal.tables.counts import CountsTable
from tbatch_tui.engine.journal.tables.groups import GroupTable
from tbatch_tui.engine.journal.tables.jobs import JobTable
from tbatch_tui.engine.journal.tables.lineage import LineageTable
from tbatch_tui.engine.journal.tables.memory import MemoryTable
from tbatch_tui.engine.journal.tables.progress import ProgressTable
from tbatch_tui.engine.journal.tables.recipes import RecipeTable
from tbatch_tui.engine.journal.tables.records import JobRecordTable
from tbatch_tui.engine.journal.tables.submissions import SubmissionTable
from tbatch_tui.engine.journal.tables.transfers import TransferTable

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.journal.recording_uploads import RecordingUploads
    from tbatch_tui.engine.journal.tables.labels import LabelTable
    from tbatch_tui.engine.journal.tables.tries import TryTable
    from tbatch_tui.engine.journal.unsent.again import SendingAgain
    from tbatch_tui.engine.journal.unsent.copied import CopiedHistory


class Journal:
    """The database and its tables."""

    def __init__(self, path: Path) -> None:
        """Open the history at this path. Raises LocalFileError."""
        database = self.database = Database(path)
        self.accounts = AccountTable(database)
        self.memory = MemoryTable(database)
        self.progress = ProgressTable(database)
        self.recipes = RecipeTable(database)
        self.records = JobRecordTable(database)
        self.counts = CountsTable(database, self.records)
        self.transfers = TransferTable(database, self.records)
        self.lineage = LineageTable(database, self.records)
        self.jobs = JobTable(database, self.records, self.transfers, self.progress)
        self.submissions = SubmissionTable(
            database, self.records, self.jobs, self.progress, self.lineage, self.memory, self.accounts
        )
        self.groups = GroupTable(database, self.records, self.submissions, self.progress, self.memory)

    @cached_property
    def labels(self) -> LabelTable:
        """Labels and notes, for another history."""
        from tbatch_tui.engine.journal.tables.labels import LabelTable  # not for the first frame

        return LabelTable(self.database)

    @cached_property
    def tries(self) -> TryTable:
        """Requests that were asked at once."""
        from tbatch_tui.engine.journal.tables.tries import TryTable  # not for the first frame

        return TryTable(self.database)

    @cached_property
    def again(self) -> SendingAgain:
        """What is sent once more."""
        from tbatch_tui.engine.journal.unsent.again import SendingAgain  # not for the first frame

        return SendingAgain(self.database, self.records, self.submissions, self.groups, self.progress)

    @cached_property
    def copied(self) -> CopiedHistory:
        """Where the history is, and what waits since it was copied there."""
        from tbatch_tui.engine.journal.unsent.copied import CopiedHistory  # not for the first frame

        return CopiedHistory(self.database, self.records, self.submissions, self.progress)

    @cached_property
    def recording_uploads(self) -> RecordingUploads:
        """The recordings that were uploaded to a store."""
        from tbatch_tui.engine.journal.recording_uploads import RecordingUploads  # not for the first frame

        return RecordingUploads(self.database)

    def close(self) -> None:
        """Close the file."""
        self.database.close()
