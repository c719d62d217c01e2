"""That a submission is above the budget, which a person or a script is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError, LocalFileError

if TYPE_CHECKING:
    from tbatch_tui.engine.pricing.budget import BudgetVerdict


class BudgetBusyError(LocalFileError):
    """It cannot be told whether a submission is within the budget: another is being judged, or the disk fails."""


class OverBudgetError(BatchError):
    """A submission is above the budget, or what it may cost is not known. Nothing was submitted."""

    def __init__(self, verdict: BudgetVerdict) -> None:
        super().__init__(
            ". ".join(verdict.reasons), "Nothing was submitted. Pass over_budget=True to submit it nevertheless."
        )
        self.verdict = verdict
        """Why."""
