"""What of a group is sent next: its stages, how many parts are out together, and whether the person is asked. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.domain.submission import WHOLE, Pause, SubmissionState
from tbatch_tui.text.format import money
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import JobGroup


_READY = SubmissionState.READY


class GroupStep(NamedTuple):
    """What is done now with the parts that wait."""

    send: tuple[int, ...] = ()
    """The numbers of the parts that are sent."""
    passed: tuple[JobRecord, ...] = ()
    """The parts whose outcome lets the first of those follow; empty where they follow for another reason."""
    ask: tuple[JobRecord, ...] = ()
    """The parts whose outcome the person decides about; empty where nothing is asked."""
    why: str = ""
    """What of that is not within the gate besides their answers: what they cost. Empty where it is."""


def next_step(
    group: JobGroup, parts: Sequence[JobRecord], cost_of: Callable[[JobRecord], float | None] = lambda _: None
) -> GroupStep:
    """Return what is sent of the parts that wait, or about what the person is asked; nothing while both have to wait.

    Args:
        group: as it is now.
        parts: all of them, in their order, as they are now.
        cost_of: returns what a part that is counted cost, in dollars; None where that is not known.
    """
    waiting = [number(part) for part in parts if _is_waiting(part)]
    if group.is_held or not waiting:
        return GroupStep()
    begin, passed = 1, ()  # type: tuple[int, tuple[JobRecord, ...]]
    for stage, end in enumerate(group.stage_ends):
        if stage < group.approved:
            begin = end + 1
            continue
        if any(begin <= part <= end for part in waiting):
            waiting = [part for part in waiting if part <= end]
            break
        before = tuple(part for part in parts if begin <= number(part) <= end)
        if not all(map(is_counted, before)):
            return GroupStep()
        gate = group.gate(stage)
        if gate.asks or not is_good(before, gate.share):
            return GroupStep(ask=before)
        if gate.most_cost is not None:
            why = over_cost(group, [part for part in parts if number(part) <= end], gate.most_cost, cost_of)
            if why:
                return GroupStep(ask=before, why=why)
        passed, begin = before, end + 1
    if group.at_once:
        out = sum(part.is_active for part in parts)
        waiting = waiting[: max(0, group.at_once - out)]
    return GroupStep(tuple(waiting), passed if begin in waiting else ())


def over_cost(
    group: JobGroup, parts: Sequence[JobRecord], most: float, cost_of: Callable[[JobRecord], float | None]
) -> str:
    """Return why it is not certain that the group costs no more than this, at the price of the parts that are back.

    Args:
        group: the whole of it.
        parts: those that are back and counted.
        most: dollars.
        cost_of: as in `next_step`.
    """
    counted = [part for part in parts if part.counts is not None]
    costs = [cost_of(part) for part in counted]
    known = [usd for usd in costs if usd is not None]
    requests = sum(part.requests or 0 for part in counted)
    if len(known) < len(costs) or not requests:
        return f"what they cost is not known, so {money(most)} cannot be held"
    whole = math.fsum(known) / requests * group.requests
    return "" if whole <= most else f"all requests would cost about {money(whole)}, above {money(most)}"


def asks_because_of(pause: Pause, parts: Sequence[JobRecord]) -> bool:
    """Return whether parts wait for the person for this reason."""
    ready = [part.submission for part in parts if part.submission is not None and part.submission.state is _READY]
    return any(submission.pause is pause for submission in ready)


def number(part: JobRecord) -> int:
    """Return the number of a part, from 1."""
    return part.submission.part if part.submission is not None else 0


def _is_waiting(part: JobRecord) -> bool:
    return part.submission is not None and part.submission.state is SubmissionState.WAITING


def is_counted(record: JobRecord) -> bool:
    """Return whether nothing more comes of a job, and its results, if it has any, are counted."""
    return record.is_finished and (record.counts is not None or not record.has_results_here)


def is_good(parts: Sequence[JobRecord], share: float) -> bool:
    """Return whether this share of the requests of these jobs, in percent, has a whole answer."""
    if share >= WHOLE:
        return all(map(is_answered_whole, parts))
    ok = sum(part.counts.ok for part in parts if part.counts is not None)
    return 100 * ok >= share * sum(part.requests or 0 for part in parts)


def is_answered_whole(record: JobRecord) -> bool:
    """Return whether each request of a job has an answer, and a whole one."""
    counts = record.counts
    if counts is None or record.status != JobStatus.COMPLETED:
        return False
    return counts.ok == counts.requests and counts.is_accounted


def format_outcome(*parts: JobRecord) -> str:
    """Return `8 ok, 1 cut short, 1 error`; for jobs without results, what became of them."""
    counted = [part.counts for part in parts if part.counts is not None]
    if not counted:
        return f"{parts[0].status_words}, without an answer"
    sums = {name: sum(counts.outcomes[name] for counts in counted) for name in counted[0].outcomes}
    sums["missing"] += sum(part.requests or 0 for part in parts if part.counts is None)
    words = [f"{sums['ok']:,} ok", f"{sums['cut short']:,} cut short" if sums["cut short"] else ""]
    words += [f"{sums['invalid']:,} invalid" if sums["invalid"] else ""]
    words += [plural(sums["error"], "error") if sums["error"] else ""]
    words += [f"{sums['missing']:,} missing" if sums["missing"] else ""]
    return ", ".join(filter(None, words))
