"""All parts of one file as one thing: a line of `ls`, a row of Jobs, an object of `--json`.

Pure, and light: the first frame needs it. Times are seconds since the epoch.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.engine.domain.submission import Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.submission import JobGroup
    from tbatch_tui.engine.pricing.prices import PriceList

_PACE_FROM = 3.0
"""Percent of progress from which the pace of a part so far predicts its end."""


class GroupRecord(NamedTuple):
    """One file that was submitted as several jobs, with the records of its parts that are in the list."""

    group: JobGroup
    parts: tuple[JobRecord, ...]
    """In their order; never empty."""

    @property
    def key(self) -> str:
        """`group:N`."""
        return self.group.key

    @property
    def name(self) -> str:
        """What it is called: the label, else the name it was given, else the file's stem."""
        return self.parts[0].name_of_file

    @property
    def requests(self) -> int:
        """How many requests the whole file has."""
        return self.group.requests

    @property
    def paths(self) -> tuple[Path, ...]:
        """The result files of its parts that are on disk."""
        return tuple(path for part in self.parts for path in part.paths)

    def input_words(self, words: Callable[[Path], str] = str) -> str:
        """Return which file its parts are of; of several the first, as `words` writes it, and the name of the last."""
        first, last = self.parts[0].source_files[0], self.parts[-1].source_files[-1]
        return words(first) if first == last else f"{words(first)} … {last.name}"

    @property
    def created_at(self) -> float:
        """When it was submitted."""
        return min(part.submission.created_at if part.submission else part.created_at for part in self.parts)

    @property
    def rank(self) -> Rank:
        """The section of the Jobs list that all of it stands in: never in two.

        What waits for a decision comes first, then what runs; a part that failed does not take the others from there.
        """
        ranks = {part.rank for part in self.parts}
        if any(map(_needs_decision, self.parts)):
            return Rank.ATTENTION
        return next(rank for rank in (Rank.ACTIVE, Rank.ATTENTION, Rank.DONE) if rank in ranks)

    @property
    def is_active(self) -> bool:
        """Whether a part of it can still change by itself, or waits to be sent."""
        return any(part.is_active or part.is_waiting for part in self.parts)

    @property
    def states(self) -> dict[str, int]:
        """How many parts have which status, in words for a person, as the parts come."""
        return dict(Counter(part.status_words for part in self.parts))

    @property
    def most_telling(self) -> JobRecord:
        """The part whose status stands for the group: one that waits for a decision, one that runs, one that failed."""
        order: tuple[Callable[[JobRecord], bool], ...] = (
            _needs_decision,
            lambda part: part.is_active and part.job is not None,
            lambda part: part.is_active,
            lambda part: part.is_waiting,
            lambda part: part.rank is Rank.ATTENTION,
        )
        return next((part for applies in order for part in self.parts if applies(part)), self.parts[0])

    @property
    def settled(self) -> int:
        """How many parts no more results come of: they are here and counted, or the job ended without any."""
        return sum(map(_is_settled, self.parts))

    @property
    def is_provisional(self) -> bool:
        """Whether results of a part are still to come, it was never sent, or it was taken out of the list."""
        return self.settled < self.group.parts

    @property
    def has_counts(self) -> bool:
        """Whether results of at least one part are here and counted."""
        return any(part.counts is not None for part in self.parts)

    @property
    def outcomes(self) -> dict[str, int]:
        """Requests by outcome so far, as data spells them. What has not come back is missing: they sum to all."""
        sums = dict.fromkeys(("ok", "cut short", "invalid", "error", "missing"), 0)
        for part in self.parts:
            if part.counts is not None:
                for outcome, number in part.counts.outcomes.items():
                    sums[outcome] += number
        sums["missing"] += max(0, self.requests - sum(sums.values()))
        return sums

    @property
    def waits_for(self) -> str:
        """Why parts are not sent although it would be their turn: what is enqueued; empty where that is not so."""
        states = (part.submission for part in self.parts if part.is_waiting and part.submission is not None)
        decided = (Pause.NONE, Pause.OUTCOME, Pause.BUDGET)
        return next((one.error for one in states if one.error and one.pause not in decided), "")

    @property
    def progress(self) -> float:
        """Percent of the requests that are done, by the progress that the server gives of each part."""
        done = sum(
            (100.0 if part.job.is_ended else part.job.progress) * (part.requests or 0)
            for part in self.parts
            if part.job is not None
        )
        return done / self.requests if self.requests else 100.0

    @property
    def model(self) -> str | None:
        """The model of its jobs; None where it is not known, or there are several."""
        models = {part.job.model for part in self.parts if part.job is not None and part.job.model}
        return models.pop() if len(models) == 1 else None

    @property
    def deadline(self) -> float | None:
        """The latest deadline of the parts that run; None where none does."""
        deadlines = [part.job.deadline for part in self.parts if part.job is not None and not part.job.is_ended]
        return max((deadline for deadline in deadlines if deadline is not None), default=None)

    @property
    def most_cost(self) -> float | None:
        """The most that all parts may cost, in dollars; None where a part has no bound."""
        return _sum_of_all(estimate.most if estimate is not None else None for estimate in self._estimates)

    @property
    def about_cost(self) -> float | None:
        """About what all parts cost if every answer is as long as it may be, as Create says it; None as `most_cost`."""
        return _sum_of_all(estimate.about if estimate is not None else None for estimate in self._estimates)

    @property
    def _estimates(self) -> list[Estimate | None]:
        return [part.submission.estimate for part in self.parts if part.submission is not None]

    def cost(self, prices: PriceList) -> float | None:
        """Return what the parts that are counted cost, in dollars; None where nothing of it has a known price."""
        from tbatch_tui.engine.pricing.prices import record_cost

        costs = [record_cost(part, prices).usd for part in self.parts if part.counts is not None]
        known = [usd for usd in costs if usd is not None]
        return sum(known) if known else None

    def time_left(self, now: float) -> float | None:
        """Return the seconds until all parts have ended, at the pace of the slowest that runs.

        What waits follows when those end, so many together as may be, and takes as long. None where no part runs or one
        has no pace yet, where the rest waits for the person, and where only a few requests that go first are out: they
        say nothing of how long a part takes.
        """
        slowest = longest = 0.0
        running = 0
        for part in self.parts:
            job = part.job
            if job is None or job.is_ended:
                continue
            if job.status != JobStatus.IN_PROGRESS or job.created_at is None or job.progress < _PACE_FROM:
                return None
            so_far = max(0.0, now - job.created_at)
            left = so_far * (100 - job.progress) / job.progress
            running, slowest, longest = running + 1, max(slowest, left), max(longest, so_far + left)
        waiting = [part for part in self.parts if part.is_waiting]
        only_first = bool(self.group.first) and self.parts[0].is_active
        stages = range(self.group.approved, len(self.group.stage_ends))
        asks = self.group.is_held or any(self.group.gate(stage).asks for stage in stages)
        if not running or (waiting and (asks or only_first or any(map(_needs_decision, waiting)))):
            return None
        at_once = self.group.at_once or len(waiting) or 1
        return slowest + -(-len(waiting) // at_once) * longest

    def finished_in(self) -> float | None:
        """Return the seconds from the first job's creation to the last one's end; None while one has not ended."""
        jobs = [part.job for part in self.parts if part.job is not None]
        begun = [job.created_at for job in jobs if job.created_at is not None]
        ended = [job.completed_at for job in jobs if job.completed_at is not None]
        return max(0.0, max(ended) - min(begun)) if begun and ended and len(ended) == len(self.parts) else None


def group_records(records: Iterable[JobRecord]) -> list[JobRecord | GroupRecord]:
    """Return the records with all parts of a file as one, each where the first of its parts stood.

    Args:
        records: of one account, in any order.
    """
    parts: dict[int, list[JobRecord]] = {}
    places: list[JobRecord | int] = []
    for record in records:
        if record.group is None or record.submission is None:
            places.append(record)
            continue
        if record.group.id not in parts:
            places.append(record.group.id)
        parts.setdefault(record.group.id, []).append(record)
    groups: Mapping[int, GroupRecord] = {number: make_group(found) for number, found in parts.items()}
    return [groups[place] if isinstance(place, int) else place for place in places]


def make_group(parts: Sequence[JobRecord]) -> GroupRecord:
    """Return the group of these parts, which are all of one file, in any order."""
    ordered = sorted(parts, key=lambda part: part.submission.part if part.submission is not None else 0)
    group = ordered[0].group
    assert group is not None
    return GroupRecord(group, tuple(ordered))


def _sum_of_all(amounts: Iterable[float | None]) -> float | None:
    """Return the sum; None if one is not known, or there is none."""
    known = list(amounts)
    return None if None in known or not known else sum(amount for amount in known if amount is not None)


def _needs_decision(part: JobRecord) -> bool:
    """Return whether a part does not go on before a person decides."""
    return part.rank is Rank.ATTENTION and (part.is_active or part.is_waiting)


def _is_settled(part: JobRecord) -> bool:
    if part.job is None or not part.job.is_ended:
        return False
    return part.counts is not None or not (part.has_result_files or part.is_awaiting_file_ids)


def format_parts(group: GroupRecord) -> str:
    """Return `17 completed, 4 in progress, 2 waiting`."""
    return ", ".join(f"{number:,} {words.lower()}" for words, number in group.states.items())


def format_provisional(group: GroupRecord) -> str:
    """Return `20 of 24 parts` while results are still to come; empty once all are here."""
    return f"{group.settled:,} of {group.group.parts:,} parts" if group.is_provisional else ""


def group_to_dict(group: GroupRecord, parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return all that is known of a group as JSON takes it; what it costs is added by who knows the prices.

    Args:
        group: the group.
        parts: its parts, as `record_to_dict` returns them.
    """
    return {
        "kind": "group",
        "name": group.name,
        "key": group.key,
        "requests": group.requests,
        "is_active": group.is_active,
        "is_held": group.group.is_held,
        "waits_for": group.waits_for or None,
        "progress": round(group.progress, 1),
        "states": dict(Counter(part.status for part in group.parts)),
        "outcomes": group.outcomes,
        "parts": list(parts),
    }
