"""An open engine for the length of one command: what it announces is said, and what the command waits for is here."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Self

from tbatch_tui.cli.exit_codes import NoSuchJobError
from tbatch_tui.cli.output import Progress, print_message
from tbatch_tui.config.engine_options import options_of
from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import AuthenticationError, BatchError, ConnectionFailedError
from tbatch_tui.engine.events import ConnectionChanged, Event, Notice, TransferProgress
from tbatch_tui.engine.next_step import NextStep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.record import JobRecord

_PATIENCE = 30.0
"""Seconds in which the server must have answered a first list."""
_TRIES = 5
"""Downloads of one file that may fail before the command gives up; the app goes on with them."""
_SHORTEST_BEGINNING = 4
"""Characters of an id from which its beginning is enough."""


class Session:
    """`works`: whether it may submit and download; else it only asks and looks."""

    def __init__(self, settings: Settings, *, background_work: bool) -> None:
        if settings.api_key is None:
            raise AuthenticationError(
                "There is no API key", settings.key_error or "Set TOGETHER_API_KEY, or run `tg login`."
            )
        self.engine = BatchEngine(options_of(settings, background_work=background_work), self._heard)
        self._progress = Progress()
        self._changed = asyncio.Event()
        self._said: dict[int | str, str] = {}
        """The status that was said last of each job, by its submission or key: it is not said twice."""

    async def __aenter__(self) -> Self:
        await self.engine.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.clear()
        await self.engine.aclose()

    def _heard(self, event: Event) -> None:
        match event:
            case TransferProgress():
                self._progress.moved(event)
            case Notice(title, hint):
                print_message(f"{title}. {hint}" if hint else title)
            case ConnectionChanged():
                self._changed.set()

    async def listed(self) -> list[JobRecord]:
        """All jobs, once the server has told them. Raises BatchError when it does not."""
        await self.engine.records()
        try:
            async with asyncio.timeout(_PATIENCE):
                while not self._has_answered():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise ConnectionFailedError("The server has not answered", "Nothing was done. Ask again.") from None
        return await self.engine.records()

    def _has_answered(self) -> bool:
        health = self.engine.health
        match health.state:
            case HealthState.OK:
                return health.next_at is not None  # told when the list has been taken over
            case HealthState.KEY_REFUSED:
                raise AuthenticationError(health.title, health.hint)
            case HealthState.OFFLINE:
                raise ConnectionFailedError(health.title, "Nothing was done. Ask again when there is a connection.")
        return False

    def find(self, records: list[JobRecord], text: str) -> JobRecord:
        """The one job that is called so. Raises Unknown."""
        exact = [record for record in records if text == record.key]
        begun = [r for r in records if len(text) >= _SHORTEST_BEGINNING and r.key.startswith(text)]
        named = [record for record in records if text in (record.label, record.name)]
        found = exact or begun or named
        if len(found) == 1:
            return found[0]
        if not found:
            raise NoSuchJobError(f"There is no job {text!r}", "tbatch-tui ls shows them.")
        those = ", ".join(record.key for record in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise NoSuchJobError(f"{len(found)} jobs are called {text!r}", f"Give the id of one: {those}{more}.")

    def find_all(self, records: list[JobRecord], texts: Sequence[str]) -> list[JobRecord]:
        """The jobs that are called so, each once. Raises Unknown."""
        found = [self.find(records, text) for text in texts]
        return list({record.key: record for record in found}.values())

    async def until(self, key: str, holds: Callable[[JobRecord], bool]) -> JobRecord:
        """Wait until the record is as asked for; what becomes of its status is said on the way."""
        failed: Counter[FileKind] = Counter()
        last: dict[FileKind, Transfer] = {}

        def seen(record: JobRecord) -> bool:
            whose = record.submission.id if record.submission is not None else record.key
            if record.status != self._said.get(whose):
                self._said[whose] = record.status
                self._progress.clear()
                print_message(f"{record.name}: {record.status_words}")
            for now in record.transfers:
                before = last.get(now.kind)
                if now.state is not TransferState.FAILED or now == before:
                    continue
                last[now.kind] = now
                failed[now.kind] += 1
                if before is None or now.message != before.message:
                    self._progress.clear()
                    print_message(f"{record.name}: {now.message}")
                if failed[now.kind] >= _TRIES:
                    raise ConnectionFailedError(
                        "The files did not come", f"What came so far is kept; {NextStep.FETCH} goes on there."
                    )
            return holds(record)

        return await self.engine.wait_until(key, seen)


def is_brought_home(record: JobRecord) -> bool:
    """Whether the job has ended and every file it has is here, or certainly gone."""
    job = record.job
    if job is None or not job.is_ended:
        return False
    here = {transfer.kind: transfer.state for transfer in record.transfers}
    settled = (TransferState.FETCHED, TransferState.GONE)
    return all(here.get(kind) in settled for kind in FileKind if job.file_id(kind) is not None)


def require_job(record: JobRecord, doing: str) -> str:
    """The job's id. Raises BatchError while there is none."""
    if record.job is None:
        raise BatchError(
            f"There is no job yet to {doing}: {record.status_words}",
            "It becomes one while `tbatch-tui submit` or the app runs.",
        )
    return record.job.id
