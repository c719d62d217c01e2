"""`config path`, `show` and `check`: which file wins, where each setting comes from, and what cannot be used."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.cli.exit_codes import FAILED, OK
from tbatch_tui.cli.output import print_json, print_message, print_result
from tbatch_tui.cli.settings.named_profile import read_settings
from tbatch_tui.config import paths
from tbatch_tui.config.positions import line_in_message, line_of
from tbatch_tui.config.problems import find_problems
from tbatch_tui.config.settings import PRODUCTION_URL, Notify, Origin
from tbatch_tui.config.toml import ConfigFile
from tbatch_tui.engine.redaction import add_secret, masked_key, redact
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from tbatch_tui.config.settings import Settings

_SIMPLE = ("data_dir", "poll_interval", "insecure", "mouse", "theme", "tour")
_FROM_THE_FILE = ("theme", "tour")
_ABSENT = "not there yet, so flags, the environment and the defaults decide"
"""What is said of config.toml where there is none."""
_SECRET = re.compile(r"\b(?:tgp|sk)[-_][\w-]{8,}")


class _Row(NamedTuple):
    name: str
    value: Any
    origin: Origin
    line: int | None = None


def print_path(arguments: argparse.Namespace) -> int:
    """Print where config.toml is, or would be."""
    path = paths.config_file()
    if arguments.json:
        print_json({"path": str(path), "exists": os.path.exists(path)})
        return OK
    print_result(str(path))
    if not os.path.exists(path):
        print_message(_ABSENT)
    return OK


def check(arguments: argparse.Namespace) -> int:
    """Print what cannot be used in config.toml, a line each."""
    path = paths.config_file()
    text = _text_of(path)
    problems = []
    for error in find_problems(path):
        message = redact(_SECRET.sub("…", str(error).removeprefix(f"{path}: ")))
        line = line_of(text, error.keys) if error.keys else line_in_message(message)
        problems.append({"line": line, "setting": ".".join(error.keys), "message": message})
    problems += _problems_of_the_app(path, text) if not problems else []
    problems.sort(key=lambda problem: (problem["line"] is None, problem["line"]))
    if arguments.json:
        print_json({"path": str(path), "exists": os.path.exists(path), "problems": problems})
    else:
        for problem in problems:
            print_result(f"{path}:{problem['line'] or 1}: {problem['message']}")
        what = plural(len(problems), "problem") if problems else "no problems"
        print_message(f"{path}: {what}" if os.path.exists(path) else f"{path}: {_ABSENT}")
    return FAILED if problems else OK


def _problems_of_the_app(path: Path, text: str) -> list[dict[str, Any]]:
    """Return the keys and the theme that the app cannot use."""
    from textual.theme import BUILTIN_THEMES

    from tbatch_tui.tui import theme
    from tbatch_tui.tui.keys.keymap import resolve_keymap

    config = ConfigFile(path)
    found = []
    keymap = config.keymap()
    for message in resolve_keymap(keymap)[1]:
        name = next((name for name in keymap if name in message), "")
        found.append({"line": line_of(text, ("keys", name)), "setting": f"keys.{name}", "message": message})
    names = {*BUILTIN_THEMES, *(each.name for each in theme.THEMES)}
    if (chosen := config.text("theme")) is not None and chosen not in names:
        from tbatch_tui.config.profiles import did_you_mean

        message = f"There is no theme {chosen!r}; {did_you_mean(chosen, sorted(names))}"
        found.append({"line": line_of(text, ("theme",)), "setting": "theme", "message": message})
    return found


def show(arguments: argparse.Namespace) -> int:
    """Print the settings in force, and where each comes from. Raises SettingsError."""
    path = paths.config_file()
    settings, config, text = read_settings(arguments), ConfigFile(path), _text_of(path)
    for name in ("TOGETHER_API_KEY", *(profile.key_env for profile in settings.profiles.values())):
        add_secret(os.environ.get(name))
    rows = [*_account_rows(settings), *_simple_rows(settings, config, arguments), *_table_rows(config)]
    rows = [
        row._replace(line=line_of(text, tuple(row.name.split(".", 1)))) if row.origin.kind == "file" else row
        for row in rows
    ]
    if arguments.json:
        given = [
            {"name": name, "value": value, "from": origin.kind, "where": origin.name or None, "line": line}
            for name, value, origin, line in rows
        ]
        print_json({"path": str(path), "exists": os.path.exists(path), "settings": given})
        return OK
    values = [(row.name, _text_of_value(row.value), _text_of_origin(row)) for row in rows]
    widths = [min(40, max(len(columns[index]) for columns in values)) for index in (0, 1)]
    for name, value, origin in values:
        print_result(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}")
    print_message(f"{path}" if os.path.exists(path) else f"{path}: {_ABSENT}")
    return OK


def _account_rows(settings: Settings) -> list[_Row]:
    """Return profile, key, server and the folder of results. Of a key no more than its end."""
    origins, profile = settings.origins, settings.profile
    key: str | None = masked_key(settings.api_key) if settings.api_key else None
    of_key = Origin("file", "tg login") if settings.login else Origin("environment", "TOGETHER_API_KEY")
    if profile is not None:
        of_key = Origin("profile", profile.name)
        key = profile.key_env or f"what {profile.key_command[0]} prints"
    return [
        _Row("profile", profile.name if profile is not None else None, origins.get("profile", Origin("default"))),
        _Row("api_key", key, of_key if key else Origin("default")),
        _Row("base_url", settings.base_url or PRODUCTION_URL, origins.get("base_url", Origin("default"))),
        _Row("output_dir", str(settings.output_dir), origins.get("output_dir", Origin("default"))),
    ]


def _simple_rows(settings: Settings, config: ConfigFile, arguments: argparse.Namespace) -> list[_Row]:
    """Return the settings that a flag or the file sets."""
    values: dict[str, Any] = {name: getattr(settings, name, None) for name in _SIMPLE}
    values["data_dir"] = str(settings.data_dir)
    values["insecure"] = config.switch("insecure", default=False) or arguments.insecure
    values["mouse"] = config.switch("mouse")
    rows = []
    for name, value in values.items():
        flag = getattr(arguments, name, None) if name not in _FROM_THE_FILE else None
        if flag:
            origin = Origin("flag", f"--{name.replace('_', '-')}")
        else:
            origin = Origin("file") if name in config.values else Origin("default")
        rows.append(_Row(name, value, origin))
    return rows


def _table_rows(config: ConfigFile) -> list[_Row]:
    """Return what the tables of the file set, and what they leave out where it has a default."""
    defaults: dict[str, Any] = {f"notify.{name}": True for name in ("toast", "bell", "desktop", "title")}
    defaults |= {"attention.share": 5.0}
    assert all(getattr(Notify(), name.partition(".")[2]) for name in defaults if name.startswith("notify."))
    given = {
        f"{table}.{name}": value
        for table, values in config.values.items()
        if isinstance(values, dict) and table != "profiles"
        for name, value in values.items()
    }
    rows = [_Row(name, value, Origin("file")) for name, value in given.items()]
    rows += [_Row(name, value, Origin("default")) for name, value in defaults.items() if name not in given]
    rows += [
        _Row(f"profiles.{name}", profile.base_url or PRODUCTION_URL, Origin("file"))
        for name, profile in config.profiles().items()
    ]
    return rows


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _text_of_value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return redact(text)


def _text_of_origin(row: _Row) -> str:
    if row.origin.kind == "default":
        return "default"
    if row.origin.kind == "file" and not row.origin.name:
        return f"config.toml:{row.line}" if row.line else "config.toml"
    return f"profile {row.origin.name}" if row.origin.kind == "profile" else row.origin.name
