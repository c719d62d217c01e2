"""The lines of Spend: what each model, label, endpoint or day cost, and what stands below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.pricing.spending.spend import SpendBy, bill_words
from tbatch_tui.engine.pricing.spending.spend_words import NOT_KNOWN, ratio_words, unknown_words
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.widgets.table.columns import Column, Need

if TYPE_CHECKING:
    from tbatch_tui.engine.pricing.spending.spend import MonthSpend, SpendEntry
    from tbatch_tui.tui.render.styled import StyledText

_BAR_WIDTH = 40
_RATIOS = 3
"""Models whose estimates are compared with what they cost."""


@dataclass(frozen=True, slots=True)
class SpendLine:
    """One line of the table."""

    entry: SpendEntry
    share: float
    """Of the dearest."""


def spend_columns() -> list[Column[SpendLine]]:
    """Return the columns."""
    return [
        Column("name", "Name", lambda row: row.entry.name or NOT_KNOWN, base=True, min=16, priority=9, keep="middle"),
        Column("bar", "", draw=_bar, min=6, priority=7, measure=lambda _: Need(_BAR_WIDTH, 12)),
        Column("cost", "Cost", _cost, align="right", base=True, min=14, priority=9),
        Column("retries", "Retries", lambda row: _money(row.entry.retries), align="right", priority=6, min=7),
        Column("tries", "Tries", lambda row: _money(row.entry.tries), align="right", priority=2, min=5),
        Column("jobs", "Jobs", lambda row: fmt.count(row.entry.jobs), align="right", priority=8, min=4),
        Column("unknown", "Unknown", _unknown, align="right", priority=5, min=7),
        Column("in", "Tokens in", lambda row: _count(row.entry.prompt_tokens), align="right", priority=4, min=7),
        Column("out", "Tokens out", lambda row: _count(row.entry.completion_tokens), align="right", priority=4, min=7),
        Column("audio", "Audio", _audio, align="right", priority=3, min=5),
    ]


def spend_lines(spend: MonthSpend) -> list[tuple[str, SpendLine]]:
    """Return the lines of a month, by key."""
    most = max((entry.usd for entry in spend.entries), default=0.0)
    return [(entry.name, SpendLine(entry, entry.usd / most if most else 0.0)) for entry in spend.entries]


def _bar(row: SpendLine, width: int) -> StyledText:
    return [(fmt.block_bar(row.share, min(width, _BAR_WIDTH)), "$accent-text")]


def _cost(row: SpendLine) -> StyledText:
    entry = row.entry
    if entry.unknown_jobs and not entry.usd:
        return [("?", ATTENTION)]
    over = "over " if entry.unknown_jobs else ""
    return [(f"{over}{fmt.money(entry.usd)}", ATTENTION if over else "")]


def _unknown(row: SpendLine) -> StyledText:
    return [(fmt.count(row.entry.unknown_jobs) if row.entry.unknown_jobs else "", ATTENTION)]


def _money(usd: float) -> str:
    return fmt.money(usd) if usd else ""


def _count(number: int) -> str:
    return fmt.count(number) if number else ""


def _audio(row: SpendLine) -> str:
    return fmt.duration(row.entry.audio_seconds) if row.entry.audio_seconds else ""


def foot_lines(spend: MonthSpend) -> list[StyledText]:
    """Return what stands below the table, a line each: what is not known, estimates, and whose bill it is."""
    lines: list[StyledText] = [[(f"! {sentence}", ATTENTION)] for sentence in unknown_words(spend)]
    lines += [
        [(f"{fmt.short_model(ratio.model)}: ", "bold"), (ratio_words(ratio), "")]
        for ratio in spend.ratios[:_RATIOS]
        if ratio.ratio is not None
    ]
    lines.append([(bill_words(spend.priced_at), QUIET)])
    return lines


def by_words(by: SpendBy) -> str:
    """Return `by model`."""
    return f"by {by.value}"
