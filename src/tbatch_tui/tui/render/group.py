"""All parts of a file as text: the cells of their one row, and its details. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.engine.domain.counts import DEFAULT_ATTENTION_SHARE, JobCounts
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.submission import Pause
from tbatch_tui.engine.groups.group_record import format_parts, format_provisional
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import key_display
from tbatch_tui.tui.render.counts import counts_cell
from tbatch_tui.tui.render.job import format_kind
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.sanitize import fit, line

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.groups.group_record import GroupRecord
    from tbatch_tui.tui.render.styled import StyledText

CLOSED, OPEN, PART = "▸ ", "▾ ", "    "
"""What stands before the name of a group, and before that of a part of an open one."""


def group_name_cell(group: GroupRecord, width: int, *, is_open: bool) -> str:
    """Return `▸ reviews · 24 parts`. A name that is too long loses its middle, never the number of parts."""
    tail = f" · {fmt.plural(group.group.parts, 'part')}"
    name = f"{OPEN if is_open else CLOSED}{line(group.name)}{tail}"
    return fit(name, width, keep="middle", tail=cell_len(tail)) if cell_len(name) > width else name


def part_name_cell(words: str, width: int) -> str:
    """Return the name of a part below its group: which part it is."""
    return fit(f"{PART}{line(words)}", width).rstrip()


def group_progress_cell(group: GroupRecord, width: int) -> StyledText:
    """Return a bar and how many parts are done, while parts are out; then the outcome."""
    if not group.is_active:
        return group_outcome(group, width)
    words = f" {fmt.percent(group.progress / 100):>5} · {group.settled:,} of {group.group.parts:,}"
    done, rest = fmt.bar_parts(group.progress / 100, max(4, min(24, width - len(words))))
    return [(done, "$status-active"), (rest, "$rule"), (words, "")]


def group_outcome(group: GroupRecord, width: int | None = None) -> StyledText:
    """Return what came back of all parts; `20 of 24 parts` before it where that is not all."""
    provisional = format_provisional(group)
    before: StyledText = [(provisional, ATTENTION), (" · ", QUIET)] if provisional else []
    if not group.has_counts:
        return [(provisional, ATTENTION), (" sent", QUIET)] if provisional else [("no results", QUIET)]
    room = None if width is None else max(1, width - sum(cell_len(text) for text, _ in before))
    return [*before, *counts_cell(group_counts(group), room)]


def group_counts(group: GroupRecord) -> JobCounts:
    """Return the sum of all parts, in which what has no result yet is missing."""
    found = group.outcomes
    counted = [part.counts for part in group.parts if part.counts is not None]
    return JobCounts(
        requests=group.requests,
        answered=found["ok"] + found["cut short"] + found["invalid"],
        errors=found["error"],
        missing=found["missing"],
        cut_short=found["cut short"],
        unknown=sum(counts.unknown for counts in counted),
        duplicates=sum(counts.duplicates for counts in counted),
        unreadable=sum(counts.unreadable for counts in counted),
        has_input=all(counts.has_input for counts in counted),
        invalid=found["invalid"],
        attention_share=counted[0].attention_share if counted else DEFAULT_ATTENTION_SHARE,
    )


def group_time_cell(group: GroupRecord, now: float) -> str:
    """Return how long all parts took; while they run, what the slowest has left."""
    left = group.time_left(now)
    if left is not None:
        return f"~{fmt.duration(max(1.0, float(round(left))))} left"
    took = group.finished_in()
    return fmt.duration(took) if took is not None and not group.is_active else fmt.MISSING


def group_details(group: GroupRecord, now: float, cost: str, *, is_wide: bool) -> list[StyledText]:
    """Return the lines that explain a group: what it is, how its parts stand, what it comes to.

    Args:
        group: The group.
        now: Seconds since the epoch.
        cost: What it cost so far; empty where that is not known.
        is_wide: Whether each fact has a line of its own.
    """
    left = group.time_left(now)
    end = f"done about {fmt.when(now + left, now)}" if left is not None else ""
    most = f"up to about {fmt.money_bound(group.about_cost)}" if group.about_cost is not None else ""
    spent = f"{cost} of {most}" if cost and most else cost or most
    deadline = f"deadline {fmt.when(group.deadline, now)}" if group.deadline is not None else ""
    submitted = f"submitted {fmt.when(group.created_at, now)}"
    facts = (end, spent, deadline, format_kind(group.parts[0]), submitted)  # what is cut in a narrow terminal is last
    first = [(line(group.name), "bold"), *((f" · {fact}", QUIET) for fact in facts if fact)]
    is_held = group.group.is_held and any(part.is_waiting for part in group.parts)
    second: StyledText = [("on hold", ATTENTION), (" · ", QUIET)] if is_held else []
    second += [(f"{fmt.plural(group.group.parts, 'part')}: {format_parts(group)}", "")]
    if group.is_active and group.has_counts:
        second += [(" · ", QUIET), *group_outcome(group)]
    why = next((why for part in group.parts if (why := _why(part))), "")
    source = f"input {line(group.input_words(fmt.short_path))} ({fmt.size(group.group.size)})"
    if group.group.has_no_copies:
        source += ", from which the parts are read"
    third: StyledText = [(line(why), ATTENTION), (" · ", QUIET)] if why else []
    if any(part.can_decide for part in group.parts):
        third = [(key_display(keys.SETTLE), "bold $accent-text"), (" decides", ""), (" · ", QUIET), *third]
    third += [(source, QUIET)]
    return (
        [first, second, third] if not is_wide else [first, second, *([piece] for piece in third if piece[0] != " · ")]
    )


def _why(part: JobRecord) -> str:
    """Return why a part failed or waits for a person; empty for none."""
    if part.is_waiting and part.status == LocalStatus.WAITING and part.submission is not None:
        return f"{part.part_words} waits: {part.submission.error}" if part.submission.error else ""
    if part.is_waiting and part.submission is not None and part.submission.error:
        if part.submission.pause is Pause.COPIED:
            return part.submission.error
        return f"so far {part.submission.error}: send the rest?"
    error = (part.job.error if part.job is not None else None) or (part.submission.error if part.submission else None)
    return f"{part.part_words}: {error}" if error else ""
