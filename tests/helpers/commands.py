"""Run commands in processes that are forked from one that has loaded our modules: a start takes 30 ms, not 700.

A forked process is one of its own in all that a command meets: arguments, environment, folder, files, exit code, end.
What a start itself does (which modules are loaded, how long it takes) is seen only in a real one.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import random
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TBATCH_TUI = "tbatch_tui.cli.dispatch:main"
CAN_FORK = sys.platform == "linux"  # on macOS, what is loaded may have threads and handles that a fork breaks
_MAX_REQUEST = 1 << 20
_FORKED_WITHIN = 120.0
"""Seconds. The first fork waits until all is loaded."""
ROOT = Path(__file__).parents[2]


def run_command(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], *, timeout: float = 120, main: str = TBATCH_TUI
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, without an input, and return its exit code and what it printed.

    Args:
        arguments: what follows the name of the program.
        cwd: the folder that it is run in.
        env: all of its environment.
        timeout: seconds, after which it is killed.
        main: the module and the function that the program calls.

    Raises subprocess.TimeoutExpired.
    """
    if not CAN_FORK or env.keys() & {"PYTHONIOENCODING", "PYTHONUTF8", "PYTHONWARNINGS"}:  # those are read at the start
        return _run_started(arguments, cwd, env, timeout, main)
    command = StartedCommand(arguments, cwd, env, main)
    try:
        texts = command.communicate(timeout)
    except subprocess.TimeoutExpired:
        command.kill()
        command.communicate()
        raise
    return subprocess.CompletedProcess(list(arguments), command.wait(), *texts)


def start_command(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], **engine_options: Any
) -> StartedCommand | subprocess.Popen[str]:
    """Start a command as `run_command` does, and do not wait for it.

    Args:
        arguments: what follows the name of the program.
        cwd: the folder that it is run in.
        env: all of its environment.
        engine_options: what its engine has instead of what settings can say: see `EngineOptions`.
    """
    if CAN_FORK:
        return StartedCommand(arguments, cwd, env, TBATCH_TUI, engine_options)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.helpers.commands import set_engine_options; "
        f"set_engine_options({engine_options!r}); from tbatch_tui.cli.dispatch import main; sys.exit(main())"
    )
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


def set_engine_options(more: Mapping[str, Any]) -> None:
    """Let the command that is called next open its engine with these options."""
    from tbatch_tui.cli import session

    usual = vars(session)["options_from"]
    vars(session)["options_from"] = lambda *args, **named: replace(usual(*args, **named), **more)


def _run_started(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float, main: str
) -> subprocess.CompletedProcess[str]:
    module, _, function = main.partition(":")
    code = f"import sys; from {module} import {function}; sys.exit({function}())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@cache
def _server(main: str) -> ForkServer:
    """Return the process from which commands of this program are forked. It ends with this one."""
    return ForkServer(main)


class ForkServer:
    """A process that has loaded a program, and forks one for each request. One thread at a time may ask it."""

    def __init__(self, main: str) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from tests.helpers.commands import serve; serve({theirs.fileno()}, {main!r})"],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        atexit.register(self._close)

    def _close(self) -> None:
        self._socket.close()
        self._process.wait(timeout=20)

    def start(self, request: Mapping[str, Any], out: IO[bytes], err: IO[bytes]) -> io.FileIO:
        """Run what the request says; its outputs go to these files.

        Return a pipe that brings its process id, and at the end its exit code, as `subprocess` has it.
        """
        ours, theirs = os.pipe()
        socket.send_fds(self._socket, [json.dumps(request).encode()], [out.fileno(), err.fileno(), theirs])
        os.close(theirs)
        return io.FileIO(ours)


