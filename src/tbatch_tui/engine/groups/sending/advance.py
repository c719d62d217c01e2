"""Send what of a group may go next, or have its parts wait for the person."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import Pause, SubmissionState
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.groups.sending.enqueued import Room, room_for
from tbatch_tui.engine.groups.stages import format_outcome, is_answered_whole, next_step, number
from tbatch_tui.engine.pricing.over_budget import BudgetBusyError, OverBudgetError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import JobGroup
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.pricing.pricing import Pricing
    from tbatch_tui.engine.runtime.runtime import Runtime

_WAITING = (SubmissionState.WAITING,)
_WAITING_OR_READY = (SubmissionState.WAITING, SubmissionState.READY)


class GroupAdvance:
    """Moves parts that wait: to being sent, or to waiting for the person."""

    def __init__(self, runtime: Runtime, store: JobStore, emit: Callable[[Event], object], prices: Pricing) -> None:
        self._runtime = runtime
        self._store = store
        self._emit = emit
        self._prices = prices
        self.without_room: set[int] = set()
        """The groups with a part that waits for room for its tokens: they go on when any job ends."""
        self._due: set[int] = set()
        """The groups whose parts are about to be read: what happens until then is seen with them."""

    def soon(self, group_id: int) -> None:
        """Have a group advance in the background. It is read once for many parts that end together."""
        if group_id not in self._due:
            self._due.add(group_id)
            self._runtime.spawn(self._advance_once(group_id))

    async def _advance_once(self, group_id: int) -> None:
        try:
            is_waiting = group_id in await self._store.groups.waiting_ids()
        finally:
            self._due.discard(group_id)
        if is_waiting:
            await self.advance(group_id)
        else:
            self.without_room.discard(group_id)

    async def _try_again(self, group_id: int) -> None:
        await asyncio.sleep(self._runtime.options.poll_interval)
        self.soon(group_id)

    async def advance(self, group_id: int, *, is_admitted: bool = False) -> None:
        """Submit what may be sent now of the parts that wait, or let all of them wait for the person from now on.

        They wait too if the month's budget does not allow them any more: other jobs may have taken what was left.

        Args:
            group_id: The group.
            is_admitted: Whether the caller has seen to it that the budget allows them.
        """
        # Also those that were taken out of the list: a stage is not good because nobody wants to see it any more.
        parts = await self._store.groups.parts(group_id, even_removed=True)
        if not parts or (group := parts[0].group) is None:
            return
        step = next_step(group, parts, await self._cost_of(group))
        rest = sum(part.requests or 0 for part in parts if part.is_waiting)
        if step.ask:
            outcome = "; ".join(filter(None, (format_outcome(*step.ask), step.why)))
            if await self.release(group_id, SubmissionState.READY, error=outcome, pause=Pause.OUTCOME, only=_WAITING):
                hint = f"The other {rest:,} are on hold; none has been sent."
                title = f"{_stage_name(step.ask)}: {outcome[:1].lower()}{outcome[1:]}"
                self._emit(Notice(title, hint, "warning", parts[0].key))
        elif step.send:
            try:
                async with self._within_budget(group, parts, step.send, is_admitted=is_admitted):
                    moved = await self._send(group_id, step.send)
            except OverBudgetError as error:
                await self._pause(group_id, parts[0], error, rest)
                return
            except BudgetBusyError as error:  # says nothing of the budget
                await self.release(
                    group_id, SubmissionState.WAITING, error=error.title, pause=Pause.BUSY, only=_WAITING,
                    numbers=step.send,
                )  # fmt: skip
                self._runtime.spawn(self._try_again(group_id))
                return
            if moved and step.passed:
                outcome = "all ok" if all(map(is_answered_whole, step.passed)) else format_outcome(*step.passed)
                count = sum(part.requests or 0 for part in moved)
                hint = f"The other {count:,} are being submitted." if count == rest else f"The next {count:,} follow."
                self._emit(Notice(f"{_stage_name(step.passed)}: {outcome}", hint, key=parts[0].key))

    async def _send(self, group_id: int, numbers: Collection[int]) -> list[JobRecord]:
        """Submit those of these parts for whose model so many more tokens may be enqueued."""
        room = Room((), {})

        def find(parts: Sequence[JobRecord], numbers: Collection[int], records: Sequence[JobRecord]) -> Room:
            nonlocal room
            room = self.room(parts, numbers, records)
            return room

        moved = await self._store.groups.release_with_room(group_id, numbers, find)
        (self.without_room.add if room.reasons else self.without_room.discard)(group_id)
        if moved:
            await self._runtime.resume_submissions()
        return moved

    def room(self, parts: Sequence[JobRecord], numbers: Collection[int], records: Sequence[JobRecord]) -> Room:
        """Return which of these parts have room for their tokens. See `room_for`."""
        return room_for(parts, numbers, records, self._runtime.options.enqueued_tokens)

    @asynccontextmanager
    async def _within_budget(
        self, group: JobGroup, parts: Sequence[JobRecord], send: Collection[int], *, is_admitted: bool
    ) -> AsyncIterator[None]:
        """Let parts be sent inside, if the budget allows them now. Raises OverBudgetError and BudgetBusyError."""
        if is_admitted:
            yield
            return
        budget = self._prices.budget
        sent = [part for part in parts if number(part) in send]
        async with budget.admitting(lambda: budget.judge_parts(parts, sent), over_budget=group.over_budget):
            yield

    async def _pause(self, group_id: int, first: JobRecord, error: OverBudgetError, rest: int) -> None:
        """Let all that waits of a group wait for the person, for a reason that is no outcome of its parts."""
        words = f"Budget: {error.title}"
        if await self.release(group_id, SubmissionState.READY, error=words, pause=Pause.BUDGET, only=_WAITING):
            hint = f"The other {rest:,} are on hold; none has been sent."
            self._emit(Notice(f"{first.name_of_file}: {error.title}", hint, "warning", first.key))

    async def _cost_of(self, group: JobGroup) -> Callable[[JobRecord], float | None]:
        """Return what tells what a part cost; prices are only asked for where a gate of the group is about them."""
        if all(gate.most_cost is None for gate in group.gates):
            return lambda _: None
        from tbatch_tui.engine.pricing.prices import record_cost

        prices = await self._prices.price_list()
        return lambda part: record_cost(part, prices).usd

    async def release(
        self,
        group_id: int,
        state: SubmissionState,
        *,
        error: str | None = None,
        pause: Pause = Pause.NONE,
        only: tuple[SubmissionState, ...] = _WAITING_OR_READY,
        numbers: Collection[int] | None = None,
    ) -> list[JobRecord]:
        """Commit that parts that have not been sent are in another state; return those that changed.

        See `GroupTable.release`.
        """
        moved = await self._store.groups.release(group_id, state, error=error, only=only, numbers=numbers, pause=pause)
        if state is SubmissionState.INTENT:
            await self._runtime.resume_submissions()
        return moved


def _stage_name(parts: Sequence[JobRecord]) -> str:
    """Return what the parts of a stage are called: `reviews · first 10`, `reviews · 1 to 2 of 24`."""
    first, group = parts[0], parts[0].group
    if len(parts) == 1 or group is None:
        return first.name
    return f"{first.name_of_file} · {number(first)} to {number(parts[-1])} of {group.parts}"
