"""One list a tick for all jobs, however many there are; politely when the server is in trouble.

A failed tick changes the health, never a job.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.client import decode as wire
from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.errors import AuthenticationError, BatchError, ConnectionFailedError, RateLimitError, ServerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tbatch_tui.engine.domain.job import Job

_JITTER = 0.1
_REFRESH_NOT_WITHIN = 2.0
_LONGEST_BACKOFF = 300.0
_LOOK_UP_EVERY = 5.0
"""While waiting, how often the clocks are read: how late a machine that slept is noticed."""
_WHAT_IS_SAFE = "Nothing that was submitted is lost; the history below is from this machine."


@dataclass(frozen=True, slots=True)
class JobList:
    """A list that arrived: its jobs, and when it was asked for (monotonic seconds)."""

    jobs: list[Job]
    asked_at: float


class Poller:
    """Asks for the list of jobs, again and again, and hands it on."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]],
        arrived: Callable[[JobList], Awaitable[None]],
        health_changed: Callable[[ConnectionHealth], None],
        interval: Callable[[], float],
        *,
        now: Callable[[], float],
        first_wait: float = 2.0,
        seed: int | None = None,
    ) -> None:
        """`interval()` is asked after each tick; `arrived` gets every list, changed or not; `now` is wall time."""
        self._fetch = fetch
        self._arrived = arrived
        self._health_changed = health_changed
        self._interval = interval
        self._now = now
        self._first_wait = first_wait
        self._random = random.Random(seed)
        self._wake = asyncio.Event()
        self._last_asked = float("-inf")
        self._not_before = float("-inf")
        """When a Retry-After ends."""
        self._refresh_asked = False
        self._soon = False
        self._failures = 0
        self._body: bytes | None = None
        self._jobs: list[Job] = []
        self._waiting: list[tuple[float, asyncio.Future[JobList]]] = []
        self.health = ConnectionHealth()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            delay = await self._tick()
            self._set_next(delay)
            await self._sleep(delay)

    def refresh(self) -> bool:
        """Ask now. False, and nothing happens, within 2 s of the last time, or before the server wants to be asked."""
        now = self._monotonic()
        if now - self._last_asked < _REFRESH_NOT_WITHIN or now < self._not_before:
            return False
        self._refresh_asked = True
        self._wake.set()
        return True

    @property
    def body(self) -> bytes | None:
        """The last list as the server wrote it."""
        return self._body

    def refresh_soon(self) -> None:
        """Ask as soon as `refresh` would not say False: something is known to be different from the last list."""
        self._soon = True
        self._wake.set()

    def hurry(self) -> None:
        """The interval has become shorter: look at it again."""
        self._wake.set()

    @property
    def last_list(self) -> list[Job] | None:
        """The jobs of the last list that arrived; None before there was one."""
        return self._jobs if self._body is not None else None

    async def next_list(self) -> JobList:
        """The next list that is asked for from now on and arrives."""
        future: asyncio.Future[JobList] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._monotonic(), future))
        try:
            return await future
        finally:
            self._waiting = [(since, waiting) for since, waiting in self._waiting if waiting is not future]

    async def _tick(self) -> float:
        """Ask once. The seconds until the next time."""
        asked_at = self._last_asked = self._monotonic()
        self._soon = False
        try:
            body = await self._fetch()
            if body != self._body:
                self._jobs = await asyncio.to_thread(wire.decode_jobs, body)
                self._body = body
        except BatchError as error:
            return self._trouble(error)
        self._failures = 0
        if self.health.state is not HealthState.OK:
            self._set(ConnectionHealth(HealthState.OK, since=self._now()))
        answer = JobList(self._jobs, asked_at)
        await self._arrived(answer)
        for since, future in self._waiting:
            if since <= asked_at and not future.done():
                future.set_result(answer)
        return self._jittered(self._interval())

    def _trouble(self, error: BatchError) -> float:
        self._failures += 1
        delay = min(_LONGEST_BACKOFF, self._first_wait * 2.0 ** min(self._failures - 1, 10))
        if isinstance(error, AuthenticationError):
            state, delay = HealthState.KEY_REFUSED, _LONGEST_BACKOFF
        elif isinstance(error, ConnectionFailedError):
            state, delay = HealthState.OFFLINE, min(delay, 60.0)
        else:
            state = HealthState.BACKING_OFF
            asked = error.retry_after if isinstance(error, RateLimitError | ServerError) else None
            delay = self._jittered(max(delay, asked or 0.0))
            self._not_before = self._monotonic() + asked if asked else self._not_before
        since = self.health.since if self.health.state is state else self._now()
        self._set(ConnectionHealth(state, since, title=error.title, hint=error.hint or _WHAT_IS_SAFE))
        return delay

    async def _sleep(self, delay: float) -> None:
        """Until `delay` has passed, on either clock: the wall's goes on while the machine sleeps."""
        # After a failure from its end on: a server that takes a minute to say 503 is left alone all the same.
        until = self._sooner((self._monotonic() if self._failures else self._last_asked) + delay)
        until_wall = self._now() + delay
        while (left := min(until - self._monotonic(), until_wall - self._now())) > 0:
            try:
                async with asyncio.timeout(min(left, _LOOK_UP_EVERY)):  # wait_for can swallow a cancellation on 3.11
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()
            if self._refresh_asked:
                self._refresh_asked = False
                return
            if not self._failures:
                until = self._sooner(min(until, self._last_asked + self._interval()))

    def _sooner(self, until: float) -> float:
        """The next time, or an earlier one that is still polite, if one is wanted; never while there is trouble."""
        if not self._soon or self._failures:
            return until
        return min(until, max(self._last_asked + _REFRESH_NOT_WITHIN, self._not_before))

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 + self._random.uniform(0, _JITTER))

    def _set_next(self, delay: float) -> None:
        health = self.health
        self._set(ConnectionHealth(health.state, health.since, self._now() + delay, health.title, health.hint))

    def _set(self, health: ConnectionHealth) -> None:
        if health != self.health:
            self.health = health
            self._health_changed(health)

    @staticmethod
    def _monotonic() -> float:
        return asyncio.get_running_loop().time()
