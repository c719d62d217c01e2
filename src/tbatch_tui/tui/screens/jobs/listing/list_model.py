"""Which jobs are shown, and in which order: filter, search and sort over records that change one by one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.engine.groups.group_record import GroupRecord, make_group
from tbatch_tui.tui.screens.jobs.listing.row_values import SORTABLE, Row, searchable_text, sort_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILTERS = ("all", "active", "attention", "done")
SORTS = ("status", "newest", "oldest", "name", "model", "requests", "took")
"""The sorts that the sort key goes through. A click on a header may choose another column, or reverse one."""
_RANKS = {"active": Rank.ACTIVE, "attention": Rank.ATTENTION, "done": Rank.DONE}
_REVERSED = "reversed "
_LARGEST_FIRST = frozenset({"requests", "progress", "took"})
_AGE, _STATUS = "age", "status"


class JobListModel:
    """The records by key, and which rows are shown in which order. All parts of a file are one row, which opens.

    What the list is sorted by is computed once for each row, what a search searches only when there is a search:
    with 10,000 records each microsecond is a hundredth of a second in which the screen stands still.
    """

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        self.filter = FILTERS[0]
        self.text = ""
        self.records: dict[str, JobRecord] = {}
        """All jobs, parts too."""
        self.rows: dict[str, Row] = {}
        """What has a row of its own: jobs, and groups by their keys."""
        self.opened: set[str] = set()
        """The keys of the groups whose parts are shown below them."""
        self.holds = False
        """Whether a row that changes its section stays where it is until `release`: a person may be reading it."""
        self._held: set[str] = set()
        self._sort = SORTS[0]
        self._sort_keys: dict[str, tuple[Rank, float]] = {}
        """By row, rank and creation time, negated: what the list is sorted by at first."""
        self._values: dict[str, Any] = {}
        """What a sort by a column compares, once there was one."""
        self._texts: dict[str, str] = {}
        self._found: tuple[str, str, list[str]] | None = None
        """A filter, a text, and the rows that both let through, for a longer text to be searched in these alone; None
        once those may be other rows, or in another order."""
        self._counts: Counter[Rank] = Counter()
        self._ordered: list[str] | None = None
        """The rows in the order of `_sort_keys`; None once that may be another one."""
        self._parts: dict[str, dict[str, None]] = {}
        """By group, the keys of its parts."""
        self._stale: set[str] = set()
        """Groups of which a part has changed since their row was made."""
        for record in records:
            self.put(record)
        self.place_groups()

    def put(self, record: JobRecord) -> bool:
        """Add or replace a record; return whether that can change the order or which rows are shown.

        Of a part, `place_groups` says that: a group of 1,000 parts is looked at once for all of them.
        """
        self.records[record.key] = record
        if record.group is None or record.submission is None:
            return self._place(record.key, record)
        self._parts.setdefault(record.group.key, {})[record.key] = None
        self._stale.add(record.group.key)
        if record.key not in self.rows:
            return False
        self._drop_row(record.key)  # it was listed before it was known to be a part
        return True

    def place_groups(self) -> bool:
        """Bring the rows of groups up to date; return whether that can change the order or which rows are shown."""
        moved = False
        for key in self._stale:
            before = self.rows.get(key)
            group = make_group([self.records[part] for part in self._parts[key]])
            moved = self._place(key, group) or moved
            moved = moved or (isinstance(before, GroupRecord) and len(before.parts) != len(group.parts))
        self._stale.clear()
        return moved

    def _place(self, key: str, row: Row) -> bool:
        rank, before = row.rank, self._sort_keys.get(key)
        self._held.discard(key)
        sort_key = (rank, -row.created_at)
        if before is not None and before[0] != rank and self.holds:
            sort_key = before
            self._held.add(key)
        if moved := before != sort_key:
            self._ordered = None
        if self.text:
            moved = self._matches(key) != self._would_match(key, row) or moved
        else:
            self._texts.pop(key, None)
        if moved or not self.text:
            self._found = None
        if key in self._values:
            value = self._value(row)
            moved = moved or self._values[key] != value
            self._values[key] = value
        if (known := self.rows.get(key)) is not None:
            self._counts[known.rank] -= 1
        self._counts[rank] += 1
        self.rows[key], self._sort_keys[key] = row, sort_key
        return moved

    def row_key(self, key: str) -> str:
        """Return the key of the row that shows a record: of a part, unless its group is open, the group's."""
        record = self.records.get(key)
        group = record.group.key if record is not None and record.group is not None else None
        return group if group in self._parts and group not in self.opened else key

    def turn(self, key: str) -> bool:
        """Open a group, or close it again; False for what is no group."""
        if not isinstance(self.rows.get(key), GroupRecord):
            return False
        self.opened ^= {key}
        return True

    def records_of(self, keys: Iterable[str]) -> list[JobRecord]:
        """Return the records of these rows, each once: of a group all its parts."""
        found: dict[str, JobRecord] = {}
        for row in self.rows_of(keys):
            for record in row.parts if isinstance(row, GroupRecord) else (row,):
                found[record.key] = record
        return list(found.values())

    def rows_of(self, keys: Iterable[str]) -> list[JobRecord | GroupRecord]:
        """Return the jobs and groups with these keys."""
        rows = (self.rows.get(key) or self.records.get(key) for key in keys)
        return [row for row in rows if row is not None]

    def release(self) -> bool:
        """Let the records that were held go to their groups; return whether there were any."""
        held, self._held = self._held, set()
        if held:
            self._ordered = self._found = None
        for key in held:
            row = self.rows[key]
            self._sort_keys[key] = (row.rank, -row.created_at)
        return bool(held)

    def section_of(self, key: str) -> Rank:
        """Return the section that a row is shown in, which it may not belong to any more while it is held."""
        if key in self._sort_keys:
            return self._sort_keys[key][0]
        group = self.records[key].group
        assert group is not None
        return self._sort_keys[group.key][0]

    def prepare_search(self, keys: Iterable[str]) -> None:
        """Compute what a search searches in these rows, before there is one."""
        for key in keys:
            if key in self.rows:
                self._text(key)

    def drop(self, key: str) -> None:
        """Remove a record."""
        record = self.records.pop(key, None)
        group = record.group.key if record is not None and record.group is not None else None
        if group is None or group not in self._parts:
            self._drop_row(key)
            return
        self._parts[group].pop(key, None)
        self._stale.add(group)
        if not self._parts[group]:
            del self._parts[group]
            self._stale.discard(group)
            self._drop_row(group)

    def _drop_row(self, key: str) -> None:
        if (row := self.rows.pop(key, None)) is not None:
            self._counts[row.rank] -= 1
        if self._sort_keys.pop(key, None) is not None:
            self._ordered = None
        self._texts.pop(key, None)
        self._found = None
        self._values.pop(key, None)
        self._held.discard(key)
        self.opened.discard(key)

    def counts(self) -> dict[str, int]:
        """Return how many rows each filter shows, but for the first, which shows all."""
        self.place_groups()
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
        if plain not in SORTABLE and name not in SORTS:
            name = SORTS[0]
        if name != self._sort:
            self._sort = name
            self._values = {}
            self._found = None

    def next_sort(self) -> str:
        """Go on to the next sort, and return its name."""
        index = SORTS.index(self._sort) if self._sort in SORTS else -1
        self.sort = SORTS[(index + 1) % len(SORTS)]
        return self.sort

    def sort_by(self, column: str) -> str:
        """Sort by a column, or the other way round if the list is sorted by it already; return the sort's name."""
        if column == _AGE:
            self.sort = "oldest" if self._sort == "newest" else "newest"
        elif column == _STATUS or column in SORTABLE:
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
        """Return the keys of the rows that are shown, in order; those of the parts of an open group are below it."""
        self.place_groups()
        sort_keys = self._sort_keys
        shown = self._search()
        match self._sort:
            case "status":
                pass
            case "newest":
                shown.sort(key=lambda key: sort_keys[key][1])
            case "oldest":
                shown.sort(key=lambda key: -sort_keys[key][1])
            case _:
                shown = self._by_value(shown)
        return [*self._with_parts(shown)] if self.opened else shown

    def _with_parts(self, keys: Iterable[str]) -> Iterator[str]:
        for key in keys:
            yield key
            if key in self.opened and isinstance(row := self.rows[key], GroupRecord):
                yield from (part.key for part in row.parts)

    def in_order(self) -> Iterator[JobRecord]:
        """Yield all records, shown or not, in the order that the list has at first."""
        self.place_groups()
        for key in [*self._in_first_order()]:
            yield from self.records_of([key])

    def _in_first_order(self) -> list[str]:
        """Return the keys of all rows in the order that the list has at first: sorted when that has changed."""
        if self._ordered is None:
            self._ordered = sorted(self._sort_keys, key=self._sort_keys.__getitem__)
        return self._ordered

    def _by_value(self, keys: list[str]) -> list[str]:
        values = self._values
        if len(values) != len(self.rows):
            values = self._values = {key: self._value(row) for key, row in self.rows.items()}
        keys.sort(key=lambda key: self._sort_keys[key][1])
        known = [key for key in keys if values[key] is not None]
        known.sort(key=values.__getitem__, reverse=self.sorted_column[1])
        return known + [key for key in keys if values[key] is None] if len(known) < len(keys) else known

    def _value(self, row: Row) -> Any:
        return sort_value(self.sorted_column[0], row)

    # -- the search ----------------------------------------------------------------------------------

    def _search(self) -> list[str]:
        """Return the keys of the rows that filter and search let through, in a list of its own."""
        sort_keys, texts, text = self._sort_keys, self._texts, self.text.lower()
        filter_, before, found = self._found or ("", "", [])
        if filter_ != self.filter or not text.startswith(before):
            before, found = "", self._in_first_order() if self._sort == "status" else list(sort_keys)
            if (rank := _RANKS.get(self.filter)) is not None:
                found = [key for key in found if sort_keys[key][0] is rank]
        for word in text.split() if text != before else ():  # what has the longer text has the shorter one
            found = [key for key in found if word in (texts.get(key) or self._text(key))]
        self._found = self.filter, text, found
        return [*found]

    def _matches(self, key: str) -> bool:
        return key in self.rows and all(word in self._text(key) for word in self.text.lower().split())

    def _would_match(self, key: str, row: Row) -> bool:
        """Return whether a row matches that is about to replace the one with its key."""
        text = self._texts[key] = searchable_text(row)
        return all(word in text for word in self.text.lower().split())

    def _text(self, key: str) -> str:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = searchable_text(self.rows[key])
        return text
