"""Which jobs are shown, and in which order: filter, search and sort over records that change one by one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.job import request_count
from tbatch_tui.tui.render.status import record_style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

FILTERS = ("all", "active", "attention", "done")
SORTS = ("status", "newest", "oldest", "name", "model", "requests", "took")
"""What `s` goes through. A click on a header may also ask for another column, or for one the other way round."""
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
"""By column, what is compared; what is not known stands last, whichever way round."""
_LARGEST_FIRST = frozenset({"requests", "progress", "took"})
_AGE, _STATUS = "age", "status"


class JobListModel:
    """The records by key, and the keys that are shown.

    Where a record stands is worked out once, what a search looks through only when there is a search: with 10,000
    records each microsecond is a hundredth of a second in which the screen stands still.
    """

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        self.filter = FILTERS[0]
        self.text = ""
        self.records: dict[str, JobRecord] = {}
        self._sort = SORTS[0]
        self._places: dict[str, tuple[Rank, float]] = {}
        """Rank, and when it was created, negated: what the list is sorted by."""
        self._values: dict[str, Any] = {}
        """What a sort by a column compares, worked out once."""
        self._texts: dict[str, str] = {}
        self._counts: Counter[tuple[Rank, str]] = Counter()
        for record in records:
            self.put(record)

    def put(self, record: JobRecord) -> bool:
        """A record that is new or different; whether that can change the order or what is shown."""
        key, place, before = record.key, (record.rank, -record.created_at), self._places.get(record.key)
        moved = before != place
        if self.text:
            moved = moved or self._matches(key) != self._matches_now(record)
        else:
            self._texts.pop(key, None)
        if key in self._values:
            value = self._value(record)
            moved = moved or self._values[key] != value
            self._values[key] = value
        if before is not None:
            self._counts[before[0], self.records[key].status] -= 1
        self._counts[place[0], record.status] += 1
        self.records[key], self._places[key] = record, place
        return moved

    def prepare(self, keys: Iterable[str]) -> None:
        """Work out what a search looks through, before there is one."""
        for key in keys:
            if key in self.records:
                self._text(key)

    def drop(self, key: str) -> None:
        """A record that is gone."""
        record, place = self.records.pop(key, None), self._places.pop(key, None)
        if record is not None and place is not None:
            self._counts[place[0], record.status] -= 1
        self._texts.pop(key, None)
        self._values.pop(key, None)

    def counts(self) -> dict[Rank, dict[str, int]]:
        """How many records there are of each rank and status, shown or not."""
        counts: dict[Rank, dict[str, int]] = {rank: {} for rank in Rank}
        for (rank, status), count in self._counts.items():
            if count:
                counts[rank][status] = count
        return counts

    # -- what is shown -------------------------------------------------------------------------------

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter or a search may hide records."""
        return bool(self.text) or self.filter != FILTERS[0]

    def widen(self) -> None:
        """Show all again."""
        self.filter, self.text = FILTERS[0], ""

    def next_filter(self) -> str:
        """Go on to the next filter; its name."""
        self.filter = FILTERS[(FILTERS.index(self.filter) + 1) % len(FILTERS)]
        return self.filter

    # -- the sort ------------------------------------------------------------------------------------

    @property
    def sort(self) -> str:
        """Its name: one of `SORTS`, another column, or `reversed ` and either."""
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
        """Go on to the next sort; its name."""
        at = SORTS.index(self._sort) if self._sort in SORTS else -1
        self.sort = SORTS[(at + 1) % len(SORTS)]
        return self.sort

    def sort_by(self, column: str) -> str:
        """Sort by this column; if it is that already, the other way round. The sort's name."""
        if column == _AGE:
            self.sort = "oldest" if self._sort == "newest" else "newest"
        elif column in (_STATUS, *_VALUES):
            self.sort = _REVERSED + column if self._sort == column and column != _STATUS else column
        return self.sort

    @property
    def sorted_column(self) -> tuple[str, bool]:
        """The column the rows are sorted by, and whether downwards: the largest, or the newest, on top."""
        if self._sort in ("newest", "oldest"):
            return _AGE, self._sort == "newest"
        column = self._sort.removeprefix(_REVERSED)
        return column, (column in _LARGEST_FIRST) is (column == self._sort)

    def words(self) -> str:
        """What is hidden and how it is sorted, where that is not as usual: `attention · by name · “march”`."""
        said = [] if self.filter == FILTERS[0] else [self.filter]
        if self._sort in ("newest", "oldest"):
            said.append(f"{self._sort} first")
        elif self._sort != SORTS[0]:
            said.append(f"by {self._sort}")
        said += [f"“{self.text}”"] if self.text else []
        return " · ".join(said)

    def shown(self) -> list[str]:
        """The keys that are shown, in order."""
        places = self._places
        shown = list(places)
        if (wanted := _RANKS.get(self.filter)) is not None:
            shown = [key for key in shown if places[key][0] is wanted]
        for word in self.text.lower().split():
            shown = [key for key in shown if word in self._text(key)]
        match self._sort:
            case "status":
                shown.sort(key=places.__getitem__)
            case "newest":
                shown.sort(key=lambda key: places[key][1])
            case "oldest":
                shown.sort(key=lambda key: -places[key][1])
            case _:
                shown = self._by_value(shown)
        return shown

    def _by_value(self, keys: list[str]) -> list[str]:
        values = self._values
        if len(values) != len(self.records):
            values = self._values = {key: self._value(record) for key, record in self.records.items()}
        keys.sort(key=lambda key: self._places[key][1])
        known = [key for key in keys if values[key] is not None]
        known.sort(key=values.__getitem__, reverse=self.sorted_column[1])
        return known + [key for key in keys if values[key] is None] if len(known) < len(keys) else known

    def _value(self, record: JobRecord) -> Any:
        return _VALUES[self.sorted_column[0]](record)

    # -- the search ----------------------------------------------------------------------------------

    def _matches(self, key: str) -> bool:
        return key in self.records and all(word in self._text(key) for word in self.text.lower().split())

    def _matches_now(self, record: JobRecord) -> bool:
        """The same for a record that is about to take the place of the one with its key."""
        text = self._texts[record.key] = _text_of(record)
        return all(word in text for word in self.text.lower().split())

    def _text(self, key: str) -> str:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _text_of(self.records[key])
        return text


def _text_of(record: JobRecord) -> str:
    """What a search looks through."""
    model = record.job.model if record.job is not None else None
    parts = (record.name, record.key, record.status, record.note, record.input_name, model or "")
    return "\n".join((*parts, record_style(record).word)).lower()
