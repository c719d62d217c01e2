"""All mistakes in config.toml at once, and the line of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.config.positions import line_in_message, line_of
from tbatch_tui.config.problems import find_problems

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """# a comment = 1
output_dir = 3
poll_intervall = 60
"base_url" = "ftp://x"

[notify]
bell = "no"   # [not.a.table]
colour = 1

[prices]
"acme/own.model" = { input = "x" }

[profiles.work]   # ours
key_env = "WORK_KEY"
base_url = "http://10.0.0.1"
[profiles . "home"]
color = "red"
"""


def test_every_mistake_is_found_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    found = {error.keys: line_of(TEXT, error.keys) for error in find_problems(path)}
    assert found == {
        ("poll_intervall",): 3,
        ("output_dir",): 2,
        ("notify", "bell"): 7,
        ("notify", "colour"): 8,
        ("prices", "acme/own.model", "input"): 11,
        ("profiles", "home", "color"): 17,
        ("profiles", "home"): 16,
        ("base_url",): 4,
        ("profiles", "work", "base_url"): 15,
    }


@pytest.mark.parametrize("text", ["", "mouse = false\n[keys]\n'job.cancel' = 'C'\n[profiles.a]\nkey_env = 'K'\n"])
def test_a_good_file_has_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert find_problems(path) == []
    path.write_text(text)
    assert find_problems(path) == []


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = [\n", 3), ("x = 'a\n", 1), ("\n\n= 1\n", 3)])
def test_what_is_no_toml_is_one_mistake(text: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    [error] = find_problems(path)
    assert error.keys == () and line_in_message(str(error)) in (line, line - 1, None)


def test_a_poll_interval_that_is_too_short_is_found(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("poll_interval = 1\n")
    assert [error.keys for error in find_problems(path)] == [("poll_interval",)]
    path.write_text('poll_interval = 1\nbase_url = "http://127.0.0.1:1"\n')
    assert find_problems(path) == []
