"""The settings of a command, with the key of its profile where one was named."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings

_WITHOUT_KEY = ("make", "edit", "config")
"""Commands that ask nobody and belong to no account, so that no password manager has to be unlocked for them."""


def read_settings(options: argparse.Namespace) -> Settings:
    """Return the settings of a command, without the key of a profile. Raises SettingsError."""
    from tbatch_tui.config.resolve import resolve_settings

    return resolve_settings(
        output_dir=options.output_dir,
        data_dir=options.data_dir,
        poll_interval=options.poll_interval,
        base_url=options.base_url,
        mouse=False,
        insecure=options.insecure,
        profile=options.profile,
    )


def needs_key(command: str, options: argparse.Namespace) -> bool:
    """Return whether a command needs the key of its profile: `make --new` looks at the history of its account."""
    return command not in _WITHOUT_KEY or bool(getattr(options, "new", False))


def use_profile(settings: Settings) -> Settings:
    """Return the settings with the key of their profile, and say what of the environment does not count for it.

    Raises SettingsError when the key cannot be had.
    """
    if settings.profile is None:
        return settings
    from tbatch_tui.config.profiles import passed_over, with_key
    from tbatch_tui.text.escape import escape_controls

    if words := passed_over(settings.profile, os.environ):
        sys.stderr.write(f"tbatch-tui: {escape_controls(words)}\n")
    return with_key(settings)
