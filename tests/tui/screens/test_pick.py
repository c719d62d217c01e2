"""Pick: a file is found by the list, by its path, by a drop; what cannot be taken is said, and nothing is lost."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from textual import events

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.sandbox.demo.samples import write_samples
from tbatch_tui.tui.messages import CheckFile, GoBack
from tbatch_tui.tui.screens.pick.folder import EntryKind, list_folder
from tbatch_tui.tui.screens.pick.path_input import PathInput
from tbatch_tui.tui.screens.pick.screen import PickScreen
from tbatch_tui.tui.screens.pick.table import FileTable
from tbatch_tui.tui.screens.pick.typed_path import parts_of, pasted, resolved
from tests.conftest import until, write_chat
from tests.helpers.new_batch_host import SIZES, NewBatchHost, offline, shown

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.sandbox.testing import Sandbox

HOSTILE = "[bad] \x1b[2J \u202egnp.jsonl"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder as people have them."""
    folder = tmp_path / "work"
    (folder / "evals").mkdir(parents=True)
    (folder / "Archive").mkdir()
    (folder / ".hidden").mkdir()
    write_chat(folder / "reviews.jsonl", ["Hello"])
    write_chat(folder / "Clips.JSONL", ["Hello"])
    write_chat(folder / "with space.jsonl", ["Hello"])
    write_chat(folder / "evals" / "march.jsonl", ["Hello"])
    (folder / "notes.txt").write_text("not for a batch")
    (folder / ".secret.jsonl").write_text("{}")
    return folder


def open_pick(work: Path, samples: Path | None = None) -> object:
    return lambda engine, bridge: PickScreen(engine, bridge, work, samples)


def names(app: NewBatchHost) -> list[str]:
    source = app.screen.query_one(FileTable).source
    return [source.row(index).entry.name for index in range(len(source))]


async def listed(app: NewBatchHost, name: str = "reviews.jsonl") -> None:
    await until(lambda: name in names(app), what=f"{name} is listed")


async def type_path(pilot: Pilot[object], text: str) -> None:
    await pilot.press("slash")
    pilot.app.screen.query_one(PathInput).put(text)
    await pilot.pause()


def taken(app: NewBatchHost) -> list[Path]:
    return [message.path for message in app.asked if isinstance(message, CheckFile)]


