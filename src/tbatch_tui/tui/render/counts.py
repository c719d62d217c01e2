"""The counts of a job as text: what fits into a cell, and the style of the sum. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, OK, QUIET
from tbatch_tui.tui.sanitize import ELLIPSIS

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.counts import JobCounts, RequestCounts
    from tbatch_tui.tui.render.styled import StyledText

SEPARATOR = " · "


def counts_style(counts: RequestCounts, share: float) -> str:
    """Return the style of the counts: green only where each request has exactly one row, and few answers are unusable.

    Args:
        share: Percent of the requests that may be cut short or invalid.
    """
    if counts.exceeds(share):
        return ATTENTION
    if counts.is_even:
        return OK
    return QUIET if counts.is_accounted else ATTENTION


def counts_cell(counts: JobCounts, width: int | None = None) -> StyledText:
    """Return `1,965 ok · 12 cut short · 3 invalid · 17 errors · 3 missing`, or `all ok`.

    Zeros are left out, except for `ok`. In a cell that is too narrow, `cut short` becomes `cut` and `errors` becomes
    `err`; then what is no problem is left out, with `…` in its place. No number is ever without its word.

    Args:
        width: Cells of the terminal; None for no limit.
    """
    if counts.is_even and counts.ok == counts.requests:
        return [("all ok", OK)]
    whole = _parts(counts, short=False)
    if width is None or _fits(_join(whole), width):
        return _join(whole)
    parts = _parts(counts, short=True)
    problems = [part for part in parts[1:] if part[1] == ATTENTION]
    if _fits(text := _join(parts), width):
        return text
    if problems and len(problems) < len(parts) - 1:
        text = _join([parts[0], (ELLIPSIS, QUIET), *problems])  # where it stands when there is room
        if _fits(text, width):
            return text
    shorter = [problems[:count] for count in range(len(problems), 0, -1)]
    for chosen in shorter or [parts[:1]]:
        text = [*_join(chosen), (f" {ELLIPSIS}", QUIET)]
        if _fits(text, width):
            break
    return text


def _parts(counts: JobCounts, *, short: bool) -> StyledText:
    """Return each number with its word; the first is `ok`."""
    is_over = counts.exceeds(counts.attention_share)
    errors = f"{counts.errors:,} err" if short else fmt.plural(counts.errors, "error")
    parts = [
        (counts.cut_short, f"{counts.cut_short:,} {'cut' if short else 'cut short'}", ATTENTION if is_over else QUIET),
        (counts.invalid, f"{counts.invalid:,} invalid", ATTENTION if is_over else QUIET),
        (counts.errors, errors, ATTENTION),
        (counts.missing, f"{counts.missing:,} missing", ATTENTION),
        (counts.unknown, f"{counts.unknown:,} unknown", ATTENTION),
        (counts.duplicates, f"{counts.duplicates:,} doubled", ATTENTION),
        (counts.unreadable, f"{counts.unreadable:,} unreadable", ATTENTION),
    ]
    ok = (f"{counts.ok:,} ok", "" if counts.needs_attention else OK)
    return [ok, *((text, style) for number, text, style in parts if number)]


def _fits(text: StyledText, width: int) -> bool:
    return sum(len(part) for part, _ in text) <= width


def _join(parts: StyledText) -> StyledText:
    return [each for part in parts for each in ((SEPARATOR, QUIET), part)][1:]
