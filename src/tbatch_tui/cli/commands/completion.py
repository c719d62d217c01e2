"""`completion`: the script with which a shell completes commands, options, files and jobs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tbatch_tui.cli.parser import full_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

_BASH_JOBS = """
_tbatch_tui_jobs() {
  local name quoted
  while IFS= read -r name; do
    [[ $name == *[:=]* ]] && continue  # bash splits words there
    printf -v quoted %q "$name"
    [[ $quoted == "$1"* || $name == "$1"* ]] && printf '%s\\n' "$quoted"
  done < <(command tbatch-tui completion --jobs 2>/dev/null)
}
"""
_ZSH_JOBS = """
_tbatch_tui_jobs() {
  local -a names
  names=("${(@f)$(command tbatch-tui completion --jobs 2>/dev/null)}")
  compadd -a names
}
"""
_PROFILES = {
    "bash": """
_tbatch_tui_profiles() {
  compgen -W "$(command tbatch-tui completion --profiles 2>/dev/null)" -- "$1"
}
""",
    "zsh": """
_tbatch_tui_profiles() {
  local -a names
  names=("${(@f)$(command tbatch-tui completion --profiles 2>/dev/null)}")
  compadd -a names
}
""",
}
_FISH_JOBS = "(command tbatch-tui completion --jobs 2>/dev/null)"
# No shell evaluates a name: bash quotes each with %q, compadd and fish quote what they insert.
_JOB_COMPLETE = {
    "bash": "_tbatch_tui_jobs",
    "zsh": "_tbatch_tui_jobs",
    "fish": _FISH_JOBS,
    "preamble": {"bash": _BASH_JOBS, "zsh": _ZSH_JOBS},
}
# The name of a profile holds nothing that a shell obeys: config.toml is refused where it does.
_PROFILE_COMPLETE = {
    "bash": "_tbatch_tui_profiles",
    "zsh": "_tbatch_tui_profiles",
    "fish": "(command tbatch-tui completion --profiles 2>/dev/null)",
    "preamble": _PROFILES,
}


def script(shell: str) -> str:
    """Return the script for this shell, to be evaluated by it."""
    import shtab

    parser = full_parser()
    for action in _arguments(parser):
        if action.dest == "profile":
            action.complete = _PROFILE_COMPLETE  # type: ignore[attr-defined]
        if action.option_strings:
            continue
        if action.metavar == "ID":
            action.complete = _JOB_COMPLETE  # type: ignore[attr-defined]  # what shtab reads
        elif action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Return the arguments and options of all commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _arguments(command)
        else:
            yield action
