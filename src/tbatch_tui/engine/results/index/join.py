"""Which reply belongs to which request: joined by custom_id, whatever the order, and nothing lost on the way."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.counts import RequestCounts
from tbatch_tui.engine.results.index.columns import RequestColumns, ResponseColumns
from tbatch_tui.engine.results.outcomes import Outcome, RowIssue

if TYPE_CHECKING:
    from tbatch_tui.engine.results.index.classify import ClassifiedRow
    from tbatch_tui.engine.results.index.jsonl import Line
    from tbatch_tui.engine.results.sources import Source


@dataclass(frozen=True, slots=True)
class ExtraRow:
    """A reply that stands below the requests."""

    reply: int
    issue: RowIssue
    custom_id: str


class Join:
    """Takes the requests first, then the replies.

    Of several replies to one request the best one counts, of equals the first; the others are duplicates. Requests
    that share an id (a check would have refused them) take the replies in turn.
    """

    def __init__(self, *, has_input: bool) -> None:
        self.has_input = has_input
        """Without an input file the requests are the ids that came back."""
        self.requests = RequestColumns()
        self.replies = ResponseColumns()
        self.extras: list[ExtraRow] = []
        self._asked = array("H")
        """The model each request asks, as a number of `replies.models`."""
        self._by_id: dict[str, int] = {}
        self._more: dict[str, deque[int]] = {}
        """Further requests of an id that have no reply yet."""

    def add_request(self, custom_id: str | None, line: Line, model: str = "", *, glimpsed: str = "") -> None:
        """A line of the input file. Without an id it can only be missing; `glimpsed` is what it is shown by."""
        number = self.requests.append(glimpsed if custom_id is None else custom_id, line)
        self._asked.append(self.replies.models.number(model))
        if custom_id is not None and self._by_id.setdefault(custom_id, number) != number:
            self._more.setdefault(custom_id, deque()).append(number)

    def add_reply(self, source: Source, line: Line, verdict: ClassifiedRow, *, glimpsed: str = "") -> None:
        """A row of the output or error file."""
        reply = self.replies.append(source, line, verdict)
        custom_id = verdict.custom_id
        if custom_id is None:
            self.extras.append(ExtraRow(reply, RowIssue.UNREADABLE, glimpsed))
            return
        request = self._by_id.get(custom_id)
        if request is None and self.has_input:
            self.extras.append(ExtraRow(reply, RowIssue.UNKNOWN, custom_id))
        elif request is None:
            number = self._by_id[custom_id] = self.requests.append(custom_id, None)
            self.requests.reply[number] = reply
        else:
            if self.has_input and (asked := self._asked[request]):
                self.replies.model[reply] = asked
            self._give(request, reply, custom_id)

    def _give(self, request: int, reply: int, custom_id: str) -> None:
        here = self.requests.reply[request]
        if here < 0:
            self.requests.reply[request] = reply
        elif more := self._more.get(custom_id):
            self.requests.reply[more.popleft()] = reply
        else:
            if self.replies.outcome[reply] < self.replies.outcome[here]:
                self.requests.reply[request], reply = reply, here
            self.extras.append(ExtraRow(reply, RowIssue.DUPLICATE, custom_id))

    def finish(self) -> RequestCounts:
        """Count. What only joining needed is let go."""
        self._by_id, self._more, self._asked = {}, {}, array("H")
        return self.count()

    def count(self) -> RequestCounts:
        """The sum of all rows."""
        outcome = self.replies.outcome
        counts = Counter(outcome[reply] if reply >= 0 else Outcome.MISSING for reply in self.requests.reply)
        odd = Counter(extra.issue for extra in self.extras)
        return RequestCounts(
            requests=len(self.requests),
            answered=counts[Outcome.OK] + counts[Outcome.CUT_SHORT],
            errors=counts[Outcome.ERROR],
            missing=counts[Outcome.MISSING],
            cut_short=counts[Outcome.CUT_SHORT],
            unknown=odd[RowIssue.UNKNOWN],
            duplicates=odd[RowIssue.DUPLICATE],
            unreadable=odd[RowIssue.UNREADABLE],
            has_input=self.has_input,
        )
