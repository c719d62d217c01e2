"""Ask the server for its list of jobs: one list for all jobs, however many there are.

A list that fails changes the health of the connection, never a job; the next one is asked for with back-off.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.client.decode import decode_job_list
from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.errors import AuthenticationError, BatchError, ConnectionFailedError, RateLimitError, ServerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tbatch_tui.engine.domain.job import Job

_JITTER = 0.1
"""Share of a pause by which it may be longer."""
_REFRESH_NOT_WITHIN = 2.0
"""Seconds between a list and one that is asked for out of turn, at least."""
_LONGEST_BACKOFF = 300.0
_LONGEST_OFFLINE_BACKOFF = 60.0
_CLOCKS_READ_EVERY = 5.0
"""Seconds between two looks at the clocks while waiting: that late it is noticed that the machine slept."""
_WHAT_IS_SAFE = "Nothing you submitted is lost; this list is the history on this machine."


@dataclass(frozen=True, slots=True)
class JobList:
    """A list that arrived, and when it was asked for (loop time). The same list again is the same `jobs` object."""

    jobs: list[Job]
    asked_at: float
    is_whole: bool = True
    """Whether it proves what is not in it: every job that had not ended a moment ago is there, all of it can be read,
    and no page follows."""


class Poller:
    """Asks for the list of jobs, again and again, and passes it on."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]],
        on_list: Callable[[JobList], Awaitable[None]],
        on_health: Callable[[ConnectionHealth], None],
        interval: Callable[[], float],
        *,
        now: Callable[[], float],
        first_retry_delay: float = 2.0,
        seed: int | None = None,
    ) -> None:
        """Make a poller that `run` sets going.

        Args:
            fetch: asks the server for the list, as bytes; may raise BatchError.
            on_list: awaited with every list, changed or not, before those who wait in `next_list` get it.
            on_health: called when the connection's health or the time of the next list has changed.
            interval: returns the seconds between two lists as of now.
            now: wall time, seconds since the epoch.
            first_retry_delay: seconds to wait after a first failure; they double from one failure to the next.
            seed: of the jitter.
        """
        self._fetch = fetch
        self._on_list = on_list
        self._on_health = on_health
        self._interval = interval
        self._now = now
        self._first_retry_delay = first_retry_delay
        self._random = random.Random(seed)
        self._wake = asyncio.Event()
        self._last_asked = float("-inf")
        self._not_before = float("-inf")
        """When the server's Retry-After ends."""
        self._refresh_now = False
        self._refresh_soon = False
        self._failures = 0
        self._body: bytes | None = None
        self._jobs: list[Job] = []
        self._is_whole = True
        self._unended: set[str] = set()
        """Jobs that a list showed, and none has shown as ended."""
        self._waiting: list[tuple[float, asyncio.Future[JobList]]] = []
        self.health = ConnectionHealth()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            delay = await self._tick()
            self._set_next_time(delay)
            await self._sleep(delay)

    def refresh(self) -> bool:
        """Ask now. False, without asking, within 2 s of the last list or before the end of the server's Retry-After."""
        now = self._monotonic()
        if now - self._last_asked < _REFRESH_NOT_WITHIN or now < self._not_before:
            return False
        self._refresh_now = True
        self._wake.set()
        return True

    @property
    def body(self) -> bytes | None:
        """The last list as the server sent it."""
        return self._body

    def refresh_soon(self) -> None:
        """Ask as soon as `refresh` would return True: something is known to differ from the last list."""
        self._refresh_soon = True
        self._wake.set()

    def hurry(self) -> None:
        """Take the interval again: it has become shorter."""
        self._wake.set()

    @property
    def last_list(self) -> list[Job] | None:
        """The jobs of the last list that arrived; None before there was one."""
        return self._jobs if self._body is not None else None

    async def next_list(self) -> JobList:
        """Return the next list that is asked for from now on and arrives."""
        future: asyncio.Future[JobList] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._monotonic(), future))
        try:
            return await future
        finally:
            self._waiting = [(since, waiting) for since, waiting in self._waiting if waiting is not future]

    async def _tick(self) -> float:
        """Ask once; return the seconds until the next time."""
        asked_at = self._last_asked = self._monotonic()
        self._refresh_soon = False
        try:
            body = await self._fetch()
            if body != self._body:
                self._jobs, self._is_whole, self._unended = await asyncio.to_thread(_read_list, body, self._unended)
                self._body = body
        except BatchError as error:
            return self._back_off(error)
        self._failures = 0
        if self.health.state is not HealthState.OK:
            self._set_health(ConnectionHealth(HealthState.OK, since=self._now()))
        answer = JobList(self._jobs, asked_at, self._is_whole)
        await self._on_list(answer)
        for since, future in self._waiting:
            if since <= asked_at and not future.done():
                future.set_result(answer)
        return self._jittered(self._interval())

    def _back_off(self, error: BatchError) -> float:
        """Note a failure in the health; return the seconds until the next time."""
        self._failures += 1
        delay = min(_LONGEST_BACKOFF, self._first_retry_delay * 2.0 ** min(self._failures - 1, 10))
        if isinstance(error, AuthenticationError):
            state, delay = HealthState.KEY_REFUSED, _LONGEST_BACKOFF
        elif isinstance(error, ConnectionFailedError):
            state, delay = HealthState.OFFLINE, min(delay, _LONGEST_OFFLINE_BACKOFF)
        else:
            state = HealthState.BACKING_OFF
            retry_after = error.retry_after if isinstance(error, RateLimitError | ServerError) else None
            delay = self._jittered(max(delay, retry_after or 0.0))
            self._not_before = self._monotonic() + retry_after if retry_after else self._not_before
        since = self.health.since if self.health.state is state else self._now()
        self._set_health(ConnectionHealth(state, since, title=error.title, hint=error.hint or _WHAT_IS_SAFE))
        return delay

    async def _sleep(self, delay: float) -> None:
        """Wait until `delay` has passed on either clock: wall time goes on while the machine sleeps."""
        # After a failure from its end on: a server that takes a minute to answer 503 gets its pause all the same.
        until = self._brought_forward((self._monotonic() if self._failures else self._last_asked) + delay)
        until_wall = self._now() + delay
        while (left := min(until - self._monotonic(), until_wall - self._now())) > 0:
            try:
                # Not wait_for: on 3.11 it can swallow the cancellation that ends us.
                async with asyncio.timeout(min(left, _CLOCKS_READ_EVERY)):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()
            if self._refresh_now:
                self._refresh_now = False
                return
            if not self._failures:
                until = self._brought_forward(min(until, self._last_asked + self._interval()))

    def _brought_forward(self, until: float) -> float:
        """Return the time of the next list: an earlier one if `refresh_soon` was called, never after a failure."""
        if not self._refresh_soon or self._failures:
            return until
        return min(until, max(self._last_asked + _REFRESH_NOT_WITHIN, self._not_before))

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 + self._random.uniform(0, _JITTER))

    def _set_next_time(self, delay: float) -> None:
        health = self.health
        self._set_health(ConnectionHealth(health.state, health.since, self._now() + delay, health.title, health.hint))

    def _set_health(self, health: ConnectionHealth) -> None:
        if health != self.health:
            self.health = health
            self._on_health(health)

    @staticmethod
    def _monotonic() -> float:
        return asyncio.get_running_loop().time()


def _read_list(body: bytes, unended: set[str]) -> tuple[list[Job], bool, set[str]]:
    """Return the jobs of a list, whether it proves what is not in it, and which have not ended now. For a thread.

    Args:
        unended: the jobs that had not ended before.
    """
    jobs, looks_whole = decode_job_list(body)
    ended = {job.id for job in jobs if job.is_ended}
    running = {job.id for job in jobs if not job.is_ended}
    return jobs, looks_whole and unended <= ended | running, (unended - ended) | running
