"""The marks of Pick: which files they are on, in which order those are sent, and how natural that order is."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tbatch_tui.text.natural import path_key
from tbatch_tui.tui.screens.pick.folder import Entry, EntryKind, list_folder
from tbatch_tui.tui.screens.pick.marks import FileMarks, can_be_marked

NAMES = [f"/data/{folder}/shard-{number}.jsonl" for folder in ("a-9", "a-10") for number in range(1, 13)]


def entry(path_text: str) -> Entry:
    return Entry(path_text, Path(path_text).name, EntryKind.FILE, 10)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from(NAMES), min_size=1, unique=True), max_size=8))
def test_marks_are_those_that_were_toggled_in_one_order(toggles: list[list[str]]) -> None:
    marks, expected = FileMarks(), set[str]()
    for names in toggles:
        wanted = expected - set(names) if set(names) <= expected else expected | set(names)
        assert marks.toggle(map(entry, names)) == len(wanted) - len(expected)
        expected = wanted
    assert [str(path) for path in marks.paths] == [name for name in NAMES if name in expected]
    assert len(marks) == len(expected) and all(name in marks for name in expected)
    for folder in ("/data/a-9", "/data/a-10", "/data"):
        assert marks.count_in(folder) == sum(str(Path(name).parent) == folder for name in expected)
    assert bool(marks.words) == bool(expected)
    marks.clear()
    assert not marks.paths and not marks.count_in("/data/a-9")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1), unique=True))
def test_any_names_have_one_order(names: list[str]) -> None:
    paths = [Path("/data") / name for name in names if name not in (".", "..")]
    shuffled = random.sample(paths, len(paths))
    assert sorted(shuffled, key=path_key) == sorted(paths, key=path_key)


def test_a_folder_is_listed_in_the_order_in_which_it_is_sent(tmp_path: Path) -> None:
    for name in ("Shard-10.jsonl", "shard-2.jsonl", "shard-1.jsonl", "rows.csv", "x٣.jsonl", "007.jsonl", "7.jsonl"):
        (tmp_path / name).write_text("{}")
    listed = [each for each in list_folder(tmp_path) if can_be_marked(each)]
    assert [each.name for each in listed][:2] == ["007.jsonl", "7.jsonl"]
    marks = FileMarks()
    marks.toggle(reversed(listed))
    assert [path.name for path in marks.paths] == [each.name for each in listed]
