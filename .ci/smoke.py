"""Try an installed tbatch-tui as a stranger would: its commands, and the demo in a real terminal until it has rows."""

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


def main(program: str, folder: str, home: str) -> None:
    """Run `program` from `folder` with `home` as home; raises when something is not as promised."""
    environment = {"HOME": home, "PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    run = [program]
    version = subprocess.run(
        [*run, "--version"], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    print(version.stdout.strip())
    good = Path(folder, "good.jsonl")
    good.write_text('{"custom_id": "a", "body": {"model": "m/m", "messages": [{"role": "user", "content": "hi"}]}}\n')
    bad = Path(folder, "bad.jsonl")
    bad.write_text("{\n")
    for file, code in ((good, 0), (bad, 1), (Path(folder, "none.jsonl"), 2)):
        done = subprocess.run([*run, "check", file.name], env=environment, cwd=folder, capture_output=True, text=True)
        assert done.returncode == code, (file, done)
        print(f"check {file.name}: exit {code}  {done.stdout.strip()[:100]}")
    demo(run, environment, folder)


def demo(run: list[str], environment: dict[str, str], folder: str) -> None:
    """The demo in a pty: jobs appear, q leaves, and the exit code is 0."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 110, 0, 0))
    child = subprocess.Popen(
        [*run, "--demo"], stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=folder, start_new_session=True
    )
    os.close(slave)
    seen, began, asked = b"", time.monotonic(), False
    try:
        while True:
            assert time.monotonic() - began < 60, f"the demo did not come up: {seen[-500:]!r}"
            if select.select([master], [], [], 0.2)[0]:
                try:
                    seen += os.read(master, 65536)
                except OSError:
                    break
            if b"reviews-november" in seen and not asked:
                asked = True
                os.write(master, b"q")
        assert child.wait(20) == 0, child.returncode
    finally:
        child.kill()
        child.wait()
        os.close(master)
    print(f"demo: jobs on screen and left again in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
