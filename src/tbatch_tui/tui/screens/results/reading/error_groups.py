"""Errors and invalid answers by cause: the columns of their list, and a cause in full. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.results import Outcome
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.outcome import outcome_style
from tbatch_tui.tui.render.status import ACTIVE, ATTENTION, FAILED, QUIET
from tbatch_tui.tui.screens.results.reading.record_blocks import record_blocks
from tbatch_tui.tui.widgets.reader.wrap import Block
from tbatch_tui.tui.widgets.table.columns import Column

if TYPE_CHECKING:
    from tbatch_tui.engine.results import ErrorGroup, ResultRecord
    from tbatch_tui.tui.render.styled import StyledText


def group_columns() -> list[Column[ErrorGroup]]:
    """Return the columns: how many rows, whether a retry helps, and the message."""
    return [
        Column(
            "count", "Rows", render=lambda group: fmt.count(group.count), width=7, align="right", priority=8, base=True
        ),
        Column("helps", "Fix", render=verdict, width=11, priority=7, base=True),
        Column("message", "Message", render=message, min=14, max=60, priority=9, base=True),
    ]


def verdict(group: ErrorGroup) -> StyledText:
    """Return `↻ retryable`, or `! fix first`; of invalid answers `≠ invalid`."""
    if group.outcome is Outcome.INVALID:
        look = outcome_style(group.outcome)
        return [(f"{look.glyph} {look.word}  ", look.colour)]
    return [("↻ retryable", ACTIVE)] if group.cause.retryable else [("! fix first", ATTENTION)]


def message(group: ErrorGroup) -> StyledText:
    """Return what the rows of a group have in common."""
    return [(group.message, FAILED if group.outcome is Outcome.ERROR else ATTENTION)]


def group_blocks(group: ErrorGroup, sample: ResultRecord) -> list[Block]:
    """Return what helps against an error, its message, and its first row as a sample."""
    [(word, style)] = verdict(group)
    return [
        Block("", lead=((word.rstrip(), f"bold {style}"), (f" · {fmt.plural(group.count, 'row')}", QUIET))),
        Block(group.cause.hint, indent=2),
        Block(),
        *(Block(text, style, 2) for text, style in message(group)),
        Block(),
        Block("", lead=(("sample", "bold $accent-text"), (" · ", QUIET), (sample.row.custom_id, QUIET))),
        Block(),
        *record_blocks(sample).blocks,
    ]
