"""A group as a line of `ls`, and as the facts of `get`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.counts import RequestCounts, format_sum
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.groups.group_record import format_parts, format_provisional
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    from tbatch_tui.engine.groups.group_record import GroupRecord
    from tbatch_tui.engine.pricing.prices import PriceList

_LONGEST_NAME = 40


def group_cells(group: GroupRecord, now: float) -> tuple[str, ...]:
    """Return the cells of `ls`, as a job has them: the status is that of the part which tells most."""
    name = f"{fmt.cut(group.name, _LONGEST_NAME)} · {fmt.plural(group.group.parts, 'part')}"
    return (
        group.key,
        group.most_telling.status_words,
        name,
        fmt.short_model(group.model),
        fmt.count(group.requests),
        fmt.percent(group.progress / 100),
        fmt.count(group.outcomes["error"]) if group.has_counts else fmt.MISSING,
        fmt.age(group.created_at, now),
    )


def group_facts(group: GroupRecord, now: float, prices: PriceList | None) -> list[tuple[str, str]]:
    """Return what `get` prints of a group, as names and values; what is not known is left out.

    Args:
        group: The group.
        now: Wall time, seconds since the epoch.
        prices: The prices in force; None where none are known.
    """
    left = group.time_left(now)
    facts = [
        ("id", group.key),
        ("name", group.name),
        ("parts", format_parts(group)),
        ("waits for", _waits_for(group)),
        ("progress", fmt.percent(group.progress / 100) if group.is_active else ""),
        ("requests", fmt.count(group.requests)),
        ("outcomes", _outcomes(group)),
        ("cost", _cost(group, prices)),
        ("created", f"{fmt.absolute(group.created_at)} ({fmt.age(group.created_at, now)})"),
        ("ends about", fmt.absolute(now + left) if left is not None else ""),
        ("deadline", fmt.absolute(group.deadline) if group.deadline is not None else ""),
        ("input", _input(group)),
    ]
    facts += [
        (f"part {part.submission.part if part.submission is not None else ''}", _part(group, index))
        for index, part in enumerate(group.parts)
    ]
    return [(name, value) for name, value in facts if value]


def _waits_for(group: GroupRecord) -> str:
    """Return what parts that are not sent yet wait for; empty where none does."""
    waiting = sum(part.is_waiting for part in group.parts)
    if waiting and group.group.is_held:
        return f"you: {fmt.plural(waiting, 'part')} on hold, tbatch-tui continue sends them"
    if waiting and (why := group.waits_for):
        return why
    if any(part.status == LocalStatus.READY for part in group.parts):
        return "you: tbatch-tui continue sends the rest"
    if waiting:
        return f"the app or tbatch-tui watch, which send {'it' if waiting == 1 else 'them'} in turn"
    return ""


def _input(group: GroupRecord) -> str:
    words = group.input_words()
    return f"{words}, from which the parts are read" if group.group.has_no_copies else words


def _outcomes(group: GroupRecord) -> str:
    if not group.has_counts:
        return ""
    found = group.outcomes
    answered = found["ok"] + found["cut short"] + found["invalid"]
    counts = RequestCounts(
        group.requests, answered, found["error"], found["missing"], found["cut short"], invalid=found["invalid"]
    )
    provisional = format_provisional(group)
    return fmt.join(format_sum(counts), f"so far, {provisional}" if provisional else "")


def _cost(group: GroupRecord, prices: PriceList | None) -> str:
    cost = group.cost(prices) if prices is not None else None
    most = f"up to about {fmt.money_bound(group.about_cost)}" if group.about_cost is not None else ""
    if cost is None:
        return most
    return f"{fmt.money(cost)}{' so far' if group.is_provisional else ''}" + (f", {most} in all" if most else "")


def _part(group: GroupRecord, index: int) -> str:
    part = group.parts[index]
    job, submission = part.job, part.submission
    why = (job.error if job is not None else None) or (submission.error if submission is not None else None) or ""
    is_running = job is not None and not job.is_ended
    return fmt.join(
        part.key,
        part.status_words,
        fmt.percent(job.progress / 100) if job is not None and is_running else "",
        format_sum(part.counts) if part.counts is not None else "",
        why,
    )
