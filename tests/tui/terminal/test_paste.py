"""What is pasted: a dropped file is opened from every screen, and lines stay lines where there may be several."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tbatch_tui.tui.screens.check.several.screen import CheckFilesScreen
from tbatch_tui.tui.screens.compose.screen import ComposeScreen
from tbatch_tui.tui.screens.jobs.dialogs.label import EditLabel
from tbatch_tui.tui.screens.pick.dropped import dropped_paths
from tests.conftest import until, write_chat
from tests.helpers.app_host import make_app
from tests.helpers.drawn import check_screen, screen_opened, screen_text
from tests.helpers.keyboard import type_at_once
from tests.tui.scenarios.test_main_path import on, shows

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp


def paste(app: TbatchApp, text: str) -> None:
    """Paste as terminals with bracketed paste do."""
    type_at_once(app, f"\x1b[200~{text}\x1b[201~")


def checked(app: TbatchApp) -> Path | None:
    return app.screen.session.path if isinstance(app.screen, CheckScreen) else None


FORMS = ["{}", "'{}'", '"{}"', "{escaped}", "file://{url}", "{}\n", "'{}' ", "{escaped} {escaped}", "{}\n{}\n"]


@pytest.mark.parametrize("form", FORMS)
def test_what_terminals_paste(form: str, tmp_path: Path) -> None:
    path = write_chat(tmp_path / "with space.jsonl", ["x"])
    url = str(path).replace(" ", "%20")
    text = form.format(path, path, escaped=str(path).replace(" ", "\\ "), url=url)
    assert set(dropped_paths(text, tmp_path)) == {path}


def test_several_files_and_none(tmp_path: Path) -> None:
    one, two = (write_chat(tmp_path / name, ["x"]) for name in ("it's one.jsonl", "two.jsonl"))
    both = [one, two]
    assert dropped_paths(shlex.join(map(str, both)), Path("/")) == both
    assert dropped_paths(f"{one}\r\n{two}", Path("/")) == both
    assert dropped_paths("two.jsonl", tmp_path) == [two]
    assert dropped_paths("/nowhere.jsonl", tmp_path) == [Path("/nowhere.jsonl")]
    for text in ("Hello, world", "select * from jobs;", "", "one\ntwo", "\x00"):
        with pytest.raises(BatchError, match="not the path"):
            dropped_paths(text, tmp_path)


@pytest.mark.parametrize("name", ["Jobs", "Pick", "Check", "Files", "Job"])
async def test_a_dropped_file_is_opened_from_every_screen(
    name: str, still_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    still_sandbox.add_job(rows=3)
    path = write_chat(tmp_path / "dropped here.jsonl", ["x", "y"])
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: shows(app, "Validating"))
        if name == "Check":
            app.open_check(write_chat(tmp_path / "other.jsonl", ["z"]))
        elif name != "Jobs":
            await pilot.press({"Pick": "n", "Files": "F", "Job": "enter"}[name])
        await until(lambda: on(app, name))
        await pilot.pause()
        paste(app, f"'{path}'")
        await until(lambda: checked(app) == path)
        await until(lambda: shows(app, "No problems"))


async def test_why_a_drop_opens_nothing(still_sandbox: Sandbox, tmp_path: Path) -> None:
    still_sandbox.add_job(rows=3)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(lambda: shows(app, "Validating"))
        for text, why in (
            ("/nowhere/x.jsonl", "does not exist"),
            ("/dev/null", "is a device"),
            ("Hello, world", "not the path of a file"),
        ):
            paste(app, text)
            await until(lambda: shows(app, why))  # noqa: B023
            assert app.screen is app.jobs
            check_screen(app)
            app.clear_notifications()
        await pilot.press("question_mark")
        await until(lambda: shows(app, "Keys of Jobs"))
        paste(app, str(write_chat(tmp_path / "a.jsonl", ["x"])))
        await until(lambda: shows(app, "while a question is open"))


async def test_a_folder_and_several_files(still_sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    paths = [write_chat(folder / name, ["x"]) for name in ("one.jsonl", "two.jsonl")]
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(140, 30), notifications=True) as pilot:
        await until(lambda: shows(app, "No jobs yet"))
        paste(app, str(folder))
        await until(lambda: isinstance(app.screen, ComposeScreen) and shows(app, "one.jsonl"))
        await pilot.press("escape", "escape")
        await until(lambda: app.screen is app.jobs)
        paste(app, shlex.join(map(str, reversed(paths))))
        await until(lambda: isinstance(app.screen, CheckFilesScreen))
        assert isinstance(app.screen, CheckFilesScreen)
        assert [file.path for file in app.screen.session.files] == paths, "in the order of their names"
        await pilot.press("escape")
        (folder / "table.csv").write_text("a\n1\n")
        paste(app, shlex.join(map(str, [*paths, folder / "table.csv"])))
        await until(lambda: checked(app) == paths[0])
        await until(lambda: shows(app, "3 files were dropped"))


async def test_lines_of_a_note_stay_and_those_of_a_label_are_joined(still_sandbox: Sandbox, tmp_path: Path) -> None:
    still_sandbox.add_job(rows=3)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(60, 20)) as pilot:
        await until(lambda: shows(app, "Validating"))
        await pilot.press("e")
        await screen_opened(app, EditLabel)
        await pilot.pause()
        paste(app, "first\r\n second\u202e\n")
        await pilot.press("tab")
        paste(app, "why: too slow\nwho: me\u202e")
        await pilot.press("!")
        await until(lambda: "me" in screen_text(app) and "!" in screen_text(app))
        check_screen(app)
        await pilot.press("enter")
        await until(lambda: app.screen is app.jobs)
        key = app.jobs.table.cursor_key
        assert key is not None
        await until(lambda: (record := app.engine.record(key)) is not None and record.note)
        record = app.engine.record(key)
        assert record is not None and record.label.startswith("first second") and "\u202e" not in record.label
        assert record.note.splitlines()[0] == "why: too slow" and record.note.splitlines()[1].startswith("who: me")
        assert "\u202e" not in record.note and len(record.note.splitlines()) == 2
        await until(lambda: shows(app, "first second"))
        check_screen(app)
