"""What the jobs of a month cost, by model, label, endpoint or day, from verified usage at dated prices. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.pricing.prices import Cost
from tbatch_tui.engine.pricing.spending.job_costs import ModelCost, cost_of, ended_at, model_of
from tbatch_tui.engine.pricing.spending.months import day_of, month_of
from tbatch_tui.text.format import date as format_date

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.tried import TryCost
    from tbatch_tui.engine.pricing.prices import PriceList

_FREE = Cost(0.0)


def bill_words(priced_at: float | None) -> str:
    """Return what every account of the spending says with it.

    Args:
        priced_at: When the catalogue was fetched, in seconds since the epoch; None where none is known.
    """
    prices = f"the prices of {format_date(priced_at)}" if priced_at is not None else "the prices that are known here"
    return f"The bill is Together's: this is what the history on this machine knows, at {prices}."


class SpendBy(StrEnum):
    """What a month's spending is broken down by. The values are those of `--by`."""

    MODEL = "model"
    LABEL = "label"
    DAY = "day"
    ENDPOINT = "endpoint"


@dataclass(slots=True)
class SpendEntry:
    """What the jobs of one model, label, endpoint or day cost."""

    name: str
    usd: float = 0.0
    """Dollars of what is known, retries and tries included."""
    retries: float = 0.0
    """Of these, for requests that were asked again."""
    tries: float = 0.0
    """Of these, for requests that were asked at once."""
    jobs: int = 0
    """The ended jobs that have a part in it."""
    unknown_jobs: int = 0
    """Of these, those whose cost is not known, or not all of it."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    audio_seconds: float = 0.0


class LearnedRatio(NamedTuple):
    """What jobs of a model cost beside what was estimated before."""

    model: str
    jobs: int
    estimated: float
    """Dollars, if every answer had been as long as it might be."""
    actual: float

    @property
    def ratio(self) -> float | None:
        """The actual cost as a share of the estimate; None where that was nothing."""
        return self.actual / self.estimated if self.estimated else None


@dataclass(slots=True)
class MonthSpend:
    """The spending of a month."""

    month: str
    """Such as `2026-11`, in UTC."""
    by: SpendBy
    entries: list[SpendEntry] = field(default_factory=list)
    """The dearest first; days in their order."""
    total: float = 0.0
    retries: float = 0.0
    tries: float = 0.0
    unknown_tries: int = 0
    jobs: int = 0
    unknown_jobs: int = 0
    running_jobs: int = 0
    """Jobs that have not ended. They are in no sum."""
    priced_at: float | None = None
    """When the catalogue was fetched, in seconds since the epoch."""
    ratios: list[LearnedRatio] = field(default_factory=list)
    """Of all months, by model, most jobs first."""


@dataclass(frozen=True, slots=True)
class Spending:
    """The whole history as money is counted. Its methods take a moment for a long one: call them in a thread."""

    records: Sequence[JobRecord]
    """Also those that were taken out of the list."""
    retries: Collection[str]
    """The keys of those that asked requests again."""
    price_list: PriceList
    tries: Sequence[TryCost] = ()

    def month(self, month: str, by: SpendBy | None = None) -> MonthSpend:
        """Return what a month cost; by model, unless it is said by what."""
        tries = [one for one in self.tries if month_of(one.sent_at) == month]
        return spend_of(self.records, self.retries, month, by or SpendBy.MODEL, self.price_list, tries)

    def months(self) -> list[str]:
        """Return the months in which something was spent, the latest first."""
        jobs = (record for record in self.records if record.job is not None and record.job.is_ended)
        moments = [*map(ended_at, jobs), *(one.sent_at for one in self.tries)]
        return sorted({month_of(moment) for moment in moments} - {""}, reverse=True)


TRIES = "(tried at once)"
"""The label of requests that were asked at once."""


def spend_of(
    records: Sequence[JobRecord],
    retries: Collection[str],
    month: str,
    by: SpendBy,
    price_list: PriceList,
    tries: Iterable[TryCost] = (),
) -> MonthSpend:
    """Add up a month. A job belongs to the month in which it ended.

    Args:
        records: The whole history, also what was taken out of the list.
        retries: The keys of those that asked again.
        month: Such as `2026-11`.
        by: What it is broken down by.
        price_list: The prices in force.
        tries: Requests that were asked at once in that month.
    """
    spend = MonthSpend(month, by, priced_at=price_list.priced_at)
    entries: dict[str, SpendEntry] = {}
    sums: dict[str, list[float]] = defaultdict(list)
    for record in records:
        if record.job is None:
            continue
        if not record.job.is_ended:
            spend.running_jobs += 1
            continue
        if month_of(ended_at(record)) != month:
            continue
        job_cost = cost_of(record, price_list)
        spend.jobs += 1
        spend.unknown_jobs += not job_cost.is_known
        seen = set()
        for part in job_cost.models or (ModelCost(model_of(record), _FREE, None),):
            name = _name(record, part.model, by)
            entry = entries.setdefault(name, SpendEntry(name))
            if name not in seen:
                seen.add(name)
                entry.jobs += 1
                entry.unknown_jobs += not job_cost.is_known
            _add(sums, name, part, is_retry=record.key in retries)
            if part.usage is not None:
                entry.prompt_tokens += part.usage.prompt
                entry.completion_tokens += part.usage.completion
                entry.audio_seconds += part.usage.seconds
    for one in tries:
        name = _name_of_try(one, by)
        entries.setdefault(name, SpendEntry(name))
        spend.unknown_tries += one.usd is None
        for key in ("usd", "tries"):
            sums[f"{key} {name}"].append(one.usd or 0.0)
            sums[key].append(one.usd or 0.0)
    for name, entry in entries.items():
        entry.usd, entry.retries, entry.tries = (
            math.fsum(sums[f"{key} {name}"]) for key in ("usd", "retries", "tries")
        )
    spend.total, spend.retries, spend.tries = (math.fsum(sums[key]) for key in ("usd", "retries", "tries"))
    spend.entries = sorted(entries.values(), key=lambda one: one.name if by is SpendBy.DAY else (-one.usd, one.name))
    spend.ratios = learned_ratios(records, price_list)
    return spend


def learned_ratios(records: Iterable[JobRecord], price_list: PriceList) -> list[LearnedRatio]:
    """Return, by model, what jobs cost whose cost is known as a whole and was estimated before, most jobs first."""
    estimated: dict[str, list[float]] = defaultdict(list)
    actual: dict[str, list[float]] = defaultdict(list)
    for record in records:
        about = record.submission.estimate.about if record.submission and record.submission.estimate else None
        if about is None or record.counts is None or record.job is None or not record.job.is_ended:
            continue
        job_cost = cost_of(record, price_list)
        if not job_cost.is_known or not _has_run_whole(record):
            continue
        model = model_of(record)
        estimated[model].append(about)
        actual[model].append(job_cost.usd)
    ratios = [
        LearnedRatio(model, len(amounts), math.fsum(amounts), math.fsum(actual[model]))
        for model, amounts in estimated.items()
    ]
    return sorted(ratios, key=lambda one: (-one.jobs, one.model))


def _has_run_whole(record: JobRecord) -> bool:
    """Return whether every request came to an answer: a job that was cut off says nothing about an estimate."""
    counts = record.counts
    return counts is not None and counts.requests > 0 and counts.answered == counts.requests


def _add(sums: dict[str, list[float]], name: str, part: ModelCost, *, is_retry: bool) -> None:
    usd = part.cost.usd or 0.0
    for key in ("usd", "retries") if is_retry else ("usd",):
        sums[f"{key} {name}"].append(usd)
        sums[key].append(usd)


def _name(record: JobRecord, model: str, by: SpendBy) -> str:
    match by:
        case SpendBy.MODEL:
            return model
        case SpendBy.LABEL:
            return record.name_of_file
        case SpendBy.ENDPOINT:
            return record.endpoint or ""
        case SpendBy.DAY:
            return day_of(ended_at(record))


def _name_of_try(one: TryCost, by: SpendBy) -> str:
    match by:
        case SpendBy.MODEL:
            return one.model
        case SpendBy.LABEL:
            return TRIES
        case SpendBy.ENDPOINT:
            return one.endpoint
        case SpendBy.DAY:
            return day_of(one.sent_at)
