"""Pace and outlook: right with enough points, None without, and no nonsense whatever a server sends."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.progress.history import ProgressPoint
from tbatch_tui.engine.progress.outlook import HOUR, compute_outlook, course, current_pause, progress_at, speeds

NOW = 1_750_000_000.0


def steady(count: int, *, every: float = 30.0, by: float = 1.0, start: float = 0.0) -> list[ProgressPoint]:
    """Return the points of a job with so many percent of progress at each poll."""
    return [ProgressPoint(NOW + n * every, "IN_PROGRESS", start + n * by) for n in range(count)]


def test_the_end_of_a_steady_job() -> None:
    outlook = compute_outlook(steady(41), NOW + 40 * 30)
    assert outlook is not None
    assert outlook.per_hour == pytest.approx(120.0)
    assert outlook.soonest == pytest.approx(NOW + 100 * 30)
    assert outlook.latest == pytest.approx(NOW + 100 * 30)


@pytest.mark.parametrize(
    "points",
    [
        [],
        [ProgressPoint(NOW, "VALIDATING")],
        [ProgressPoint(NOW, "IN_PROGRESS", 40.0)],
        steady(2, by=10),  # two polls are no pace
        steady(10, by=0.1),  # less than 2 percent
        steady(4, every=5.0, by=5.0),  # 15 seconds
        [ProgressPoint(NOW + n * 60, "IN_PROGRESS", 50.0 + n * 25) for n in range(3)],  # at 100: it ends when it ends
        [*steady(20, start=30.0), ProgressPoint(NOW + 900, "IN_PROGRESS", 0.0)],  # it started over
    ],
    ids=["none", "validating", "one", "two", "too little", "too short", "all", "started over"],
)
def test_without_enough_points_there_is_no_outlook(points: list[ProgressPoint]) -> None:
    assert compute_outlook(points, points[-1].at + 10 if points else NOW) is None


def test_a_job_without_progress_slows_down_and_then_has_no_end() -> None:
    points = steady(41)  # 20 minutes
    slower, still = compute_outlook(points, NOW + 1_500), compute_outlook(points, NOW + 9_000)
    assert slower is not None and slower.per_hour < 120.0
    assert slower.soonest is not None and slower.latest is not None and slower.soonest < slower.latest
    assert still is not None and (still.per_hour, still.soonest) == (0.0, None)


def test_a_job_that_became_slower_is_done_between_two_times() -> None:
    points = [*steady(41), *(ProgressPoint(NOW + 1_200 + n * 600, "IN_PROGRESS", 40.0 + n) for n in range(1, 7))]
    outlook = compute_outlook(points, points[-1].at)
    assert outlook is not None and outlook.soonest is not None and outlook.latest is not None
    assert outlook.latest - outlook.soonest > HOUR


def test_speeds_show_a_dip() -> None:
    points = [*steady(11), *(ProgressPoint(NOW + 300 + n * 30, "IN_PROGRESS", 10.0 + n * 0.2) for n in range(1, 11))]
    rates = speeds(points, points[-1].at, 10)
    assert len(rates) == 10
    assert rates[0] == pytest.approx(120.0)
    assert rates[-1] == pytest.approx(24.0)


def test_there_are_no_more_speeds_than_polls() -> None:
    assert len(speeds(steady(6), NOW + 150, 40)) == 5
    assert speeds(steady(3), NOW + 60, 40) == []
    assert speeds([], NOW, 40) == []


def test_the_moment_since_the_last_poll_is_no_dip() -> None:
    assert min(speeds(steady(20), NOW + 19 * 30 + 40, 10)) == pytest.approx(120.0)
    assert speeds(steady(20), NOW + 19 * 30 + 600, 10)[-1] == 0.0


def test_a_pause_counts_when_it_is_long_for_this_job() -> None:
    assert current_pause(steady(20), NOW + 19 * 30 + 300) is None
    assert current_pause(steady(20), NOW + 19 * 30 + 7_200) == pytest.approx(7_200)
    slow = steady(5, every=3_600)  # moves once an hour
    assert current_pause(slow, NOW + 4 * 3_600 + 7_200) is None
    assert current_pause(slow, NOW + 4 * 3_600 + 12_000) == pytest.approx(12_000)
    assert current_pause([ProgressPoint(NOW, "VALIDATING")], NOW + 90_000) is None
    assert current_pause([*steady(5), ProgressPoint(NOW + 200, "COMPLETED", 100.0)], NOW + 90_000) is None


def test_a_change_of_the_status_alone_is_no_progress() -> None:
    points = [*steady(5), ProgressPoint(NOW + 4_000, "NEW_STATUS", 4.0), ProgressPoint(NOW + 4_030, "IN_PROGRESS", 4.0)]
    assert current_pause(points, NOW + 4_060) == pytest.approx(4_060 - 120)


def test_the_course_begins_when_the_job_runs_and_ends_with_it() -> None:
    points = [
        ProgressPoint(NOW, "VALIDATING"),
        *steady(3),
        ProgressPoint(NOW + 90, "CANCELLED", 2.0),
        ProgressPoint(NOW + 99, "CANCELLED", 9.0),
    ]
    assert course(points) == [(NOW, 0.0), (NOW + 30, 1.0), (NOW + 60, 2.0), (NOW + 90, 2.0)]
    assert progress_at(course(points), NOW + 45) == pytest.approx(1.5)


any_points = st.lists(
    st.builds(
        ProgressPoint,
        st.floats(0, 4e9),
        st.sampled_from(["VALIDATING", "IN_PROGRESS", "CANCELING", "COMPLETED", "?"]),
        st.floats(-10, 110),
    ),
    max_size=40,
)


@given(any_points, st.floats(0, 4e9), st.integers(1, 60))
def test_no_points_make_nonsense(points: list[ProgressPoint], seen_at: float, width: int) -> None:
    outlook = compute_outlook(points, seen_at)
    if outlook is not None:
        assert outlook.per_hour >= 0 and math.isfinite(outlook.per_hour)
        if outlook.soonest is not None:
            assert outlook.latest is not None and seen_at <= outlook.soonest <= outlook.latest
    rates = speeds(points, seen_at, width)
    assert len(rates) <= width and all(rate >= 0 and math.isfinite(rate) for rate in rates)
    seconds = current_pause(points, seen_at)
    assert seconds is None or seconds >= 900


@given(st.floats(0.5, 5), st.integers(8, 15), st.floats(10, 3_000))
def test_any_steady_pace_is_found(by: float, count: int, every: float) -> None:
    points = steady(count, every=every, by=by)
    outlook = compute_outlook(points, points[-1].at)
    assert outlook is not None and outlook.soonest is not None
    assert outlook.per_hour == pytest.approx(by / every * HOUR)
    assert outlook.soonest == pytest.approx(NOW + 100 / by * every, abs=1.0)
