"""Submit within the budget; above it only once the amount is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from tbatch_tui.engine.pricing.over_budget import OverBudgetError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import App

    from tbatch_tui.engine.pricing.budget import BudgetVerdict
    from tbatch_tui.tui.dialogs.type_to_confirm import TypeToConfirm

T = TypeVar("T")

UNKNOWN_AMOUNT = "no limit"
"""What is typed where it is not known what a submission may cost."""


async def within_budget(app: App[Any], submit: Callable[[bool], Awaitable[T]]) -> T | None:
    """Submit, and return what that returns; None if it is above the budget and the person does not insist.

    Args:
        app: Where the question is asked.
        submit: Is given whether it may be above the budget; may raise BatchError.
    """
    try:
        return await submit(False)
    except OverBudgetError as error:
        if not await app.push_screen_wait(over_budget_question(error.verdict)):
            return None
    return await submit(True)


def over_budget_question(verdict: BudgetVerdict) -> TypeToConfirm:
    """Return the question whether to submit above the budget. The amount is typed."""
    from tbatch_tui.engine.pricing.budget import amount_words, parts_words
    from tbatch_tui.tui.dialogs.type_to_confirm import TypeToConfirm

    amount = amount_words(verdict.bound)
    words = (amount, f"${amount}") if amount else (UNKNOWN_AMOUNT,)
    explanation = ". ".join(verdict.reasons) + "."
    if verdict.budget.month is not None:
        explanation += f"\n\nThis month: {parts_words(verdict.committed)}."
    return TypeToConfirm("Submit above the budget?", explanation, words=words, verb="Submit")
