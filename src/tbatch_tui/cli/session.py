"""An open engine for one command, which prints what the engine announces."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Self

from tbatch_tui.cli.output import Progress, print_message
from tbatch_tui.config.engine_options import options_from
from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import AuthenticationError, BatchError, ConnectionFailedError
from tbatch_tui.engine.events import ConnectionChanged, Event, Notice, TransferProgress
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from tbatch_tui.cli.follow.bars import JobBars
    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.job import FileKind
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.transfer import Transfer

_FIRST_LIST_WITHIN = 30.0
"""Seconds in which the server must have answered the first list."""
_HISTORY_AFTER = 5.0
"""Seconds after which a command that can do without the server tells the history."""
_DOWNLOAD_TRIES = 5
"""Failed downloads of one file after which the command gives up. The app goes on trying."""


class Network(Enum):
    """Whether a command asks the server."""

    NEEDED = "needed"
    """It has nothing to tell without the server's answer."""
    IF_ANSWERED = "if answered"
    """It tells the history, and since when that holds, where there is no key or no answer within a few seconds."""
    NEVER = "never"
    """All it tells is on this machine."""


class Session:
    """An engine that is open as long as one command runs.

    It prints notices, the progress of transfers, and, while the command waits for a job, each new status.
    """

    def __init__(self, settings: Settings, *, background_work: bool = False, network: Network = Network.NEEDED) -> None:
        """Make the engine; entering the context opens it. Raises AuthenticationError if a key is needed and not there.

        Args:
            settings: The resolved settings.
            background_work: Whether the command submits or downloads; otherwise it only lists, and cancels.
            network: Whether the command asks the server.
        """
        self._no_key = settings.key_error or "Set TOGETHER_API_KEY, or run `tg login`."
        if settings.api_key is None and network is Network.NEEDED:
            raise AuthenticationError("There is no API key", self._no_key)
        options = options_from(settings, background_work=background_work, connect=network is not Network.NEVER)
        self.engine = BatchEngine(options, self._on_event)
        self._network = network
        self._progress = Progress()
        self._bars: JobBars | None = None
        self._connection_changed = asyncio.Event()
        self._printed: dict[int | str, str] = {}
        """The last status printed of each job, by its submission or key, so that none is printed twice."""
        self._explained: dict[int | str, str] = {}
        """What was printed last of why there is no job yet, likewise."""

    async def __aenter__(self) -> Self:
        await self.engine.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.clear()
        await self.engine.aclose()

    def _on_event(self, event: Event) -> None:
        match event:
            case TransferProgress():
                (self._bars or self._progress).show_transfer(event)
            case Notice(title, hint):
                print_message(f"{title}. {hint}" if hint else title)
            case ConnectionChanged():
                self._connection_changed.set()

    async def list_jobs(self) -> list[JobRecord]:
        """Return all jobs, once the server's list has arrived; of a command that can do without, those of the history.

        Raises BatchError when the list does not come and is needed, or the key is refused.
        """
        await self.engine.records()
        if self._network is Network.NEEDED:
            try:
                await self._until_listed(_FIRST_LIST_WITHIN)
            except TimeoutError:
                raise ConnectionFailedError("The server has not answered", "Nothing was done. Try again.") from None
        elif self._network is Network.IF_ANSWERED:
            await self._try_to_list()
        return await self.engine.records()

    async def _until_listed(self, seconds: float) -> None:
        """Wait for the first list. Raises TimeoutError, and BatchError when it cannot be had."""
        async with asyncio.timeout(seconds):
            while not self._is_listed():
                self._connection_changed.clear()
                await self._connection_changed.wait()

    async def _try_to_list(self) -> None:
        """Wait a few seconds for the first list, and say why what follows is the history if it does not come."""
        why = "There is no API key"
        if self.engine.options.api_key is not None:
            try:
                return await self._until_listed(_HISTORY_AFTER)
            except ConnectionFailedError as error:
                why = error.title
            except TimeoutError:
                why = self.engine.health.title or "The server has not answered"
        written_at = await self.engine.written_at()
        print_message(f"{why}: showing the history on this machine as of {fmt.absolute(written_at)}.")
        return None

    def _is_listed(self) -> bool:
        """Return whether the first list is in the history. Raises BatchError when it cannot be had."""
        health = self.engine.health
        match health.state:
            case HealthState.OK:
                return health.next_at is not None  # the poller sets it after the list has been applied
            case HealthState.KEY_REFUSED:
                raise AuthenticationError(health.title, health.hint)
            case HealthState.OFFLINE:
                raise ConnectionFailedError(health.title, "Nothing was done. Try again when there is a connection.")
        return False

    async def wait(self, key: str, look: Callable[[JobRecord], object] = lambda _: None) -> JobRecord:
        """Wait until the job has ended and its files are here or gone for good, printing what happens meanwhile.

        Raises ConnectionFailedError when a file has failed to download too often.

        Args:
            look: called with the record whenever it changes; an error that it raises ends the wait.
        """
        watch = self._watch()

        def both(record: JobRecord) -> None:
            watch(record)
            look(record)

        return await self.engine.wait(key, both)

    async def wait_until(self, key: str, holds: Callable[[JobRecord], bool]) -> JobRecord:
        """Wait until `holds` is true of the record, printing what happens meanwhile. Raises as `wait`."""
        watch = self._watch()

        def check(record: JobRecord) -> bool:
            watch(record)
            return holds(record)

        return await self.engine.wait_until(key, check)

    def _watch(self) -> Callable[[JobRecord], None]:
        """Return what prints each new status and each new download error of a record, and counts the errors."""
        failures: Counter[FileKind] = Counter()
        last_failed: dict[FileKind, Transfer] = {}

        def watch(record: JobRecord) -> None:
            self._print_status(record)
            for transfer in record.transfers:
                before = last_failed.get(transfer.kind)
                if transfer.state is not TransferState.FAILED or transfer == before:
                    continue
                last_failed[transfer.kind] = transfer
                failures[transfer.kind] += 1
                if before is None or transfer.message != before.message:
                    self._progress.clear()
                    print_message(f"{record.name}: {transfer.message}")
                if failures[transfer.kind] >= _DOWNLOAD_TRIES:
                    raise ConnectionFailedError(
                        "The files could not be downloaded",
                        f"What has arrived is kept; {NextStep.FETCH} continues from there.",
                    )

        return watch

    @contextmanager
    def bars(self, records: Sequence[JobRecord]) -> Iterator[None]:
        """Show these jobs as bars on a terminal, elsewhere a line for each change, while they are waited for."""
        from tbatch_tui.cli.follow.bars import JobBars

        self._progress.clear()
        with JobBars(records) as self._bars:
            try:
                yield
            finally:
                self._bars = None

    def _print_status(self, record: JobRecord) -> None:
        key = record.submission.id if record.submission is not None else record.key
        if self._bars is not None:
            self._bars.show(record)
        elif record.status != self._printed.get(key):
            self._printed[key] = record.status
            self._progress.clear()
            print_message(f"{record.name}: {record.status_words}")
        submission = record.submission
        if submission is None or not submission.state.is_open or not submission.error or record.is_waiting:
            return
        explanation = f"{submission.error}. {submission.hint or ''}".rstrip()
        if explanation != self._explained.get(key):
            self._explained[key] = explanation
            self._progress.clear()
            print_message(f"{record.name}: {explanation}")


def require_job(record: JobRecord, action: str) -> str:
    """Return the id of the record's job. Raises BatchError while there is none; `action` is what needs it."""
    if record.job is None:
        raise BatchError(
            f"There is no job yet to {action}: {record.status_words}",
            "It becomes a job while `tbatch-tui submit` or the app runs.",
        )
    return record.job.id
