"""The log of messages: each message once on the screen, over nothing that one reads, and all of them behind `L`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets._toast import Toast

from tests.conftest import until
from tests.helpers.app_host import ALL_SIZES, make_app
from tests.helpers.drawn import check_screen, painted, screen_text

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_772_802_120.0


@pytest.mark.parametrize("size", ALL_SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_message_is_there_once_and_covers_no_row(size: tuple[int, int], tmp_path: Path) -> None:
    app = make_app(tmp_path, None, now=lambda: NOW)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(lambda: "There is no API key yet" in screen_text(app))
        for _ in range(3):
            app.bridge.notify("The results are here", "Press {job.results} to open them.")
        app.bridge.notify("The newest of all", "x" * 300, "warning")
        await until(lambda: "The newest of all" in screen_text(app))
        await pilot.pause(0.2)  # a toast that is not shown is never painted
        check_screen(app)
        assert "The results are here" not in screen_text(app), "the newest only"
        toasts = [toast.region for toast in app.screen.walk_children(Toast)]
        assert max(region.bottom for region in toasts) <= 4 and sum(map(bool, toasts)) == 1
        assert "Jobs" in screen_text(app).splitlines()[0], "the name of the screen stays"
        app.action_show_log()
        await until(lambda: "Messages" in screen_text(app))
        await pilot.pause(0.2)
        text = screen_text(app)
        assert "The newest of all" in text
        if size[1] > 20:
            assert text.rindex("The newest of all") < text.index("The results are here")
            assert "× 3" in text and "Press o to open them." in text


async def test_the_key_opens_the_log_on_every_screen_and_foreign_text_is_harmless(tmp_path: Path) -> None:
    app = make_app(tmp_path, None, now=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: "There is no API key yet" in screen_text(app))
        await pilot.press("L")
        await until(lambda: "No messages yet" in screen_text(app))
        await pilot.press("escape")
        app.bridge.notify("evil \x1b[31m[bold]name\u202e", "line one\nline two \x07")
        await pilot.press("n")
        await until(lambda: "Pick" in screen_text(app))
        await pilot.press("L")
        await until(lambda: "Messages" in screen_text(app))
        await painted(app)
        check_screen(app)
        assert "evil ␛[31m[bold]name�" in screen_text(app) and "line one⏎line two ␇" in screen_text(app)


async def test_a_short_message_covers_nothing_and_is_not_shown_over_the_next_screen(tmp_path: Path) -> None:
    app = make_app(tmp_path, None, now=lambda: NOW)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: "There is no API key yet" in screen_text(app))
        before = screen_text(app).splitlines()
        app.bridge.notify("Copied", "job-1")
        await until(lambda: "Copied · job-1" in screen_text(app))
        after = screen_text(app).splitlines()
        assert [number for number, line in enumerate(after) if line != before[number]] == [1], "the rule only"
        app.bridge.notify("No connection", severity="error")
        for toast in app._notifications:
            toast.raised_at -= 2  # they were read
            assert toast.time_left < (14 if toast.severity == "error" else 3)
        await pilot.press("n")
        await until(lambda: "Pick" in screen_text(app).splitlines()[0])
        assert [toast.message for toast in app._notifications] == ["No connection"], "errors stay to be read"
        app.bridge.notify("Wrote reviews.jsonl")  # and the next screen opens at once
        await until(lambda: len(app._notifications) == 2)
        await pilot.press("escape")
        await until(lambda: "Jobs" in screen_text(app).splitlines()[0])
        assert len(app._notifications) == 2


async def test_a_message_that_is_over_is_shown_again(tmp_path: Path) -> None:
    app = make_app(tmp_path, None, now=lambda: NOW)
    async with app.run_test():
        app.bridge.notify("Copied")
        app.bridge.notify("Copied")
        await until(lambda: app._notifications)
        app.bridge.notify("Copied")
        assert len(app._notifications) == 1
        app.clear_notifications()
        app.bridge.notify("Copied")
        await until(lambda: app._notifications)
        assert [(message.text, message.count) for message in app.bridge.log] == [("Copied", 4)]
