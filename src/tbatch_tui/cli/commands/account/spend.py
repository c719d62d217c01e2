"""`spend`: what a month cost, by model, label, endpoint or day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.cli.exit_codes import OK, USAGE
from tbatch_tui.cli.output import print_json, print_message, print_result, print_table
from tbatch_tui.cli.session import Network, Session
from tbatch_tui.engine.pricing.spending.months import is_month, month_words
from tbatch_tui.engine.pricing.spending.spend import MonthSpend, SpendBy, SpendEntry, bill_words
from tbatch_tui.engine.pricing.spending.spend_words import NOT_KNOWN, ratio_words, unknown_words
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings

_BAR = 16


async def spend(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the spending of a month; with `-o` write it as CSV."""
    if arguments.month is not None and not is_month(arguments.month):
        print_message(f"{arguments.month!r} is not a month: write it as 2026-11.")
        return USAGE
    async with Session(settings, network=Network.IF_ANSWERED) as session:
        await session.list_jobs()
        spent = await session.engine.prices.spend(arguments.month, SpendBy(arguments.by))
    if arguments.output is not None:
        from tbatch_tui.engine.pricing.spending.spend_csv import write_spend

        path = Path(arguments.output)
        write_spend(path, spent, replace=arguments.force)
    if arguments.json:
        print_json(_to_dict(spent))
    elif arguments.output is not None:
        print_result(str(path))
    else:
        _print(spent)
    return OK


def _print(spent: MonthSpend) -> None:
    print_result(f"{month_words(spent.month)} (UTC): {fmt.money(spent.total)}")
    most = max((entry.usd for entry in spent.entries), default=0.0)
    if spent.entries:
        heads = (spent.by.upper(), "COST", "", "RETRIES", "JOBS", "TOKENS IN", "TOKENS OUT", "AUDIO")
        print_table(heads, (_cells(entry, most) for entry in spent.entries), frozenset({1, 3, 4, 5, 6, 7}))
    for ratio in spent.ratios:
        if ratio.ratio is not None:
            print_message(f"{ratio.model}: {ratio_words(ratio)}.")
    for sentence in unknown_words(spent):
        print_message(sentence)
    print_message(bill_words(spent.priced_at))


def _cells(entry: SpendEntry, most: float) -> tuple[str, ...]:
    is_unknown = entry.unknown_jobs > 0
    return (
        entry.name or NOT_KNOWN,
        ("over " if is_unknown and entry.usd else "") + (fmt.money(entry.usd) if entry.usd or not is_unknown else "?"),
        fmt.block_bar(entry.usd / most if most else 0.0, _BAR),
        fmt.money(entry.retries) if entry.retries else "",
        fmt.count(entry.jobs),
        fmt.count(entry.prompt_tokens) if entry.prompt_tokens else "",
        fmt.count(entry.completion_tokens) if entry.completion_tokens else "",
        fmt.duration(entry.audio_seconds) if entry.audio_seconds else "",
    )


def _to_dict(spent: MonthSpend) -> dict[str, Any]:
    """Return the spending as plain data, dollars not rounded."""
    from tbatch_tui.engine.record_json import format_time

    return {
        "month": spent.month,
        "total": spent.total,
        "retries": spent.retries,
        "tries": spent.tries,
        "by": [_entry_to_dict(entry) for entry in spent.entries],
        "jobs": spent.jobs,
        "unknown_jobs": spent.unknown_jobs,
        "unknown_tries": spent.unknown_tries,
        "running_jobs": spent.running_jobs,
        "priced_at": format_time(spent.priced_at),
        "ratios": [
            {
                "model": ratio.model,
                "jobs": ratio.jobs,
                "estimated": ratio.estimated,
                "actual": ratio.actual,
                "ratio": ratio.ratio,
            }
            for ratio in spent.ratios
        ],
        "note": bill_words(spent.priced_at),
    }


def _entry_to_dict(entry: SpendEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "total": entry.usd,
        "retries": entry.retries,
        "tries": entry.tries,
        "jobs": entry.jobs,
        "unknown_jobs": entry.unknown_jobs,
        "prompt_tokens": entry.prompt_tokens,
        "completion_tokens": entry.completion_tokens,
        "audio_seconds": entry.audio_seconds,
    }
