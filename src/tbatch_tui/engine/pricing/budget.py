"""What may be spent, what is committed already, and whether one more submission is above that. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tbatch_tui.engine.pricing.spending.job_costs import cost_of, ended_at, is_verified
from tbatch_tui.engine.pricing.spending.months import month_of, month_words
from tbatch_tui.text.format import money
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.tried import TryCost
    from tbatch_tui.engine.options import Budget
    from tbatch_tui.engine.pricing.prices import PriceList

_FLOAT_ERROR = 1e-9
"""Dollars that a sum of floats may be over the amount that it stands for."""
CANARY_MARGIN = 2.0
"""The rest of a file counts this many times what its first requests cost each, or its bound if that is less."""


@dataclass(slots=True)
class Commitments:
    """What of a month's budget is spent, or may be by what is out."""

    month: str
    """Such as `2026-11`, in UTC."""
    spent: float = 0.0
    """Dollars of verified costs."""
    tries: float = 0.0
    """Dollars of requests that were asked at once; of a lost answer the most that it may have cost."""
    out: float = 0.0
    """The most that what is out may cost."""
    unbounded: list[str] = field(default_factory=list)
    """The names of jobs that may cost any amount: no price or no bound is known."""
    unbounded_tries: int = 0
    uncounted: int = 0
    """Ended jobs submitted elsewhere whose results are not here. They are not counted."""

    @property
    def committed(self) -> float:
        """Dollars that are spent or may be."""
        return math.fsum((self.spent, self.tries, self.out))

    @property
    def is_bounded(self) -> bool:
        """Whether it is certain that no more than this is spent."""
        return not (self.unbounded or self.unbounded_tries)


def commitments(
    records: Sequence[JobRecord],
    tries: Iterable[TryCost],
    month: str,
    price_list: PriceList,
    without: Collection[str] = (),
) -> Commitments:
    """Add up what is spent in a month and what is out, whatever month that began in.

    Args:
        records: The whole history, also what was taken out of the list.
        tries: Those of all months.
        month: Such as `2026-11`.
        price_list: The prices in force.
        without: The keys of records that are left out, because they are about to be decided on.
    """
    result = Commitments(month)
    groups = groups_of(records)
    spent, out = [], []
    for record in records:
        if record.key in without:
            continue
        if record.is_active or record.is_waiting:
            bound = most_of(record, groups, price_list)
        elif record.job is None or month_of(ended_at(record)) != month:
            continue
        else:
            job_cost = cost_of(record, price_list)
            spent.append(job_cost.usd)
            if job_cost.is_known:
                continue
            if record.submission is None and not is_verified(record):
                result.uncounted += 1
                continue
            bound = None if is_verified(record) else most_of(record, groups, price_list)
        if bound is None:
            result.unbounded.append(record.name)
        else:
            out.append(bound)
    amounts = [one.most if one.usd is None else one.usd for one in tries if month_of(one.sent_at) == month]
    result.unbounded_tries = amounts.count(None)
    result.spent, result.out = math.fsum(spent), math.fsum(out)
    result.tries = math.fsum(amount for amount in amounts if amount is not None)
    return result


def groups_of(records: Iterable[JobRecord]) -> dict[int, list[JobRecord]]:
    """Return the parts of each file that was sent as several jobs, by the number of the group."""
    groups: dict[int, list[JobRecord]] = defaultdict(list)
    for record in records:
        if record.group is not None:
            groups[record.group.id].append(record)
    return groups


def most_of(record: JobRecord, groups: dict[int, list[JobRecord]], price_list: PriceList) -> float | None:
    """Return the most that a submission may cost, in dollars; None where no bound is known.

    What waits for the first requests of its file is known better once they are verified: see `CANARY_MARGIN`.
    """
    estimate = record.submission.estimate if record.submission is not None else None
    bound = estimate.most if estimate is not None else None
    measured = _by_first_requests(record, groups, price_list)
    return bound if measured is None else measured if bound is None else min(bound, measured)


def _by_first_requests(record: JobRecord, groups: dict[int, list[JobRecord]], price_list: PriceList) -> float | None:
    """Return what the rest of a file costs by its first requests, with a margin; None where they say nothing."""
    group, submission = record.group, record.submission
    if group is None or not group.first or submission is None or submission.part == 1:
        return None
    for part in groups.get(group.id, ()):
        if part.submission is not None and part.submission.part == 1 and is_verified(part):
            job_cost = cost_of(part, price_list)
            answered = part.counts.answered if part.counts is not None else 0
            if job_cost.is_known and answered:
                return CANARY_MARGIN * job_cost.usd / answered * submission.requests
    return None


