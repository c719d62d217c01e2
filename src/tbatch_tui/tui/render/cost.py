"""Costs as text: the estimate of a submission, the cost of a job, and which prices they are based on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.pricing.audio_prices import AUDIO_PRICES_DATE
from tbatch_tui.engine.pricing.prices import DISCOUNTS_DATE, Cost, PriceList, record_cost
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.counts import ModelUsage
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.pricing.spending.spend import MonthSpend
    from tbatch_tui.tui.render.styled import StyledText

_MODELS_NAMED = 2


def estimate_facts(estimate: Estimate) -> list[tuple[str, StyledText]]:
    """Return what a submission may cost, what of that is unknown, and which prices that is based on.

    `about $1.04 in + up to $0.42 out = up to about $1.46`: how many tokens the prompts have is estimated, so that the
    sum is not a bound.
    """
    facts: list[tuple[str, StyledText]] = []
    if estimate.input is not None:
        parts = f"{fmt.money_about(estimate.input)} in"
        if estimate.output is not None:
            parts += f" + up to {format_bound(estimate.output)} out"
        total = f"up to about {format_bound(estimate.about)}" if estimate.about is not None else ""
        facts.append(("Cost", [(f"{parts} = ", ""), (total, "bold")] if total else [(parts, "")]))
    for unknown in _unknowns(estimate):
        facts.append(("" if facts else "Cost", [(unknown, ATTENTION)]))
    if expected := estimate.expected_words:
        facts.append(("Likely", [(expected, "bold")]))
    if estimate.input is not None or estimate.minute is not None:
        facts.append(("", [(format_price(estimate), QUIET)]))
    return facts


format_bound = fmt.money_bound


def _unknowns(estimate: Estimate) -> list[str]:
    """Return what an estimate leaves open, a sentence each."""
    unknowns: list[str] = []
    if estimate.unbounded:
        verb = "does" if estimate.unbounded == 1 else "do"
        unknowns.append(f"no upper limit: {fmt.plural(estimate.unbounded, 'request')} {verb} not say max_tokens")
    if estimate.minute is not None:
        unknowns.append(f"{fmt.money(estimate.minute)} per minute of audio; its length is not known in advance")
    if estimate.unpriced:
        unknowns.append(format_unpriced(estimate.unpriced, estimate.priced_at))
    if estimate.attachments:
        requests = fmt.plural(estimate.attachments, "request")
        unknowns.append(f"{requests} with images or other media cost more than their text")
    return unknowns


def format_unpriced(models: Sequence[str], priced_at: float | None) -> str:
    """Return for which models no price is known."""
    if priced_at is None:
        return "no known price: the catalogue has not been downloaded yet"
    named = ", ".join(line(fmt.short_model(model)) for model in models[:_MODELS_NAMED])
    more = f" and {len(models) - _MODELS_NAMED:,} more" if len(models) > _MODELS_NAMED else ""
    return f"no known price for {named}{more} (set one under [prices] in config.toml)"


def format_price(cost: Estimate | Cost) -> str:
    """Return the source of the prices: `catalogue of 2026-11-24 · 50 % batch discount (price list September 2026)`."""
    discounts = " and ".join(f"{percent:g} %" for percent in cost.discounts)
    date = "" if cost.is_custom else f" (price list {DISCOUNTS_DATE})"
    return fmt.join(
        f"catalogue of {fmt.date(cost.priced_at)}" if cost.priced_at is not None else "",
        f"audio price list {AUDIO_PRICES_DATE}" if cost.is_listed_audio else "",
        "your prices from config.toml" if cost.is_custom else "",
        f"{discounts} batch discount{date}" if discounts else "",
    )


def format_money(cost: Cost) -> str:
    """Return `$0.41`; `over $0.41` where something is not in it; a dash where nothing is known."""
    return fmt.money(cost.usd) if cost.is_whole or cost.usd is None else f"over {fmt.money(cost.usd)}"


def format_part(chosen: Cost, total: Cost) -> str:
    """Return `$1.20 of $4.80`, with as many digits as tell them apart, where both are known."""
    if chosen.usd is None or total.usd is None or not (chosen.is_whole and total.is_whole):
        return f"{format_money(chosen)} of {format_money(total)}"
    return " of ".join(fmt.money_part(chosen.usd, total.usd))


def format_month(spend: MonthSpend) -> str:
    """Return `$8.70`; `over $8.70` where something is not known."""
    return ("over " if spend.unknown_jobs or spend.unknown_tries else "") + fmt.money(spend.total)


def format_estimate(estimate: Estimate | None) -> str:
    """Return `(est. up to about $0.44)`, what Create said before the submission; empty without it."""
    if estimate is None or estimate.input is None:
        return ""
    if estimate.about is not None:
        return f"(est. up to about {format_bound(estimate.about)})"
    return f"(est. {fmt.money(estimate.input)} and the output)" if estimate.unbounded else ""


def format_cost(cost: Cost, estimate: Estimate | None) -> str:
    """Return `$0.41 (est. up to about $0.44)`; empty where nothing is known."""
    return "" if cost.usd is None else " ".join(filter(None, (format_money(cost), format_estimate(estimate))))


def cost_facts(cost: Cost, estimate: Estimate | None) -> list[tuple[str, StyledText]]:
    """Return what a job cost, what is not in that, and which prices that is based on."""
    facts: list[tuple[str, StyledText]] = []
    if amount := format_cost(cost, estimate):
        facts.append(("Cost", [(amount, "")]))
    if cost.unpriced:
        facts.append(("" if facts else "Cost", [(format_unpriced(cost.unpriced, cost.priced_at), ATTENTION)]))
    if cost.unknown_usage:
        unknown = f"{fmt.plural(cost.unknown_usage, 'row')} without token counts, not included"
        facts.append(("" if facts else "Cost", [(unknown, ATTENTION)]))
    if cost.usd is not None and (source := format_price(cost)):
        facts.append(("", [(source, QUIET)]))
    return facts


def job_cost_facts(record: JobRecord, prices: PriceList | None) -> list[tuple[str, StyledText]]:
    """Return the tokens and the cost of a job; before its results are counted, the estimate."""
    estimate = record.submission.estimate if record.submission is not None else None
    if record.counts is None:
        expected = format_estimate(estimate).strip("()")
        return [("Cost", [(expected, QUIET)])] if expected else []
    usage = format_usage(record.counts.usage)
    tokens: list[tuple[str, StyledText]] = [("Tokens", [(usage, "")])] if usage else []
    return tokens if prices is None else [*tokens, *cost_facts(record_cost(record, prices), estimate)]


def cost_cell(record: JobRecord, prices: PriceList | None) -> str:
    """Return the cost of a job for a list: `$0.41`; empty where it is not known."""
    if record.counts is None or prices is None:
        return ""
    cost = record_cost(record, prices)
    return "" if cost.usd is None else format_money(cost)


def format_usage(usage: Sequence[ModelUsage]) -> str:
    """Return `1,204,000 in (200,000 cached) · 310,000 out (90,000 reasoning)`; of audio, how long it is."""
    prompt, completion = sum(model.prompt for model in usage), sum(model.completion for model in usage)
    cached, reasoning = sum(model.cached for model in usage), sum(model.reasoning for model in usage)
    seconds = sum(model.seconds for model in usage)
    has_tokens = any(model.rows_with_tokens for model in usage)
    return fmt.join(
        f"{prompt:,} in{f' ({cached:,} cached)' if cached else ''}" if has_tokens else "",
        f"{completion:,} out{f' ({reasoning:,} reasoning)' if reasoning else ''}" if has_tokens else "",
        f"{fmt.duration(seconds)} of audio" if seconds else "",
    )
