"""Several files as one group, in the app: marked in Pick, checked together, created once, one row in Jobs."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.tui.messages import OpenPaths
from tbatch_tui.tui.screens.check.several import session
from tbatch_tui.tui.screens.check.several.screen import CheckFilesScreen
from tbatch_tui.tui.screens.check.several.table import CheckedTable
from tbatch_tui.tui.screens.create.open import group_name
from tbatch_tui.tui.screens.pick.screen import PickScreen
from tests.conftest import CHAT_MODEL, until
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import check_screen, screen_text
from tests.helpers.keyboard import type_at_once
from tests.tui.scenarios.test_main_path import on, shows

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp


def said(app: TbatchApp, text: str) -> bool:
    """Whether a message with this text was shown."""
    return any(text in f"{message.title} {message.text}" for message in app.bridge.log)


def write(path: Path, ids: list[str], *, head: str = "", end: str = "\n") -> Path:
    path.parent.mkdir(exist_ok=True)
    body = {"model": CHAT_MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Say hi."}]}
    lines = "\n".join(json.dumps({"custom_id": each, "body": body}) for each in ids)
    path.write_text(head + lines + end, encoding="utf-8")
    return path


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three files, in a folder of the working folder: 1, 2 with a BOM, 10 without an end of its last line."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "table.csv").write_text("a,b\n1,2\n")
    return [
        write(work / "shards" / "shard-1.jsonl", ["a1", "a2", "a3", "a4"]),
        write(work / "shards" / "shard-2.jsonl", ["b1", "b2", "b3"], head="\ufeff"),
        write(work / "shards" / "shard-10.jsonl", ["c1", "c2"], end=""),
    ]


async def open_pick(app: TbatchApp, pilot: Pilot[Any]) -> None:
    """Go to Pick, with the cursor on the folder `shards`."""
    await pilot.press("n")
    await until(lambda: on(app, "Pick") and shows(app, "shards/"))
    await go_to(app, pilot, "shards")


async def go_to(app: TbatchApp, pilot: Pilot[Any], name: str) -> None:
    table = app.screen.query_one("#files")
    source = table.source  # type: ignore[attr-defined]
    index = next(n for n in range(len(source)) if entry_name(source.row(n)) == name)
    table.move_cursor(index=index)  # type: ignore[attr-defined]
    await pilot.pause()


def entry_name(row: Any) -> str:
    return str(row.entry.name if hasattr(row, "entry") else row.file.path.name)


def listed(app: TbatchApp) -> list[str]:
    source = app.screen.query_one(CheckedTable).source
    return [source.row(index).file.path.name for index in range(len(source))]


def is_done(app: TbatchApp) -> bool:
    return isinstance(app.screen, CheckFilesScreen) and app.screen.session.is_compared


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_folder_becomes_one_group(
    sandbox: Sandbox, tmp_path: Path, shards: list[Path], size: tuple[int, int]
) -> None:
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        await open_pick(app, pilot)
        await until(lambda: shows(app, "3 .jsonl files"))
        assert shows(app, "space marks them as one group")
        check_screen(app)
        await pilot.press("space")
        await until(lambda: shows(app, "3 files marked") and shows(app, "Check 3 files"))
        check_screen(app)
        await pilot.press("enter")
        await until(lambda: is_done(app) and shows(app, "No problems"))
        assert listed(app) == ["shard-1.jsonl", "shard-2.jsonl", "shard-10.jsonl"]
        assert shows(app, "9 requests") and shows(app, "3 jobs as one group")
        check_screen(app)
        await pilot.press("c")
        await until(lambda: on(app, "Create") and shows(app, "Submit") and "3 files" in screen_text(app))
        assert app.screen.label == "shards"  # type: ignore[attr-defined]
        check_screen(app)
        await pilot.press("enter", "enter", "enter")
        await until(lambda: on(app, "Jobs") and shows(app, "shards · 3 parts"))
        await until(lambda: len(sandbox.jobs) == 3)
        check_screen(app)
    asked = [sandbox.file_bytes(job["input_file_id"]).splitlines() for job in sandbox.jobs]
    assert sorted([json.loads(line)["custom_id"] for line in lines] for lines in asked) == [
        ["a1", "a2", "a3", "a4"],
        ["b1", "b2", "b3"],
        ["c1", "c2"],
    ]

    again = make_app(tmp_path, sandbox)
    async with again.run_test(size=size) as pilot:
        await until(lambda: again.engine.health.state is HealthState.OK)
        again.post_message(OpenPaths([shards[2], write(tmp_path / "work" / "new.jsonl", ["z"])]))
        await until(lambda: is_done(again))
        await pilot.press("c")
        await until(lambda: on(again, "Create") and shows(again, "1 of the 2 files was submitted before"))
        await pilot.press("enter")
        await until(lambda: shows(again, "Submit these files again?"))
        await pilot.press("n")
        await until(lambda: on(again, "Create"))
        assert len(sandbox.jobs) == 3
        await pilot.press("enter")
        await until(lambda: shows(again, "Submit these files again?"))
        await pilot.press("y")
        await until(lambda: on(again, "Jobs") and len(sandbox.jobs) == 5)


async def test_marks_stay_and_escape_clears_the_filter_before_them(tmp_path: Path, shards: list[Path]) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test() as pilot:
        await open_pick(app, pilot)
        await pilot.press("right")
        await until(lambda: shows(app, "shard-10.jsonl"))
        await go_to(app, pilot, "shard-2.jsonl")
        await pilot.press("space", "space")  # the cursor moves on: the next one too
        await until(lambda: shows(app, "2 files marked"))
        await pilot.press("backspace")
        await until(lambda: shows(app, "shards/  2 marked"))
        await go_to(app, pilot, "table.csv")
        await pilot.press("space")
        await until(lambda: said(app, "table.csv is no .jsonl file"))
        await pilot.press("slash", *"tab")
        await until(lambda: not shows(app, "shards/"))
        assert shows(app, "2 files marked")
        await pilot.press("down", "escape")
        await until(lambda: shows(app, "shards/  2 marked"))
        await pilot.press("escape")
        await until(lambda: not shows(app, "2 files marked"))
        assert on(app, "Pick")
        await go_to(app, pilot, "shards")
        await pilot.press("right")
        await until(lambda: shows(app, "shard-10.jsonl"))
        await pilot.press("a")
        await until(lambda: shows(app, "3 files marked"))
        await pilot.press("a")
        await until(lambda: not shows(app, "3 files marked"))
        (shards[0].parent / "rows.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
        await pilot.press("backspace", "a")
        await until(lambda: said(app, "No .jsonl file is shown"))
        await go_to(app, pilot, "shards")
        await pilot.press("space", "enter")
        await until(lambda: said(app, "rows.jsonl is a table"))
        assert on(app, "Pick")


async def test_keys_in_one_read_do_what_they_say(tmp_path: Path, shards: list[Path]) -> None:
    """Two hundred files of a folder are marked before Enter is dealt with."""
    for number in range(11, 208):
        write(shards[0].parent / f"shard-{number}.jsonl", [f"d{number}"])
    app = make_app(tmp_path, None)
    async with app.run_test() as pilot:
        await open_pick(app, pilot)
        type_at_once(app, " \r")
        await until(lambda: is_done(app) and shows(app, "No problems"))
        assert listed(app) == [f"shard-{n}.jsonl" for n in (1, 2, *range(10, 208))]
        await pilot.press("escape")
        await until(lambda: on(app, "Pick") and shows(app, "200 files marked"))


async def test_what_is_wrong_is_named_by_file_and_line(tmp_path: Path, shards: list[Path]) -> None:
    folder = shards[0].parent
    write(folder / "shard-11.jsonl", ["d1", "b2"])
    (folder / "shard-12.jsonl").write_text("")
    audio = {"custom_id": "e1", "body": {"model": "openai/whisper-large-v3", "file": "https://example.com/1.mp3"}}
    (folder / "shard-13.jsonl").write_text(json.dumps(audio) + "\n")
    (folder / "shard-14.jsonl").symlink_to(folder / "gone.jsonl")
    names = [f"shard-{number}.jsonl" for number in (1, 2, 10, 11, 12, 13, 14)]
    app = make_app(tmp_path, None, file=folder / names[0])
    app.settings = replace(app.settings, more_files=tuple(folder / name for name in names[1:]))  # tbatch-tui FILE…
    async with app.run_test(size=(140, 40)) as pilot:
        await until(lambda: is_done(app) and shows(app, "4 of 7 files have errors"))
        assert listed(app) == [*names[3:], *names[:3]], "those with errors come first"
        assert shows(app, "does not exist")
        await go_to(app, pilot, "shard-13.jsonl")
        await until(lambda: shows(app, "a group has one endpoint"))
        await go_to(app, pilot, "shard-12.jsonl")
        await until(lambda: shows(app, "the file is empty"))
        await go_to(app, pilot, "shard-11.jsonl")
        await until(
            lambda: shows(app, "line 2: duplicate custom_id (first used in") and shows(app, "shard-2.jsonl, line 2")
        )
        await pilot.press("c")
        await until(lambda: said(app, "fix or leave out first"))
        check_screen(app)

        await pilot.press("enter")
        await until(lambda: on(app, "Check") and not is_done(app) and shows(app, "goes back to the files"))
        await until(lambda: shows(app, "duplicate custom_id (first used in shard-2.jsonl, line 2)"))
        check_screen(app)
        await pilot.press("enter")
        await until(lambda: is_done(app))
        for name in names[3:]:
            await go_to(app, pilot, name)
            await pilot.press("X")
            await until(lambda: name not in listed(app) and is_done(app))  # noqa: B023
        await until(lambda: shows(app, "No problems") and listed(app) == names[:3])


async def test_a_fixed_copy_takes_the_place_of_its_file(tmp_path: Path, shards: list[Path]) -> None:
    """Ids that a file before has are made unique, and so are those that are twice in it."""
    write(shards[1], ["a2", "b1", "b1", "a3"])
    app = make_app(tmp_path, None)
    async with app.run_test(size=(110, 32)) as pilot:
        await open_pick(app, pilot)
        await pilot.press("space", "enter")
        await until(lambda: is_done(app) and shows(app, "1 of 3 files has errors"))
        await pilot.press("enter")
        await until(lambda: shows(app, "3 errors") and shows(app, "goes back to the files"))
        await pilot.press("x")
        await until(lambda: shows(app, "Write"))
        await pilot.press("enter")
        await until(lambda: shows(app, "shard-2.fixed.jsonl") and shows(app, "No problems in 4 lines"))
        await pilot.press("enter")
        await until(lambda: is_done(app) and shows(app, "No problems in 3 files"))
        assert listed(app) == ["shard-1.jsonl", "shard-2.fixed.jsonl", "shard-10.jsonl"]
    fixed = (shards[1].parent / "shard-2.fixed.jsonl").read_text().splitlines()
    assert [json.loads(line)["custom_id"] for line in fixed] == ["a2-dup2", "b1", "b1-dup2", "a3-dup2"]


async def test_a_file_that_changes_before_it_is_sent_is_checked_again(
    sandbox: Sandbox, tmp_path: Path, shards: list[Path]
) -> None:
    app = make_app(tmp_path, sandbox)
    async with app.run_test() as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        await open_pick(app, pilot)
        await pilot.press("space", "enter")
        await until(lambda: is_done(app))
        await pilot.press("c")
        await until(lambda: on(app, "Create") and shows(app, "Submit"))
        await until(lambda: app.screen._file.fingerprint is not None)  # type: ignore[attr-defined]
        write(shards[2], ["c1", "a1"])
        os.utime(shards[2], (1_000_000_000, 1_000_000_000))
        await pilot.press("enter")
        await until(lambda: is_done(app) and shows(app, "1 of 3 files has errors"))
        assert not sandbox.jobs and not sandbox.count("POST", "/v1/files")
        assert listed(app)[0] == "shard-10.jsonl"


async def test_escape_leaves_while_files_are_read_and_one_that_cannot_be_checked_is_a_row(
    tmp_path: Path, shards: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on: list[bool] = []

    def endless(path: Path, *, cancelled: Callable[[], bool], **more: Any) -> CheckReport:
        if path == shards[1]:
            raise ZeroDivisionError("in the check")
        while path == shards[0] and not cancelled() and not go_on:
            time.sleep(0.01)
        return check_file(path, cancelled=cancelled, **more)

    monkeypatch.setattr(session, "check_file", endless)
    app = make_app(tmp_path, None)
    async with app.run_test() as pilot:
        await open_pick(app, pilot)
        await pilot.press("space", "enter")
        await until(lambda: isinstance(app.screen, CheckFilesScreen) and shows(app, "File 1 of 3"))
        screen = app.screen
        assert isinstance(screen, CheckFilesScreen)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, PickScreen))
        await until(lambda: not screen.session.activity)
        assert not screen.session.is_compared
        go_on.append(True)
        await pilot.press("enter")
        await until(lambda: is_done(app) and shows(app, "1 of 3 files has errors"))
        await until(lambda: shows(app, "ZeroDivisionError: in the check"))


def test_what_a_group_is_called(tmp_path: Path) -> None:
    def named(*names: str) -> str:
        return group_name([tmp_path / name for name in names])

    assert named("march/reviews-01.jsonl", "march/reviews-02.jsonl") == "reviews"
    assert named("march/shard-1.jsonl", "march/shard-2.jsonl") == "march"
    assert named("march/a.jsonl", "march/b.jsonl") == "march"
    assert named("march/a.jsonl", "april/b.jsonl") == tmp_path.name
    assert group_name([Path("/1.jsonl"), Path("/2.jsonl")]) == "group"
