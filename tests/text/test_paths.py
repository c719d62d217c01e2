"""The path that a text means. The rest of the source asks the disk by functions that do not raise."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.text.paths import path_of, working_folder

if TYPE_CHECKING:
    import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tbatch_tui"
RAISING = {"exists", "is_file", "is_dir", "is_symlink", "samefile", "expanduser", "cwd"}
"""Methods of Path that raise for a folder that cannot be searched, a long name, ~nobody, or a folder that is gone."""
OF_A_LISTING = {"readers/folder.py", "pick/folder.py"}
"""Where they are those of an entry in a folder that is being read, and what they raise is caught."""


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


def test_nothing_asks_the_disk_with_what_raises() -> None:
    asked = [
        f"{path.relative_to(SOURCE)}:{node.lineno}: .{node.attr}"
        for path in sorted(SOURCE.rglob("*.py"))
        if str(path.relative_to(path.parents[1])) not in OF_A_LISTING and path != SOURCE / "text" / "paths.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in RAISING and ast.unparse(node.value) != "os.path"
    ]
    assert asked == []
