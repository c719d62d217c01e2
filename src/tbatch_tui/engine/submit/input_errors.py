"""Why a script's file was not submitted: what the screens would have asked a person about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.check_report import CheckReport


class InvalidInputError(BatchError):
    """The file has faulty lines, or none that shows which endpoint it is for. Nothing was submitted."""

    def __init__(self, report: CheckReport) -> None:
        name = report.path.name
        if report.errors:
            title = f"{name} has {plural(report.errors, 'error')}"
            hint = "Nothing was submitted. `report.problems` names each line; `tbatch-tui check` prints them."
        else:
            title = f"{name} does not say which endpoint it is for"
            hint = f"Nothing was submitted: {report.endpoint_why}. Pass the endpoint."
        super().__init__(title, hint)
        self.report = report


class TooLargeError(BatchError):
    """The file has no faulty line, but is over the limits of one batch. Nothing was submitted."""

    def __init__(self, report: CheckReport) -> None:
        super().__init__(
            f"{report.path.name} is over the limits of one batch",
            "Nothing was submitted. `engine.groups.submit` sends it as several jobs.",
        )
        self.report = report
