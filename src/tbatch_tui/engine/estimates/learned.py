"""Tokens a row, as earlier jobs used them: what a file is likely to cost, below the bound of what it may cost."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tbatch_tui.engine.domain.cost import Demand, Estimate
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.pricing.prices import PriceList

_LATEST = 20
"""Jobs that are learned from at most, the latest first: models and prompts change."""
_MILLION = 1_000_000


class Learned(NamedTuple):
    """What a row of earlier jobs used, on average."""

    jobs: int
    completion: float
    """Tokens of an answer."""
    prompt: float | None = None
    """Tokens of a prompt, where the jobs asked by the same prompt; None where only the model is the same."""


def learn(records: Iterable[JobRecord], model: str, *, is_same_prompt: bool = False) -> Learned | None:
    """Return what rows of these jobs used with a model; None where none of them did.

    Retries are left out: what they ask is no sample. A file that was sent as several jobs is one.

    Args:
        records: Jobs, those whose results are counted among them.
        model: The model of the requests.
        is_same_prompt: Whether all these jobs asked by the prompt that is asked now.
    """
    jobs: set[str] = set()
    rows = prompt = completion = 0
    for record in sorted(records, key=lambda record: -record.created_at):
        submission, group = record.submission, record.group
        if record.counts is None or (submission is not None and submission.parent is not None and group is None):
            continue
        usage = [part for part in record.counts.usage if part.model == model and part.rows_with_tokens]
        key = group.key if group is not None else record.key
        if not usage or (len(jobs) == _LATEST and key not in jobs):
            continue
        jobs.add(key)
        rows += sum(part.rows_with_tokens for part in usage)
        prompt += sum(part.prompt for part in usage)
        completion += sum(part.completion for part in usage)
    if not rows:
        return None
    return Learned(len(jobs), completion / rows, prompt / rows if is_same_prompt else None)


def with_learned(
    estimate: Estimate, demands: Iterable[Demand], learned: Mapping[str, Learned], prices: PriceList
) -> Estimate:
    """Return an estimate with what is expected by earlier jobs; as it is where a part of that is not known.

    The bound stays what it is: what is expected is never above it.
    """
    parts: list[float] = []
    jobs = 0
    for demand in demands:
        known, price = learned.get(demand.model), prices.price_of(demand.model)
        if known is None or demand.audio or price.input is None or price.output is None:
            return estimate
        if demand.attachments and known.prompt is None:
            return estimate
        prompt = demand.prompt_tokens if known.prompt is None else demand.requests * known.prompt
        completion = demand.requests * known.completion
        if not demand.unbounded:
            completion = min(completion, demand.most_output_tokens)
        parts.append((prompt * price.input + completion * price.output) / _MILLION)
        jobs += known.jobs
    if not parts:
        return estimate
    expected = math.fsum(parts)
    if estimate.most is not None:
        expected = min(expected, estimate.most)
    return replace(estimate, expected=expected, expected_jobs=jobs)
