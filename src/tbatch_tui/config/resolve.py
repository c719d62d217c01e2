"""Merges the sources of settings: flags > environment > config.toml > defaults."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tbatch_tui.config import paths
from tbatch_tui.config.login import StoredKey, read_stored_key
from tbatch_tui.config.settings import (
    DEFAULT_OUTPUT_DIR,
    DEFAULT_POLL_INTERVAL,
    DEMO_POLL_INTERVAL,
    LONGEST_POLL_INTERVAL,
    SHORTEST_POLL_INTERVAL,
    Origin,
    Profile,
    Settings,
    SettingsError,
)
from tbatch_tui.config.toml import ConfigFile
from tbatch_tui.engine.redaction import add_secret, is_usable_key
from tbatch_tui.engine.server_address import is_loopback
from tbatch_tui.text.paths import path_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def resolve_settings(
    *,
    file: str | Path | None = None,
    more_files: Iterable[str | Path] = (),
    demo: bool = False,
    output_dir: str | Path | None = None,
    data_dir: str | Path | None = None,
    poll_interval: float | None = None,
    base_url: str | None = None,
    mouse: bool = True,
    insecure: bool = False,
    profile: str | None = None,
    environment: Mapping[str, str] = os.environ,
    config_file: Path | None = None,
) -> Settings:
    """Return the settings in force, without the key of a profile: see `profiles.with_key`. Raises SettingsError.

    Args:
        file: The input file to check first.
        more_files: The input files that become one group with it.
        demo: Whether the app runs on its private sandbox.
        output_dir: The flag; None if it was not given. So are `data_dir`, `poll_interval` (seconds), `base_url` and
            `profile`; an empty profile is none, whatever TBATCH_PROFILE says.
        mouse: Whether the flags leave the mouse to the app; config.toml can still turn it off.
        insecure: Whether the flags allow http to another machine; config.toml can allow it too.
        environment: Where TOGETHER_API_KEY, TOGETHER_BASE_URL and TBATCH_PROFILE are looked up.
        config_file: config.toml, if it is not in its usual place.
    """
    config = ConfigFile(config_file or paths.config_file())
    origins: dict[str, Origin] = {}
    profiles = config.profiles()
    own = _choose_profile(profile, environment, profiles, origins) if not demo else None
    variable = environment.get("TOGETHER_BASE_URL") if own is None else None
    url = _first(origins, "base_url", base_url, variable, own, None if own is None else own.base_url, config)
    results = _first(origins, "output_dir", output_dir, None, own, None if own is None else own.output_dir, config)
    url = normalize_base_url(url) if url is not None else None
    own_key, stored = _own_key(environment, url) if own is None else ("", StoredKey(None, url))
    url = stored.base_url
    insecure = config.switch("insecure", default=False) or insecure
    if not demo and not insecure:
        require_private_way(url)
    return Settings(
        data_dir=_folder(data_dir or config.text("data_dir")) or paths.data_dir(),
        output_dir=_folder(output_dir if demo else results) or DEFAULT_OUTPUT_DIR,
        poll_interval=require_poll_interval(
            poll_interval, config, demo=demo, is_local=demo or (url is not None and is_loopback(url))
        ),
        base_url=url,
        api_key=own_key or stored.token,
        login=stored.token is not None,
        key_error=stored.error,
        demo=demo,
        mouse=config.switch("mouse") and mouse,
        file=path_of(file) if file is not None else None,
        more_files=tuple(map(path_of, more_files)),
        profile=own,
        profiles=profiles,
        origins=origins,
        **read_file_settings(config),
    )


def read_file_settings(config: ConfigFile) -> dict[str, Any]:
    """Return the settings that have no flag and no variable."""
    return {
        "theme": config.text("theme"),
        "tour": config.switch("tour"),
        "notify": config.notify(),
        "keymap": config.keymap(),
        "prices": config.prices(),
        "discounts": config.discounts(),
        "attention_share": config.attention_share(),
        "budget": config.budget(),
        "audio_store": config.audio_store(),
        "parts_at_once": config.parts_at_once(),
        "keep_parts": config.keep_parts(),
        "enqueued_tokens": config.enqueued_tokens(),
    }


def _first(
    origins: dict[str, Origin],
    name: str,
    flag: str | Path | None,
    variable: str | None,
    profile: Profile | None,
    of_profile: str | None,
    config: ConfigFile,
) -> str | None:
    """Return the first value of a setting that was given, and note where it comes from."""
    for value, origin in (
        (flag, Origin("flag", f"--{name.replace('_', '-')}")),
        (variable, Origin("environment", f"TOGETHER_{name.upper()}")),
        (of_profile, Origin("profile", profile.name if profile is not None else "")),
        (config.text(name), Origin("file")),
    ):
        if value:
            origins[name] = origin
            return str(value)
    return None


def _choose_profile(
    flag: str | None, environment: Mapping[str, str], profiles: Mapping[str, Profile], origins: dict[str, Origin]
) -> Profile | None:
    """Return the profile that was named; None without one. The keys of all of them are kept out of every text."""
    for each in profiles.values():
        add_secret(environment.get(each.key_env))
    name, origin = flag, Origin("flag", "--profile")
    if name is None:
        name, origin = environment.get("TBATCH_PROFILE", ""), Origin("environment", "TBATCH_PROFILE")
    if not name:
        return None
    from tbatch_tui.config.profiles import choose_profile

    origins["profile"] = origin
    return choose_profile(name, profiles, origin.name)


def _own_key(environment: Mapping[str, str], url: str | None) -> tuple[str, StoredKey]:
    """Return the key of the environment; without one, what `tg login` stored, which may name the server."""
    key = environment.get("TOGETHER_API_KEY", "").strip()
    if not is_usable_key(key):
        raise SettingsError(
            "TOGETHER_API_KEY contains a line break or a character that is not ASCII: set it to the key alone, on "
            "one line."
        )
    return key, read_stored_key(url) if not key else StoredKey(None, url)


def require_private_way(url: str | None) -> None:
    """Raise SettingsError if the key would cross the network in clear text."""
    if url is not None and urlsplit(url).scheme == "http" and not is_loopback(url):
        raise SettingsError(
            f"The base URL {url!r} would send the key in clear text: http is for a server on this machine. "
            "Nothing was sent. Use an https:// address, or --insecure if everybody on the network may read the key."
        )


def require_poll_interval(flag: float | None, config: ConfigFile, *, demo: bool, is_local: bool) -> float:
    """Return the seconds between two lists. Raises SettingsError for too few or too many."""
    interval, source = flag, "--poll-interval"
    if interval is None:
        interval, source = config.number("poll_interval"), f"{config.path}: poll_interval"
    if interval is None:
        interval = DEMO_POLL_INTERVAL if demo else DEFAULT_POLL_INTERVAL
    if not 0 < interval <= LONGEST_POLL_INTERVAL:
        raise SettingsError(f"{source} {interval:g}: use 10 to 86,400 seconds.")
    if interval < SHORTEST_POLL_INTERVAL and not is_local:
        raise SettingsError(
            f"{source} {interval:g}: under 10 seconds is only for a server on this machine; Together asks for 30 to 60."
        )
    return interval


def _folder(value: str | Path | None) -> Path | None:
    return path_of(value) if value else None


def normalize_base_url(url: str) -> str:
    """Return the base URL without `/v1`, which the SDK (3.x) adds to each path itself. Raises SettingsError."""
    url = url.strip()
    error = SettingsError(f"The base URL {url!r} is not a web address: it has to begin with https:// or http://.")
    try:
        parts = urlsplit(url)
        _ = parts.port  # urlsplit checks the port only when it is read
    except ValueError:
        raise error from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise error
    if parts.username is not None or parts.query or parts.fragment:
        # A user in the address would replace the key, and the password could come back in an answer.
        bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise SettingsError(f"The base URL contains more than an address: {bare!r} is the usable part.")
    return url.rstrip("/").removesuffix("/v1")
