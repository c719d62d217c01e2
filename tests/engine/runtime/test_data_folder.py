"""A data folder that others may enter is taken from them where it is ours alone; else it is said."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.runtime.data_folder import keep_private

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_folder_of_ours_is_mended_and_said_once(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    for expected in (1, 0):
        events.clear()
        async with make_engine(sandbox):
            assert mode(folder) == 0o700
        notices = [event for event in events if isinstance(event, Notice)]
        assert [notice.title for notice in notices] == [
            f"The data folder {folder} was open to other users, and is now private"
        ] * expected


@pytest.mark.parametrize(("rights", "words"), [(0o755, "can see"), (0o777, "can change and delete")])
def test_a_folder_with_other_files_in_it_keeps_its_rights(tmp_path: Path, rights: int, words: str) -> None:
    (tmp_path / "thesis.tex").touch()
    (tmp_path / "history.db").touch()
    tmp_path.chmod(rights)
    [notice] = keep_private(tmp_path)
    assert words in notice.title and notice.severity == "warning" and f"chmod 700 {tmp_path}" in notice.hint
    assert mode(tmp_path) == rights


def test_a_folder_for_all_is_not_taken_from_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert keep_private(tmp_path) and mode(tmp_path) == 0o1777


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives a folder to another user")
def test_a_folder_of_somebody_else_is_only_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    folder.chmod(0o755)
    os.chown(folder, 65534, 65534)
    [notice] = keep_private(folder)
    assert notice.severity == "warning" and mode(folder) == 0o755


def test_nothing_is_said_of_a_private_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert keep_private(tmp_path) == [] == keep_private(tmp_path / "none")
