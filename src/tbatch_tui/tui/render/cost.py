"""Money in words: what a submission may cost, what it came to, and by which prices of which date. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.pricing.prices import DISCOUNTS_DATE, Cost, PriceList, cost
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.counts import ModelUsage
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.tui.render.styled import StyledText

_MODELS_NAMED = 2


def estimate_facts(found: Estimate) -> list[tuple[str, StyledText]]:
    """What it may cost, what of that nobody knows, and by which prices."""
    said: list[str] = []
    if found.input is not None:
        said.append(f"input {_about(found.input)}")
        if found.output is not None:
            said.append(f"output at most {fmt.money(found.output)}")
    facts: list[tuple[str, StyledText]] = [("Cost", [(fmt.joined(*said), "")])] if said else []
    for words in _unknown(found):
        facts.append(("" if facts else "Cost", [(words, ATTENTION)]))
    if found.input is not None or found.minute is not None:
        facts.append(("", [(format_price(found), QUIET)]))
    return facts


def _about(usd: float) -> str:
    words = fmt.money(usd)
    return f"under {words[1:]}" if words.startswith("<") else f"about {words}"


def _unknown(found: Estimate) -> list[str]:
    """What an estimate leaves open, a sentence each."""
    said: list[str] = []
    if found.unbounded:
        verb = "does" if found.unbounded == 1 else "do"
        said.append(f"output not bounded: {fmt.plural(found.unbounded, 'request')} {verb} not say max_tokens")
    if found.minute is not None:
        said.append(f"{fmt.money(found.minute)} a minute of audio, whose length is not known before")
    if found.unpriced:
        said.append(format_unpriced(found.unpriced, found.priced_at))
    if found.attachments:
        said.append(f"{fmt.plural(found.attachments, 'request')} with images or the like cost more than their text")
    return said


def format_unpriced(models: Sequence[str], priced_at: float | None) -> str:
    """For which models no price is known."""
    if priced_at is None:
        return "no price known: the catalogue has not been fetched yet"
    named = ", ".join(line(fmt.short_model(model)) for model in models[:_MODELS_NAMED])
    more = f" and {len(models) - _MODELS_NAMED:,} more" if len(models) > _MODELS_NAMED else ""
    return f"no price known for {named}{more} ([prices] in config.toml can give one)"


def format_price(by: Estimate | Cost) -> str:
    """`prices of 2026-11-24 · 50 % off for a batch (September 2026)`."""
    off = " and ".join(f"{percent:g} %" for percent in by.discounts)
    dated = "" if by.is_custom else f" (list of {DISCOUNTS_DATE})"
    return fmt.joined(
        f"catalogue of {fmt.date(by.priced_at)}" if by.priced_at is not None else "",
        "own prices of config.toml" if by.is_custom else "",
        f"{off} off for a batch{dated}" if off else "",
    )


def format_money(found: Cost) -> str:
    """`$0.41`; `over $0.41` where something is not in it; a dash where nothing is known."""
    return fmt.money(found.usd) if found.is_whole or found.usd is None else f"over {fmt.money(found.usd)}"


def format_estimate(estimate: Estimate | None) -> str:
    """`(est. ≤ $0.44)`: what was said before."""
    if estimate is None or estimate.input is None:
        return ""
    if estimate.most is not None:
        return f"(est. ≤ {fmt.money(estimate.most)})"
    return f"(est. {fmt.money(estimate.input)} and the output)" if estimate.unbounded else ""


def format_cost(found: Cost, estimate: Estimate | None) -> str:
    """`$0.41 (est. ≤ $0.44)`; nothing where nothing is known."""
    return "" if found.usd is None else " ".join(filter(None, (format_money(found), format_estimate(estimate))))


def cost_facts(found: Cost, estimate: Estimate | None) -> list[tuple[str, StyledText]]:
    """What it came to, what is not in that, and by which prices."""
    facts: list[tuple[str, StyledText]] = []
    if words := format_cost(found, estimate):
        facts.append(("Cost", [(words, "")]))
    if found.unpriced:
        facts.append(("" if facts else "Cost", [(format_unpriced(found.unpriced, found.priced_at), ATTENTION)]))
    if found.unknown_usage:
        words = f"{fmt.plural(found.unknown_usage, 'row')} without token counts, not in it"
        facts.append(("" if facts else "Cost", [(words, ATTENTION)]))
    if found.usd is not None and (words := format_price(found)):
        facts.append(("", [(words, QUIET)]))
    return facts


def job_cost_facts(record: JobRecord, tariff: PriceList | None) -> list[tuple[str, StyledText]]:
    """The tokens and the cost of a job: what it came to once that is counted, until then what was said before."""
    estimate = record.submission.estimate if record.submission is not None else None
    if record.counts is None:
        words = format_estimate(estimate).strip("()")
        return [("Cost", [(words, QUIET)])] if words else []
    spent = record.counts.usage
    tokens: list[tuple[str, StyledText]] = [("Tokens", [(words, "")])] if (words := format_usage(spent)) else []
    return tokens if tariff is None else [*tokens, *cost_facts(cost_of(record, tariff), estimate)]


def cost_cell(record: JobRecord, tariff: PriceList | None) -> str:
    """`$0.41`: what a job came to, for a list; nothing where it is not known."""
    if record.counts is None or tariff is None:
        return ""
    found = cost_of(record, tariff)
    return "" if found.usd is None else format_money(found)


def cost_of(record: JobRecord, tariff: PriceList) -> Cost:
    """What a job came to, as far as it is counted."""
    spent = record.counts.usage if record.counts is not None else ()
    return cost(spent, tariff, record.job.model if record.job is not None else None)


def format_usage(spent: Sequence[ModelUsage]) -> str:
    """`1,204,000 in (200,000 cached) · 310,000 out (90,000 reasoning)`; of audio, how long it is."""
    prompt, completion = sum(part.prompt for part in spent), sum(part.completion for part in spent)
    cached, reasoning = sum(part.cached for part in spent), sum(part.reasoning for part in spent)
    seconds = sum(part.seconds for part in spent)
    has_tokens = any(part.rows_with_tokens for part in spent)
    return fmt.joined(
        f"{prompt:,} in{f' ({cached:,} cached)' if cached else ''}" if has_tokens else "",
        f"{completion:,} out{f' ({reasoning:,} reasoning)' if reasoning else ''}" if has_tokens else "",
        f"{fmt.duration(seconds)} of audio" if seconds else "",
    )
