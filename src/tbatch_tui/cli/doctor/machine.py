"""What can be seen on this machine, without a server: versions, folders, variables, the terminal."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import stat
import sys
import tempfile
from importlib import metadata
from typing import TYPE_CHECKING

from tbatch_tui.cli.doctor.diagnosis import Diagnosis, State
from tbatch_tui.config import paths
from tbatch_tui.engine.redaction import masked_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tbatch_tui.config.settings import Settings

_PACKAGES = ("tbatch-tui", "together", "textual", "httpx", "msgspec")
_EXTRAS = ("pyarrow", "python-calamine")
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_CANNOT_DRAW = ("", "dumb", "unknown")
_SMALLEST = (60, 20)
"""Columns and lines that the app's screens are made for."""
_MIN_FREE = 2**30
"""Bytes that should be free where results go."""


def versions() -> Iterator[Diagnosis]:
    """Yield the versions of what matters."""
    yield Diagnosis("versions", "Python", f"{platform.python_version()} on {platform.system()} {platform.release()}")
    for name in _PACKAGES:
        yield Diagnosis("versions", name, metadata.version(name))
    for name in _EXTRAS:
        try:
            yield Diagnosis("versions", name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Diagnosis("versions", name, "not installed: an extra, for Parquet or Excel")


def folders(settings: Settings) -> Iterator[Diagnosis]:
    """Yield the folders that are written to, with their rights and what is free."""
    yield _folder("history", settings.data_dir, is_private=True)
    yield _folder("results", settings.output_dir, is_private=False)
    config = paths.config_file()
    if os.path.exists(config):
        readable = os.access(config, os.R_OK)
        state = State.OK if readable else State.PROBLEM
        yield Diagnosis("folders", "config.toml", str(config), state, "" if readable else "Make the file readable.")
    else:
        yield Diagnosis("folders", "config.toml", f"{config} (there is none)")


def _folder(name: str, folder: Path, *, is_private: bool) -> Diagnosis:
    """Look at a folder: whether it can be written to, by whom it can be read, and how much is free."""
    existing = next(each for each in (folder.absolute(), *folder.absolute().parents) if os.path.exists(each))
    value = str(folder) if existing == folder.absolute() else f"{folder} (made when it is needed)"
    if not os.path.isdir(existing):
        return Diagnosis("folders", name, value, State.PROBLEM, f"{existing} is not a folder: move it away.")
    try:
        folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # such as a folder above it that cannot be searched
        advice = f"{folder} cannot be looked at ({error.strerror}): choose another folder."
        return Diagnosis("folders", name, value, State.PROBLEM, advice)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        advice = f"{existing} cannot be written to ({error.strerror}): choose another folder, or correct its rights."
        return Diagnosis("folders", name, value, State.PROBLEM, advice)
    free = shutil.disk_usage(existing).free
    value += f", {free / 1e9:,.1f} GB free"
    if free < _MIN_FREE:
        return Diagnosis("folders", name, value, State.WARNING, "Less than 1 GB is free: results may not fit.")
    mode = stat.S_IMODE(existing.stat().st_mode)
    if is_private and existing == folder.absolute() and os.name == "posix" and mode & 0o077:
        return Diagnosis("folders", name, value, State.WARNING, f"Others can read it ({mode:04o}): chmod 700 {folder}")
    return Diagnosis("folders", name, value)


def key(settings: Settings, why_none: str = "") -> Iterator[Diagnosis]:
    """Yield the profile, and where the key comes from, with its last four characters.

    `why_none` is why the key of the profile cannot be had.
    """
    profile = settings.profile
    if profile is not None:
        yield Diagnosis("key", "profile", f"{profile.name}, named by {settings.origins['profile'].name}")
    elif settings.profiles:
        names = ", ".join(settings.profiles)
        yield Diagnosis("key", "profile", f"none is used; there are {names} (--profile, TBATCH_PROFILE)")
    if settings.api_key:
        source = "`tg login`" if settings.login else "TOGETHER_API_KEY"
        if profile is not None:
            source = profile.key_env or f"its key_command ({profile.key_command[0]})"
        yield Diagnosis("key", "API key", f"{masked_key(settings.api_key)} from {source}")
    else:
        advice = why_none or settings.key_error or "Set TOGETHER_API_KEY, or run `tg login`."
        yield Diagnosis("key", "API key", "none", State.PROBLEM, advice)


def variables(environment: Mapping[str, str] = os.environ) -> Iterator[Diagnosis]:
    """Yield the variables that decide about proxies and certificates."""
    for name in (*_PROXIES, *(each.lower() for each in _PROXIES)):
        if environment.get(name):
            yield Diagnosis("network", name, _without_password(environment[name]))
    for name in _CERTIFICATES:
        if value := environment.get(name):
            missing = not os.path.exists(value)
            state, advice = (
                (State.PROBLEM, f"There is no {value}: correct {name} or unset it.") if missing else (State.OK, "")
            )
            yield Diagnosis("network", name, value, state, advice)
    for name in ("TOGETHER_BASE_URL", "TOGETHER_CUSTOM_HEADERS"):
        if environment.get(name):
            yield Diagnosis("network", name, _without_password(environment[name]) if "URL" in name else "set")
    if environment.get("TOGETHER_PROJECT_ID"):
        advice = "It has no effect on batches and files: jobs belong to the project of the key."
        yield Diagnosis("network", "TOGETHER_PROJECT_ID", "set", State.WARNING, advice)


def _without_password(address: str) -> str:
    """Return an address without the user before `@`, which may have a password."""
    scheme, mark, rest = address.rpartition("//")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def terminal(environment: Mapping[str, str] = os.environ) -> Iterator[Diagnosis]:
    """Yield what the app would draw on."""
    term = environment.get("TERM", "")
    if term.lower() in _CANNOT_DRAW:
        advice = "The app cannot draw here; the commands work. Set TERM to what the terminal is."
        yield Diagnosis("terminal", "TERM", term or "not set", State.WARNING, advice)
    else:
        yield Diagnosis("terminal", "TERM", term)
    size = shutil.get_terminal_size()
    is_small = size.columns < _SMALLEST[0] or size.lines < _SMALLEST[1]
    advice = f"The app needs {_SMALLEST[0]}×{_SMALLEST[1]}." if is_small else ""
    state = State.WARNING if is_small else State.OK
    yield Diagnosis("terminal", "size", f"{size.columns}×{size.lines}", state, advice)
    true_colour = environment.get("COLORTERM") in ("truecolor", "24bit")
    yield Diagnosis("terminal", "colours", "16 million" if true_colour else "256 or fewer (COLORTERM is not truecolor)")
    encoding = getattr(sys.stdout, "encoding", "") or locale.getpreferredencoding(False)
    is_utf8 = encoding.lower().replace("-", "") == "utf8"
    advice = "" if is_utf8 else "Set LANG to a UTF-8 locale, such as en_US.UTF-8."
    yield Diagnosis("terminal", "encoding", encoding, State.OK if is_utf8 else State.WARNING, advice)
    if environment.get("TMUX"):
        yield Diagnosis(
            "terminal",
            "clipboard",
            "inside tmux: copied text goes to its buffer, and to the clipboard where "
            "`tmux set -s set-clipboard on` is set",
        )
    elif environment.get("SSH_CONNECTION"):
        yield Diagnosis("terminal", "clipboard", "over ssh: the terminal has to take OSC 52")
