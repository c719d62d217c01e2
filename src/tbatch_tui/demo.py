"""The demo's private server: a child process that dies with the app, also when the app is killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from tbatch_tui.engine.engine import BatchEngine

DEMO_KEY = "demo-key-of-the-private-sandbox"
SERVER_NAME = "demo"
_READ_BEFORE = 3
"""Past jobs whose results are there when the demo is first looked at."""


class DemoServer:
    """`start` and `stop` block for a moment: call them in a thread."""

    def __init__(self, data_dir: Path) -> None:
        """`data_dir` is the app's; the demo keeps to a folder in it, or, if another demo has that, to a new one."""
        self.folder = data_dir / "demo"
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FileLock(self.folder / "demo.lock", thread_local=False)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            self._temporary = tempfile.TemporaryDirectory(prefix="tbatch-tui-demo-")
            self.folder = Path(self._temporary.name)
        self._child: subprocess.Popen[str] | None = None

    @property
    def samples(self) -> Path:
        """The folder of sample input files; there after `start`."""
        return self.folder / "samples"

    def start(self) -> str:
        """Start the server and write the samples. Its base URL. Raises OSError when it does not come up."""
        from tbatch_tui.sandbox.demo.samples import write_samples

        write_samples(self.samples)
        # Standard input is the lifeline: the child leaves when the other end closes, however that happens.
        self._child = subprocess.Popen(
            [
                *(sys.executable, "-m", "tbatch_tui.sandbox", "--demo", "--with-parent", "--quiet", "--port", "0"),
                *("--key", DEMO_KEY, "--data-dir", str(self.folder / "sandbox")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # ctrl-c in the terminal is the app's to answer
        )
        assert self._child.stdout is not None
        _, found, url = self._child.stdout.readline().strip().partition("TOGETHER_BASE_URL=")
        if not found:
            raise OSError("the demo's server did not start")
        return url.strip("'\"")

    async def add_past_jobs(self, engine: BatchEngine) -> None:
        """The first time: have the results of the latest past jobs here, as if they had been read. Raises BatchError.

        They lie in the demo's folder: nothing is written where the person works before they ask for it.
        """
        if await engine.recall("demo.filled") is None:
            await engine.prefetch(_READ_BEFORE, self.folder / "results")
            await engine.remember("demo.filled", "yes")

    def stop(self) -> None:
        """Stop the server; what it holds stays for the next demo."""
        if self._child is not None:
            assert self._child.stdin is not None and self._child.stdout is not None
            self._child.stdin.close()
            try:
                self._child.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
            self._child.stdout.close()
        if self._temporary is not None:
            self._temporary.cleanup()
        self._lock.release(force=True)
