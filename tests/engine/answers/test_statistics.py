"""Agreement, intervals and correlation: by published examples, and by what must always hold."""

from __future__ import annotations

import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.answers.statistics import BINS_MAX, LabelScore, kappa, pearson, summarize, wilson

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)
FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@pytest.mark.parametrize(
    ("both", "first_alone", "second_alone", "neither", "expected"),
    [(20, 5, 10, 15, 0.4), (45, 15, 25, 15, 0.1304), (25, 35, 5, 35, 0.2593)],
)
def test_kappa_of_the_examples_in_wikipedia(
    both: int, first_alone: int, second_alone: int, neither: int, expected: float
) -> None:
    """Wikipedia, "Cohen's kappa": the 50 grant proposals, and the two tables with the same agreement."""
    pairs = {(1, 1): both, (1, 0): first_alone, (0, 1): second_alone, (0, 0): neither}
    assert kappa(pairs) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_of_newcombes_table(successes: int, trials: int, low: float, high: float) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_precision_and_recall_of_scikit_learns_report() -> None:
    """scikit-learn, `classification_report`: y_true = [0, 1, 2, 2, 2], y_pred = [0, 0, 2, 2, 1]."""
    truth, found = [0, 1, 2, 2, 2], [0, 0, 2, 2, 1]
    expected = {0: (0.50, 1.00, 0.67, 1), 1: (0.00, 0.00, 0.00, 1), 2: (1.00, 0.67, 0.80, 3)}
    for label, (precision, recall, f1, support) in expected.items():
        right = sum(a == b == label for a, b in zip(truth, found, strict=True))
        score = LabelScore(str(label), truth.count(label), found.count(label), right)
        assert [score.precision, score.recall, score.f1] == pytest.approx([precision, recall, f1], abs=5e-3)
        assert score.support == support


def test_pearson_of_anscombes_first_set() -> None:
    """F. J. Anscombe, "Graphs in Statistical Analysis", The American Statistician 27 (1973): r = 0.816."""
    xs = [10.0, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    ys = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    assert pearson([*zip(xs, ys, strict=True)]) == pytest.approx(0.816, abs=5e-4)


def test_quartiles_as_in_pandas() -> None:
    """pandas, `Series.describe`: of [1, 2, 3] the quartiles are 1.5, 2 and 2.5."""
    summary = summarize([(1, 1), (2, 1), (3, 1)])
    assert summary is not None
    assert (summary.quartiles, summary.mean, summary.min, summary.max) == ((1.5, 2, 2.5), 2, 1, 3)


def test_what_is_undefined_is_none() -> None:
    assert wilson(0, 0) is None
    assert kappa({}) is None
    assert kappa({(1, 1): 9}) is None
    assert pearson([(1, 2)]) is None
    assert pearson([(1, 2), (1, 3)]) is None
    assert summarize([]) is None
    nothing = LabelScore("x", 0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)


def test_a_number_is_in_the_bin_that_begins_with_it() -> None:
    summary = summarize([(hundredth / 100, 1) for hundredth in range(101)])
    assert summary is not None
    assert [one.low for one in summary.bins][:4] == [0, 0.05, 0.1, 0.15]
    assert [one.count for one in summary.bins] == [5] * 19 + [6]
    few = summarize([(0.1, 2), (0.7, 3)])
    assert few is not None
    assert [(one.low, one.count, one.is_value) for one in few.bins] == [(0.1, 2, True), (0.7, 3, True)]


@given(PAIRS, st.permutations(range(5)))
def test_kappa_is_symmetric_bounded_and_blind_to_names(pairs: list[tuple[int, int]], names: list[int]) -> None:
    value = kappa(Counter(pairs))
    swapped = kappa(Counter((b, a) for a, b in pairs))
    renamed = kappa(Counter((names[a], names[b]) for a, b in pairs))
    assert value == swapped == renamed
    assert value is None or -1 <= value <= 1
    if all(a == b for a, b in pairs):
        assert value in (None, 1)


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_holds_the_share_and_mirrors(successes: int, trials: int) -> None:
    successes = min(successes, trials)
    interval, mirrored = wilson(successes, trials), wilson(trials - successes, trials)
    assert interval is not None
    assert mirrored is not None
    assert 0 <= interval[0] <= successes / trials <= interval[1] <= 1
    assert mirrored == pytest.approx((1 - interval[1], 1 - interval[0]), abs=1e-12)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=2, max_size=30))
def test_pearson_is_symmetric_and_bounded(pairs: list[tuple[float, float]]) -> None:
    value = pearson(pairs)
    assert value is None or -1 <= value <= 1
    assert pearson([(b, a) for a, b in pairs]) == (None if value is None else pytest.approx(value))


@given(st.lists(FINITE | st.integers(-30, 30).map(float), min_size=1, max_size=50))
def test_quartiles_and_bins_of_any_numbers(numbers: list[float]) -> None:
    summary = summarize(Counter(numbers).items())
    assert summary is not None
    if len(numbers) > 1:
        expected = statistics.quantiles(numbers, n=4, method="inclusive")
        assert summary.quartiles == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert summary.min <= summary.mean <= summary.max
    assert len(summary.bins) <= BINS_MAX + 2
    assert sum(one.count for one in summary.bins) == summary.count == len(numbers)
    assert summary.bins[0].low <= summary.min
    assert summary.bins[-1].high >= summary.max
