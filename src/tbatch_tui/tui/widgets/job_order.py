"""Which jobs are shown, and in which order: filter, search and sort over records that change one by one."""

from __future__ import annotations

from collections.abc import Iterable

from tbatch_tui.engine.model import JobRecord, Rank
from tbatch_tui.tui.widgets.status import look_of_record

FILTERS = ("all", "active", "attention", "done")
SORTS = ("status", "newest", "oldest", "name")
_RANKS = {"active": Rank.ACTIVE, "attention": Rank.ATTENTION, "done": Rank.DONE}


class JobOrder:
    """The records by key, and the keys that are shown.

    Where a record stands is worked out once, what a search looks through only when there is a search: with 10,000
    records each microsecond is a hundredth of a second in which the screen stands still.
    """

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        self.filter = FILTERS[0]
        self.sort = SORTS[0]
        self.text = ""
        self.records: dict[str, JobRecord] = {}
        self._places: dict[str, tuple[Rank, float]] = {}
        """Rank, and when it was created, negated: what the list is sorted by."""
        self._texts: dict[str, str] = {}
        self.replace(records)

    def replace(self, records: Iterable[JobRecord]) -> None:
        """These records instead of all."""
        self.records, self._places, self._texts = {}, {}, {}
        for record in records:
            self.put(record)

    def put(self, record: JobRecord) -> bool:
        """A record that is new or different; whether that can change the order or what is shown."""
        key, place = record.key, (record.rank, -record.created_at)
        moved = self._places.get(key) != place or bool(self.text) or self.sort == "name"
        self.records[key], self._places[key] = record, place
        self._texts.pop(key, None)
        return moved

    def prepare(self, keys: Iterable[str]) -> None:
        """Work out what a search looks through, before there is one."""
        for key in keys:
            if key in self.records:
                self._text(key)

    def drop(self, key: str) -> None:
        """A record that is gone."""
        self.records.pop(key, None)
        self._places.pop(key, None)
        self._texts.pop(key, None)

    def counts(self) -> dict[Rank, int]:
        """How many records there are of each rank, shown or not."""
        counts = dict.fromkeys(Rank, 0)
        for place in self._places.values():
            counts[place[0]] += 1
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
        places, records = self._places, self.records
        shown = list(places)
        if (wanted := _RANKS.get(self.filter)) is not None:
            shown = [key for key in shown if places[key][0] is wanted]
        for word in self.text.lower().split():
            shown = [key for key in shown if word in self._text(key)]
        match self.sort:
            case "newest":
                shown.sort(key=lambda key: places[key][1])
            case "oldest":
                shown.sort(key=lambda key: -places[key][1])
            case "name":
                shown.sort(key=lambda key: records[key].name.lower())
            case _:
                shown.sort(key=places.__getitem__)
        return shown

    def _text(self, key: str) -> str:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _text_of(self.records[key])
        return text


def _text_of(record: JobRecord) -> str:
    """What a search looks through."""
    model = record.job.model if record.job is not None else None
    parts = (record.name, record.key, record.status, record.note, record.input_name, model or "")
    return "\n".join((*parts, look_of_record(record).word)).lower()
