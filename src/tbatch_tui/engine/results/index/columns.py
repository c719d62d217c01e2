"""Compact columns: what is known of 50,000 rows in some 20 MB, most of it the first words of the answers."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, TypeAlias

from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.results.index.classify import ClassifiedRow
    from tbatch_tui.engine.results.index.jsonl import Line
    from tbatch_tui.engine.results.sources import Source

UNKNOWN_COUNT = 0xFFFFFFFF
"""An unknown count; a greater one is kept as one less."""
_MOST = UNKNOWN_COUNT - 1
_NAMES_MAX = 0xFFFF

Column: TypeAlias = "bytearray | array[int] | array[float]"
"""What `columns()` of everything here is made of, in an order that stays: it is kept on disk."""


class TextColumn:
    """Many short texts in one buffer."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ends = array("Q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._buffer[self._ends[number] : self._ends[number + 1]])

    def append(self, text: bytes) -> None:
        self._buffer += text
        self._ends.append(len(self._buffer))

    def columns(self) -> list[Column]:
        return [self._buffer, self._ends]

    def extend(self, other: TextColumn) -> None:
        """Add all texts of another."""
        first = len(self._buffer)
        self._buffer += other._buffer
        self._ends.extend(array("Q", [first + end for end in other._ends[1:]]))


class NameColumn:
    """A few names that come again and again, each as a small number; 0 is no name."""

    def __init__(self) -> None:
        self._names = [""]
        self._numbers = {"": 0}

    def __getitem__(self, number: int) -> str:
        return self._names[number]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def number(self, name: str) -> int:
        """The number of a name; of more names than anyone has, those that came too late are no name."""
        found = self._numbers.get(name)
        if found is None and len(self._names) < _NAMES_MAX:
            found = self._numbers[name] = len(self._names)
            self._names.append(name)
        return found or 0


class LocationColumns:
    """Where rows stand in their file: the line, and its bytes."""

    def __init__(self) -> None:
        self.line = array("I")
        self.offset = array("Q")
        self.length = array("Q")

    def __len__(self) -> int:
        return len(self.length)

    def append(self, line: Line) -> None:
        self.line.append(line.number)
        self.offset.append(line.offset)
        self.length.append(line.length)

    def columns(self) -> list[Column]:
        return [self.line, self.offset, self.length]

    def extend(self, other: LocationColumns) -> None:
        """Add all places of another."""
        self.line.extend(other.line)
        self.offset.extend(other.offset)
        self.length.extend(other.length)


class RequestColumns:
    """What was asked, in the order of the input file."""

    def __init__(self) -> None:
        self.ids = TextColumn()
        self.locations = LocationColumns()
        """Empty without an input file: then the requests are the ids that came back."""
        self.response = array("i")
        """The reply that counts for the request; -1 while there is none."""

    def __len__(self) -> int:
        return len(self.response)

    def append(self, custom_id: str, line: Line | None) -> int:
        """Add a request; its index."""
        self.ids.append(custom_id.encode("utf-8", "surrogatepass"))
        if line is not None:
            self.locations.append(line)
        self.response.append(-1)
        return len(self.response) - 1

    def columns(self) -> list[Column]:
        return [*self.ids.columns(), *self.locations.columns(), self.response]

    def custom_id(self, number: int) -> str:
        return self.ids[number].decode("utf-8", "surrogatepass")


class ResponseColumns:
    """What came back, in the order it was read."""

    def __init__(self) -> None:
        self.file = array("H")
        """The number of the file it stands in."""
        self.locations = LocationColumns()
        self.outcome = bytearray()
        self.tokens = array("I")
        self.prompt_tokens = array("I")
        self.reasoning_tokens = array("I")
        self.cached_tokens = array("I")
        self.model = array("H")
        """The model that was asked, where that is known; else the one that says it answered."""
        self.model_names = NameColumn()
        self.seconds = array("d")
        """Negative where unknown."""
        self.previews = TextColumn()

    def __len__(self) -> int:
        return len(self.outcome)

    def append(self, source: Source, line: Line, verdict: ClassifiedRow) -> int:
        """Add a reply; its index."""
        self.file.append(source)
        self.locations.append(line)
        tokens, prompt = verdict.tokens, verdict.prompt_tokens
        reasoning, cached = verdict.reasoning_tokens, verdict.cached_tokens
        self.tokens.append(UNKNOWN_COUNT if tokens is None else tokens if tokens < UNKNOWN_COUNT else _MOST)
        self.prompt_tokens.append(UNKNOWN_COUNT if prompt is None else prompt if prompt < UNKNOWN_COUNT else _MOST)
        self.reasoning_tokens.append(
            UNKNOWN_COUNT if reasoning is None else reasoning if reasoning < UNKNOWN_COUNT else _MOST
        )
        self.cached_tokens.append(UNKNOWN_COUNT if cached is None else cached if cached < UNKNOWN_COUNT else _MOST)
        self.model.append(self.model_names.number(verdict.model))
        self.seconds.append(-1.0 if verdict.seconds is None else verdict.seconds)
        self.previews.append(verdict.preview)
        self.outcome.append(verdict.outcome)
        return len(self.outcome) - 1

    def extend(self, other: ResponseColumns, first_file: int) -> int:
        """Add all replies of another index, whose files are numbered from `first_file` on; the index of the first."""
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
        return first

    def columns(self) -> list[Column]:
        """All but the names of the models."""
        counts = (self.tokens, self.prompt_tokens, self.reasoning_tokens, self.cached_tokens)
        return [
            *(self.file, *self.locations.columns(), self.outcome, *counts, self.model, self.seconds),
            *self.previews.columns(),
        ]

    def outcome_of(self, number: int) -> Outcome:
        return Outcome(self.outcome[number])


def decode_count(count: int) -> int | None:
    """A count as it was kept; None for what was unknown."""
    return None if count == UNKNOWN_COUNT else count
