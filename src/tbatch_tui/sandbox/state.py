"""All that a sandbox knows, put together: its clock, its files, its jobs, its key, its faults."""

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
    """Another sandbox works in this folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """What can be chosen of a sandbox."""

    speed: float = 1.0
    """How many times faster than the machine's clock its own runs; 0: only by hand."""

    start: float | None = None
    """Its time at the start; now, if not given."""

    seed: int | None = None
    key: str | None = None
    data_dir: Path | None = None
    pace: Pace = field(default_factory=Pace)
    rates: Rates = field(default_factory=Rates)


class SandboxState:
    """A sandbox without its server."""

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
        self.jobs = ServedJobs(self.clock, ids, self.files, journal, options.pace, options.rates)
        self._exit.callback(self.jobs.close)
        self._restore(journal.load())

    def signature(self, file_id: str) -> str:
        """What makes an upload's address a permission."""
        return hmac.new(self.key.encode(), file_id.encode(), hashlib.sha256).hexdigest()[:32]

    def close(self) -> None:
        """Give everything back; without a folder of its own, nothing stays."""
        self._exit.close()

    def _folder(self, chosen: Path | None) -> Path:
        if chosen is None:
            temporary = tempfile.TemporaryDirectory(prefix="together-sandbox-")
            return Path(self._exit.enter_context(temporary))
        import filelock  # only here: it takes a while to import

        chosen.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(chosen / "lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as taken:
            raise DataDirInUseError(str(chosen)) from taken
        self._exit.callback(lock.release)
        return chosen

    def _restore(self, records: list[JournalEntry]) -> None:
        for record in records:
            if isinstance(record, StoredFile):
                self.clock.move_forward_to(record.created_at)
                self.files.restore(record)
        for record in records:
            if isinstance(record, ServedJob):
                self.clock.move_forward_to(record.end.at if record.end is not None else record.created_at)
                self.jobs.restore(record)
            elif not isinstance(record, StoredFile):
                self.clock.move_forward_to(record.at)
        self.jobs.wait_validated()


def get_state(request: Request) -> SandboxState:
    """The state behind the app that a request came to."""
    return cast("SandboxState", request.app.state.sandbox)
