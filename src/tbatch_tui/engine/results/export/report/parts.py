"""What stands in a report above its rows: plain texts and numbers, whoever has counted them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A value, or a range of numbers, and how many rows have it."""

    name: str
    count: int
    note: str = ""
    """What is remarkable about it, such as `not in the schema`."""


@dataclass(frozen=True, slots=True)
class FieldBars:
    """A field of the answers, and what is in it."""

    name: str
    summary: str
    """One line: how many rows have it, how many different values there are."""
    bars: tuple[Bar, ...]
    total: int
    """The rows that the shares of the bars are of."""
    bins: tuple[Bar, ...] = ()
    """Of numbers: a histogram, in the order of the numbers."""


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """How often which answer of one job meets which of another, or of a column of the source."""

    title: str
    summary: tuple[str, ...]
    """Lines such as the agreement with its interval."""
    first: str
    """What the rows of the matrix are."""
    second: str
    """What its columns are."""
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    """A name, and a count for each column."""


@dataclass(frozen=True, slots=True)
class ReportParts:
    """What a report says of a job besides its rows."""

    title: str = "Results"
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values, such as the model."""
    summary: str = ""
    """What the rows add up to."""
    fields: tuple[FieldBars, ...] = ()
    comparisons: tuple[ComparisonTable, ...] = ()
