"""Write the parts of a new group, and save the intent to run them."""

from __future__ import annotations

import asyncio
import math
import shutil
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.estimates.estimates import Estimates
from tbatch_tui.engine.groups.joined_input import slices_in_files
from tbatch_tui.engine.groups.sending.enqueued import fit_together
from tbatch_tui.engine.pricing.over_budget import OverBudgetError
from tbatch_tui.engine.threads import run_cancellable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import Gate, NewGroup, PartFile
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.pricing.pricing import Pricing


class UnknownBoundError(BatchError):
    """A stage was to be held to the bound of what a file costs, and there is none."""


class NewGroups:
    """Makes groups of files that are about to be submitted."""

    def __init__(self, options: EngineOptions, store: JobStore, prices: Pricing, home: Path) -> None:
        """`home` is the folder in which each group gets one for its parts."""
        self._options = options
        self._store = store
        self._prices = prices
        self._home = home

    async def add(
        self,
        group: NewGroup,
        fingerprint: Fingerprint,
        known_runs: Sequence[JobRecord] | None,
        *,
        over_budget: bool,
    ) -> list[JobRecord]:
        """Write the parts, and save the intent to run them. See `JobGroups.submit`."""
        parts = await self._write_parts(group, fingerprint)
        if group.files:
            parts = [part._replace(slices=slices_in_files(part.slices, group.files)) for part in parts]
        folder = parts[0].path.parent
        try:
            found = await Estimates(self._store, self._prices).of_parts([part.path for part in parts], group.sha256)
            parts = [part._replace(estimate=each) for part, each in zip(parts, found, strict=True)]
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        bounds = [part.estimate.most for part in parts if part.estimate is not None and part.estimate.most is not None]
        most = math.fsum(bounds) if len(bounds) == len(parts) else None
        budget = self._prices.budget
        try:
            group = group._replace(gates=_with_bound(group.gates, most), over_budget=over_budget)
            async with budget.admitting(lambda: budget.judge(most), over_budget=over_budget):
                estimates, limit = [part.estimate for part in parts], self._options.enqueued_tokens
                records = await self._store.groups.add(
                    group, parts, known_runs, lambda out: fit_together(estimates, out, limit)
                )
        except (
            AlreadySubmittedError,
            OverBudgetError,
            UnknownBoundError,
        ):  # after any other error they may have been committed all the same
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        if group.files and all(part.slices for part in parts) and group.path.parent.parent == self._home.absolute():
            # What several files were joined in: it is read from the parts, or from those files, from now on.
            await asyncio.to_thread(shutil.rmtree, group.path.parent, ignore_errors=True)
        return records

    async def _write_parts(self, group: NewGroup, fingerprint: Fingerprint) -> list[PartFile]:
        """Write the parts in a thread, which stops when this is cancelled."""
        from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE, REQUESTS_MAX
        from tbatch_tui.engine.groups.split import write_parts

        options = self._options
        return await run_cancellable(
            write_parts,
            group.path,
            self._home,
            fingerprint=fingerprint,
            requests=group.requests,
            first=group.first,
            files=[file.requests for file in group.files],
            requests_max=options.requests_per_job or REQUESTS_MAX,
            bytes_max=FILE_MEGABYTES * MEGABYTE,
        )


def _with_bound(gates: Sequence[Gate], most: float | None) -> tuple[Gate, ...]:
    """Return the gates with the bound of the group as the amount of those that hold it. Raises UnknownBoundError."""
    if most is None and any(gate.is_within_bound for gate in gates):
        raise UnknownBoundError(
            "What the file costs at most is not known, so no stage can be held to it",
            "Nothing was submitted. Name an amount, such as cost=40, or add the price or the limit that is missing.",
        )
    return tuple(
        gate._replace(most_cost=most, is_within_bound=False) if gate.is_within_bound else gate for gate in gates
    )
