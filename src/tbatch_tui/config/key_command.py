"""Runs the command that prints the key of a profile: without a shell, and what it prints is kept nowhere."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from tbatch_tui.config.settings import SettingsError
from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.redaction import is_usable_key, redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.config.settings import Profile

TIME_LIMIT = 60.0
"""Seconds after which the command is stopped: a person may have to unlock a password manager."""
_LONGEST_KEY = 4096
"""Bytes; a command that prints more is stopped."""
_ASKED_EVERY = 0.1
_AFTER_ITS_END = 1.0
"""Seconds after the end of the command in which the rest of its output has to come."""
_WITHHELD = "TOGETHER_API_KEY"


def run_key_command(
    profile: Profile,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    own_session: bool | None = None,
    time_limit: float = TIME_LIMIT,
) -> str:
    """Return what the command of a profile prints, without the white space around it.

    It has no standard input, its standard error is dropped, and it gets neither TOGETHER_API_KEY nor the key of another
    profile. Raises SettingsError: it does not start, takes too long, fails, or prints something else than one key; and
    OperationCancelledError.

    Args:
        cancelled: Asked ten times a second.
        own_session: Whether it runs without our terminal, and is stopped with all that it has started. By default so
            on any but the main thread: the app draws on the terminal then. Else it may ask for a password there.
        time_limit: In seconds.
    """
    if own_session is None:
        own_session = threading.current_thread() is not threading.main_thread()
    program = profile.key_command[0]
    try:
        child = subprocess.Popen(
            profile.key_command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name != _WITHHELD and redact(value) == value},
            start_new_session=own_session,
        )
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        raise _failed(profile, f"{program} did not start: {reason}") from None
    assert child.stdout is not None
    output = _Output(child.stdout)
    try:
        _wait(child, output, profile, cancelled, time_limit)
    finally:
        _stop(child, own_session)
    if output.is_too_long:
        raise _failed(profile, f"{program} printed more than a key")
    if child.returncode:
        raise _failed(profile, f"{program} failed with {child.returncode}")
    return _key_of(output.data, profile)


def _wait(
    child: subprocess.Popen[bytes],
    output: _Output,
    profile: Profile,
    cancelled: Callable[[], bool],
    time_limit: float,
) -> None:
    """Wait until the command has ended and its output is here. Raises as `run_key_command`."""
    end, ended_at = time.monotonic() + time_limit, None
    while not output.is_too_long:
        if cancelled():
            raise OperationCancelledError(f"The key of {profile.name!r} was not waited for", "Nothing has changed.")
        if child.poll() is not None:  # what it has started may hold its output open for as long as that runs
            ended_at = ended_at or time.monotonic()
            if output.is_whole or time.monotonic() - ended_at > _AFTER_ITS_END:
                return
        elif time.monotonic() > end:
            raise _failed(profile, f"{profile.key_command[0]} took longer than {time_limit:g} s, and was stopped")
        if output.is_whole:
            with suppress(subprocess.TimeoutExpired):
                child.wait(_ASKED_EVERY)
        else:
            output.wait(_ASKED_EVERY)


class _Output:
    """What a command prints, read by a thread, which closes the pipe when its other end is closed."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._pieces: list[bytes] = []
        self._ended = threading.Event()
        threading.Thread(target=self._read, name="key command", daemon=True).start()

    def _read(self) -> None:
        with self._pipe:
            while not self.is_too_long and (piece := os.read(self._pipe.fileno(), _LONGEST_KEY)):
                self._pieces.append(piece)
        self._ended.set()

    def wait(self, seconds: float) -> None:
        """Wait for the end, for so long at most."""
        self._ended.wait(seconds)

    @property
    def is_whole(self) -> bool:
        return self._ended.is_set()

    @property
    def is_too_long(self) -> bool:
        return sum(map(len, self._pieces)) > _LONGEST_KEY

    @property
    def data(self) -> bytes:
        return b"".join(self._pieces)


def _stop(child: subprocess.Popen[bytes], own_session: bool) -> None:
    """End the command, and in a session of its own whatever it has started."""
    if own_session and os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    elif child.poll() is None:
        child.kill()
    child.wait()


def _key_of(output: bytes, profile: Profile) -> str:
    """Return the key that was printed. Nothing of the output is in an error: it may be half a key."""
    program = profile.key_command[0]
    key = output.decode("utf-8", "replace").strip()
    if not key:
        raise _failed(profile, f"{program} printed nothing")
    if not is_usable_key(key) or any(character.isspace() for character in key):
        raise _failed(profile, f"{program} printed something else than one key on one line")
    return key


def _failed(profile: Profile, what: str) -> SettingsError:
    return SettingsError(
        f"The profile {profile.name!r} gets no key: {what}",
        "Run its key_command in a shell to see why. No other key was tried.",
    )
