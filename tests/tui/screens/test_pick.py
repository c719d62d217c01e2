"""Pick: a file is chosen from the list, by its path or by a drop, and a path that cannot be opened says why."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from textual import events

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.sandbox.demo.samples import write_samples
from tbatch_tui.tui.messages import GoBack, OpenPath
from tbatch_tui.tui.screens.pick.folder import EntryKind, list_folder
from tbatch_tui.tui.screens.pick.path_input import PathInput
from tbatch_tui.tui.screens.pick.screen import PickScreen
from tbatch_tui.tui.screens.pick.table import FileTable
from tbatch_tui.tui.screens.pick.typed_path import pasted_path, resolve_path, split_typed
from tests.conftest import until, write_chat
from tests.helpers.new_batch_host import SIZES, NewBatchHost, Open, offline, shown

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
    (folder / "notes.md").write_text("not for a batch")
    (folder / "table.CSV").write_text("a,b\n1,2\n")
    os.utime(folder / "table.CSV", (1_000_000_000, 1_000_000_000))
    (folder / ".secret.jsonl").write_text("{}")
    return folder


def open_pick(work: Path, samples: Path | None = None) -> Open:
    return lambda engine, bridge: PickScreen(engine, bridge, work, samples)


def names(app: NewBatchHost) -> list[str]:
    source = app.screen.query_one(FileTable).source
    return [source.row(index).entry.name for index in range(len(source))]


async def wait_for_entry(app: NewBatchHost, name: str = "reviews.jsonl") -> None:
    await until(lambda: name in names(app), what=f"{name} is listed")


async def type_path(pilot: Pilot[object], text: str) -> None:
    await pilot.press("slash")
    pilot.app.screen.query_one(PathInput).set_path(text)
    await pilot.pause()


def chosen_paths(app: NewBatchHost) -> list[Path]:
    return [message.path for message in app.posted if isinstance(message, OpenPath)]


@pytest.mark.parametrize("size", SIZES)
async def test_folders_come_first_and_only_files_for_a_batch_are_listed(
    work: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with shown(offline(tmp_path), open_pick(work), size) as (app, _):
        await wait_for_entry(app)
        assert names(app) == ["..", "Archive", "evals", "Clips.JSONL", "reviews.jsonl", "table.CSV", "with space.jsonl"]
        assert isinstance(app.focused, FileTable)
        assert "Pick" in app.text and "4 files" in app.text
        await until(lambda: '"request-1"' in app.text, what="the first line of the file under the cursor is shown")


async def test_enter_opens_the_file_under_the_cursor(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await wait_for_entry(app)
        await pilot.press("G", "enter")
        await until(lambda: app.posted)
        assert chosen_paths(app) == [work / "with space.jsonl"]


async def test_a_folder_becomes_a_table(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await wait_for_entry(app)
        await pilot.press("G", "c")
        await pilot.press("g", "j", "j", "c")
        await until(lambda: len(app.posted) == 2)
        assert chosen_paths(app) == [work, work / "evals"]


async def test_going_up_puts_the_cursor_on_the_folder_one_came_from(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await wait_for_entry(app)
        await pilot.press("g", "j", "j", "enter")
        await wait_for_entry(app, "march.jsonl")
        assert "evals" in app.text.splitlines()[0]
        await pilot.press("backspace")
        await wait_for_entry(app)
        await until(lambda: (row := app.screen.query_one(FileTable).cursor_row) and row.entry.name == "evals")
        assert not app.posted


async def test_the_cursor_begins_on_the_likeliest_entry(work: Path, tmp_path: Path) -> None:
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


async def test_recent_files_and_samples_come_first(work: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    samples = tmp_path / "samples"
    write_samples(samples)
    online = offline(tmp_path, base_url=sandbox.base_url, api_key=sandbox.key)  # a file is recent once it is submitted
    async with shown(online, open_pick(work, samples), (140, 40)) as (app, _):
        await app.engine.submit_checked(work / "evals" / "march.jsonl", Endpoint.CHAT, requests=1)
        app.screen.on_screen_resume()  # type: ignore[attr-defined]
        await wait_for_entry(app, "march.jsonl")
        assert names(app)[:5] == [
            "march.jsonl",
            "audio.jsonl",
            "chat.jsonl",
            "reviews-2000.jsonl",
            "reviews.csv",
        ]
        assert "Recent" in app.text and "Samples" in app.text and "Folder" in app.text


async def test_a_typed_path_is_opened(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(work))
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await wait_for_entry(app)
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
            app.posted.clear()
            await type_path(pilot, typed)
            await pilot.press("enter")
            await until(lambda: app.posted, what=app.text)
            assert chosen_paths(app) == [work / name]


async def test_tab_takes_the_completion(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await wait_for_entry(app)
        await pilot.press("slash", "e", "v")
        line = app.screen.query_one(PathInput)
        await until(lambda: line._suggestion == "evals/")
        await pilot.press("tab")
        assert line.value == "evals/" and app.focused is line
        await wait_for_entry(app, "march.jsonl")
        await pilot.press("m")
        await until(lambda: line._suggestion == "evals/march.jsonl")
        await pilot.press("right", "enter")
        await until(lambda: app.posted)
        assert chosen_paths(app) == [work / "evals" / "march.jsonl"]


async def test_typing_filters_and_escape_clears(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await wait_for_entry(app)
        await pilot.press("slash", "e")
        await until(lambda: (row := app.screen.query_one(FileTable).cursor_row) and row.entry.name == "evals")
        await pilot.press("backspace", *"SPAC")
        await until(lambda: names(app) == ["with space.jsonl"])
        await pilot.press("x")
        await until(lambda: "No match for" in app.text)
        await pilot.press("escape")
        await wait_for_entry(app)
        assert isinstance(app.focused, FileTable) and not app.posted
        await pilot.press("escape")
        assert isinstance(app.posted[0], GoBack)


@pytest.mark.parametrize("form", ["'{}'", "{}", "file://{}"])
async def test_a_dropped_file_is_opened(work: Path, tmp_path: Path, form: str) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, _):
        await wait_for_entry(app)
        path = work / "with space.jsonl"
        written = str(path).replace(" ", "%20" if "file" in form else " " if "'" in form else "\\ ")
        app.focused.post_message(events.Paste(form.format(written) + "\n"))  # type: ignore[union-attr]
        await until(lambda: app.screen.query_one(PathInput).value == str(path))
        await until(lambda: app.posted)
        assert chosen_paths(app) == [path]


async def test_a_dropped_hostile_name_is_shown_escaped_and_opened_exactly(work: Path, tmp_path: Path) -> None:
    path = write_chat(work / HOSTILE, ["Hello"])
    async with shown(offline(tmp_path), open_pick(work)) as (app, _):
        await wait_for_entry(app)
        app.focused.post_message(events.Paste(f"'{path}'"))  # type: ignore[union-attr]
        await until(lambda: app.screen.query_one(PathInput).value)
        await until(lambda: app.posted, what=app.text)
        assert chosen_paths(app) == [path]


@pytest.mark.parametrize("size", SIZES)
async def test_a_path_that_cannot_be_opened_says_why(work: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    os.mkfifo(work / "pipe.jsonl")
    async with shown(offline(tmp_path), open_pick(work), size) as (app, pilot):
        await wait_for_entry(app)
        for typed, words in (
            ("nowhere.jsonl", "does not exist"),
            ("notes.md/there.jsonl", "A part of the path is a file"),
            ("pipe.jsonl", "is a pipe, not a file"),
            ("/dev/null", "is a device, not a file"),
            ("/" + "x" * 5000, "too long"),
        ):
            await type_path(pilot, typed)
            await pilot.press("enter")
            await until(lambda words=words: words in " ".join(app.text.split()), what=words)  # type: ignore[misc]
            assert app.screen.query_one(PathInput).value == typed and not app.posted


async def test_a_typed_folder_is_entered_and_a_missing_one_is_reported(work: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_pick(work)) as (app, pilot):
        await wait_for_entry(app)
        await type_path(pilot, "evals")
        await pilot.press("enter")
        await wait_for_entry(app, "march.jsonl")
        assert app.screen.query_one(PathInput).value == "" and not app.posted
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
        await wait_for_entry(app)
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
        await until(lambda: "Save its output" in " ".join(app.text.split()))  # however the long path wraps
        assert not app.posted


async def test_a_huge_folder_is_listed(work: Path, tmp_path: Path) -> None:
    huge = work / "huge"
    huge.mkdir()
    for number in range(2_000):
        (huge / f"part-{number:05}.jsonl").touch()
    async with shown(offline(tmp_path), open_pick(huge)) as (app, _):
        await wait_for_entry(app, "part-01999.jsonl")
        assert len(names(app)) == 2_001


def test_a_listing_can_be_cancelled(work: Path) -> None:
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
    assert pasted_path(text) == path


def test_a_name_that_contains_quotes_is_taken_literally(tmp_path: Path) -> None:
    (tmp_path / "'odd'").touch()
    assert resolve_path("'odd'", tmp_path) == tmp_path / "'odd'"
    assert resolve_path("~nobody-of-this-name/x", tmp_path) == tmp_path / "~nobody-of-this-name/x"
    assert (
        split_typed("~/data/re") == ("~/data/", "re")
        and split_typed("re") == ("", "re")
        and split_typed("~") == ("~/", "")
    )