class StartedCommand:
    """A forked command that runs, with what `subprocess.Popen` has."""

    def __init__(
        self,
        arguments: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        main: str,
        engine_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.returncode: int | None = None
        self._arguments = list(arguments)
        request = {
            "arguments": self._arguments,
            "cwd": str(cwd),
            "env": dict(env),
            "main": main,
            "engine_options": dict(engine_options or {}),
        }
        self._outputs = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]  # noqa: SIM115 - closed with the command
        self._texts: list[str] = []
        self._answers = _server(main).start(request, *self._outputs)
        pid = _read(self._answers, time.monotonic() + _FORKED_WITHIN)
        assert pid is not None, "the command was not forked"
        self._pid = pid

    def kill(self) -> None:
        """Kill it, if it still runs."""
        with selectors.DefaultSelector() as selector:
            if self.returncode is None:
                selector.register(self._answers, selectors.EVENT_READ)
                if not selector.select(0):
                    os.kill(self._pid, signal.SIGKILL)

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end, and return the exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self.returncode = _read(self._answers, time.monotonic() + timeout)
            if self.returncode is None:
                raise subprocess.TimeoutExpired(self._arguments, timeout)
            self._answers.close()
        return self.returncode

    def communicate(self, timeout: float = 60.0) -> tuple[str, str]:
        """Wait for its end, and return what it printed. Raises subprocess.TimeoutExpired."""
        self.wait(timeout)
        for file in self._outputs:
            with file:
                file.seek(0)
                self._texts.append(file.read().decode())
        self._outputs.clear()
        out, err = self._texts
        return out, err


def _read(answers: io.FileIO, end: float) -> int | None:
    """Return the next number that the server wrote, or None when it is too late."""
    with selectors.DefaultSelector() as selector:
        selector.register(answers, selectors.EVENT_READ)
        if not selector.select(max(0.0, end - time.monotonic())):
            return None
    return int(answers.read(16) or -1)


def serve(descriptor: int, main: str) -> None:
    """Load the program, and fork for each request, until the other end is closed."""
    for name in _modules_of(main):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection would write to all that the processes share
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl+c is for pytest, and its end is this one's
    with socket.socket(fileno=descriptor) as requests:
        while True:
            text, descriptors, _, _ = socket.recv_fds(requests, _MAX_REQUEST, 3)
            if not text:
                return
            if os.fork() == 0:
                requests.close()
                _attend(json.loads(text), *descriptors)
            for one in descriptors:
                os.close(one)
            _reap()


def _reap() -> None:
    """Take note of what has ended meanwhile: it would stay a zombie, and its time would be counted nowhere."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _modules_of(main: str) -> list[str]:
    """Return what is loaded before anything is asked for."""
    module = main.partition(":")[0]
    sdk = ("together.resources.batches", "together.resources.files", "together.resources.beta", "together.types")
    if main != TBATCH_TUI:
        return [module, *sdk]
    import tbatch_tui.cli.commands
    import tbatch_tui.engine

    ours = [
        found.name
        for package in (tbatch_tui.cli.commands, tbatch_tui.engine)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.name.startswith("tbatch_tui.cli.commands.app")  # loads Textual
    ]
    others = ("anyio._backends._asyncio", "asyncio", "certifi", "logging.handlers")
    return [module, *ours, "tbatch_tui.cli.runner", *sdk, *others]


def _attend(request: dict[str, Any], out: int, err: int, answers: int) -> NoReturn:
    """Fork the command, wait for it, and write its process id and then its exit code."""
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.exit(_command(request, out, err))
    os.write(answers, b"%-16d" % pid)
    _, status = os.waitpid(pid, 0)
    os.write(answers, b"%-16d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _command(request: dict[str, Any], out: int, err: int) -> Any:
    """Make this process what a started one would be, and call the program."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0)), encoding="utf-8")
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w")), encoding="utf-8")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(  # type: ignore[misc]
        io.BufferedWriter(io.FileIO(2, "w")), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    random.seed()
    module, _, function = request["main"].partition(":")
    sys.argv = [module, *request["arguments"]]
    if request["engine_options"]:
        set_engine_options(request["engine_options"])
    return getattr(importlib.import_module(module), function)()
