"""The path that a text means, and the folder in which a relative one begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.text.paths import path_of, working_folder

if TYPE_CHECKING:
    import pytest


def test_a_text_becomes_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of("~/a.jsonl") == tmp_path / "a.jsonl"
    assert path_of("~nobody-is-called-so/a") == Path("~nobody-is-called-so/a")
    assert path_of("a\0b") == Path("a␀b")
    assert path_of(Path("b")) == Path("b")


def test_the_working_folder_may_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    assert working_folder() == gone
    gone.rmdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert working_folder() == tmp_path
    assert fmt.short_path(tmp_path / "a.jsonl") in ("a.jsonl", "~/a.jsonl")
