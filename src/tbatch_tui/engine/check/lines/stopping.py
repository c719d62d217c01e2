"""Stop a check in the middle: between lines, and inside one that is long."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tbatch_tui.engine.errors import OperationCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

_ITEMS_BETWEEN_STOPS = 500
"""After so many values of one line `cancelled` is asked. A thousand take about a millisecond."""


def stop_if(cancelled: Callable[[], bool] | None) -> None:
    """Raise OperationCancelledError if `cancelled` returns true."""
    if cancelled is not None and cancelled():
        raise OperationCancelledError("The check was stopped")


def stoppable(items: Sequence[T], cancelled: Callable[[], bool] | None) -> Iterable[T]:
    """Return the items of a list inside a line; while a long one is read, `cancelled` is asked now and then."""
    return items if cancelled is None or len(items) < _ITEMS_BETWEEN_STOPS else _stoppable(items, cancelled)


def _stoppable(items: Sequence[T], cancelled: Callable[[], bool]) -> Iterator[T]:
    for index, item in enumerate(items):
        if not index % _ITEMS_BETWEEN_STOPS:
            stop_if(cancelled)
        yield item
