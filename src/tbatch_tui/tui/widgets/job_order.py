"""Which jobs are shown, and in which order: filter, search and sort over records that change one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tbatch_tui.engine.model import JobRecord, Rank
from tbatch_tui.tui.widgets.status import look_of_record

FILTERS = ("all", "active", "attention", "done")
SORTS = ("status", "newest", "oldest", "name")
_RANKS = {"active": Rank.ACTIVE, "attention": Rank.ATTENTION, "done": Rank.DONE}


@dataclass(slots=True)
class _Place:
    """What a row is sorted and searched by; made anew only when its record changes."""

    rank: Rank
    newest: float
    name: str
    text: str


class JobOrder:
    """The records by key, and the keys that are shown. `place` of a record is worked out only when it changes."""

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        self.filter = FILTERS[0]
        self.sort = SORTS[0]
        self.text = ""
        self.records: dict[str, JobRecord] = {}
        self._places: dict[str, _Place] = {}
        self.replace(records)

    def replace(self, records: Iterable[JobRecord]) -> None:
        """These records instead of all."""
        self.records = {record.key: record for record in records}
        self._places = {key: _place_of(record) for key, record in self.records.items()}

    def put(self, record: JobRecord) -> bool:
        """A record that is new or different; whether that can change the order or what is shown."""
        place = _place_of(record)
        moved = self._places.get(record.key) != place
        self.records[record.key], self._places[record.key] = record, place
        return moved

    def drop(self, key: str) -> None:
        """A record that is gone."""
        self.records.pop(key, None)
        self._places.pop(key, None)

    def counts(self) -> dict[Rank, int]:
        """How many records there are of each rank, shown or not."""
        counts = dict.fromkeys(Rank, 0)
        for place in self._places.values():
            counts[place.rank] += 1
        return counts

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

    def next_sort(self) -> str:
        """Go on to the next sort; its name."""
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        return self.sort

    def words(self) -> str:
        """What is hidden and how it is sorted, where that is not as usual: `attention · by name · “march”`."""
        said = [] if self.filter == FILTERS[0] else [self.filter]
        said += [] if self.sort == SORTS[0] else [f"by {self.sort}"]
        said += [f"“{self.text}”"] if self.text else []
        return " · ".join(said)

    def shown(self) -> list[str]:
        """The keys that are shown, in order."""
        wanted, words, places = _RANKS.get(self.filter), self.text.lower().split(), self._places
        shown = [
            key
            for key, place in places.items()
            if (wanted is None or place.rank is wanted) and all(word in place.text for word in words)
        ]
        match self.sort:
            case "newest":
                shown.sort(key=lambda key: -places[key].newest)
            case "oldest":
                shown.sort(key=lambda key: places[key].newest)
            case "name":
                shown.sort(key=lambda key: places[key].name)
            case _:
                shown.sort(key=lambda key: (places[key].rank, -places[key].newest))
        return shown


def _place_of(record: JobRecord) -> _Place:
    parts = (record.name, record.key, record.status, record.note, record.input_name)
    model = record.job.model if record.job is not None else ""
    word = look_of_record(record).word
    text = "\n".join((*parts, model or "", word)).lower()
    return _Place(record.rank, record.created_at, record.name.lower(), text)
