"""What was found in a stretch of a file: plain data that adds up, and that a process can hand to another."""

from __future__ import annotations

import msgspec

from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS

LONG_LINES_KEPT = 10_000


class LineLocation(msgspec.Struct, array_like=True, gc=False):
    """Where a line is."""

    line: int
    offset: int
    length: int


class LocatedFinding(msgspec.Struct, array_like=True, gc=False):
    """A fault with its place: a Problem before it is put in words for the report."""

    location: LineLocation
    column: int
    rule: str
    message: str
    custom_id: str | None = None


class Chunk(msgspec.Struct, array_like=True, gc=False):
    """The hashes of the ids in a piece, and where the piece is, so that a hit can be looked up."""

    line: int
    offset: int
    length: int
    hashes: bytes
    """64 bits each."""


class LongLine(msgspec.Struct, array_like=True, gc=False):
    """A line that may be longer than its model's context."""

    place: LineLocation
    tokens: int
    model: str
    custom_id: str


class PartialReport(msgspec.Struct):
    """The sum of a stretch of lines. Lines are counted from 1, from the beginning of the stretch."""

    lines: int = 0
    requests: int = 0
    longest: int = 0
    models: dict[str, int] = {}
    model_places: dict[str, LineLocation] = {}
    """The first line of each model."""
    counts: dict[str, int] = {}
    once_places: dict[str, LineLocation] = {}
    """The first line of each rule that is told once a file."""
    found: list[LocatedFinding] = []
    chunks: list[Chunk] = []
    long_lines: list[LongLine] = []

    def add(self, found: LocatedFinding) -> None:
        """Count a fault, and keep it while there are not too many."""
        self.count(found.rule)
        if len(self.found) < MAX_PROBLEMS:
            self.found.append(found)

    def count(self, rule: str) -> None:
        self.counts[rule] = self.counts.get(rule, 0) + 1

    def add_once(self, rule: str, count: int, place: LineLocation) -> None:
        """Count lines that break a rule told once a file."""
        self.counts[rule] = self.counts.get(rule, 0) + count
        self.once_places.setdefault(rule, place)

    def append(self, later: PartialReport) -> None:
        """Add the stretch that follows this one. `later` is used up."""
        for place in (*later.model_places.values(), *later.once_places.values()):
            place.line += self.lines
        for found in later.found:
            found.location.line += self.lines
        for chunk in later.chunks:
            chunk.line += self.lines
        for long_line in later.long_lines:
            long_line.place.line += self.lines
        self.lines += later.lines
        self.requests += later.requests
        self.longest = max(self.longest, later.longest)
        for model, number in later.models.items():
            self.models[model] = self.models.get(model, 0) + number
        for rule, number in later.counts.items():
            self.counts[rule] = self.counts.get(rule, 0) + number
        self.model_places = {**later.model_places, **self.model_places}
        self.once_places = {**later.once_places, **self.once_places}
        self.found = (self.found + later.found)[:MAX_PROBLEMS]
        self.chunks += later.chunks
        self.long_lines = (self.long_lines + later.long_lines)[:LONG_LINES_KEPT]
