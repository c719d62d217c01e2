"""`completion --jobs` and `--profiles`: asked for by a script at each press of Tab, so it loads next to nothing."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_JOBS_MAX = 2_000
"""Jobs whose names are offered: the latest."""
_LONGEST_NAME = 200


def print_job_names() -> int:
    """Print the names of jobs, one per line, without asking the server; a mistake in config.toml prints none."""
    from tbatch_tui.config import paths
    from tbatch_tui.config.settings import SettingsError
    from tbatch_tui.config.toml import ConfigFile
    from tbatch_tui.text.paths import path_of

    try:
        folder = ConfigFile(paths.config_file()).text("data_dir")
    except SettingsError:
        return 0
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # whatever the locale
    for name in job_names(path_of(folder) if folder else paths.data_dir()):
        sys.stdout.write(f"{name}\n")
    return 0


def print_profile_names() -> int:
    """Print the names of the profiles, one per line; a mistake in config.toml prints none."""
    from tbatch_tui.config import paths
    from tbatch_tui.config.settings import SettingsError
    from tbatch_tui.config.toml import ConfigFile

    with suppress(SettingsError):
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # whatever the locale
        for name in ConfigFile(paths.config_file()).profiles():
            sys.stdout.write(f"{name}\n")
    return 0


def job_names(data_dir: Path) -> list[str]:
    """Return what the jobs of the history can be called by in a shell: ids and labels, the latest job's first.

    A label that holds anything but printable characters is left out, and one that would be read as an option.
    """
    from tbatch_tui.engine.journal.job_names import read_job_names

    names = read_job_names(data_dir / "history.db", _JOBS_MAX)
    return [name for name in names if len(name) <= _LONGEST_NAME and name.isprintable() and not name.startswith("-")]
