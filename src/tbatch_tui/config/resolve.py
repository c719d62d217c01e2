"""What the person asked for: flags > environment > config.toml > defaults, settled once and frozen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tbatch_tui.config import paths
from tbatch_tui.config.login import stored_key
from tbatch_tui.config.settings import (
    DEFAULT_POLL_INTERVAL,
    DEMO_POLL_INTERVAL,
    SHORTEST_POLL_INTERVAL,
    Settings,
    SettingsError,
)
from tbatch_tui.config.toml import (
    _discounts,
    _folder,
    _keymap,
    _notify,
    _number,
    _prices,
    _switch,
    _text,
    read_config,
    require_known_names,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def resolve_settings(
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
    config = read_config(source)
    require_known_names(config, source)
    url = base_url or environment.get("TOGETHER_BASE_URL") or _text(config, "base_url", source)
    if url is not None:
        url = checked_url(url)
    key, trouble = environment.get("TOGETHER_API_KEY", "").strip() or None, ""
    login = False
    if key is None:
        key, trouble, url = stored_key(url)
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
        key_error=trouble,
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
