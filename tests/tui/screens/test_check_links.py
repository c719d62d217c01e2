"""u on Check: the links of the file are looked at, what is wrong with them is listed, and it can be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.tui.screens.check.screen import CheckScreen
from tests.conftest import until
from tests.helpers.check_lines import audio, chat, dumped, saved, with_messages
from tests.helpers.drawn import check_screen
from tests.helpers.link_server import LinkServer, serving
from tests.helpers.new_batch_host import SIZES, Open, offline, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[LinkServer]:
    """A server of links."""
    with serving() as server:
        yield server


def open_check(path: Path) -> Open:
    return lambda engine, bridge: CheckScreen(engine, bridge, path)


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_wrong_with_links_is_listed_line_by_line(
    server: LinkServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    lines = [audio(name, file=f"{server.url}/{name}") for name in ("ranged", "404", "login", "500")]
    path = saved(tmp_path, dumped(*lines))
    async with shown(offline(tmp_path), open_check(path), size) as (app, pilot):
        await until(lambda: "! 4 warnings" in app.text)
        assert server.asked == []
        await pilot.press("u")
        await until(lambda: "✗ 2 errors · ! 5 warnings" in app.text)
        screen = app.screen
        assert isinstance(screen, CheckScreen)
        report = screen.session.report
        assert report is not None
        found = [(problem.rule, problem.line) for problem in report.problems if problem.rule.startswith("url-")]
        assert found == [("url-gone", 2), ("url-login-page", 3), ("url-unreachable", 4)]
        await until(lambda: "4 links checked" in app.toasts)
        assert "3 of them are listed. Together's network may get different answers." in app.toasts
        check_screen(app)
        await pilot.press("r")
        await until(lambda: "! 4 warnings" in app.text and "errors" not in app.text)


async def test_images_that_are_there_are_no_problem(server: LinkServer, tmp_path: Path) -> None:
    part = {"type": "image_url", "image_url": {"url": f"{server.url}/ranged"}}
    path = saved(tmp_path, dumped(with_messages({"role": "user", "content": [part]})))
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await until(lambda: "in 1 line" in app.text or "warning" in app.text)
        await pilot.press("u")
        await until(lambda: "1 link checked" in app.toasts)
        assert "All links work" in app.toasts
        assert len(server.asked) == 1


async def test_without_links_that_is_said(tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(saved(tmp_path, dumped(chat())))) as (app, pilot):
        await until(lambda: "No problems" in app.text)
        await pilot.press("u")
        await until(lambda: "There are no links" in app.toasts)


async def test_looking_is_stopped_by_escape_and_the_screen_stays(server: LinkServer, tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(audio("a", file=f"{server.url}/slow"), audio("b", file=f"{server.url}/404")))
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await until(lambda: "! 2 warnings" in app.text)
        await pilot.press("u")
        await until(lambda: "Checking the links" in app.text and "1 of 2 links" in app.text)
        screen = app.screen
        assert isinstance(screen, CheckScreen)
        assert "to stop" in screen.disabled_reason("look_at_links")
        await pilot.press("escape")
        await until(lambda: "Not all links were checked" in app.toasts)
        assert app.screen is screen
        await until(lambda: "Checking the links" not in app.text)
        assert "! 2 warnings" in app.text


async def test_there_are_no_links_to_look_at_in_a_file_that_is_gone(tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(tmp_path / "gone.jsonl")) as (app, pilot):
        await until(lambda: "does not exist" in app.text)
        await pilot.press("u")
        await until(lambda: "There are no links to look at: the file cannot be read" in app.toasts)
