"""Messages from screens to the app, mostly to go to another screen. Screens know neither each other nor the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.server_file import RefusedLine
    from tbatch_tui.engine.results import ResultIndex


class NewBatch(Message):
    """Go to Pick, to choose an input file or a table in the working folder."""


class OpenPath(Message):
    """Go to the screen that a path is for: Compose for a table, a folder or a recipe, Results for these, else Check."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class OpenPaths(Message):
    """Go to Check with several input files, which become one group in this order."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self.paths = paths


class GroupMember(NamedTuple):
    """What Check needs of the group that its file is checked for."""

    add_shared: Callable[[CheckReport], CheckReport]
    """Adds what is wrong with the file only beside the others to its report."""
    replace: Callable[[Path, Path], object]
    """Is called when a copy takes the place of the file: it was fixed or edited."""
    shared_ids: Callable[[Path], frozenset[str]]
    """Returns the ids of the file that another one has as well, in front of it."""


class CheckFile(Message):
    """Go to Check with a file."""

    def __init__(self, path: Path, refused: RefusedLine | None = None, member: GroupMember | None = None) -> None:
        super().__init__()
        self.path = path
        self.refused = refused
        """The line that the server refused, under the cursor at first."""
        self.member = member
        """The group that it is checked for; None for a file alone, or for a copy of one that was checked for one."""


class CreateBatch(Message):
    """Go to Create with the report of a file that has no errors, or with those of several that become one group."""

    def __init__(self, report: CheckReport, reports: Sequence[CheckReport] = ()) -> None:
        super().__init__()
        self.report = report
        self.reports = reports
        """Those of all files, where they are several."""


class Submitted(Message):
    """Go back to Jobs after submitting, with the cursor on the new submission."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class OpenJob(Message):
    """Go to Job with a record."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class ResultSelection(NamedTuple):
    """Rows of a job that Results shows instead of all, until the person wants all again."""

    title: str
    """What they have in common, for the header: `label = positive`."""
    rows: Sequence[int] = ()
    """Their numbers in the index that Results reads (of this job, or merged), in any order."""
    ids: Collection[str] = ()
    """More rows, by the custom_id that was sent."""


class OpenResults(Message):
    """Go to Results of a job whose files are on this machine."""

    def __init__(
        self,
        key: str,
        *,
        retry: bool = False,
        export: bool = False,
        selection: ResultSelection | None = None,
        merged: bool = False,
    ) -> None:
        super().__init__()
        self.key = key
        self.then = "retry" if retry else "export" if export else ""
        """The dialog that opens there as soon as the files are read; empty for none."""
        self.selection = selection
        """Show only these rows at first."""
        self.merged = merged
        """Show the job with its retries."""


class OpenValues(Message):
    """Go to Values with the results of a job, which are read."""

    def __init__(
        self, key: str, index: ResultIndex, *, rows: ResultSelection | None = None, merged: bool = False
    ) -> None:
        super().__init__()
        self.key = key
        self.index = index
        self.rows = rows
        """The rows that are counted; None for those that are ok."""
        self.merged = merged
        """Whether the index is that of the job with its retries."""


class OpenCompare(Message):
    """Go to Compare with a job whose results are on this machine."""

    def __init__(self, key: str, index: ResultIndex | None = None, *, second: str = "", merged: bool = False) -> None:
        super().__init__()
        self.key = key
        self.index = index
        """Its results, if they are read already."""
        self.second = second
        """The key of the job to compare it with; without one, Compare asks."""
        self.merged = merged
        """Whether the index is that of the job with its retries."""


class GoToJob(Message):
    """Put the cursor of Jobs on a job."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class OpenFiles(Message):
    """Go to Files, which lists the files on the server."""


class OpenModels(Message):
    """Go to Models."""

    def __init__(self, chosen: str = "", take: Callable[[str], object] | None = None) -> None:
        super().__init__()
        self.chosen = chosen
        """The model under the cursor at first."""
        self.take = take
        """Is called with the name of the model that is chosen, once the screen is left; None for looking only."""


class OpenSpend(Message):
    """Go to Spend, which shows what months cost."""


class GoBack(Message):
    """Leave this screen for the one below it. On Jobs it does nothing."""


class SwitchProfile(Message):
    """Ask for another profile, and go over to it."""


class TryDemo(Message):
    """Exit, and start again as the demo."""
