"""What is said before and after requests are asked at once, for the screen and for the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.tried import LOST
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.tried import TriedRequest
    from tbatch_tui.engine.live.price import FileCost


def format_price_before(price: Estimate) -> str:
    """Return `at most $0.0011 (about $0.0001 in)`, or what is not known of the price, as it is said before sending.

    Where earlier jobs of the model are known: `about $0.0004, from 3 earlier jobs; at most $0.0011`.
    """
    if price.unpriced and price.input is None:
        return "the price is not known"
    if price.minute is not None and price.input is None:
        return f"{fmt.money(price.minute)} per minute of audio"
    if price.input is None:
        return "the price is not known"
    prompts = f"{fmt.money_about(price.input)} in"
    if expected := price.expected_words:
        bound = f"at most {fmt.money_bound(price.most)}" if price.most is not None else "no upper limit"
        return f"{expected}; {bound}"
    if price.unbounded:
        return f"{prompts}, and the answers: there is no upper limit without max_tokens"
    if price.most is None:
        return f"{prompts}, and what has no known price"
    return f"at most {fmt.money_bound(price.most)} ({prompts})"


def format_verdict(tried: TriedRequest) -> str:
    """Return `ok · 412 in, 38 out · 1.2 s · $0.0002`; without what is not known."""
    tokens = ""
    if tried.prompt_tokens is not None and tried.completion_tokens is not None:
        tokens = f"{tried.prompt_tokens:,} in, {tried.completion_tokens:,} out"
    elif tried.audio_seconds is not None:
        tokens = f"{fmt.duration(tried.audio_seconds)} of audio"
    return fmt.join(
        tried.outcome,
        tokens,
        f"{tried.seconds:.1f} s" if tried.seconds is not None else "",
        fmt.money(tried.cost) if tried.cost is not None else "cost not known",
    )


def format_meaning(means: FileCost | None) -> str:
    """Return `× 9,812 ≈ $0.94 in a batch`; empty where that cannot be told."""
    return f"× {means.requests:,} ≈ {fmt.money(means.usd)} in a batch" if means is not None else ""


def format_sum(tries: Sequence[TriedRequest | None]) -> str:
    """Return `3 answered · 1 refused · $0.0004`, of what became of requests; None stands for one not sent."""
    found = [tried for tried in tries if tried is not None]
    refused = sum(tried.outcome == "error" for tried in found)
    lost = sum(tried.outcome == LOST for tried in found)
    unsent = len(tries) - len(found)
    costs = [tried.cost for tried in found if tried.cost is not None]
    answered = len(found) - refused - lost
    return fmt.join(
        f"{answered:,} answered" if answered or not found else "",
        f"{refused:,} refused" if refused else "",
        f"{fmt.plural(lost, 'answer')} lost" if lost else "",
        f"{unsent:,} not sent" if unsent else "",
        fmt.money(sum(costs)) if costs else "",
    )
