"""The findings and counts of a stretch of a file: plain data that adds up and can be sent between processes."""

from __future__ import annotations

import msgspec

from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS

LONG_LINES_MAX = 10_000


class LineLocation(msgspec.Struct, array_like=True, gc=False):
    """Where a line is: its number from 1, its byte offset, and its bytes without the line end."""

    line: int
    offset: int
    length: int


class LocatedFinding(msgspec.Struct, array_like=True, gc=False):
    """A finding with its location: what a Problem of the report is made of."""

    location: LineLocation
    column: int
    rule: str
    message: str
    custom_id: str | None = None


class PieceHashes(msgspec.Struct, array_like=True, gc=False):
    """The hashes of the custom_ids in a piece, and where the piece is, so that its lines can be read again."""

    line: int
    offset: int
    length: int
    hashes: bytes
    """64 bits each, in the order of the lines."""


class LongLine(msgspec.Struct, array_like=True, gc=False):
    """A line that may be too long for its model's context."""

    location: LineLocation
    tokens: int
    model: str
    custom_id: str


class PartialReport(msgspec.Struct):
    """The report on a stretch of lines, which are numbered from 1 at its beginning."""

    lines: int = 0
    requests: int = 0
    longest_line: int = 0
    models: dict[str, int] = {}
    model_locations: dict[str, LineLocation] = {}
    """The first line of each model."""
    counts: dict[str, int] = {}
    once_locations: dict[str, LineLocation] = {}
    """The first line that breaks each once-per-file rule."""
    findings: list[LocatedFinding] = []
    id_hashes: list[PieceHashes] = []
    long_lines: list[LongLine] = []

    def add(self, finding: LocatedFinding) -> None:
        """Count a finding, and keep it unless there are too many."""
        self.count(finding.rule)
        if len(self.findings) < MAX_PROBLEMS:
            self.findings.append(finding)

    def count(self, rule: str, number: int = 1) -> None:
        """Count findings that are not kept."""
        self.counts[rule] = self.counts.get(rule, 0) + number

    def add_once(self, rule: str, count: int, first: LineLocation) -> None:
        """Count lines that break a once-per-file rule; `first` is the first of them."""
        self.counts[rule] = self.counts.get(rule, 0) + count
        self.once_locations.setdefault(rule, first)

    def append(self, later: PartialReport) -> None:
        """Add the report on the stretch that follows this one. It changes `later`, which must not be used any more."""
        for location in (*later.model_locations.values(), *later.once_locations.values()):
            location.line += self.lines
        for finding in later.findings:
            finding.location.line += self.lines
        for piece in later.id_hashes:
            piece.line += self.lines
        for long_line in later.long_lines:
            long_line.location.line += self.lines
        self.lines += later.lines
        self.requests += later.requests
        self.longest_line = max(self.longest_line, later.longest_line)
        for model, number in later.models.items():
            self.models[model] = self.models.get(model, 0) + number
        for rule, number in later.counts.items():
            self.counts[rule] = self.counts.get(rule, 0) + number
        self.model_locations = {**later.model_locations, **self.model_locations}
        self.once_locations = {**later.once_locations, **self.once_locations}
        self.findings = (self.findings + later.findings)[:MAX_PROBLEMS]
        self.id_hashes += later.id_hashes
        self.long_lines = (self.long_lines + later.long_lines)[:LONG_LINES_MAX]
