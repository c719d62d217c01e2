"""What becomes of the rest of a file, of which some requests went ahead: look at those, send it, or do not."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tbatch_tui.engine.groups.groups import format_outcome
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option
from tbatch_tui.tui.render.cost import format_money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import JobGroup
    from tbatch_tui.engine.pricing.prices import Cost


class Rest(Enum):
    """What is to become of it."""

    LOOK = "look"
    SEND = "send"
    DROP = "drop"


class RestDialog(ChoiceDialog[Rest]):
    """One of them, or None to let it wait."""

    def __init__(self, first: JobRecord, group: JobGroup, cost: Cost | None) -> None:
        """`first` is the part that went ahead; `cost` what that came to, where it is known."""
        rest = group.requests - group.first
        super().__init__(
            f"Send the other {rest:,} of {first.name_of_file}?",
            _how_it_stands(first, group, cost, rest),
            list(_ways(first, rest)),
            leave="Let them wait",
        )


def _how_it_stands(first: JobRecord, group: JobGroup, cost: Cost | None, rest: int) -> str:
    """How the first did, and what the rest costs by that."""
    if not first.is_finished:
        return f"The first {group.first:,} are not back yet: {first.status_words.lower()}."
    said = f"Of the first {group.first:,}: {format_outcome(first)}."
    if cost is None or cost.usd is None or not group.first:
        return said
    by_that = fmt.money(cost.usd * rest / group.first)
    return f"{said} They cost {format_money(cost)}: by that, the rest costs about {by_that.lstrip('<')}."


def _ways(first: JobRecord, rest: int) -> Iterator[Option[Rest]]:
    if any(transfer.path for transfer in first.transfers):
        yield Option(Rest.LOOK, "Look first", [("open what came back; the rest goes on waiting", "")])
    yield Option(Rest.SEND, "Send the rest", [(f"{fmt.plural(rest, 'request')}, each billed as it is answered", "")])
    yield Option(Rest.DROP, "Do not send", [("no job is made of the rest, and nothing more is billed", "")])
