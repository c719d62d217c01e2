"""The models as rows: their columns, which are shown in which order, and the lines about one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.sanitize import ELLIPSIS, line
from tbatch_tui.tui.widgets.table.columns import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tbatch_tui.engine.pricing.spending.model_history import ModelEntry, ModelHistory
    from tbatch_tui.tui.render.styled import StyledText

SORTS = ("name", "input", "output", "context", "jobs", "time")
_TITLES = {"input": "price in", "output": "price out"}
_FIRST_NAME_WIDTH = 30
"""Cells that a name has before all columns are there: what jobs say counts for more than the organization."""
_LAST = float("inf")


def sort_words(sort: str) -> str:
    """Return what a sort is called."""
    return f"by {_TITLES.get(sort, sort)}"


def narrowed(entries: Iterable[ModelEntry], text: str, sort: str) -> list[tuple[str, ModelEntry]]:
    """Return the models with all words of a text in name, kind or status, by name and in order."""
    words = text.casefold().split()
    rows = [entry for entry in entries if all(word in _searchable(entry) for word in words)]
    if sort != "name":
        rows.sort(key=_SORT_KEYS[sort])
    return [(entry.name, entry) for entry in rows]


def _searchable(entry: ModelEntry) -> str:
    return f"{entry.name} {entry.info.display_type} {_status(entry)}".casefold()


def _jobs(entry: ModelEntry) -> int:
    return entry.history.jobs if entry.history is not None else 0


def _seconds(entry: ModelEntry) -> float:
    seconds = entry.history.median_seconds if entry.history is not None else None
    return _LAST if seconds is None else seconds


_SORT_KEYS: dict[str, Callable[[ModelEntry], float]] = {
    "input": lambda entry: _LAST if entry.price.input is None else entry.price.input,
    "output": lambda entry: _LAST if entry.price.output is None else entry.price.output,
    "context": lambda entry: -(entry.info.context_length or 0),
    "jobs": lambda entry: -_jobs(entry),
    "time": _seconds,
}
"""What rows are sorted by; equals stay in the order of their names."""


def model_columns() -> list[Column[ModelEntry]]:
    """Return the columns: what the catalogue says, the prices in a batch, and what jobs say."""
    return [
        Column(
            "name",
            "Model",
            draw=_name_cell,
            base=True,
            min=20,
            max=_FIRST_NAME_WIDTH,
            priority=9,
            keep="middle",
            pinned=True,
        ),
        Column("kind", "Kind", lambda entry: entry.info.display_type or fmt.MISSING, priority=2, min=4),
        Column("context", "Context", lambda e: fmt.count(e.info.context_length), align="right", priority=3, min=9),
        Column("input", "In", _input, align="right", priority=8, min=12, base=True),
        Column("cached", "Cached", lambda e: fmt.money(e.price.cached_input), align="right", priority=1, min=5),
        Column("output", "Out", lambda e: fmt.money(e.price.output), align="right", priority=8, min=5, base=True),
        Column("discount", "Off", _discount, align="right", priority=5, min=4),
        Column("status", "Status", _status_cell, priority=4, min=13),
        Column("jobs", "Jobs", lambda e: fmt.count(_jobs(e)) if _jobs(e) else "", align="right", priority=7, min=4),
        Column("tokens", "Tokens/row", _of_history(_tokens), align="right", priority=6, min=10),
        Column("cut", "Cut short", _of_history(_cut), align="right", priority=4, min=9),
        Column("invalid", "Invalid", _of_history(_invalid), align="right", priority=4, min=7),
        Column("time", "Time", _of_history(_time), align="right", priority=5, min=5),
    ]


def _name_cell(entry: ModelEntry, width: int) -> str:
    """Return the name; where there is no room for it, without the organization, which most models share."""
    name = line(entry.name)
    last = name.rsplit("/", 1)[-1]
    if cell_len(name) <= width or not last:
        return name
    shorter = f"{ELLIPSIS}{last}"
    return shorter if cell_len(shorter) <= width else last


def _input(entry: ModelEntry) -> str:
    price = entry.price
    if price.minute is not None and entry.info.display_type in ("transcribe", "audio"):
        return f"${price.minute:.6f}".rstrip("0") + "/min"
    return fmt.money(price.input)


def _discount(entry: ModelEntry) -> str:
    return f"{entry.price.discount:g} %" if entry.price.discount else ""


def _status(entry: ModelEntry) -> str:
    return "not for batch" if entry.not_for_batch else entry.info.status


def _status_cell(entry: ModelEntry) -> StyledText:
    status = _status(entry)
    return [(status or fmt.MISSING, QUIET if status in ("supported", "recommended", "") else ATTENTION)]


def _of_history(words: Callable[[ModelHistory], str]) -> Callable[[ModelEntry], str]:
    return lambda entry: "" if entry.history is None else words(entry.history)


def _tokens(history: ModelHistory) -> str:
    return fmt.MISSING if history.tokens_per_row is None else f"{history.tokens_per_row:,.0f}"


def _cut(history: ModelHistory) -> str:
    return fmt.share(history.cut_short, history.requests)


def _invalid(history: ModelHistory) -> str:
    return fmt.share(history.invalid, history.requests)


def _time(history: ModelHistory) -> str:
    return fmt.duration(history.median_seconds)


def describe_model(entry: ModelEntry) -> StyledText:
    """Return where the prices of a model are from, and what speaks against it."""
    price = entry.price
    dates = fmt.join(
        f"{price.discount:g} % off in a batch" + (f" (list of {entry.discount_date})" if entry.discount_date else "")
        if price.discount
        else "no batch discount is known",
        f"audio prices of {entry.audio_date}" if entry.audio_date else "",
        "your prices from config.toml" if price.is_custom else "",
    )
    pieces: StyledText = [(f" {dates}", QUIET)]
    if entry.not_for_batch:
        pieces.insert(0, (f" ! listed as not available for batch ({entry.not_for_batch}) ·", ATTENTION))
    return pieces


def describe_history(entry: ModelEntry) -> StyledText:
    """Return how long your jobs with a model took, by size."""
    history = entry.history
    if history is None:
        return [(" no job of yours ran with it", QUIET)]
    if not history.by_size:
        took = "none tells how long it takes"
        if history.median_seconds is not None:
            took = f"median time {fmt.duration(history.median_seconds)}, of how many requests is not known"
        return [(f" {fmt.plural(history.jobs, 'job')} of yours; {took}", QUIET)]
    sizes = []
    for size in history.by_size:
        words = f"over {10_000:,}" if size.up_to is None else f"up to {size.up_to:,}"
        sizes.append(f"{words} requests {fmt.duration(size.median_seconds)} ({fmt.plural(size.jobs, 'job')})")
    return [(f" median time: {fmt.join(*sizes)}", "")]
