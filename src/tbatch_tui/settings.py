"""What the person asked for: flags > environment > config.toml > defaults, settled once and frozen."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tbatch_tui import paths

_PRODUCTION = "https://api.together.ai"
DEFAULT_POLL_INTERVAL = 30.0
SHORTEST_POLL_INTERVAL = 10.0
DEMO_POLL_INTERVAL = 1.0
_PRICE_NAMES = ("input", "output", "cached_input", "minute")


class SettingsError(Exception):
    """A setting that cannot be used: says which, where it came from, and the mend."""


@dataclass(frozen=True, slots=True)
class Notify:
    """How a person hears that a job has ended."""

    toast: bool = True
    bell: bool = True
    desktop: bool = True
    """A notice of the desktop, by the terminal: OSC 9 or OSC 777, whichever it knows."""
    title: bool = True
    """How many are running and have ended, in the terminal's title."""
    command: tuple[str, ...] = ()
    """A command of the person's own: its argv."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settled settings. `api_key` never shows in a repr."""

    data_dir: Path
    output_dir: Path
    poll_interval: float = DEFAULT_POLL_INTERVAL
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    login: bool = False
    """Whether the key is what `tg login` stored: the engine renews it when it runs out."""
    key_trouble: str = ""
    """Why there is no key although `tg login` left something: it has run out."""
    demo: bool = False
    mouse: bool = True
    file: Path | None = None
    theme: str | None = None
    tour: bool = False
    """Whether each screen explains itself in a line, the first time."""
    notify: Notify = field(default_factory=Notify)
    keymap: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Own prices by model, in dollars: `input`, `output`, `cached_input` (a million tokens), `minute` (of audio)."""
    discounts: Mapping[str, float] = field(default_factory=dict)
    """Own batch discounts by model, in percent."""


_NAMES = (
    *("output_dir", "data_dir", "poll_interval", "base_url", "mouse", "theme", "tour"),
    *("keys", "notify", "prices", "discounts"),
)
"""What config.toml may hold."""


def settle(
    *,
    file: str | None,
    demo: bool,
    output_dir: str | None,
    data_dir: str | None,
    poll_interval: float | None,
    base_url: str | None,
    mouse: bool,
    environment: Mapping[str, str] = os.environ,
    config_file: Path | None = None,
) -> Settings:
    """Merge the sources. Raises SettingsError."""
    source = config_file or paths.config_file()
    config = _read_config(source)
    _must_be_known(config, source)
    url = base_url or environment.get("TOGETHER_BASE_URL") or _text(config, "base_url", source)
    if url is not None:
        url = checked_url(url)
    key, trouble = environment.get("TOGETHER_API_KEY", "").strip() or None, ""
    login = False
    if key is None:
        key, trouble, url = _stored_key(url)
        login = key is not None
    interval, told = poll_interval, "--poll-interval"
    if interval is None:
        interval, told = _number(config, "poll_interval", source), f"{source}: poll_interval"
    is_local = demo or (url is not None and is_loopback(url))
    if interval is None:
        interval = DEMO_POLL_INTERVAL if demo else DEFAULT_POLL_INTERVAL
    if not 0 < interval <= 86_400:
        raise SettingsError(f"{told} {interval:g}: give seconds between 10 and 86,400.")
    if interval < SHORTEST_POLL_INTERVAL and not is_local:
        raise SettingsError(
            f"{told} {interval:g}: under 10 seconds is only for a server on this machine; Together asks for 30 to 60."
        )
    return Settings(
        data_dir=_folder(data_dir or _text(config, "data_dir", source)) or paths.data_dir(),
        output_dir=_folder(output_dir or _text(config, "output_dir", source)) or Path("batch-results"),
        poll_interval=interval,
        base_url=url,
        api_key=key,
        login=login,
        key_trouble=trouble,
        demo=demo,
        mouse=_switch(config, "mouse", source) and mouse,
        file=Path(file).expanduser() if file is not None else None,
        theme=_text(config, "theme", source),
        tour=_switch(config, "tour", source),
        notify=_notify(config, source),
        keymap=_keymap(config, source),
        prices=_prices(config, source),
        discounts=_discounts(config, source),
    )


def checked_url(url: str) -> str:
    """The base URL as the SDK (3.x) wants it: without `/v1`, which it puts on each path itself."""
    url = url.strip()
    wrong = SettingsError(f"The base URL {url!r} is not a web address: it begins with https:// or http://.")
    try:
        parts = urlsplit(url)
        _ = parts.port  # read here: a port that is none is told now, not by the first call
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong
    if parts.username is not None or parts.query or parts.fragment:
        # A user in it would take the place of the key, and the password could come back in an answer.
        bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise SettingsError(f"The base URL holds more than an address: {bare!r} is what can be used of it.")
    return url.rstrip("/").removesuffix("/v1")


def is_loopback(url: str) -> bool:
    """Whether the address is this machine, by its literal name."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _stored_key(url: str | None) -> tuple[str | None, str, str | None]:
    """What `tg login` stored: the token, else why not, and the server it is for. It is sent to no other."""
    import json

    try:
        stored = json.loads(paths.together_login_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, "", url
    entries = stored.get("credentials") if isinstance(stored, dict) else None
    if not isinstance(entries, list):
        entries = [stored]
    current = stored.get("current") if isinstance(stored, dict) else None
    entry = next((e for e in entries if isinstance(e, dict) and current in (e.get("name"), e.get("project_id"))), None)
    entry = entry or next((e for e in entries if isinstance(e, dict)), None)
    token = entry.get("access_token") if entry is not None else None
    if entry is None or not isinstance(token, str) or not token:
        return None, "", url
    issuer = entry.get("issuer")
    if isinstance(issuer, str) and issuer:
        issuer = issuer.rstrip("/")
        if url is not None and url != issuer:
            trouble = f"What `tg login` stored is for {issuer}, and is sent to no other server: set TOGETHER_API_KEY."
            return None, trouble, url
        url = url if issuer == _PRODUCTION else issuer
    expires = entry.get("expires_at")
    renewable = isinstance(issuer, str) and bool(entry.get("refresh_token") or entry.get("project_id"))
    if isinstance(expires, int) and expires < time.time() and not renewable:
        return None, "What `tg login` stored has run out. Run `tg login` again, or set TOGETHER_API_KEY.", url
    return token, "", url


def _read_config(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}  # as most have it: TOML is not even loaded
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    import tomllib

    try:
        return tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}. Mend or remove it.") from error


