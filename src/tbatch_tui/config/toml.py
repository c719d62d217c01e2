"""Read and validate config.toml."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.config.settings import PRICE_NAMES, Notify, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = (
    *("output_dir", "data_dir", "poll_interval", "base_url", "mouse", "theme", "tour"),
    *("keys", "notify", "prices", "discounts"),
)
"""What config.toml may hold."""


def read_config(path: Path) -> dict[str, Any]:
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


def require_known_names(config: Mapping[str, Any], source: Path) -> None:
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
            if name not in PRICE_NAMES:
                known = ", ".join(PRICE_NAMES)
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
