"""Decisions that only the person can make: an uncertain create, the rest of a file, and what was not sent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import Pause
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.stages import asks_because_of
from tbatch_tui.tui.messages import OpenResults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.screen import Screen

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge


class Decisions:
    """Asks for a decision and has the engine carry it out. Call its methods in a worker: they wait for dialogs."""

    def __init__(self, screen: Screen[None], engine: BatchEngine, bridge: Bridge) -> None:
        self._screen = screen
        self._engine = engine
        self._bridge = bridge

    async def decide_uncertain(self, record: JobRecord) -> None:
        """Ask what to do about an uncertain create; "Create again" is confirmed, as it may be billed twice."""
        from tbatch_tui.tui.screens.jobs.dialogs.uncertain import UncertainDialog
        from tbatch_tui.tui.screens.jobs.questions import ask, create_again_question

        candidates = self._engine.candidates(record.key)
        if candidates is None:
            self._bridge.notify(
                "This app is not checking it",
                "Another tbatch-tui is using this data folder: decide there. Or there is no connection yet.",
            )
            return
        app = self._screen.app
        decision = await app.push_screen_wait(UncertainDialog(record, candidates, self._engine.now()))
        if decision is None:
            return
        if decision.again and not await ask(app, create_again_question(record)):
            return
        if not await self._engine.decide(record.key, decision):
            self._bridge.notify("It has been settled in the meantime", "Nothing was done; the list shows it now.")

    async def decide_rest(self, record: JobRecord) -> None:
        """Ask what becomes of the rest of a file of which some requests went ahead."""
        from tbatch_tui.engine.pricing.prices import cost
        from tbatch_tui.tui.screens.jobs.dialogs.rest import CopiedDialog, Rest, RestDialog

        parts = await self._engine.groups.parts(record.key)
        if asks_because_of(Pause.COPIED, parts or [record]):
            match await self._screen.app.push_screen_wait(CopiedDialog(parts or [record])):
                case Rest.GO_ON:
                    await self._go_on(record)
                case Rest.DROP:
                    await self._report(lambda _: self._engine.groups.drop_rest(record.key))
            return
        if not parts or (group := parts[0].group) is None:
            return
        first = parts[0]
        usage = [one for part in parts if part.counts is not None for one in part.counts.usage]
        model = first.job.model if first.job is not None else None
        so_far = cost(usage, await self._engine.prices.price_list(), model)
        match await self._screen.app.push_screen_wait(RestDialog(parts, group, so_far if usage else None)):
            case Rest.LOOK:
                self._screen.post_message(OpenResults(first.key))
            case Rest.SEND:
                send = partial(self._engine.groups.send_rest, record.key)
                await self._report(lambda over_budget: send(over_budget=over_budget))
            case Rest.AGAIN:
                await self.decide_unsent(next(part for part in parts if part.can_send_again))
            case Rest.HOLD:
                await self._report(lambda _: self._engine.groups.hold(record.key))
            case Rest.GO_ON:
                await self._go_on(record)
            case Rest.DROP:
                await self._report(lambda _: self._engine.groups.drop_rest(record.key))

    async def _go_on(self, record: JobRecord) -> None:
        await self._report(lambda over_budget: self._engine.groups.go_on(record.key, over_budget=over_budget))

    async def decide_unsent(self, record: JobRecord) -> None:
        """Ask whether to send again what of a file was refused or stopped."""
        from tbatch_tui.tui.screens.jobs.questions import ask, send_again_question

        groups = self._engine.groups
        try:
            unsent, elsewhere = await groups.unsent(record.key), await groups.runs_elsewhere(record.key)
        except BatchError as error:
            self._bridge.report(error)
            return
        if not unsent or await ask(self._screen.app, send_again_question(unsent, elsewhere)):

            async def send(over_budget: bool) -> int:
                return len(await groups.send_unsent(record.key, elsewhere, over_budget=over_budget))

            await self._report(send)

    async def _report(self, move: Callable[[bool], Awaitable[int]]) -> None:
        """Wait until it is sent or dropped, and report if it could not be or had been already.

        `move` is given whether it may be above the budget, which is asked about.
        """
        from tbatch_tui.tui.dialogs.over_budget import within_budget

        try:
            moved = await within_budget(self._screen.app, move)
        except BatchError as error:
            self._bridge.report(error)
        else:
            if moved == 0:
                self._bridge.notify("It has been decided in the meantime", "Nothing was done; the list shows it now.")