def whole_file(parts: Sequence[JobRecord], price_list: PriceList) -> float | None:
    """Return what all parts of a file cost or may cost together; None where no bound is known."""
    groups = groups_of(parts)
    amounts: list[float | None] = []
    for part in parts:
        job_cost = cost_of(part, price_list) if is_verified(part) else None
        if job_cost is None:
            amounts.append(most_of(part, groups, price_list))
        else:
            amounts.append(job_cost.usd if job_cost.is_known else None)
    known = [amount for amount in amounts if amount is not None]
    return math.fsum(known) if len(known) == len(amounts) else None


@dataclass(frozen=True, slots=True)
class BudgetVerdict:
    """Whether a submission is within the budget."""

    budget: Budget
    bound: float | None
    """The most that is sent now may cost, in dollars; None where no bound is known."""
    file_bound: float | None
    """The same of the whole file, of which a part may have been sent before."""
    committed: Commitments

    @property
    def left(self) -> float | None:
        """What is left of the month's budget before it, in dollars; None without one."""
        return None if self.budget.month is None else self.budget.month - self.committed.committed

    @property
    def is_over(self) -> bool:
        """Whether it is above the budget, or that cannot be told."""
        return bool(self.reasons)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is above the budget, a sentence each without a full stop; none where it is within."""
        budget, committed, reasons = self.budget, self.committed, []
        if not budget.is_set:
            return ()
        if self.bound is None or self.file_bound is None:
            return ("The budget cannot be held: it is not known what this may cost at most",)
        if budget.job is not None and self.file_bound > budget.job + _FLOAT_ERROR:
            reasons.append(
                f"It may cost up to {money_up(self.file_bound)}; the budget for a job is {money(budget.job)}"
            )
        if budget.month is not None:
            left = budget.month - committed.committed
            if not committed.is_bounded:
                reasons.append(f"The budget cannot be held: {_unbounded_words(committed)}")
            elif self.bound > left + _FLOAT_ERROR:
                reasons.append(f"It may cost up to {money_up(self.bound)}; {left_words(self.budget, committed)}")
        return tuple(reasons)


def budget_words(verdict: BudgetVerdict, *, names_bound: bool = True) -> str:
    """Return `up to $1.30 of $10.00 for a job; $35.80 of $50.00 is left in November 2026 (UTC): $9.20 spent`.

    With `names_bound` it begins with what the file may cost.
    """
    budget, bound = verdict.budget, verdict.file_bound
    parts = []
    if names_bound:
        amount = "no known bound" if bound is None else f"up to {money_up(bound)}"
        parts.append(amount if budget.job is None else f"{amount} of {money(budget.job)} for a job")
    if left := left_words(budget, verdict.committed):
        parts.append(f"{left}: {parts_words(verdict.committed)}")
    return "; ".join(parts) or f"{money(budget.job)} for a job"


def left_words(budget: Budget, committed: Commitments) -> str:
    """Return `$35.80 of $50.00 is left in November 2026 (UTC)`; empty without a budget for the month."""
    if budget.month is None:
        return ""
    month = month_words(committed.month)
    left = budget.month - committed.committed
    if left < 0:
        return f"the {money(budget.month)} of {month} (UTC) are exceeded by {money(-left)}"
    return f"{money(math.floor(round(left * 100, 6)) / 100)} of {money(budget.month)} is left in {month} (UTC)"


def parts_words(committed: Commitments) -> str:
    """Return `$9.20 spent, $0.10 for tries, up to $4.90 is out`."""
    parts = [f"{money(committed.spent)} spent"]
    parts += [f"{money(committed.tries)} for tries"] if committed.tries else []
    parts += [f"up to {money_up(committed.out)} is out"] if committed.out else []
    if committed.uncounted:
        parts.append(f"without {plural(committed.uncounted, 'job')} from elsewhere whose results are not here")
    return ", ".join(parts)


def _unbounded_words(committed: Commitments) -> str:
    names = committed.unbounded
    parts = []
    if names:
        verb = "has" if len(names) == 1 else "have"
        shown = ", ".join(names[:2]) + (f" and {len(names) - 2:,} more" if len(names) > 2 else "")
        parts.append(f"{shown} {verb} no known bound or price")
    if count := committed.unbounded_tries:
        parts.append(f"{plural(count, 'try', 'tries')} {'has' if count == 1 else 'have'} no known cost")
    return ", and ".join(parts)


def money_up(usd: float) -> str:
    """Return a bound in dollars, rounded up to the cent."""
    return money(math.ceil(round(usd * 100, 6)) / 100)


def amount_words(usd: float | None) -> str:
    """Return a bound as it is typed, `12.40`, rounded up to the cent; empty where none is known."""
    return "" if usd is None else f"{math.ceil(round(usd * 100, 6)) / 100:.2f}"
