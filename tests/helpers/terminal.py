"""A program in a pseudo-terminal, and a look at the processes that it started."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox


class Terminal:
    """A program in a pseudo-terminal: the app, or `program`, the arguments of Python."""

    def __init__(
        self, *arguments: str, cwd: Path, program: tuple[str, str] = ("-m", "tbatch_tui"), **more: str
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 110, 0, 0))
        inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        environment = inherited | {
            "TERM": "xterm-256color",
            "TMUX": "",
            "PYTHONPATH": os.pathsep.join(sys.path),
            **more,
        }
        self.child = subprocess.Popen(
            [sys.executable, *program, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""

    def read_until(self, sign: bytes, within: float = 40.0) -> None:
        """Read until `sign` has been painted; fails the test after `within` seconds."""
        end = time.monotonic() + within
        while sign not in self.seen:
            assert time.monotonic() < end, f"{sign!r} was not painted: {self.seen[-800:]!r}"
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 65536)

    def type(self, keys: bytes) -> None:
        """Send these keys in one write."""
        os.write(self.master, keys)

    def settle(self, quiet: float = 0.4) -> None:
        """Read until nothing has been painted for `quiet` seconds, but no longer than 3 seconds."""
        end = time.monotonic() + 3.0
        while time.monotonic() < end and select.select([self.master], [], [], quiet)[0]:
            self.seen += os.read(self.master, 65536)

    def drain(self, within: float = 60.0) -> None:
        """Read until the program has ended, and everything it wrote before."""
        end = time.monotonic() + within
        while True:
            has_ended = self.child.poll() is not None
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.master, 65536)
                except OSError:  # the other end is closed, and everything is read
                    break
            elif has_ended:
                break
            assert time.monotonic() < end, "it does not end"
        self.child.wait(within)

    def close(self) -> None:
        """Kill the program if it still runs."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.master)


def terminal_on(box: Sandbox, folder: Path, *arguments: str) -> Terminal:
    """Start the app on a sandbox, with its history and results below a folder."""
    folders = ("--data-dir", str(folder / "data"), "--output-dir", str(folder / "results"))
    return Terminal(*arguments, *folders, cwd=folder, TOGETHER_API_KEY=box.key, TOGETHER_BASE_URL=box.base_url)


def children_of(pid: int) -> list[int]:
    """Return the ids of the processes that a process started, from /proc."""
    children = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                children.append(int(folder.name))
    return children


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be reaped does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
