"""How many tokens are enqueued for each model, and which parts that wait go within what a model takes. Pure.

The API takes so many tokens at once for each model of an account. What a job asks for is estimated: its prompts, and
the most that its answers may have. Of a job made elsewhere only the size of its file is known.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.groups.stages import number
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import JobRecord

_ANY = ""
"""The model of a job whose model is not known: it counts for each."""
_BYTES_A_TOKEN = 4


class Room(NamedTuple):
    """Which of the parts that are to be sent have room."""

    numbers: tuple[int, ...]
    """Those that go now."""
    reasons: Mapping[int, str]
    """By the number of each other one why it waits, such as `28.4 B of 30 B tokens are enqueued for acme/model`."""


def enqueued(records: Iterable[JobRecord]) -> Counter[str]:
    """Return how many tokens are out for each model, in jobs and submissions that have not ended."""
    out: Counter[str] = Counter()
    for record in records:
        if record.is_active:
            out.update(_tokens_of(record))
    return out


def room_for(parts: Sequence[JobRecord], numbers: Collection[int], records: Iterable[JobRecord], limit: int) -> Room:
    """Return which of these parts may be sent now; one for whose model nothing is out always may.

    Args:
        parts: of a group.
        numbers: those of them that are to be sent.
        records: all jobs and submissions of the account that have not ended.
        limit: how many tokens may be enqueued for a model.
    """
    out, go, reasons = enqueued(records), [], {}
    for part in sorted(parts, key=number):
        if number(part) not in numbers:
            continue
        tokens = _tokens_of(part)
        full = next((model for model in tokens if not _fits(tokens[model], _out(out, model), limit)), None)
        if full is None:
            go.append(number(part))
            out.update(tokens)
        else:
            name = f" for {full}" if full else ""
            is_out = f"{fmt.tokens(_out(out, full))} of {fmt.tokens(limit)} tokens are enqueued{name}"
            reasons[number(part)] = is_out
    return Room(tuple(go), reasons)


def fit_together(estimates: Iterable[Estimate | None], records: Iterable[JobRecord], limit: int) -> bool:
    """Return whether parts with these estimates surely go at once, beside what is out."""
    out = enqueued(records)
    for estimate in estimates:
        out.update(dict(estimate.tokens) if estimate is not None else {})
    return all(_out(out, model) <= limit for model in out)


def _fits(tokens: int, out: int, limit: int) -> bool:
    return not out or out + tokens <= limit


def _out(out: Counter[str], model: str) -> int:
    return out.total() if model == _ANY else out[model] + out[_ANY]


def _tokens_of(record: JobRecord) -> dict[str, int]:
    submission, job = record.submission, record.job
    if submission is not None and submission.estimate is not None and submission.estimate.tokens:
        return dict(submission.estimate.tokens)
    size = submission.size if submission is not None else (job.file_size or 0 if job is not None else 0)
    return {(job.model if job is not None else None) or _ANY: size // _BYTES_A_TOKEN}
