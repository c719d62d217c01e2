"""The sum of a job in words: as a line that must come out even, and as what fits into a cell. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, OK, QUIET
from tbatch_tui.tui.sanitize import ELLIPSIS

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.counts import JobCounts, RequestCounts
    from tbatch_tui.tui.render.styled import StyledText

BETWEEN = " · "


def format_counts(found: RequestCounts) -> str:
    """`2,000 in = 1,980 answered + 17 errors + 3 missing · 12 cut short`, and then what should not be: `2 duplicates`.

    Without an input file, what came back; where it is known what was submitted, of how many.
    """
    parts = [f"{found.answered:,} answered", fmt.plural(found.errors, "error")]
    if found.has_input:
        said, parts = f"{found.requests:,} in", [*parts, f"{found.missing:,} missing"]
    else:
        came = found.requests - found.missing
        said = f"{came:,} of {found.requests:,} came back" if found.missing else f"{came:,} came back"
    return fmt.joined(
        f"{said} = {' + '.join(parts)}",
        f"{found.cut_short:,} cut short",
        fmt.plural(found.unknown, "unknown id") if found.has_input and found.unknown else "",
        fmt.plural(found.duplicates, "duplicate") if found.duplicates else "",
        f"{found.unreadable:,} unreadable" if found.unreadable else "",
    )


def counts_style(found: RequestCounts) -> str:
    """Green only where each request has its one row."""
    if found.is_even:
        return OK
    return QUIET if found.is_accounted else ATTENTION


def counts_cell(tally: JobCounts, width: int | None = None) -> StyledText:
    """`1,980 ok · 17 err · 3 missing`, or `all answered`: what is zero is left out, but for what is ok.

    In too narrow a cell `cut short` is `cut`; then what is no trouble goes, and `…` stands for it: no number is ever
    without its word.
    """
    if tally.is_even and not tally.errors and not tally.cut_short:
        return [("all answered", OK)]
    ok = (f"{tally.answered:,} ok", "" if tally.needs_attention else OK)
    troubles = [
        (f"{number:,} {word}", ATTENTION)
        for number, word in (
            (tally.errors, "err"),
            (tally.missing, "missing"),
            (tally.unknown, "unknown"),
            (tally.duplicates, "doubled"),
            (tally.unreadable, "unreadable"),
        )
        if number
    ]
    cut = [(f"{tally.cut_short:,} {word}", QUIET) for word in ("cut short", "cut") if tally.cut_short]
    if width is None:
        return _beside([ok, *troubles, *cut[:1]])
    less = [[ok, *troubles], *(troubles[:count] for count in range(len(troubles), 0, -1))]
    for pieces in (
        _beside([ok, *troubles, *cut[:1]]),
        _beside([ok, *troubles, *cut[1:]]),
        *([*_beside(parts), (f" {ELLIPSIS}", QUIET)] for parts in less),
    ):
        if sum(len(text) for text, _ in pieces) <= width:
            break
    return pieces


def _beside(parts: StyledText) -> StyledText:
    return [piece for part in parts for piece in ((BETWEEN, QUIET), part)][1:]