def _must_be_known(config: Mapping[str, Any], source: Path) -> None:
    """Raises SettingsError: a setting that is spelled in another way would be passed over without a word."""
    for name in config:
        if name in _NAMES:
            continue
        if name == "api_key":
            raise SettingsError(f"{source}: the key is kept in no file. Take api_key out, and set TOGETHER_API_KEY.")
        import difflib

        near = difflib.get_close_matches(name, _NAMES, 1)
        mend = f"is {near[0]} meant?" if near else f"there are {', '.join(_NAMES)}."
        raise SettingsError(f"{source}: there is no setting {name!r}; {mend}")


def _text(config: Mapping[str, Any], name: str, source: Path) -> str | None:
    value = config.get(name)
    if value is None or isinstance(value, str):
        return value
    raise SettingsError(f'{source}: {name} is {value!r}; write {name} = "…".')


def _number(config: Mapping[str, Any], name: str, source: Path) -> float | None:
    value = config.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise SettingsError(f"{source}: {name} is {value!r}; write a number.")


def _switch(config: Mapping[str, Any], name: str, source: Path) -> bool:
    value = config.get(name, True)
    if isinstance(value, bool):
        return value
    raise SettingsError(f"{source}: {name} is {value!r}; write true or false.")


def _keymap(config: Mapping[str, Any], source: Path) -> dict[str, str]:
    value = config.get("keys", {})
    if isinstance(value, dict) and all(isinstance(keys, str) for keys in value.values()):
        return dict(value)
    raise SettingsError(f'{source}: [keys] holds lines such as "job.cancel" = "C".')


def _notify(config: Mapping[str, Any], source: Path) -> Notify:
    value = config.get("notify", {})
    switches = ("toast", "bell", "desktop", "title")
    if not isinstance(value, dict):
        raise SettingsError(f"{source}: [notify] holds lines such as bell = false.")
    for name, said in value.items():
        if name in switches and not isinstance(said, bool):
            raise SettingsError(f"{source}: [notify] {name} is {said!r}; write true or false.")
        if name == "command" and not (isinstance(said, list) and said and all(isinstance(part, str) for part in said)):
            raise SettingsError(f'{source}: [notify] command is {said!r}; write ["program", "argument"].')
        if name not in (*switches, "command"):
            raise SettingsError(f"{source}: [notify] has {name!r}; there are {', '.join(switches)} and command.")
    return Notify(**{**value, "command": tuple(value.get("command", ()))})


def _prices(config: Mapping[str, Any], source: Path) -> dict[str, dict[str, float]]:
    value = config.get("prices", {})
    if not isinstance(value, dict) or not all(isinstance(price, dict) for price in value.values()):
        raise SettingsError(
            f'{source}: [prices] holds lines such as "model/name" = {{ input = 0.88, output = 0.88 }}, '
            "in dollars for a million tokens."
        )
    for model, price in value.items():
        for name, number in price.items():
            if name not in _PRICE_NAMES:
                known = ", ".join(_PRICE_NAMES)
                raise SettingsError(f"{source}: [prices] {model!r} has {name!r}; there are {known} (of audio).")
            if not _is_amount(number):
                raise SettingsError(f"{source}: [prices] {model!r}: {name} is {number!r}; write a number of dollars.")
    return {model: {name: float(number) for name, number in price.items()} for model, price in value.items()}


def _discounts(config: Mapping[str, Any], source: Path) -> dict[str, float]:
    value = config.get("discounts", {})
    if not isinstance(value, dict):
        raise SettingsError(f'{source}: [discounts] holds lines such as "model/name" = 50, in percent.')
    for model, number in value.items():
        if not _is_amount(number) or number > 100:
            raise SettingsError(f"{source}: [discounts] {model!r} is {number!r}; write percent, from 0 to 100.")
    return {model: float(number) for model, number in value.items()}


def _is_amount(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < float("inf")


def _folder(value: str | None) -> Path | None:
    return Path(value).expanduser() if value else None
