"""The files and folders of this platform."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APP = "tbatch-tui"


def data_dir() -> Path:
    """Return the folder of the history and the logs."""
    return Path(platformdirs.user_data_dir(_APP, appauthor=False))


def config_file() -> Path:
    """Return the path of config.toml, which need not exist."""
    return Path(platformdirs.user_config_dir(_APP, appauthor=False)) / "config.toml"


def together_login_file() -> Path:
    """Return the file in which `tg login` stores its tokens.

    The rule is the SDK's own: `credentials_path` in lib/cli/auth.py.
    """
    if override := os.environ.get("TOGETHER_CREDENTIALS_PATH"):
        return Path(override)
    if appdata := os.environ.get("APPDATA"):
        return Path(appdata) / "Together" / "credentials.json"
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "together" / "credentials.json"
