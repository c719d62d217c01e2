"""The state of a sandbox, without a server: clock, files, jobs, key, faults, and the record of calls."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tbatch_tui.sandbox.clock import Clock
from tbatch_tui.sandbox.faults import ActiveFaults
from tbatch_tui.sandbox.ids import Ids
from tbatch_tui.sandbox.jobs.file_store import FileStore
from tbatch_tui.sandbox.jobs.jobs import ServedJobs
from tbatch_tui.sandbox.jobs.journal import JournalEntry, SandboxJournal
from tbatch_tui.sandbox.jobs.records import Pace, ServedJob, StoredFile
from tbatch_tui.sandbox.jobs.validation import Rates
from tbatch_tui.sandbox.traffic import Traffic

if TYPE_CHECKING:
    from starlette.requests import Request


class DataDirInUseError(Exception):
    """Another sandbox is using this data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """The options of a sandbox."""

    speed: float = 1.0
    """How many times faster than the machine's clock its own runs; at 0 only `advance` moves it."""

    start: float | None = None
    """Its time at the start, in seconds since the epoch; by default now."""

    seed: int | None = None
    """Seed of the ids; without one they are random."""

    key: str | None = None
    """The API key that clients must send; without one, a random key."""

    data_dir: Path | None = None
    """Where files and jobs are kept across restarts; without one, in a temporary folder."""

    strict: bool = False
    """Whether what only the documentation forbids is refused, although the live API was seen to take it."""

    pace: Pace = field(default_factory=Pace)
    rates: Rates = field(default_factory=Rates)


class SandboxState:
    """Everything a sandbox knows. Not thread-safe: use it in the server's thread."""

    def __init__(self, options: SandboxOptions) -> None:
        self._exit = ExitStack()
        folder = self._folder(options.data_dir)
        self.key = options.key or f"sandbox-{secrets.token_hex(16)}"
        self.clock = Clock(options.speed, options.start)
        self.faults = ActiveFaults()
        self.traffic = Traffic()
        journal = SandboxJournal(folder / "journal.jsonl" if options.data_dir is not None else None)
        self._exit.callback(journal.close)
        ids = Ids(options.seed)
        self.files = FileStore(folder / "files", ids, self.clock, journal)
        self.strict = options.strict
        self.jobs = ServedJobs(self.clock, ids, self.files, journal, options.pace, options.rates, strict=options.strict)
        self._exit.callback(self.jobs.close)
        self._restore(journal.load())

    def signature(self, file_id: str) -> str:
        """Return the signature in an upload's URL, which replaces the key there."""
        return hmac.new(self.key.encode(), file_id.encode(), hashlib.sha256).hexdigest()[:32]

    def close(self) -> None:
        """Stop the threads and close the files. Without a `data_dir`, delete everything."""
        self._exit.close()

    def _folder(self, chosen: Path | None) -> Path:
        if chosen is None:
            temporary = tempfile.TemporaryDirectory(prefix="together-sandbox-")
            return Path(self._exit.enter_context(temporary))
        import filelock  # slow to import, and only needed with a data folder

        chosen.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(chosen / "lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise DataDirInUseError(str(chosen)) from error
        self._exit.callback(lock.release)
        return chosen

    def _restore(self, entries: list[JournalEntry]) -> None:
        for entry in entries:
            if isinstance(entry, StoredFile):
                self.clock.move_forward_to(entry.created_at)
                self.files.restore(entry)
        for entry in entries:
            if isinstance(entry, ServedJob):
                self.clock.move_forward_to(entry.end.at if entry.end is not None else entry.created_at)
                self.jobs.restore(entry)
            elif not isinstance(entry, StoredFile):
                self.clock.move_forward_to(entry.at)
        self.jobs.wait_validated()


def get_state(request: Request) -> SandboxState:
    """Return the state of the sandbox that got a request."""
    return cast("SandboxState", request.app.state.sandbox)
