"""Whether a folder is the one that it was: what changes for the same folder, and what a copy has in common with it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.local_files.folder_place import FolderPlace, find_place

if TYPE_CHECKING:
    from pathlib import Path

NOTED = FolderPlace("mark", 10, 1_000.0, 1_000.0, 11, "machine", "/home/ada/data", "gpu-3")


@pytest.mark.parametrize(
    ("what", "here"),
    [
        ("nothing", {}),
        ("a home that other machines mount", {"machine": "other", "host": "gpu-4"}),
        ("a volume of another container, at another path", {"machine": "", "host": "f00", "path": "/data"}),
        ("the folder above was renamed", {"path": "/home/ada/old"}),
        ("chmod -R, or a hard link", {"changed": 5_000.0}),
        ("files are numbered anew at each mount", {"inode": 99, "history": 98}),
        ("a file system with whole seconds", {"changed": 1_001.5, "modified": 999.5}),
        ("the mark was removed", {"mark": "new", "inode": 12, "changed": 5_000.0, "modified": 5_000.0}),
    ],
)
def test_the_same_folder_is_no_copy(what: str, here: dict[str, object]) -> None:
    assert not replace(NOTED, **here).is_copied_from(NOTED), what  # type: ignore[arg-type]


COPY = {"inode": 20, "history": 21, "changed": 5_000.0}


@pytest.mark.parametrize(
    ("what", "here"),
    [
        ("cp -a on the same machine", COPY | {"path": "/backup/data"}),
        ("rsync to another machine, at the same path", COPY | {"machine": "other"}),
        ("the same inode there by chance", {"changed": 5_000.0, "machine": "other"}),
        ("a machine without a name for itself", COPY | {"machine": "", "path": "/elsewhere"}),
        ("a backup that was restored where it was", COPY),
        ("a copy written over the files", {"changed": 5_000.0, "modified": 5_000.0}),
        ("only the history was restored", {"history": 21}),
        ("only the history was copied", {"mark": "new", "path": "/elsewhere", **COPY}),
    ],
)
def test_a_copy_is_one(what: str, here: dict[str, object]) -> None:
    assert replace(NOTED, **here).is_copied_from(NOTED), what  # type: ignore[arg-type]


def test_a_folder_that_is_moved_is_found_again_and_a_copy_of_it_is_not(tmp_path: Path) -> None:
    (folder := tmp_path / "data").mkdir()
    (folder / "history.db").touch()
    noted = find_place(folder / "history.db")
    assert noted == find_place(folder / "history.db") and FolderPlace.from_json(noted.to_json()) == noted
    assert (folder / "history.db.place").stat().st_mode & 0o777 == 0o600
    shutil.copytree(folder, tmp_path / "copy")  # keeps the time of writing, as cp -a and rsync do
    folder.rename(tmp_path / "moved")
    assert not find_place(tmp_path / "moved" / "history.db").is_copied_from(noted)
    aged = replace(noted, changed=noted.changed - 60)  # copies are made later than within two seconds
    assert find_place(tmp_path / "copy" / "history.db").is_copied_from(aged)
    (tmp_path / "moved" / "history.db.place").chmod(0o400)
    assert not find_place(tmp_path / "moved" / "history.db").is_copied_from(replace(aged, path=str(tmp_path / "moved")))


def test_a_folder_whose_name_is_no_utf8_is_named(tmp_path: Path) -> None:
    (folder := tmp_path / "\udcff data").mkdir()
    (folder / "history.db").touch()
    place = find_place(folder / "history.db")
    assert FolderPlace.from_json(place.to_json()) == place
    assert place.words.endswith("\ufffd data") and place.words.encode()


def test_what_another_version_wrote_says_nothing() -> None:
    assert FolderPlace.from_json("{}") is None and FolderPlace.from_json("x") is None
