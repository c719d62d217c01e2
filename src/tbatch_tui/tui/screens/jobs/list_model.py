"""Which jobs are shown, and in which order: filter, search and sort over records that change one by one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.job import request_count
from tbatch_tui.tui.render.status import record_style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FILTERS = ("all", "active", "attention", "done")
SORTS = ("status", "newest", "oldest", "name", "model", "requests", "took")
"""The sorts that the sort key goes through. A click on a header may choose another column, or reverse one."""
_RANKS = {"active": Rank.ACTIVE, "attention": Rank.ATTENTION, "done": Rank.DONE}
_REVERSED = "reversed "


def _took(record: JobRecord) -> float | None:
    job = record.job
    if job is None or job.completed_at is None or job.created_at is None:
        return None
    return job.completed_at - job.created_at


_VALUES: Mapping[str, Callable[[JobRecord], Any]] = {
    "name": lambda record: record.name.lower(),
    "kind": lambda record: record.endpoint,
    "model": lambda record: fmt.short_model(record.job.model).lower() if record.job and record.job.model else None,
    "requests": request_count,
    "progress": lambda record: record.job.progress if record.job is not None else None,
    "took": _took,
}
"""By column, what a sort compares; None, a value that is not known, stands last, whichever way round."""
_LARGEST_FIRST = frozenset({"requests", "progress", "took"})
_AGE, _STATUS = "age", "status"


class JobListModel:
    """The records by key, and which of them are shown in which order.

    What the list is sorted by is computed once for each record, what a search searches only when there is a search:
    with 10,000 records each microsecond is a hundredth of a second in which the screen stands still.
    """

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        self.filter = FILTERS[0]
        self.text = ""
        self.records: dict[str, JobRecord] = {}
        self.holds = False
        """Whether a record that changes its group stays where it is until `release`: a person may be reading it."""
        self._held: set[str] = set()
        self._sort = SORTS[0]
        self._sort_keys: dict[str, tuple[Rank, float]] = {}
        """Rank and creation time, negated: what the list is sorted by at first."""
        self._values: dict[str, Any] = {}
        """What a sort by a column compares, once there was one."""
        self._texts: dict[str, str] = {}
        self._counts: Counter[Rank] = Counter()
        for record in records:
            self.put(record)

    def put(self, record: JobRecord) -> bool:
        """Add or replace a record; return whether that can change the order or which records are shown."""
        key, rank, before = record.key, record.rank, self._sort_keys.get(record.key)
        self._held.discard(key)
        sort_key = (rank, -record.created_at)
        if before is not None and before[0] != rank and self.holds:
            sort_key = before
            self._held.add(key)
        moved = before != sort_key
        if self.text:
            moved = moved or self._matches(key) != self._would_match(record)
        else:
            self._texts.pop(key, None)
        if key in self._values:
            value = self._value(record)
            moved = moved or self._values[key] != value
            self._values[key] = value
        if (known := self.records.get(key)) is not None:
            self._counts[known.rank] -= 1
        self._counts[rank] += 1
        self.records[key], self._sort_keys[key] = record, sort_key
        return moved

    def release(self) -> bool:
        """Let the records that were held go to their groups; return whether there were any."""
        held, self._held = self._held, set()
        for key in held:
            record = self.records[key]
            self._sort_keys[key] = (record.rank, -record.created_at)
        return bool(held)

    def group_of(self, key: str) -> Rank:
        """Return the group that a record is shown in, which it may not belong to any more while it is held."""
        return self._sort_keys[key][0]

    def prepare_search(self, keys: Iterable[str]) -> None:
        """Compute what a search searches in these records, before there is one."""
        for key in keys:
            if key in self.records:
                self._text(key)

    def drop(self, key: str) -> None:
        """Remove a record."""
        if (record := self.records.pop(key, None)) is not None:
            self._counts[record.rank] -= 1
        self._sort_keys.pop(key, None)
        self._held.discard(key)
        self._texts.pop(key, None)
        self._values.pop(key, None)

    def counts(self) -> dict[str, int]:
        """Return how many records each filter shows, but for the first, which shows all."""
        return {name: self._counts[rank] for name, rank in _RANKS.items()}

    # -- what is shown -------------------------------------------------------------------------------

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter or a search may hide records."""
        return bool(self.text) or self.filter != FILTERS[0]

    def show_all(self) -> None:
        """Clear the filter and the search."""
        self.filter, self.text = FILTERS[0], ""

    @property
    def choices(self) -> dict[str, str]:
        """What the person chose, to be saved for the next time: filter, text and sort."""
        return {"filter": self.filter, "text": self.text, "sort": self.sort}

    def choose(self, filter_: str | None, sort: str | None, text: str | None) -> None:
        """Choose what was saved; the default where that is None, or no filter or sort of this version."""
        self.filter = filter_ if filter_ in FILTERS else FILTERS[0]
        self.sort = sort or SORTS[0]
        self.text = text or ""

    def next_filter(self) -> str:
        """Go on to the next filter, and return its name."""
        self.filter = FILTERS[(FILTERS.index(self.filter) + 1) % len(FILTERS)]
        return self.filter

    # -- the sort ------------------------------------------------------------------------------------

    @property
    def sort(self) -> str:
        """The name of the sort: one of `SORTS`, another column, or `reversed ` and either."""
        return self._sort

    @sort.setter
    def sort(self, name: str) -> None:
        plain = name.removeprefix(_REVERSED)
        if plain not in _VALUES and name not in SORTS:
            name = SORTS[0]
        if name != self._sort:
            self._sort = name
            self._values = {}

    def next_sort(self) -> str:
        """Go on to the next sort, and return its name."""
        index = SORTS.index(self._sort) if self._sort in SORTS else -1
        self.sort = SORTS[(index + 1) % len(SORTS)]
        return self.sort

    def sort_by(self, column: str) -> str:
        """Sort by a column, or the other way round if the list is sorted by it already; return the sort's name."""
        if column == _AGE:
            self.sort = "oldest" if self._sort == "newest" else "newest"
        elif column in (_STATUS, *_VALUES):
            self.sort = _REVERSED + column if self._sort == column and column != _STATUS else column
        return self.sort

    @property
    def sorted_column(self) -> tuple[str, bool]:
        """The column that the rows are sorted by, and whether the largest, or the newest, is on top."""
        if self._sort in ("newest", "oldest"):
            return _AGE, self._sort == "newest"
        column = self._sort.removeprefix(_REVERSED)
        return column, (column in _LARGEST_FIRST) is (column == self._sort)

    def format_choices(self) -> str:
        """Return filter, sort and search, where they are not the default: `attention · by name · “march”`."""
        parts = [] if self.filter == FILTERS[0] else [self.filter]
        if self._sort in ("newest", "oldest"):
            parts.append(f"{self._sort} first")
        elif self._sort != SORTS[0]:
            parts.append(f"by {self._sort}")
        parts += [f"“{self.text}”"] if self.text else []
        return " · ".join(parts)

    def shown(self) -> list[str]:
        """Return the keys of the records that are shown, in order."""
        sort_keys = self._sort_keys
        shown = list(sort_keys)
        if (rank := _RANKS.get(self.filter)) is not None:
            shown = [key for key in shown if sort_keys[key][0] is rank]
        for word in self.text.lower().split():
            shown = [key for key in shown if word in self._text(key)]
        match self._sort:
            case "status":
                shown.sort(key=sort_keys.__getitem__)
            case "newest":
                shown.sort(key=lambda key: sort_keys[key][1])
            case "oldest":
                shown.sort(key=lambda key: -sort_keys[key][1])
            case _:
                shown = self._by_value(shown)
        return shown

    def in_order(self) -> Iterator[JobRecord]:
        """Yield all records, shown or not, in the order that the list has at first."""
        for key in sorted(self._sort_keys, key=self._sort_keys.__getitem__):
            if (record := self.records.get(key)) is not None:
                yield record

    def _by_value(self, keys: list[str]) -> list[str]:
        values = self._values
        if len(values) != len(self.records):
            values = self._values = {key: self._value(record) for key, record in self.records.items()}
        keys.sort(key=lambda key: self._sort_keys[key][1])
        known = [key for key in keys if values[key] is not None]
        known.sort(key=values.__getitem__, reverse=self.sorted_column[1])
        return known + [key for key in keys if values[key] is None] if len(known) < len(keys) else known

    def _value(self, record: JobRecord) -> Any:
        return _VALUES[self.sorted_column[0]](record)

    # -- the search ----------------------------------------------------------------------------------

    def _matches(self, key: str) -> bool:
        return key in self.records and all(word in self._text(key) for word in self.text.lower().split())

    def _would_match(self, record: JobRecord) -> bool:
        """Return whether a record matches that is about to replace the one with its key."""
        text = self._texts[record.key] = _searchable_text(record)
        return all(word in text for word in self.text.lower().split())

    def _text(self, key: str) -> str:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _searchable_text(self.records[key])
        return text


def _searchable_text(record: JobRecord) -> str:
    """Return what a search searches, in lower case."""
    model = record.job.model if record.job is not None else None
    parts = (record.name, record.key, record.status, record.note, record.input_name, model or "")
    return "\n".join((*parts, record_style(record).word)).lower()
