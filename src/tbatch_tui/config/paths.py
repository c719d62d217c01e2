"""Where things are kept on this platform."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APP = "tbatch-tui"


def data_dir() -> Path:
    """History and logs."""
    return Path(platformdirs.user_data_dir(_APP, appauthor=False))


def config_file() -> Path:
    """The user's settings; need not exist."""
    return Path(platformdirs.user_config_dir(_APP, appauthor=False)) / "config.toml"


def together_login_file() -> Path:
    """Where `tg login` keeps what it was given (SDK: lib/cli/auth.py, credentials_path)."""
    if override := os.environ.get("TOGETHER_CREDENTIALS_PATH"):
        return Path(override)
    if appdata := os.environ.get("APPDATA"):
        return Path(appdata) / "Together" / "credentials.json"
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "together" / "credentials.json"
