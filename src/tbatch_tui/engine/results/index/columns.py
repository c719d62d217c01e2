"""Columns of the index: arrays and byte buffers instead of objects.

50,000 rows take about 20 MB, most of it the first words of the answers.
"""

from __future__ import annotations

from array import array
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypeAlias, cast

from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tbatch_tui.engine.results.index.batches import RowColumns
    from tbatch_tui.engine.results.index.classify import ClassifiedRow
    from tbatch_tui.engine.results.index.jsonl import Line, LineBatch
    from tbatch_tui.engine.results.sources import Source

UNKNOWN_COUNT = 0xFFFFFFFF
"""Stored for a count that is unknown. Greater counts are stored as `_COUNT_MAX`."""
_COUNT_MAX = UNKNOWN_COUNT - 1
_ANY, _ANY_REASON = 1, "The answer is not what was asked for"
"""The reason of answers for whose own there was no number left."""
_AT_ONCE = 1 << 13
"""Texts that are taken out of their buffer at once."""
_NAMES_MAX = 0xFFFF
"""Names that a column can number: the numbers are stored in 16 bits."""

Column: TypeAlias = "bytearray | array[int] | array[float]"
"""What the `columns()` of each class returns, in an order that must not change: the index cache stores it."""


class TextColumn:
    """Short texts in one buffer."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ends = array("Q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._buffer[self._ends[number] : self._ends[number + 1]])

    def __iter__(self) -> Iterator[bytes]:
        for first in range(0, len(self), _AT_ONCE):
            ends = self._ends[first : first + _AT_ONCE + 1].tolist()
            begin, texts = ends[0], bytes(self._buffer[ends[0] : ends[-1]])
            yield from (texts[start - begin : end - begin] for start, end in pairwise(ends))

    def use(self, buffer: bytearray, ends: array[int]) -> None:
        """Keep the texts in these, which have none: something that is not in memory may do the same."""
        self._buffer, self._ends = buffer, ends

    def has_run(self, first: int, texts: Sequence[bytes]) -> bool:
        """Return whether these are the texts from number `first` on."""
        ends = self._ends[first : first + len(texts) + 1]
        if len(ends) <= len(texts) or bytes(self._buffer[ends[0] : ends[-1]]) != b"".join(texts):
            return False
        return ends.tolist() == [*accumulate(map(len, texts), initial=ends[0])]

    def append(self, text: bytes) -> None:
        """Add a text."""
        self._buffer += text
        self._ends.append(len(self._buffer))

    def append_all(self, texts: Sequence[bytes]) -> None:
        """Add texts."""
        first = len(self._buffer)
        self._buffer += b"".join(texts)
        self._ends.extend([*accumulate(map(len, texts), initial=first)][1:])

    def columns(self) -> list[Column]:
        """Return the columns, to be stored."""
        return [self._buffer, self._ends]

    def extend(self, other: TextColumn, start: int = 0, stop: int | None = None) -> None:
        """Add texts of another column: all, or those from number `start` on, up to and without `stop`."""
        ends = other._ends[start : len(other._ends) if stop is None else stop + 1]
        shift = len(self._buffer) - ends[0]
        self._buffer += other._buffer[ends[0] : ends[-1]] if start or stop is not None else other._buffer
        self._ends.extend(array("Q", [end + shift for end in ends[1:]]))


class NameColumn:
    """Numbers for a few names that many rows share. 0 is no name."""

    def __init__(self, *first: str) -> None:
        """Make a column in which these names have the numbers from 1."""
        self._names = ["", *first]
        self._numbers = {name: number for number, name in enumerate(self._names)}

    def __getitem__(self, number: int) -> str:
        return self._names[number]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def number(self, name: str) -> int:
        """Return the number of a name, a new one for a new name; 0 once all numbers are used."""
        number = self._numbers.get(name)
        if number is None and len(self._names) < _NAMES_MAX:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        return number or 0


class LocationColumns:
    """Where rows are in their file: the line, and the offset and length of its bytes."""

    def __init__(self) -> None:
        self.line = array("I")
        self.offset = array("Q")
        self.length = array("Q")

    def __len__(self) -> int:
        return len(self.length)

    def append(self, line: Line) -> None:
        """Add the location of a line."""
        self.line.append(line.number)
        self.offset.append(line.offset)
        self.length.append(line.length)

    def append_all(self, batch: LineBatch) -> None:
        """Add the locations of lines that follow each other."""
        self.line.extend(range(batch.number, batch.number + len(batch.ends)))
        self.offset.extend(batch.offsets())
        self.length.extend(batch.lengths())

    def columns(self) -> list[Column]:
        """Return the columns, to be stored."""
        return [self.line, self.offset, self.length]

    def extend(self, other: LocationColumns) -> None:
        """Add all locations of another column."""
        self.line.extend(other.line)
        self.offset.extend(other.offset)
        self.length.extend(other.length)

    def extend_moved(self, other: LocationColumns, start: int, stop: int, *, line: int, offset: int) -> None:
        """Add locations from number `start` on, up to and without `stop`, so many lines and bytes further on."""
        self.line.extend(array("I", [line + each for each in other.line[start:stop]]))
        self.offset.extend(array("Q", [offset + each for each in other.offset[start:stop]]))
        self.length.extend(other.length[start:stop])


class RequestColumns:
    """The requests, in the order of the input file."""

    def __init__(self) -> None:
        self.ids = TextColumn()
        self.locations = LocationColumns()
        """Empty without an input file; then the requests are the ids of the responses."""
        self.response = array("i")
        """Number of the response that counts for the request; -1 if there is none."""

    def __len__(self) -> int:
        return len(self.response)

    def append(self, custom_id: str, line: Line | None) -> int:
        """Add a request and return its number."""
        self.ids.append(custom_id.encode("utf-8", "surrogatepass"))
        if line is not None:
            self.locations.append(line)
        self.response.append(-1)
        return len(self.response) - 1

    def append_all(self, custom_ids: Sequence[str], batch: LineBatch) -> None:
        """Add the requests of lines that follow each other."""
        self.ids.append_all([custom_id.encode("utf-8", "surrogatepass") for custom_id in custom_ids])
        self.locations.append_all(batch)
        self.response.extend(array("i", [-1]) * len(custom_ids))

    def columns(self) -> list[Column]:
        """Return the columns, to be stored."""
        return [*self.ids.columns(), *self.locations.columns(), self.response]

    def custom_id(self, number: int) -> str:
        """Return the id of a request."""
        return self.ids[number].decode("utf-8", "surrogatepass")


class ResponseColumns:
    """The response rows, in the order in which they are read."""

    def __init__(self) -> None:
        self.file = array("H")
        """Number of the file that the row is in."""
        self.locations = LocationColumns()
        self.outcome = bytearray()
        self.tokens = array("I")
        self.prompt_tokens = array("I")
        self.reasoning_tokens = array("I")
        self.cached_tokens = array("I")
        self.model = array("H")
        """Model of the request, if the input file is known; otherwise the model that the response names."""
        self.model_names = NameColumn()
        self.seconds = array("d")
        """Negative if unknown."""
        self.previews = TextColumn()
        self.reason = array("H")
        """Why an answer is invalid, as its number in `reason_names`."""
        self.reason_names = NameColumn(_ANY_REASON)

    def __len__(self) -> int:
        return len(self.outcome)

    def append(self, source: Source, line: Line, classified: ClassifiedRow) -> int:
        """Add a response row and return its number."""
        self.file.append(source)
        self.locations.append(line)
        self.tokens.append(_encode_count(classified.tokens))
        self.prompt_tokens.append(_encode_count(classified.prompt_tokens))
        self.reasoning_tokens.append(_encode_count(classified.reasoning_tokens))
        self.cached_tokens.append(_encode_count(classified.cached_tokens))
        model, reason, seconds = classified.model, classified.reason, classified.seconds
        self.model.append(self.model_names.number(model) if model else 0)
        self.seconds.append(-1.0 if seconds is None else seconds)
        self.previews.append(classified.preview)
        self.reason.append(self.reason_number(reason))
        self.outcome.append(classified.outcome)
        return len(self.outcome) - 1

    def append_all(self, source: Source, batch: LineBatch, rows: RowColumns, models: Sequence[int]) -> int:
        """Add the rows of lines that follow each other, and return the number of the first.

        Args:
            source: Their file.
            batch: The lines.
            rows: What they say.
            models: The number of each row's model.
        """
        first = len(self.outcome)
        self.file.extend(array("H", [source]) * len(models))
        self.locations.append_all(batch)
        self.tokens.extend(_encode_counts(rows.tokens))
        self.prompt_tokens.extend(_encode_counts(rows.prompt_tokens))
        self.reasoning_tokens.extend(_encode_counts(rows.reasoning_tokens))
        self.cached_tokens.extend(_encode_counts(rows.cached_tokens))
        self.model.extend(models)
        self.seconds.extend(array("d", [-1.0]) * len(models))
        self.previews.append_all(rows.previews)
        self.reason.extend(array("H", [0]) * len(models))
        for at, reason in rows.reasons.items():
            self.reason[first + at] = self.reason_number(reason)
        self.outcome += bytes(rows.outcomes)
        return first

    def reason_number(self, reason: str) -> int:
        """Return the number of a reason, the one of `_ANY_REASON` once all numbers are used; 0 of no reason."""
        return (self.reason_names.number(reason) or _ANY) if reason else 0

    def extend(self, other: ResponseColumns, first_file: int) -> int:
        """Add all responses of another index and return the number of the first one.

        Args:
            first_file: Number that the other index's first file has in this one.
        """
        first = len(self)
        names = [self.model_names.number(name) for name in other.model_names]
        self.file.extend(array("H", [first_file + file for file in other.file]))
        self.locations.extend(other.locations)
        self.outcome += other.outcome
        self.tokens.extend(other.tokens)
        self.prompt_tokens.extend(other.prompt_tokens)
        self.reasoning_tokens.extend(other.reasoning_tokens)
        self.cached_tokens.extend(other.cached_tokens)
        self.model.extend(array("H", [names[model] for model in other.model]))
        self.seconds.extend(other.seconds)
        self.previews.extend(other.previews)
        reasons = [self.reason_number(name) for name in other.reason_names]
        self.reason.extend(array("H", [reasons[reason] for reason in other.reason]))
        return first

    def columns(self) -> list[Column]:
        """Return all columns but the names of the models and the reasons."""
        counts = (self.tokens, self.prompt_tokens, self.reasoning_tokens, self.cached_tokens)
        return [
            *(self.file, *self.locations.columns(), self.outcome, *counts, self.model, self.seconds),
            *self.previews.columns(),
            self.reason,
        ]

    def outcome_of(self, number: int) -> Outcome:
        """Return the outcome of a response."""
        return Outcome(self.outcome[number])


def _encode_count(count: int | None) -> int:
    return UNKNOWN_COUNT if count is None else min(count, _COUNT_MAX)


def _encode_counts(counts: list[int | None]) -> Sequence[int]:
    unknown = counts.count(None)
    if unknown == len(counts):
        return array("I", [UNKNOWN_COUNT]) * unknown
    if not unknown and max(known := cast("list[int]", counts)) < UNKNOWN_COUNT:
        return array("I", known)
    return [_encode_count(count) for count in counts]


def decode_count(count: int) -> int | None:
    """Return a stored count, or None if it was unknown."""
    return None if count == UNKNOWN_COUNT else count
