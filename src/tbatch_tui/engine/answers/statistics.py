"""Agreement, intervals, correlation and quartiles. What is undefined, such as 0/0, is None."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Z_95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
BINS_MAX = 20
"""Bins of a histogram."""

Matrix = "Mapping[str, Mapping[str, int]]"


def wilson(successes: int, trials: int, z: float = Z_95) -> tuple[float, float] | None:
    """Return the Wilson score interval of a share, without continuity correction."""
    if trials <= 0:
        return None
    share, square = successes / trials, z * z
    centre = share + square / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    low, high = (centre - spread) / (1 + square / trials), (centre + spread) / (1 + square / trials)
    return (0.0 if successes == 0 else max(0.0, low), 1.0 if successes == trials else min(1.0, high))


def kappa(pairs: Mapping[tuple[int, int], int]) -> float | None:
    """Return Cohen's κ of two raters; None where chance alone would make them agree always.

    Args:
        pairs: How often the first rater gave one label and the second another.
    """
    total = sum(pairs.values())
    first: dict[int, int] = {}
    second: dict[int, int] = {}
    same = 0
    for (a, b), count in pairs.items():
        first[a] = first.get(a, 0) + count
        second[b] = second.get(b, 0) + count
        same += count if a == b else 0
    by_chance = sum(count * second.get(label, 0) for label, count in first.items())
    if not total or by_chance == total * total:
        return None
    return (same * total - by_chance) / (total * total - by_chance)


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well one label of a gold column was found."""

    label: str
    support: int
    """Rows that have it in the gold column."""
    answered: int
    """Rows that were answered with it."""
    right: int
    """Rows of both."""

    @property
    def precision(self) -> float | None:
        """The share of the answers with it that are right."""
        return self.right / self.answered if self.answered else None

    @property
    def recall(self) -> float | None:
        """The share of its rows that were found."""
        return self.right / self.support if self.support else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        both = self.support + self.answered
        return 2 * self.right / both if both else None


def pearson(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Pearson's correlation; None for less than two pairs, or where one side never changes."""
    count = len(pairs)
    if count < 2:
        return None
    mean_x, mean_y = (math.fsum(pair[side] / count for pair in pairs) for side in (0, 1))
    xs, ys = [x - mean_x for x, _ in pairs], [y - mean_y for _, y in pairs]
    scale_x, scale_y = max(map(abs, xs)), max(map(abs, ys))
    if not scale_x or not scale_y or not math.isfinite(scale_x) or not math.isfinite(scale_y):
        return None
    xs, ys = [x / scale_x for x in xs], [y / scale_y for y in ys]  # a square may not be too large
    spread = math.sqrt(math.fsum(x * x for x in xs)) * math.sqrt(math.fsum(y * y for y in ys))
    return max(-1.0, min(1.0, math.fsum(x * y for x, y in zip(xs, ys, strict=True)) / spread))


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a histogram."""

    low: float
    high: float
    """Not part of it, but of the last bin."""
    count: int
    is_value: bool = False
    """Whether it holds one number alone."""


@dataclass(frozen=True, slots=True)
class NumberSummary:
    """What numbers are like."""

    count: int
    min: float
    max: float
    mean: float
    quartiles: tuple[float, float, float]
    """By linear interpolation between the two nearest, as NumPy and pandas do unless told otherwise."""
    bins: tuple[Bin, ...]


def summarize(counts: Iterable[tuple[float, int]]) -> NumberSummary | None:
    """Return what numbers are like; None where there are none.

    Args:
        counts: Finite numbers, and how often each is there.
    """
    ordered = sorted((float(number), count) for number, count in counts if count)
    if not ordered:
        return None
    total = sum(count for _, count in ordered)
    mean = math.fsum(number / total * count for number, count in ordered)
    low, high = ordered[0][0], ordered[-1][0]
    ends = [*accumulate(count for _, count in ordered)]
    first, middle, last = (_quantile(ordered, ends, share) for share in (0.25, 0.5, 0.75))
    bins = tuple(_bins(ordered, low, high))
    return NumberSummary(total, low, high, min(high, max(low, mean)), (first, middle, last), bins)


def _quantile(ordered: Sequence[tuple[float, int]], ends: Sequence[int], share: float) -> float:
    place = share * (ends[-1] - 1)
    below = int(place)
    lower = ordered[bisect_right(ends, below)][0]
    upper = ordered[min(bisect_right(ends, below + 1), len(ordered) - 1)][0]
    part = place - below
    return lower if lower == upper else lower * (1 - part) + upper * part


def _bins(ordered: Sequence[tuple[float, int]], low: float, high: float) -> Iterable[Bin]:
    """Yield about `BINS_MAX` bins at most: a number each where that is possible, else equally wide."""
    if all(number.is_integer() for number, _ in ordered) and high - low < BINS_MAX:
        counts = dict(ordered)
        for whole in range(int(low), int(high) + 1):
            yield Bin(whole, whole, counts.get(float(whole), 0), is_value=True)
        return
    if len(ordered) <= BINS_MAX:
        for number, count in ordered:
            yield Bin(number, number, count, is_value=True)
        return
    width = _width((high / BINS_MAX) - (low / BINS_MAX))
    start = math.floor(low / width)
    last = max(start, math.ceil(high / width) - 1)
    digits = max(0, 2 - math.floor(math.log10(width)))  # 6 × 0.05 is a little more than 0.3, which is meant
    edges = [round(at * width, digits) for at in range(start, last + 2)]
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)
    counted = [0] * (len(edges) - 1)
    for number, count in ordered:
        counted[min(bisect_right(edges, number), len(counted)) - 1] += count
    for at, count in enumerate(counted):
        yield Bin(edges[at], edges[at + 1], count)


def _width(least: float) -> float:
    """Return the next of 1, 2, 2.5 and 5 times a power of ten that is wide enough."""
    power = 10.0 ** math.floor(math.log10(least)) if least > 1e-300 else 1e-300
    return next((power * step for step in (1, 2, 2.5, 5, 10) if power * step >= least), least)
