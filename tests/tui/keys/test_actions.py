"""Help and palette: every action, possible or not, actions before movement, and jobs by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.tui.dialogs.keys_help import KeysHelp
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.actions import GROUPS, grouped, reason_of, screen_actions
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tests.conftest import until
from tests.helpers.app_host import ALL_SIZES, make_app
from tests.helpers.drawn import check_screen, painted, screen_lines, screen_opened, screen_text

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.tui.app import TbatchApp

NOW = 1_772_802_120.0


def app_with_jobs(folder: Path, count: int = 3) -> TbatchApp:
    journal = Journal(folder / "data" / "history.db")
    account = journal.accounts.at_start("together", "", NOW - 1e6).id
    statuses = ("IN_PROGRESS", "FAILED", "COMPLETED")
    jobs = [Job(f"{n:08x}-0000", statuses[n % 3], created_at=NOW - 60 * n) for n in range(count)]
    journal.jobs.apply(account, jobs, NOW, lambda _: False)
    for one, name in zip(jobs, ["march", "april", "reviews-of-may"], strict=False):
        journal.records.annotate(account, one.id, name, "")
    journal.close()
    return make_app(folder, None, now=lambda: NOW)


async def test_every_action_is_listed_possible_or_not_and_says_why_not(tmp_path: Path) -> None:
    app = app_with_jobs(tmp_path)
    async with app.run_test(size=(140, 40)):
        await until(lambda: app.jobs.table.row_count == 3)
        actions = {action.id: action for action in screen_actions(app.screen)}
        expected = {binding.id for binding in keys.ALL if keys.KeyContext.JOBS in keys.CONTEXTS[binding.id or ""]}
        assert expected <= set(actions)
        assert not any(action.description.startswith("Focus") for action in actions.values()), "Textual's own"
        assert actions["job.cancel"].enabled and not actions["job.results"].enabled
        assert "No results yet" in reason_of(app.screen, actions["job.results"])
        groups = list(grouped(list(actions.values())))
        assert groups == [group.description for group in GROUPS if group.description in groups]
        assert groups[-1] == "Move"


@pytest.mark.parametrize("size", ALL_SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_help_shows_actions_first_and_the_reason_of_what_is_not_possible(
    size: tuple[int, int], tmp_path: Path
) -> None:
    app = app_with_jobs(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.jobs.table.row_count == 3)
        await pilot.press("question_mark")
        await screen_opened(app, KeysHelp)
        await painted(app)
        check_screen(app)
        text = screen_text(app)
        assert ("Cancel" in text and "No results yet" in " ".join(text.split()).replace("│ │ ", "")) or size[0] < 140
        if size[0] >= 120:
            assert any("Job " in line and ("App " in line or "List " in line) for line in screen_lines(app)), (
                "two columns"
            )
            assert "One row down" in text or size[1] <= 40, "actions come before movement"
        await pilot.press("escape")


async def test_the_palette_lists_what_is_not_possible_and_says_why(tmp_path: Path) -> None:
    app = app_with_jobs(tmp_path)
    async with app.run_test(size=(110, 32)) as pilot:
        await until(lambda: app.jobs.table.row_count == 3)
        await pilot.press("ctrl+p")
        await until(lambda: "Cancel the job" in screen_text(app))
        text = screen_text(app)
        assert "One row down" not in text and "Change theme" not in text, "actions come first"
        assert "View the answers next to their requests · No results yet" in text, "what it does, and why not now"
        await pilot.press(*"results")
        await until(lambda: "No results yet" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: app._notifications)
        assert "No results yet" in next(iter(app._notifications)).message


async def test_the_palette_goes_to_a_job_by_name_from_any_screen(tmp_path: Path) -> None:
    app = app_with_jobs(tmp_path)
    async with app.run_test(size=(110, 32)) as pilot:
        await until(lambda: app.jobs.table.row_count == 3)
        await pilot.press("n")
        await until(lambda: "Pick" in screen_lines(app)[0])
        await pilot.press("ctrl+p", *"of-may")
        await until(lambda: "reviews-of-may" in screen_text(app) and "Go to this job" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: app.screen is app.jobs and app.jobs.current is not None)
        await until(lambda: app.jobs.current is not None and app.jobs.current.name == "reviews-of-may")


async def test_the_bar_has_each_key_in_the_same_place_on_every_row(tmp_path: Path) -> None:
    app = app_with_jobs(tmp_path)
    async with app.run_test(size=(200, 60)) as pilot:
        await until(lambda: app.jobs.table.row_count == 3)
        await until(lambda: app.engine.health.state is HealthState.NO_KEY)  # from then on the demo is offered
        bars = set()
        for _ in range(3):
            await pilot.press("j")
            await painted(app)
            bars.add(app.screen.query_one(KeyBar).render_line(0).text)
        [bar] = bars
        assert bar.startswith(" ⏎ Open  n New ") and "e Label" in bar and "A Acknowledge" in bar
