"""Reads config.toml and validates what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.config.settings import PRICE_NAMES, ConfigError, Notify
from tbatch_tui.engine.options import ENQUEUED_TOKENS, Budget

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.config.settings import Profile
    from tbatch_tui.engine.options import AudioStore

_NAMES = (
    *("output_dir", "data_dir", "poll_interval", "base_url", "insecure", "mouse", "theme", "tour"),
    *("keys", "notify", "prices", "discounts", "attention", "budget", "audio", "groups", "profiles"),
)
"""The settings that config.toml may hold."""
_NOTIFY_SWITCHES = ("toast", "bell", "desktop", "title")


class ConfigFile:
    """The values of config.toml, each validated when it is read.

    Every method raises ConfigError, which names the file, for a value that cannot be used.
    """

    def __init__(self, path: Path, values: dict[str, Any] | None = None) -> None:
        """Read the file; one that does not exist is empty. Raises ConfigError.

        Args:
            path: Where it is, or would be.
            values: What is in it, if it has been read already.
        """
        self.path = path
        self._values = _read(path) if values is None else values
        self._require_known_names()

    def text(self, name: str) -> str | None:
        """Return a string; None if it is not set."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self.error((name,), f'{name} is {value!r}; write {name} = "…".')

    def number(self, name: str) -> float | None:
        """Return a number; None if it is not set."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise self.error((name,), f"{name} is {value!r}; write a number.")

    def switch(self, name: str, *, default: bool = True) -> bool:
        """Return a boolean; the default if it is not set."""
        value = self._values.get(name, default)
        if isinstance(value, bool):
            return value
        raise self.error((name,), f"{name} is {value!r}; write true or false.")

    def keymap(self) -> dict[str, str]:
        """Return `[keys]`: keys by binding id."""
        value = self._values.get("keys", {})
        if isinstance(value, dict) and all(isinstance(keys, str) for keys in value.values()):
            return dict(value)
        raise self.error(("keys",), '[keys] entries look like "job.cancel" = "C".')

    def notify(self) -> Notify:
        """Return `[notify]`, with the defaults for what it leaves out."""
        table = self._values.get("notify", {})
        if not isinstance(table, dict):
            raise self.error(("notify",), "[notify] entries look like bell = false.")
        for name, value in table.items():
            if name in _NOTIFY_SWITCHES and not isinstance(value, bool):
                raise self.error(("notify", name), f"[notify] {name} is {value!r}; write true or false.")
            if name == "command" and not _is_command(value):
                raise self.error(("notify", name), f'[notify] command is {value!r}; write ["program", "argument"].')
            if name not in (*_NOTIFY_SWITCHES, "command"):
                known = ", ".join(_NOTIFY_SWITCHES)
                raise self.error(("notify", name), f"[notify] has {name!r}; there are {known} and command.")
        return Notify(**{**table, "command": tuple(table.get("command", ()))})

    def prices(self) -> dict[str, dict[str, float]]:
        """Return `[prices]`: dollars by model and name of the price."""
        table = self._values.get("prices", {})
        if not isinstance(table, dict) or not all(isinstance(prices, dict) for prices in table.values()):
            raise self.error(
                ("prices",),
                '[prices] entries look like "model/name" = { input = 0.88, output = 0.88 }, '
                "in dollars per million tokens.",
            )
        for model, prices in table.items():
            for name, number in prices.items():
                if name not in PRICE_NAMES:
                    known = ", ".join(PRICE_NAMES)
                    raise self.error(
                        ("prices", model, name), f"[prices] {model!r} has {name!r}; there are {known} (of audio)."
                    )
                if not _is_amount(number):
                    raise self.error(
                        ("prices", model, name), f"[prices] {model!r}: {name} is {number!r}; write a number of dollars."
                    )
        return {model: {name: float(number) for name, number in prices.items()} for model, prices in table.items()}

    def discounts(self) -> dict[str, float]:
        """Return `[discounts]`: percent by model."""
        table = self._values.get("discounts", {})
        if not isinstance(table, dict):
            raise self.error(("discounts",), '[discounts] entries look like "model/name" = 50, in percent.')
        for model, number in table.items():
            if not _is_amount(number) or number > 100:
                raise self.error(
                    ("discounts", model), f"[discounts] {model!r} is {number!r}; write percent, from 0 to 100."
                )
        return {model: float(number) for model, number in table.items()}

    def attention_share(self) -> float:
        """Return `share` of `[attention]`: percent of a job's requests; the default if it is not set."""
        table = self._values.get("attention", {})
        if not isinstance(table, dict) or table.keys() - {"share"}:
            raise self.error(("attention",), "[attention] takes only share = 5, in percent.")
        number = table.get("share", 5.0)
        if not _is_amount(number) or number > 100:
            raise self.error(("attention", "share"), f"[attention] share is {number!r}; write percent, from 0 to 100.")
        return float(number)

    def budget(self) -> Budget:
        """Return `[budget]`: dollars that a job and a month may cost; no limit where it is not set."""
        table = self._values.get("budget", {})
        if not isinstance(table, dict) or table.keys() - {"job", "month"}:
            raise self.error(("budget",), "[budget] takes only job = 10 and month = 50, in dollars.")
        for name, number in table.items():
            if not _is_amount(number):
                raise self.error(("budget", name), f"[budget] {name} is {number!r}; write a number of dollars.")
        return Budget(**{name: float(number) for name, number in table.items()})

    def audio_store(self) -> AudioStore | None:
        """Return `[audio]`: the bucket for recordings; None if it names none."""
        table = self._values.get("audio", {})
        if not isinstance(table, dict) or table.keys() - {"store", "endpoint", "session_token"}:
            raise self.error(("audio",), '[audio] takes store = "s3://bucket/prefix", endpoint and session_token.')
        store, endpoint, token = (table.get(name) for name in ("store", "endpoint", "session_token"))
        if store is None:
            return None
        if not isinstance(store, str) or not store.startswith("s3://") or not store[5:].split("/")[0]:
            raise self.error(("audio", "store"), f'[audio] store is {store!r}; write "s3://bucket/prefix".')
        if endpoint is not None and not (isinstance(endpoint, str) and endpoint.startswith(("https://", "http://"))):
            raise self.error(("audio", "endpoint"), f'[audio] endpoint is {endpoint!r}; write "https://…".')
        if token not in (None, True, False):
            raise self.error(("audio", "session_token"), f"[audio] session_token is {token!r}; write true or false.")
        from tbatch_tui.engine.options import AudioStore

        return AudioStore(store.rstrip("/"), endpoint or "", session_token=bool(token))

    def parts_at_once(self) -> int:
        """Return `at_once` of `[groups]`: how many parts of a file are out together; 0, if it is not set, for all."""
        number = self._groups().get("at_once", 0)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise self.error(("groups", "at_once"), f"[groups] at_once is {number!r}; write a number, or 0 for all.")
        return number

    def enqueued_tokens(self) -> int:
        """Return `enqueued_tokens` of `[groups]`: how many may be enqueued for a model; else what the API takes."""
        number = self._groups().get("enqueued_tokens", ENQUEUED_TOKENS)
        if not isinstance(number, int | float) or isinstance(number, bool) or not 1 <= number < float("inf"):
            place = ("groups", "enqueued_tokens")
            raise self.error(place, f"[groups] enqueued_tokens is {number!r}; write a number, such as 30e9.")
        return int(number)

    def keep_parts(self) -> bool:
        """Return `keep_parts` of `[groups]`: whether the files of parts stay once all results are here."""
        keep = self._groups().get("keep_parts", False)
        if not isinstance(keep, bool):
            raise self.error(("groups", "keep_parts"), f"[groups] keep_parts is {keep!r}; write true or false.")
        return keep

    def _groups(self) -> dict[str, Any]:
        table = self._values.get("groups", {})
        if not isinstance(table, dict) or table.keys() - {"at_once", "enqueued_tokens", "keep_parts"}:
            raise self.error(
                ("groups",), "[groups] takes only at_once = 4, keep_parts = true and enqueued_tokens = 30e9."
            )
        return table

    def profiles(self) -> dict[str, Profile]:
        """Return `[profiles]`: by name, in the order of the file."""
        table = self._values.get("profiles")
        if table is None:
            return {}
        from tbatch_tui.config.profiles import read_profiles

        return read_profiles(table, self.error)

    @property
    def values(self) -> dict[str, Any]:
        """What the file holds, as it was parsed."""
        return self._values

    def error(self, keys: tuple[str, ...], text: str) -> ConfigError:
        """Return the error of a value: `keys` lead to it from the top of the file."""
        return ConfigError(f"{self.path}: {text}", keys, self._values)

    def _require_known_names(self) -> None:
        """Refuse a setting that does not exist: a misspelled one would have no effect, and nobody would notice."""
        for name in self._values:
            if name in _NAMES:
                continue
            if name == "api_key":
                raise self.error((name,), "the key is never kept in a file. Remove api_key, and set TOGETHER_API_KEY.")
            import difflib

            near = difflib.get_close_matches(name, _NAMES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_NAMES)}."
            raise self.error((name,), f"unknown setting {name!r}; {hint}")


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}  # most people have none, and then tomllib is not even loaded
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    import tomllib

    try:
        return tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} isn't valid TOML: {error}. Fix or delete it.") from error


def _is_command(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, str) for part in value)


def _is_amount(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < float("inf")
