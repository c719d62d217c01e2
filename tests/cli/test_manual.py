"""The manual page: made from the parsers, up to date, and installed where `man` finds it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tbatch_tui.cli.commands.manual import manual_page
from tbatch_tui.cli.parser import ALL_COMMAND_HELP

ROOT = Path(__file__).parents[2]
PAGE = "docs/man/tbatch-tui.1"


def test_the_page_is_what_the_parsers_make_now() -> None:
    """Run `python -m tbatch_tui.cli.commands.manual > docs/man/tbatch-tui.1` if it is not."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == manual_page()


def test_the_page_has_every_command_and_option() -> None:
    page = manual_page()
    for command in ALL_COMMAND_HELP:
        assert f'.SS "{command}' in page
    for option in (r"\-\-poll\-interval", r"\-\-in\-parts", r"\-\-urls", r"\-\-failure\-rate", r"\-\-schema"):
        assert option in page
    assert r"\-\-jobs" not in page  # for the completion scripts alone
    assert page.isascii()


def test_the_wheel_installs_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert shared == {PAGE: "share/man/man1/tbatch-tui.1"}


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_groff_sets_it_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww"], input=manual_page(), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "EXIT STATUS" in re.sub(".\x08", "", done.stdout)  # bold is a letter struck twice
