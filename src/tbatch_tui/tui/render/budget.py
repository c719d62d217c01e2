"""The budget as text. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.pricing.budget import left_words, money_up, parts_words
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from tbatch_tui.engine.pricing.budget import BudgetVerdict
    from tbatch_tui.tui.render.styled import StyledText


def budget_facts(verdict: BudgetVerdict) -> list[tuple[str, StyledText]]:
    """Return what the budget leaves, or why a submission is above it."""
    budget, bound = verdict.budget, verdict.file_bound
    if reasons := verdict.reasons:
        texts: list[tuple[str, str]] = [(line(f"! {reason}"), ATTENTION) for reason in reasons]
    elif budget.job is not None:
        texts = [(f"at most {money_up(bound or 0.0)} of {fmt.money(budget.job)} for a job", "")]
    else:
        texts = [(f"at most {money_up(bound or 0.0)}", "")]
    if budget.month is not None:
        if not any("left in" in text for text, _ in texts):
            texts.append((left_words(budget, verdict.committed), ""))
        texts.append((parts_words(verdict.committed), QUIET))
    return [("" if at else "Budget", [text]) for at, text in enumerate(texts)]
