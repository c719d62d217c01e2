"""A program in a terminal of 120 × 40, to press keys in and to read what it paints."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from pathlib import Path


class Terminal:
    """A program in a pty."""

    def __init__(self, command: list[str]) -> None:
        inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "TOGETHER_LOG")}
        environment = inherited | {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "TOGETHER_API_KEY": "benchmark-key",
        }
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.child = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)

    def read(self, marker: bytes, within: float = 60.0) -> float:
        """Read until the marker is painted; return the time."""
        output = b""
        end = time.perf_counter() + within
        while marker not in output:
            left = end - time.perf_counter()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise RuntimeError(f"{marker!r} was not painted: {output[-300:]!r}")
            output = output[-200:] + os.read(self.master, 65536)
        return time.perf_counter()

    def drain(self, seconds: float) -> None:
        """Read and drop output for this many seconds."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.master], [], [], left)[0]:
                os.read(self.master, 65536)

    def key_to_screen(self, key: bytes, marker: bytes) -> float:
        """Press a key; return the seconds until the marker is painted."""
        began = time.perf_counter()
        os.write(self.master, key)
        return self.read(marker) - began

    def cpu(self) -> float:
        """Return the seconds of CPU it has used, all threads together."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Kill the program."""
        self.child.kill()
        self.child.wait()
        os.close(self.master)
