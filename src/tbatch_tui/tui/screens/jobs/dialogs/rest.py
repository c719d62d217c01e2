"""What to do with the parts of a file that wait: look at those before them, send them, hold them, or drop them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import Pause
from tbatch_tui.engine.groups.stages import asks_because_of, format_outcome, number
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option
from tbatch_tui.tui.render.cost import format_money

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import JobGroup
    from tbatch_tui.engine.pricing.prices import Cost


class Rest(Enum):
    """What to do with the rest."""

    LOOK = "look"
    SEND = "send"
    AGAIN = "again"
    HOLD = "hold"
    GO_ON = "continue"
    DROP = "drop"


class RestDialog(ChoiceDialog[Rest]):
    """Answers what to do, or None to let the rest wait."""

    def __init__(self, parts: Sequence[JobRecord], group: JobGroup, cost: Cost | None) -> None:
        """Ask about the parts of a file that wait.

        Args:
            parts: All parts, in their order.
            group: The file.
            cost: What those that are back cost; None where that is not known.
        """
        first, waiting = parts[0], [part for part in parts if part.is_waiting]
        rest = sum(part.requests or 0 for part in waiting)
        super().__init__(
            f"Send the other {rest:,} of {first.name_of_file}?",
            _explanation(parts, group, cost, rest),
            list(_options(parts, rest, is_held=group.is_held or asks_because_of(Pause.BUDGET, parts))),
            leave="Cancel",
            title_width=18,
        )


class CopiedDialog(ChoiceDialog[Rest]):
    """Asks about what waits since the history was copied: answers GO_ON, DROP, or None to let it wait."""

    def __init__(self, parts: Sequence[JobRecord]) -> None:
        """Ask about all parts of a file, or about a whole one."""
        first, waiting = parts[0], [part for part in parts if part.is_waiting]
        why = next(part.submission.error for part in waiting if part.submission is not None)
        count = f"{len(waiting):,} of {len(parts):,} parts were" if first.group is not None else "The file was"
        requests = fmt.plural(sum(part.requests or 0 for part in waiting), "request")
        super().__init__(
            f"Send {first.name_of_file} from here?",
            f"{why}. {count} not sent by then. What the other copy sends too is billed twice.",
            [
                Option(Rest.GO_ON, "Continue", [(f"send {requests} from here", "")]),
                Option(Rest.DROP, "Discard", [("send nothing of it from here", "")]),
            ],
            leave="Let it wait",
            title_width=18,
        )


def _explanation(parts: Sequence[JobRecord], group: JobGroup, cost: Cost | None, rest: int) -> str:
    """Return what became of what was sent, and what the rest would cost at the same price a request."""
    first = parts[0]
    held = "On hold: nothing is sent until you continue. " if group.is_held else ""
    if asks_because_of(Pause.BUDGET, parts):
        why = next(part.submission.error for part in parts if part.is_waiting and part.submission is not None)
        return f"{why}. {sum(part.is_waiting for part in parts):,} of {group.parts:,} parts are not sent."
    if not group.first:
        sent = [part for part in parts if part.counts is not None]
        outcome = (
            f"Of {_range(number(sent[0]), number(sent[-1]))}: {format_outcome(*sent)}{_over(parts)}." if sent else ""
        )
        gone = len(parts) - sum(part.is_waiting for part in parts)
        return f"{held}{gone:,} of {group.parts:,} parts are sent. {outcome}{_cost(parts, cost, rest)}".rstrip()
    if not first.is_finished:
        return f"{held}The first {group.first:,} are not back yet: {first.status_words.lower()}."
    outcome = f"{held}Of the first {group.first:,}: {format_outcome(first)}{_over(parts)}."
    return f"{outcome}{_cost(parts, cost, rest)}"


def _cost(parts: Sequence[JobRecord], cost: Cost | None, rest: int) -> str:
    """Return what the parts that are back cost, and the rest at the same price a request; empty if not known."""
    requests = sum(part.requests or 0 for part in parts if part.counts is not None)
    if cost is None or cost.usd is None or not requests:
        return ""
    rest_cost = fmt.money(cost.usd * rest / requests)
    return f" They cost {format_money(cost)}, so the rest should cost about {rest_cost.lstrip('<')}."


def _range(first: int, last: int) -> str:
    return f"part {first}" if first == last else f"parts {first} to {last}"


def _over(parts: Sequence[JobRecord]) -> str:
    """Return what besides the answers kept the rest from following: what all of it would cost."""
    waiting = next((part.submission for part in parts if part.is_waiting and part.submission is not None), None)
    _, found, why = (waiting.error or "" if waiting is not None else "").partition("; ")
    return f"; {why}" if found else ""


def _options(parts: Sequence[JobRecord], rest: int, *, is_held: bool) -> Iterator[Option[Rest]]:
    """Yield what can be done; each meaning fits into a terminal of 60 columns."""
    if any(transfer.path for transfer in parts[0].transfers):
        yield Option(Rest.LOOK, "View answers", [("the rest stays on hold", "")])
    yield Option(Rest.SEND, "Send the rest", [(f"all {fmt.plural(rest, 'request')}, each billed", "")])
    if unsent := sum(part.can_send_again for part in parts):
        yield Option(Rest.AGAIN, "Send again", [(f"{fmt.plural(unsent, 'part')} that {_was(unsent)} not sent", "")])
    if is_held:
        yield Option(Rest.GO_ON, "Continue", [("in turn, as it was submitted", "")])
    else:
        yield Option(Rest.HOLD, "Pause", [("send nothing more; jobs run on", "")])
    yield Option(Rest.DROP, "Discard the rest", [("nothing more is billed", "")])


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
