"""What one job has cost as far as that is verified, in which month, and what a job that is out may still cost. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.pricing.prices import Cost, cost

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.counts import ModelUsage
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.pricing.prices import PriceList


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What the rows of one model cost in one job."""

    model: str
    cost: Cost
    usage: ModelUsage | None
    """None where nothing is known but the model."""


@dataclass(frozen=True, slots=True)
class JobCost:
    """What a job has cost."""

    models: tuple[ModelCost, ...] = ()
    """By model; empty where nothing was paid for."""
    is_known: bool = True
    """Whether all that was paid for is verified and has a price."""

    @property
    def usd(self) -> float:
        """Dollars of what is known."""
        return math.fsum(part.cost.usd or 0.0 for part in self.models)


NOTHING = JobCost()


def ended_at(record: JobRecord) -> float:
    """Return the moment by which a job is counted in a month: its end; its creation where no end is known."""
    job = record.job
    return job.completed_at if job is not None and job.completed_at is not None else record.created_at


def model_of(record: JobRecord) -> str:
    """Return the model of a job; of several the one with most rows; empty where none is known."""
    if record.job is not None and record.job.model:
        return record.job.model
    usage = record.counts.usage if record.counts is not None else ()
    return max(usage, key=lambda part: part.rows).model if usage else ""


def is_out(record: JobRecord) -> bool:
    """Return whether it may still cost something: it runs, may run, or has ended here and is not verified yet."""
    if record.is_active or record.is_waiting:
        return True
    return record.job is not None and record.submission is not None and not is_verified(record)


def is_verified(record: JobRecord) -> bool:
    """Return whether what an ended job used is known from its files, or it has no answers to be paid for."""
    job = record.job
    if job is None or not job.is_ended:
        return False
    if job.output_file_id is None:
        return not record.is_awaiting_file_ids
    has_output = record.output is not None and record.output.state is TransferState.FETCHED
    return has_output and record.counts is not None


def cost_of(record: JobRecord, price_list: PriceList) -> JobCost:
    """Return what an ended job cost. It is not known where its output file was not fetched and counted."""
    if not is_verified(record):
        model = model_of(record)
        return JobCost((ModelCost(model, Cost(None), None),), is_known=False)
    assert record.job is not None
    if record.job.output_file_id is None or record.counts is None:
        return NOTHING
    models = tuple(
        ModelCost(part.model or record.job.model or "", cost([part], price_list, record.job.model), part)
        for part in record.counts.usage
    )
    return JobCost(models, is_known=all(part.cost.is_whole for part in models))
