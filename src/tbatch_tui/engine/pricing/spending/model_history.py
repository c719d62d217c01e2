"""What the jobs of an account say about each model, and the catalogue beside it. Pure."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.check.limits import NOT_FOR_BATCH, NOT_FOR_BATCH_DATE
from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.pricing.audio_prices import AUDIO_PRICES_DATE
from tbatch_tui.engine.pricing.prices import DISCOUNTS, DISCOUNTS_DATE
from tbatch_tui.engine.pricing.spending.job_costs import model_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.pricing.prices import Price, PriceList

SIZES = (100, 1_000, 10_000)
"""Jobs are told apart by how many requests they have: up to each of these, and more."""
NOT_IN_CATALOGUE = "not in the catalogue"
"""The status of a model that jobs ran with and the catalogue does not have (any more)."""


class SizeTime(NamedTuple):
    """How long jobs of a size took."""

    up_to: int | None
    """Requests of the largest of them; None for the jobs that are larger than all sizes."""
    jobs: int
    median_seconds: float


@dataclass(frozen=True, slots=True)
class ModelHistory:
    """What the jobs of an account say about a model."""

    jobs: int
    """Jobs whose results are here and counted, or that were completed."""
    rows: int = 0
    """Answered rows whose tokens are known."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    requests: int = 0
    """Requests that came to an outcome that is known."""
    cut_short: int = 0
    invalid: int = 0
    median_seconds: float | None = None
    """From creation to end, of completed jobs."""
    by_size: tuple[SizeTime, ...] = ()

    @property
    def tokens_per_row(self) -> float | None:
        """Prompt and answer together; None where no row has its tokens."""
        return (self.prompt_tokens + self.completion_tokens) / self.rows if self.rows else None

    @property
    def cut_short_share(self) -> float | None:
        """From 0 to 1, of the requests; None where none is counted."""
        return self.cut_short / self.requests if self.requests else None

    @property
    def invalid_share(self) -> float | None:
        """From 0 to 1, of the requests; None where none is counted."""
        return self.invalid / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model: what the catalogue says, what it costs in a batch, and what the jobs of this account say."""

    info: ModelInfo
    price: Price
    """With the discount for a batch subtracted."""
    discount_date: str = ""
    """The date of the list that the discount is from; empty for none, or one of the person's own."""
    audio_date: str = ""
    """The date of the list that the price of a minute is from; empty for none, or one of the person's own."""
    not_for_batch: str = ""
    """The date of the list that has it as not available for batch; empty if none has."""
    history: ModelHistory | None = None
    """None where no job ran with it."""

    @property
    def name(self) -> str:
        """The name that a request gives it."""
        return self.info.id


@dataclass(slots=True)
class _Sums:
    """The sums of one model so far."""

    jobs: int = 0
    rows: int = 0
    prompt: int = 0
    completion: int = 0
    requests: int = 0
    cut_short: int = 0
    invalid: int = 0
    times: list[tuple[int, float]] = field(default_factory=list)
    """Requests and seconds of each completed job."""


def model_entries(catalogue: Catalogue, price_list: PriceList, records: Iterable[JobRecord]) -> list[ModelEntry]:
    """Return all models of the catalogue and of the history, by name."""
    histories = model_histories(records)
    infos = {**{name: ModelInfo(name, status=NOT_IN_CATALOGUE * bool(catalogue)) for name in histories}, **catalogue}
    return [_entry(infos[name], price_list, histories.get(name)) for name in sorted(infos, key=str.casefold)]


def _entry(info: ModelInfo, price_list: PriceList, history: ModelHistory | None) -> ModelEntry:
    price = price_list.price_of(info.id)
    is_listed = price.discount > 0 and DISCOUNTS.get(info.id) == price.discount and not price.is_custom_discount
    return ModelEntry(
        info,
        price,
        discount_date=DISCOUNTS_DATE if is_listed else "",
        audio_date=AUDIO_PRICES_DATE if price.is_listed_audio else "",
        not_for_batch=NOT_FOR_BATCH_DATE if info.id.rpartition("/")[2].lower() in NOT_FOR_BATCH else "",
        history=history,
    )


def model_histories(records: Iterable[JobRecord]) -> dict[str, ModelHistory]:
    """Return what the ended jobs say about each model that they ran with."""
    all_sums: dict[str, _Sums] = defaultdict(_Sums)
    for record in records:
        if record.job is not None and record.job.is_ended and (model := model_of(record)):
            _add(all_sums[model], record)
    return {model: _history(sums) for model, sums in all_sums.items() if sums.jobs}


def _add(sums: _Sums, record: JobRecord) -> None:
    job, counts = record.job, record.counts
    assert job is not None
    is_completed = job.status == JobStatus.COMPLETED
    if counts is None and not is_completed:
        return
    sums.jobs += 1
    if counts is not None:
        sums.requests += counts.requests
        sums.cut_short += counts.cut_short
        sums.invalid += counts.invalid
        for usage in counts.usage:
            sums.rows += usage.rows_with_tokens
            sums.prompt += usage.prompt
            sums.completion += usage.completion
    requests = record.requests or (counts.requests if counts is not None else 0)
    if is_completed and job.created_at is not None and job.completed_at is not None:
        sums.times.append((requests, max(0.0, job.completed_at - job.created_at)))


def _history(sums: _Sums) -> ModelHistory:
    return ModelHistory(
        jobs=sums.jobs,
        rows=sums.rows,
        prompt_tokens=sums.prompt,
        completion_tokens=sums.completion,
        requests=sums.requests,
        cut_short=sums.cut_short,
        invalid=sums.invalid,
        median_seconds=statistics.median([seconds for _, seconds in sums.times]) if sums.times else None,
        by_size=tuple(_by_size(sums.times)),
    )


def _by_size(times: list[tuple[int, float]]) -> Iterable[SizeTime]:
    lowest = 0
    for up_to in (*SIZES, None):
        inside = [seconds for requests, seconds in times if lowest < requests and (up_to is None or requests <= up_to)]
        if inside:
            yield SizeTime(up_to, len(inside), statistics.median(inside))
        lowest = up_to or lowest
