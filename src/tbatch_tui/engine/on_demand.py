"""The parts of the engine that are loaded when somebody first asks for them, not with the first frame."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.engine.audio.unneeded import UploadedRecordings
    from tbatch_tui.engine.estimates.estimates import Estimates
    from tbatch_tui.engine.events import Event
    from tbatch_tui.engine.groups.groups import JobGroups
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.live.live import LiveRequests
    from tbatch_tui.engine.opened.opened import OpenedResults
    from tbatch_tui.engine.pricing.pricing import Pricing
    from tbatch_tui.engine.runtime.retry_files import RetryFiles
    from tbatch_tui.engine.runtime.runtime import Runtime
    from tbatch_tui.engine.tables.history import RecipeHistory


class OnDemand:
    """What the engine hands out of its rooms. `BatchEngine` adds all the rest."""

    prices: Pricing

    def __init__(
        self,
        store: JobStore,
        runtime: Runtime,
        emit: Callable[[Event], object],
        admit: Callable[[Path], Awaitable[Path]],
    ) -> None:
        """Use the parts of an engine. `admit` returns the absolute path of a file that can be submitted now."""
        self._store = store
        self._runtime = runtime
        self._emit_event = emit
        self._admit_path = admit

    @cached_property
    def groups(self) -> JobGroups:
        """Files that are submitted as several jobs."""
        from tbatch_tui.engine.groups.groups import JobGroups

        return JobGroups(self._runtime, self._store, self._emit_event, self._admit_path, self.prices)

    @cached_property
    def retries(self) -> RetryFiles:
        """Input files of requests to send again."""
        from tbatch_tui.engine.runtime.retry_files import RetryFiles

        return RetryFiles(self._store, self._runtime.options)

    @cached_property
    def opened(self) -> OpenedResults:
        """Result files that were opened by their path."""
        from tbatch_tui.engine.opened.opened import OpenedResults

        return OpenedResults(self._store)

    @cached_property
    def recipes(self) -> RecipeHistory:
        """The recipes of input files that were made from a table."""
        from tbatch_tui.engine.tables.history import RecipeHistory

        return RecipeHistory(self._store)

    @cached_property
    def estimates(self) -> Estimates:
        """What files may cost, with what earlier jobs used."""
        from tbatch_tui.engine.estimates.estimates import Estimates

        return Estimates(self._store, self.prices)

    @cached_property
    def recordings(self) -> UploadedRecordings:
        """The recordings that were uploaded to the store of the settings."""
        from tbatch_tui.engine.audio.unneeded import UploadedRecordings

        return UploadedRecordings(self._store, self._runtime.open_index, self._runtime.options)

    @cached_property
    def live(self) -> LiveRequests:
        """Requests that are asked at once, through the real-time endpoint."""
        from tbatch_tui.engine.live.live import LiveRequests

        return LiveRequests(self._runtime.connected, self._store, self.prices, self._runtime.options)
