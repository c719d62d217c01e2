"""Validates `[profiles]` of config.toml, and gets the key of a profile."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tbatch_tui.config.settings import COLOURS, Profile, SettingsError
from tbatch_tui.engine.redaction import add_secret, is_usable_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tbatch_tui.config.settings import ConfigError, Settings

    MakeError = Callable[[tuple[str, ...], str], ConfigError]
    """Makes the error of the value that these keys lead to."""

_TEXTS = ("key_env", "base_url", "output_dir", "colour")
_NAMES = (*_TEXTS, "key_command")
_NAME = re.compile(r"\w[\w-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY = re.compile(r"(?:tgp|sk)_")
"""How a key begins that could be the name of a variable."""
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_EXAMPLE = '[profiles.work] with key_env = "WORK_TOGETHER_KEY" or key_command = ["program", "argument"]'


def read_profiles(table: object, error: MakeError) -> dict[str, Profile]:
    """Return the profiles of a parsed `[profiles]`, in their order. Raises ConfigError."""
    if not isinstance(table, dict) or not all(isinstance(values, dict) for values in table.values()):
        raise error(("profiles",), f"[profiles] needs a name for each: {_EXAMPLE}.")
    return {name: _read_profile(name, values, error) for name, values in table.items()}


def _read_profile(name: str, values: Mapping[str, Any], error: MakeError) -> Profile:
    where = f"[profiles.{name}]"
    at = ("profiles", name)
    if not _NAME.fullmatch(name):
        raise error(at, f"[profiles] has {name!r}; a name has letters, digits, '_' and '-' only.")
    for key, value in values.items():
        if key == "api_key":
            raise error((*at, key), f"{where}: the key is never kept in a file. Use key_env or key_command.")
        if key not in _NAMES:
            raise error((*at, key), f"{where} has {key!r}; {did_you_mean(key, _NAMES)}")
        if key in _TEXTS and not isinstance(value, str):
            raise error((*at, key), f'{where} {key} is {value!r}; write {key} = "…".')
    command = values.get("key_command", [])
    if not isinstance(command, list) or not all(isinstance(part, str) and "\0" not in part for part in command):
        raise error(
            (*at, "key_command"), f'{where} key_command needs ["program", "argument"]: it is run without a shell.'
        )
    if "key_command" in values and not (command and command[0]):
        raise error((*at, "key_command"), f"{where} key_command is empty; name the program that prints the key.")
    if ("key_env" in values) == ("key_command" in values):
        has = "has both key_env and key_command" if command else "has no key"
        raise error(at, f"{where} {has}; write one of key_env and key_command.")
    if "key_env" in values and (_KEY.match(values["key_env"]) or not _VARIABLE.fullmatch(values["key_env"])):
        # Not repeated: somebody may have written the key itself.
        raise error(
            (*at, "key_env"), f"{where} key_env is the name of an environment variable, and not the key itself."
        )
    colour = values.get("colour", "")
    if colour and colour not in COLOURS and not _HEX.fullmatch(colour):
        raise error((*at, "colour"), f"{where} colour is {colour!r}; there are {', '.join(COLOURS)} and #rrggbb.")
    return Profile(
        name,
        key_env=values.get("key_env", ""),
        key_command=tuple(command),
        base_url=values.get("base_url") or None,
        output_dir=values.get("output_dir") or None,
        colour=colour,
    )


def choose_profile(name: str, profiles: Mapping[str, Profile], source: str) -> Profile:
    """Return the profile of this name. Raises SettingsError, which names those there are, the nearest first.

    Args:
        source: The flag or the variable that named it.
    """
    if name in profiles:
        return profiles[name]
    if not profiles:
        raise SettingsError(f"{source} {name!r}: there are no profiles. config.toml has none: write {_EXAMPLE}.")
    raise SettingsError(f"{source} {name!r}: there is no such profile; {did_you_mean(name, profiles)}")


def passed_over(profile: Profile, environment: Mapping[str, str]) -> str:
    """Return what is to be said of the environment once a profile was named; empty where it says nothing else."""
    names = [
        name for name in ("TOGETHER_API_KEY", "TOGETHER_BASE_URL") if environment.get(name) and name != profile.key_env
    ]
    if not names:
        return ""
    verb = "is" if len(names) == 1 else "are"
    return f"{' and '.join(names)} {verb} not used: the profile {profile.name!r} brings its own key and server."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of a name that is not known: the nearest, and all there are."""
    import difflib

    known = list(known)
    near = difflib.get_close_matches(name, known, 1)
    return (f"did you mean {near[0]!r}? " if near else "") + f"There are {', '.join(known)}."


def with_key(
    settings: Settings,
    environment: Mapping[str, str] = os.environ,
    cancelled: Callable[[], bool] = lambda: False,
) -> Settings:
    """Return the settings with the key of their profile; as they are without one. Raises as `read_key`."""
    if settings.profile is None:
        return settings
    return replace(settings, api_key=read_key(settings.profile, environment, cancelled))


def read_key(profile: Profile, environment: Mapping[str, str], cancelled: Callable[[], bool] = lambda: False) -> str:
    """Return the key of a profile, once its command has ended. Raises SettingsError: no other key is tried.

    Args:
        environment: Where `key_env` is looked up.
        cancelled: Asked ten times a second while the command runs; it is stopped once that is true.
    """
    if profile.key_command:
        from tbatch_tui.config.key_command import run_key_command

        key = run_key_command(profile, cancelled)
    else:
        key = environment.get(profile.key_env, "").strip()
        if not key:
            raise SettingsError(
                f"The profile {profile.name!r} takes its key from {profile.key_env}, which is not set.",
                f"Set {profile.key_env}. No other key was tried.",
            )
        if not is_usable_key(key):
            raise SettingsError(
                f"{profile.key_env} contains a line break or a character that is not ASCII",
                "Set it to the key alone, on one line. No other key was tried.",
            )
    add_secret(key)
    return key
