"""`docs/reference/cli.md` and `json.md` are true: each option is there, each key of a job too."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.cli.commands.check import add_arguments as add_check_arguments
from tbatch_tui.cli.dispatch import COMMANDS
from tbatch_tui.cli.parser import COMMAND_HELP, add_setting_options, app_parser
from tbatch_tui.cli.parser import add_arguments as add_command_arguments
from tbatch_tui.sandbox.server import add_arguments as add_sandbox_arguments

if TYPE_CHECKING:
    from tests.cli.conftest import Run

DOCS = Path(__file__).parents[2] / "docs"
CLI = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """Return what stands under a heading of the second level."""
    return page.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def options(parser: ArgumentParser) -> set[str]:
    """Return every option of a command, `--help` left out."""
    return {option for option in parser._option_string_actions if option.startswith("--")} - {"--help"}


def test_every_command_has_its_section() -> None:
    assert set(re.findall(r"^## (.+)$", CLI, re.MULTILINE)) == {"The app", *COMMANDS}


def test_the_options_of_the_app() -> None:
    assert set(re.findall(r"^  (--[a-z-]+)", section(CLI, "The app"), re.MULTILINE)) == options(app_parser())


@pytest.mark.parametrize("command", ["check", *COMMAND_HELP])
def test_the_options_of_each_command(command: str) -> None:
    parser, settings = ArgumentParser(), ArgumentParser()
    if command == "check":
        add_check_arguments(parser)
    else:
        add_command_arguments(command, parser)
    add_setting_options(settings)
    documented = set(re.findall(r"^  (--[a-z-]+)", section(CLI, command), re.MULTILINE))
    assert documented == options(parser) - options(settings)


def test_the_options_of_the_sandbox() -> None:
    parser = ArgumentParser()
    add_sandbox_arguments(parser)
    page = (DOCS / "sandbox.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.MULTILINE)) == options(parser)


def test_the_keys_of_a_job(run: Run, chat_file: Path) -> None:
    assert run("submit", str(chat_file), "--wait", "--poll-interval", "0.2").returncode == 0
    printed = json.loads(run("get", chat_file.stem, "--json").stdout)
    page = (DOCS / "reference" / "json.md").read_text(encoding="utf-8")
    shown = json.loads(section(page, "A job").split("```json")[1].split("```")[0])
    assert [*printed] == [*shown]
    for name in ("input", "output", "tally"):
        assert [*printed[name]] == [*shown[name]], name