@pytest.mark.parametrize("size", SIZES)
async def test_lists_folders_first_and_only_what_a_batch_takes(
    work: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with shown(offline(tmp_path), open_pick(work), size) as (app, _):
        await listed(app)
        assert names(app) == ["..", "Archive", "evals", "Clips.JSONL", "reviews.jsonl", "with space.jsonl"]
        assert isinstance(app.focused, FileTable)
        assert "Pick" in app.text and "3 .jsonl files" in app.text
        await until(lambda: '"request-1"' in app.text, what="the first line of the file under the cursor is shown")


async def test_enter_takes_the_file_under_the_cursor(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await listed(app)
        await pilot.press("G", "enter")
        await until(lambda: app.asked)
        assert taken(app) == [work / "with space.jsonl"]


async def test_into_a_folder_and_back_with_the_cursor_where_one_was(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await listed(app)
        await pilot.press("g", "j", "j", "enter")
        await listed(app, "march.jsonl")
        assert "evals" in app.text.splitlines()[0]
        await pilot.press("backspace")
        await listed(app)
        await until(lambda: (row := app.screen.query_one(FileTable).cursor_row) and row.entry.name == "evals")
        assert not app.asked


async def test_the_cursor_begins_on_what_one_came_for(work: Path, tmp_path: Path) -> None:
    os.utime(work / "Clips.JSONL", (2_000_000_000, 2_000_000_000))
    (work / "Archive" / "older").mkdir()
    (work / "evals" / "nothing").mkdir()
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):

        async def under_the_cursor(name: str) -> None:
            await until(
                lambda: (row := app.screen.query_one(FileTable).cursor_row) and row.entry.name == name, what=name
            )

        await under_the_cursor("Clips.JSONL")  # the newest file
        await pilot.press("g", "j", "enter")
        await under_the_cursor("older")  # the first folder where there is no file
        await pilot.press("enter")
        await under_the_cursor("..")
        await pilot.press("enter")
        await under_the_cursor("older")


async def test_samples_and_recent_files_stand_on_top(work: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    samples = tmp_path / "samples"
    write_samples(samples)
    online = offline(tmp_path, base_url=sandbox.base_url, api_key=sandbox.key)  # a file is recent once it is submitted
    async with shown(online, open_pick(work, samples), (140, 40)) as (app, _):
        await app.engine.submit_checked(work / "evals" / "march.jsonl", Endpoint.CHAT, requests=1)
        app.screen.on_screen_resume()  # type: ignore[attr-defined]
        await listed(app, "march.jsonl")
        assert names(app)[:5] == [
            "march.jsonl",
            "audio.jsonl",
            "chat.jsonl",
            "reviews-2000.jsonl",
            "with-faults.jsonl",
        ]
        assert "Recent" in app.text and "Samples" in app.text and "Folder" in app.text


async def test_a_typed_path_is_taken(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(work))
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await listed(app)
        for typed, name in (
            ("reviews.jsonl", "reviews.jsonl"),
            ("evals/march.jsonl", "evals/march.jsonl"),
            (str(work / "reviews.jsonl"), "reviews.jsonl"),
            ("./evals/../reviews.jsonl", "reviews.jsonl"),
            ("~/reviews.jsonl", "reviews.jsonl"),
            ("'with space.jsonl'", "with space.jsonl"),
            ('"with space.jsonl"', "with space.jsonl"),
            ("with\\ space.jsonl", "with space.jsonl"),
            ("revi", "reviews.jsonl"),
            ("evals/ma", "evals/march.jsonl"),
        ):
            app.asked.clear()
            await type_path(pilot, typed)
            await pilot.press("enter")
            await until(lambda: app.asked, what=app.text)
            assert taken(app) == [work / name]


async def test_the_ghost_is_completed_with_tab(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await listed(app)
        await pilot.press("slash", "e", "v")
        line = app.screen.query_one(PathInput)
        await until(lambda: line._suggestion == "evals/")
        await pilot.press("tab")
        assert line.value == "evals/" and app.focused is line
        await listed(app, "march.jsonl")
        await pilot.press("m")
        await until(lambda: line._suggestion == "evals/march.jsonl")
        await pilot.press("right", "enter")
        await until(lambda: app.asked)
        assert taken(app) == [work / "evals" / "march.jsonl"]


async def test_typing_filters_and_escape_gives_all_back(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await listed(app)
        await pilot.press("slash", "e")
        await until(lambda: (row := app.screen.query_one(FileTable).cursor_row) and row.entry.name == "evals")
        await pilot.press("backspace", *"SPAC")
        await until(lambda: names(app) == ["with space.jsonl"])
        await pilot.press("x")
        await until(lambda: "Nothing here is called" in app.text)
        await pilot.press("escape")
        await listed(app)
        assert isinstance(app.focused, FileTable) and not app.asked
        await pilot.press("escape")
        assert isinstance(app.asked[0], GoBack)


@pytest.mark.parametrize("form", ["'{}'", "{}", "file://{}"])
async def test_a_dropped_file_lands_on_the_path_line(work: Path, tmp_path: Path, form: str) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await listed(app)
        path = work / "with space.jsonl"
        written = str(path).replace(" ", "%20" if "file" in form else " " if "'" in form else "\\ ")
        app.focused.post_message(events.Paste(form.format(written) + "\n"))  # type: ignore[union-attr]
        await until(lambda: app.screen.query_one(PathInput).value == str(path))
        await pilot.press("enter")
        await until(lambda: app.asked)
        assert taken(app) == [path]


async def test_a_dropped_hostile_name_is_drawn_harmlessly_and_meant_exactly(work: Path, tmp_path: Path) -> None:
    path = write_chat(work / HOSTILE, ["Hello"])
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await listed(app)
        app.focused.post_message(events.Paste(f"'{path}'"))  # type: ignore[union-attr]
        await until(lambda: app.screen.query_one(PathInput).value)
        await pilot.press("enter")
        await until(lambda: app.asked, what=app.text)
        assert taken(app) == [path]


@pytest.mark.parametrize("size", SIZES)
async def test_what_cannot_be_taken_is_said(work: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    os.mkfifo(work / "pipe.jsonl")
    async with shown(offline(tmp_path), open_pick(work), size) as (app, pilot):
        await listed(app)
        for typed, words in (
            ("nowhere.jsonl", "does not exist"),
            ("notes.txt/there.jsonl", "A part of the path is a file"),
            ("pipe.jsonl", "is a pipe, not a file"),
            ("/dev/null", "is a device, not a file"),
            ("/" + "x" * 5000, "too long"),
        ):
            await type_path(pilot, typed)
            await pilot.press("enter")
            await until(lambda words=words: words in " ".join(app.text.split()), what=words)  # type: ignore[misc]
            assert app.screen.query_one(PathInput).value == typed and not app.asked


async def test_a_folder_typed_is_entered_and_an_unreadable_one_is_said(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await listed(app)
        await type_path(pilot, "evals")
        await pilot.press("enter")
        await listed(app, "march.jsonl")
        assert app.screen.query_one(PathInput).value == "" and not app.asked
        (work / "evals" / "march.jsonl").unlink()
        (work / "evals").rmdir()
        await type_path(pilot, "../evals/x.jsonl")
        await pilot.press("enter")
        await until(lambda: "does not exist" in app.text, what=app.text)


async def test_hostile_names_and_pipes_in_the_list(work: Path, tmp_path: Path) -> None:
    write_chat(work / HOSTILE, ["Hello"])
    (work / "latin.jsonl").write_bytes(b'{"a": "\xe9"}\n')
    (work / "empty.jsonl").touch()
    (work / "broken.jsonl").symlink_to(work / "gone")
    os.mkfifo(work / "pipe.jsonl")
    async with shown(offline(tmp_path), open_pick(work), (140, 40)) as (app, pilot):
        await listed(app)
        for name, words in (
            (HOSTILE, '"request-1"'),
            ("broken.jsonl", "does not exist"),
            ("empty.jsonl", "The file is empty"),
            ("latin.jsonl", "not UTF-8"),
            ("pipe.jsonl", "is a pipe"),
        ):
            table = app.screen.query_one(FileTable)
            table.move_cursor(index=names(app).index(name))
            await until(lambda words=words: words in app.text, what=words)  # type: ignore[misc]
        await pilot.press("enter")
        await until(lambda: "Save what it gives" in app.text)
        assert not app.asked


async def test_a_huge_folder_does_not_hold_the_loop(work: Path, tmp_path: Path) -> None:
    huge = work / "huge"
    huge.mkdir()
    for number in range(2_000):
        (huge / f"part-{number:05}.jsonl").touch()
    async with shown(offline(tmp_path), open_pick(huge)) as (app, _):
        await listed(app, "part-01999.jsonl")
        assert len(names(app)) == 2_001


def test_a_listing_stops_when_it_is_not_wanted(work: Path) -> None:
    from tbatch_tui.engine.errors import OperationCancelledError

    with pytest.raises(OperationCancelledError):
        list_folder(work, lambda: True)


def test_kinds_and_sizes(work: Path) -> None:
    entries = {entry.name: entry for entry in list_folder(work)}
    assert entries["evals"].kind is EntryKind.FOLDER
    assert entries["reviews.jsonl"].size == (work / "reviews.jsonl").stat().st_size
    assert abs((entries["reviews.jsonl"].modified or 0) - time.time()) < 60


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("'/a b/c.jsonl' ", "/a b/c.jsonl"),
        ('"/a/it\'s.jsonl"', "/a/it's.jsonl"),
        ("'/a/it'\\''s.jsonl'", "/a/it's.jsonl"),
        ("/a\\ b.jsonl\n", "/a b.jsonl"),
        ("file:///a%20b.jsonl", "/a b.jsonl"),
        ("file://localhost/a.jsonl\r\n", "/a.jsonl"),
        ("'unclosed", "'unclosed"),
    ],
)
def test_what_terminals_paste(text: str, path: str) -> None:
    assert pasted(text) == path


def test_a_name_with_quotes_in_it_is_itself(tmp_path: Path) -> None:
    (tmp_path / "'odd'").touch()
    assert resolved("'odd'", tmp_path) == tmp_path / "'odd'"
    assert resolved("~nobody-of-this-name/x", tmp_path) == tmp_path / "~nobody-of-this-name/x"
    assert parts_of("~/data/re") == ("~/data/", "re") and parts_of("re") == ("", "re") and parts_of("~") == ("~/", "")
