"""The counts of a job as text: a line whose sum must come out even, and what fits into a cell. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, OK, QUIET
from tbatch_tui.tui.sanitize import ELLIPSIS

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.counts import JobCounts, RequestCounts
    from tbatch_tui.tui.render.styled import StyledText

SEPARATOR = " · "


def format_counts(counts: RequestCounts) -> str:
    """Return `2,000 in = 1,980 answered + 17 errors + 3 missing · 12 cut short`.

    After that comes what should not be, such as `2 duplicates`. Without an input file it is what came back, and of how
    many if that is known.
    """
    parts = [f"{counts.answered:,} answered", fmt.plural(counts.errors, "error")]
    if counts.has_input:
        total, parts = f"{counts.requests:,} in", [*parts, f"{counts.missing:,} missing"]
    else:
        returned = counts.requests - counts.missing
        total = f"{returned:,} of {counts.requests:,} came back" if counts.missing else f"{returned:,} came back"
    return fmt.join(
        f"{total} = {' + '.join(parts)}",
        f"{counts.cut_short:,} cut short",
        fmt.plural(counts.unknown, "unknown id") if counts.has_input and counts.unknown else "",
        fmt.plural(counts.duplicates, "duplicate") if counts.duplicates else "",
        f"{counts.unreadable:,} unreadable" if counts.unreadable else "",
    )


def counts_style(counts: RequestCounts) -> str:
    """Return the style of the counts: green only where each request has exactly one row."""
    if counts.is_even:
        return OK
    return QUIET if counts.is_accounted else ATTENTION


def counts_cell(counts: JobCounts, width: int | None = None) -> StyledText:
    """Return `1,980 ok · 17 err · 3 missing`, or `all answered`. Zeros are left out, except for `ok`.

    In a cell that is too narrow, `cut short` becomes `cut`; then what is no problem is left out, with `…` in its place.
    No number is ever without its word.

    Args:
        width: Cells of the terminal; None for no limit.
    """
    if counts.is_even and not counts.errors and not counts.cut_short:
        return [("all answered", OK)]
    ok = (f"{counts.answered:,} ok", "" if counts.needs_attention else OK)
    problems = [
        (f"{number:,} {word}", ATTENTION)
        for number, word in (
            (counts.errors, "err"),
            (counts.missing, "missing"),
            (counts.unknown, "unknown"),
            (counts.duplicates, "doubled"),
            (counts.unreadable, "unreadable"),
        )
        if number
    ]
    cut = [(f"{counts.cut_short:,} {word}", QUIET) for word in ("cut short", "cut") if counts.cut_short]
    if width is None:
        return _join([ok, *problems, *cut[:1]])
    shorter = [[ok, *problems], *(problems[:count] for count in range(len(problems), 0, -1))]
    for text in (
        _join([ok, *problems, *cut[:1]]),
        _join([ok, *problems, *cut[1:]]),
        *([*_join(parts), (f" {ELLIPSIS}", QUIET)] for parts in shorter),
    ):
        if sum(len(part) for part, _ in text) <= width:
            break
    return text


def _join(parts: StyledText) -> StyledText:
    return [each for part in parts for each in ((SEPARATOR, QUIET), part)][1:]
