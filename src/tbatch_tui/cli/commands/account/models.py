"""`models`: the catalogue, what each model costs in a batch, and what the jobs of this account say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.cli.exit_codes import OK
from tbatch_tui.cli.output import print_json, print_message, print_table
from tbatch_tui.cli.session import Network, Session
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.pricing.spending.model_history import ModelEntry, ModelHistory

_HEADS = (
    "MODEL",
    "KIND",
    "CONTEXT",
    "IN",
    "CACHED",
    "OUT",
    "OFF",
    "STATUS",
    "JOBS",
    "TOKENS/ROW",
    "CUT",
    "INVALID",
    "TIME",
)
_NUMBER_COLUMNS = frozenset({2, 3, 4, 5, 6, 8, 9, 10, 11, 12})


async def models(arguments: argparse.Namespace, settings: Settings) -> int:
    """List the models whose name has this text; all without one."""
    async with Session(settings, network=Network.IF_ANSWERED) as session:
        await session.list_jobs()
        entries = await session.engine.prices.models()
        catalogue = await session.engine.prices.catalogue()
    words = (arguments.text or "").casefold().split()
    entries = [entry for entry in entries if all(word in entry.name.casefold() for word in words)]
    if arguments.json:
        print_json([_to_dict(entry) for entry in entries])
        return OK
    if entries:
        print_table(_HEADS, (_cells(entry) for entry in entries), _NUMBER_COLUMNS)
    else:
        print_message(f"No model has {arguments.text!r} in its name." if words else "No models are known.")
    if catalogue.fetched_at is None:
        print_message("The catalogue has not been downloaded yet: prices are not known.")
    else:
        print_message(
            f"Dollars for a million tokens, or a minute of audio (/min), with the batch discount; catalogue of "
            f"{fmt.date(catalogue.fetched_at)}."
        )
    return OK


def _cells(entry: ModelEntry) -> tuple[str, ...]:
    info, price, history = entry.info, entry.price, entry.history
    per_minute = price.minute is not None and price.input is None
    return (
        info.id,
        info.display_type or fmt.MISSING,
        fmt.count(info.context_length),
        f"${price.minute:.6f}".rstrip("0") + "/min" if per_minute else fmt.money(price.input),
        fmt.money(price.cached_input),
        fmt.money(price.output),
        f"{price.discount:g} %" if price.discount else "",
        fmt.join(info.status, "not for batch" if entry.not_for_batch else "", by=", ") or fmt.MISSING,
        *_history_cells(history),
    )


def _history_cells(history: ModelHistory | None) -> tuple[str, ...]:
    if history is None:
        return ("", "", "", "", "")
    return (
        fmt.count(history.jobs),
        fmt.number(round(history.tokens_per_row)) if history.tokens_per_row is not None else fmt.MISSING,
        fmt.share(history.cut_short, history.requests),
        fmt.share(history.invalid, history.requests),
        fmt.duration(history.median_seconds),
    )


def _to_dict(entry: ModelEntry) -> dict[str, Any]:
    """Return a model as plain data: dollars with the discount subtracted; what is not known is None."""
    info, price = entry.info, entry.price
    return {
        "name": info.id,
        "kind": info.display_type or None,
        "context": info.context_length,
        "input": price.input,
        "cached": price.cached_input,
        "output": price.output,
        "minute": price.minute,
        "minute_date": entry.audio_date or None,
        "discount": price.discount,
        "discount_date": entry.discount_date or None,
        "is_own_price": price.is_custom,
        "status": info.status or None,
        "not_for_batch": entry.not_for_batch or None,
        "history": _history_to_dict(entry.history) if entry.history is not None else None,
    }


def _history_to_dict(history: ModelHistory) -> dict[str, Any]:
    rows = history.rows
    return {
        "jobs": history.jobs,
        "tokens_per_row": history.tokens_per_row,
        "prompt_tokens_per_row": history.prompt_tokens / rows if rows else None,
        "completion_tokens_per_row": history.completion_tokens / rows if rows else None,
        "cut_short": history.cut_short_share,
        "invalid": history.invalid_share,
        "median_seconds": history.median_seconds,
        "by_size": [
            {"up_to": size.up_to, "jobs": size.jobs, "median_seconds": size.median_seconds} for size in history.by_size
        ],
    }
