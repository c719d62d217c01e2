"""What to do with the rest of a file of which some requests went ahead: look at those, send it, or drop it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tbatch_tui.engine.groups.stages import format_outcome
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option
from tbatch_tui.tui.render.cost import format_money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import JobGroup
    from tbatch_tui.engine.pricing.prices import Cost


class Rest(Enum):
    """What to do with the rest."""

    LOOK = "look"
    SEND = "send"
    DROP = "drop"


class RestDialog(ChoiceDialog[Rest]):
    """Answers what to do, or None to let the rest wait."""

    def __init__(self, first: JobRecord, group: JobGroup, cost: Cost | None) -> None:
        """Ask about the rest of a file.

        Args:
            first: The part that went ahead.
            group: The parts of the file.
            cost: What the first part cost; None where that is not known.
        """
        rest = group.requests - group.first
        super().__init__(
            f"Send the other {rest:,} of {first.name_of_file}?",
            _explanation(first, group, cost, rest),
            list(_options(first, rest)),
            leave="Cancel",
            title_width=18,
        )


def _explanation(first: JobRecord, group: JobGroup, cost: Cost | None, rest: int) -> str:
    """Return what became of the first part, and what the rest would cost at the same price a request."""
    if not first.is_finished:
        return f"The first {group.first:,} are not back yet: {first.status_words.lower()}."
    outcome = f"Of the first {group.first:,}: {format_outcome(first)}."
    if cost is None or cost.usd is None or not group.first:
        return outcome
    rest_cost = fmt.money(cost.usd * rest / group.first)
    return f"{outcome} They cost {format_money(cost)}, so the rest should cost about {rest_cost.lstrip('<')}."


def _options(first: JobRecord, rest: int) -> Iterator[Option[Rest]]:
    if any(transfer.path for transfer in first.transfers):
        yield Option(Rest.LOOK, "View answers", [("the rest stays on hold", "")])
    yield Option(Rest.SEND, "Send the rest", [(f"{fmt.plural(rest, 'request')}, each billed as it is answered", "")])
    yield Option(Rest.DROP, "Discard the rest", [("nothing more is billed", "")])
