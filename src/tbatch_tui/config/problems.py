"""All that cannot be used in config.toml, and not only the first of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.config.resolve import normalize_base_url, read_file_settings, require_poll_interval, require_private_way
from tbatch_tui.config.settings import ConfigError, SettingsError
from tbatch_tui.config.toml import ConfigFile
from tbatch_tui.engine.server_address import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TEXTS = ("output_dir", "data_dir", "base_url", "theme")


def find_problems(path: Path) -> list[ConfigError]:
    """Return what cannot be used in the file, in the order in which it was found; nothing where there is no file."""
    found: list[ConfigError] = []
    values: dict[str, Any] | None = None
    while True:
        try:
            config = ConfigFile(path, values)
            values = config.values
            _read_all(config)
        except ConfigError as error:
            found.append(error)
            if not _remove(values if values is not None else error.values, error.keys):
                return found
            values = values if values is not None else error.values
        else:
            return found


def _read_all(config: ConfigFile) -> None:
    """Read every setting. Raises ConfigError for the first that cannot be used."""
    for name in _TEXTS:
        config.text(name)
    for name in ("insecure", "mouse"):
        config.switch(name)
    read_file_settings(config)
    insecure = config.switch("insecure", default=False)
    urls: dict[tuple[str, ...], str | None] = {("base_url",): config.text("base_url")}
    urls |= {("profiles", name, "base_url"): each.base_url for name, each in config.profiles().items()}
    for keys, url in urls.items():
        if url:
            address = _at(config, keys, lambda url=url: normalize_base_url(url))  # type: ignore[misc]
            if not insecure:
                _at(config, keys, lambda address=address: require_private_way(address))  # type: ignore[misc]
    is_local = all(is_loopback(url) for url in urls.values() if url) and any(urls.values())
    _at(config, ("poll_interval",), lambda: require_poll_interval(None, config, demo=False, is_local=is_local))


def _at(config: ConfigFile, keys: tuple[str, ...], read: Callable[[], Any]) -> Any:
    """Return what `read` does; its error becomes that of the value which these keys lead to."""
    try:
        return read()
    except ConfigError:
        raise
    except SettingsError as error:
        raise config.error(keys, str(error).removeprefix(f"{config.path}: ")) from None


def _remove(values: dict[str, Any], keys: tuple[str, ...]) -> bool:
    """Remove what these keys lead to; False if it is not there."""
    if keys[:1] == ("profiles",) and keys[2:] in (("key_env",), ("key_command",)):
        keys = keys[:2]  # without its key it would be another problem
    *tables, last = keys or ("",)
    for key in tables:
        inner = values.get(key)
        if not isinstance(inner, dict):
            return False
        values = inner
    return values.pop(last, None) is not None
