"""Folders of parts that no submission came of are removed, and never while anybody writes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.groups.part_folders import remove_orphans, writing_parts
from tests.conftest import until
from tests.engine.groups.test_groups import COUNT, file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

__all__ = ["file"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with one folder of parts that is used, one that is not, and what is no folder of parts."""
    home = tmp_path / "parts"
    for name in ("a" * 12, "b" * 12, "mine"):
        (home / name).mkdir(parents=True)
        (home / name / "x.part1of2.jsonl").write_text("{}\n")
    (home / ("c" * 12)).write_text("a file")
    (home / ("d" * 12)).symlink_to(home / "mine")
    return home


async def test_what_no_submission_names_is_removed(home: Path) -> None:
    async def read() -> Iterable[Path]:
        return [home.parent / "before it was moved" / ("a" * 12) / "x.part1of2.jsonl"]

    assert await remove_orphans(home, read) == 1
    assert sorted(path.name for path in home.iterdir()) == ["a" * 12, "c" * 12, "d" * 12, "mine"]
    assert (home / "mine" / "x.part1of2.jsonl").exists()


async def test_nothing_is_removed_while_parts_are_written(home: Path) -> None:
    async def read() -> Iterable[Path]:
        return []

    async with writing_parts(home), writing_parts(home):
        assert await remove_orphans(home, read) == 0
    assert await remove_orphans(home, read) == 2


async def test_without_a_folder_nothing_is_made(tmp_path: Path) -> None:
    async def read() -> Iterable[Path]:
        raise AssertionError

    assert await remove_orphans(tmp_path / "parts", read) == 0
    assert list(tmp_path.iterdir()) == []


async def test_the_next_start_removes_what_a_killed_app_left(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path
) -> None:
    home = tmp_path / "data" / "parts"
    async with make_engine(sandbox) as engine:
        key = await engine.groups.submit(
            file, Endpoint.CHAT, requests=COUNT, fingerprint=await engine.fingerprint(file), first=10
        )
        [used] = home.iterdir()
    orphan = home / "0123456789ab"
    orphan.mkdir()
    (orphan / "reviews.rest.jsonl").write_bytes(file.read_bytes())
    async with make_engine(sandbox) as engine:
        await until(lambda: not orphan.exists())
        await engine.records()
        for part in await engine.groups.parts(key):
            assert part.submission is not None and part.submission.path.exists()
    assert list(home.iterdir()) == [used]
