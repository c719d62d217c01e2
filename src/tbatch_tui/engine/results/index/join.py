"""Join response rows with requests by custom_id, in any order. Every response row is kept."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tbatch_tui.engine.results.index.classify import REASON_MAX
from tbatch_tui.engine.results.index.columns import RequestColumns, ResponseColumns
from tbatch_tui.engine.results.index.judges import format_by_schema, judge_for
from tbatch_tui.engine.results.outcomes import Outcome, RowIssue, count_outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.counts import RequestCounts
    from tbatch_tui.engine.results.index.batches import ParsedRequests, RowColumns
    from tbatch_tui.engine.results.index.classify import ClassifiedRow, ParsedRequest
    from tbatch_tui.engine.results.index.jsonl import Line, LineBatch
    from tbatch_tui.engine.results.index.judges import Judge
    from tbatch_tui.engine.results.sources import Source


@dataclass(frozen=True, slots=True)
class ExtraRow:
    """A response row that is listed below the requests."""

    response: int
    issue: RowIssue
    custom_id: str


class Join:
    """The requests and the responses of an index, joined. Requests are added first.

    Of several responses to one request the one with the best outcome counts, of equal ones the first; the others are
    duplicates. Requests that share an id, which the check reports as an error, take the responses in turn.
    """

    def __init__(self, *, has_input: bool, answer_schema: str = "") -> None:
        """`answer_schema` judges answers to requests that ask for nothing, and all where there is no input file."""
        self.has_input = has_input
        """Whether there is an input file; otherwise the requests are the ids of the responses."""
        self.requests = RequestColumns()
        self.responses = ResponseColumns()
        self.extras: list[ExtraRow] = []
        self.outcomes: bytearray | None = None
        """The outcome of each request; None while they still change."""
        self._request_models = array("H")
        """Model of each request, as its number in `responses.model_names`."""
        self._request_judges = array("I")
        """Judge of the answers to each request, as its number in `_judges`."""
        self._judges: list[Judge | None] = [None]
        self._judge_numbers: dict[tuple[bytes, bytes], int] = {}
        """Number of the judge for each `response_format` and `tools`."""
        self._default_judge = self._judge_number(format_by_schema(answer_schema), b"") if answer_schema else 0
        self._unreadable: dict[int, str] = {}
        """Ids of responses that cannot be read, where they can be told."""
        self._by_id: dict[str, int] = {}
        self._unanswered: dict[str, deque[int]] = {}
        """More requests with the same id that have no response yet."""

    def add_request(self, request: ParsedRequest, line: Line, *, salvaged_id: str = "") -> None:
        """Add a line of the input file. Without an id no response can be joined with it.

        Args:
            salvaged_id: The id to list a line by that cannot be read.
        """
        custom_id, model, response_format, tools = request
        number = self.requests.append(salvaged_id if custom_id is None else custom_id, line)
        self._request_models.append(self.responses.model_names.number(model))
        asks = response_format or tools
        self._request_judges.append(self._judge_number(response_format, tools) if asks else self._default_judge)
        if custom_id is not None and self._by_id.setdefault(custom_id, number) != number:
            self._unanswered.setdefault(custom_id, deque()).append(number)

    def add_requests(self, requests: ParsedRequests, batch: LineBatch) -> bool:
        """Add the lines of a batch at once; False, and nothing is added, if one has the id of another line."""
        ids, first = requests.custom_ids, len(self.requests)
        if len({*ids}) < len(ids) or not self._by_id.keys().isdisjoint(ids):
            return False
        models = {name: self.responses.model_names.number(name) for name in dict.fromkeys(requests.models)}
        self._request_models.extend([models[name] for name in requests.models])
        if requests.asked is None:
            self._request_judges.extend(array("I", [self._default_judge]) * len(ids))
        else:
            asked = dict.fromkeys(requests.asked)
            judges = {each: self._judge_number(*each) if any(each) else self._default_judge for each in asked}
            self._request_judges.extend([judges[each] for each in requests.asked])
        self.requests.append_all(ids, batch)
        self._by_id.update(zip(ids, range(first, first + len(ids)), strict=True))
        return True

    def add_responses(self, source: Source, rows: RowColumns, batch: LineBatch) -> bool:
        """Add the answers of a batch at once; False, and nothing is added, if one belongs to no request."""
        custom_ids = rows.custom_ids
        found = [*map(self._by_id.get, custom_ids)]
        if not self.has_input or None in found:
            return False
        requests = cast("list[int]", found)
        if len(self._judges) > 1:
            self._judge_all(rows, requests)
        models = [*map(self._request_models.__getitem__, requests)]
        if not all(models):
            number = self.responses.model_names.number
            models = [model or number(name) for model, name in zip(models, rows.models, strict=True)]
        first = self.responses.append_all(source, batch, rows, models)
        counted = self.requests.response
        for response, request in enumerate(requests, first):
            if counted[request] < 0:
                counted[request] = response
            else:
                self._assign(request, response, custom_ids[response - first])
        return True

    def _judge_all(self, rows: RowColumns, requests: Sequence[int]) -> None:
        """Make those of the answers invalid that are not what their requests asked for."""
        judges = self._request_judges
        for at, request in enumerate(requests):
            if judge := judges[request]:
                row = rows.judged_row(at)
                self._judge(row, judge)
                if row.reason:
                    rows.outcomes[at], rows.reasons[at] = row.outcome, row.reason

    def add_response(self, source: Source, line: Line, classified: ClassifiedRow, *, salvaged_id: str = "") -> None:
        """Add a row of the output or error file.

        Args:
            salvaged_id: The id to list a row by that cannot be read.
        """
        custom_id = classified.custom_id
        if custom_id is None or classified.is_unreadable:
            classified.outcome = Outcome.UNREADABLE
            response = self.responses.append(source, line, classified)
            if custom_id is not None:
                self._unreadable[response] = custom_id
                if not self.has_input and custom_id not in self._by_id:  # its place, whether it or a later row counts
                    self._by_id[custom_id] = self.requests.append(custom_id, None)
            self.extras.append(ExtraRow(response, RowIssue.UNREADABLE, salvaged_id))
            return
        request = self._by_id.get(custom_id)
        if not self.has_input:
            judge = self._default_judge
        else:
            judge = self._request_judges[request] if request is not None else 0
        if judge:
            self._judge(classified, judge)
        response = self.responses.append(source, line, classified)
        if request is None and self.has_input:
            self.extras.append(ExtraRow(response, RowIssue.UNKNOWN, custom_id))
        elif request is None:
            number = self._by_id[custom_id] = self.requests.append(custom_id, None)
            self.requests.response[number] = response
        else:
            if self.has_input and (model := self._request_models[request]):
                self.responses.model[response] = model
            self._assign(request, response, custom_id)

    def _judge_number(self, response_format: bytes, tools: bytes) -> int:
        """Return the number of the judge for what a request asks; 0 where that is nothing that can be judged."""
        asked = response_format, tools
        number = self._judge_numbers.get(asked)
        if number is None:
            judge = judge_for(response_format, tools)
            number = self._judge_numbers[asked] = len(self._judges) if judge is not None else 0
            if judge is not None:
                self._judges.append(judge)
        return number

    def _judge(self, classified: ClassifiedRow, number: int) -> None:
        """Make an answer invalid that is not what its request asked for."""
        judge = self._judges[number]
        if classified.outcome is not Outcome.OK or judge is None:
            return
        if violation := judge.violation(classified.contents(), classified.calls):
            classified.outcome, classified.reason = Outcome.INVALID, violation[:REASON_MAX]

    def _assign(self, request: int, response: int, custom_id: str) -> None:
        current = self.requests.response[request]
        if current < 0:
            self.requests.response[request] = response
        elif unanswered := self._unanswered.get(custom_id):
            self.requests.response[unanswered.popleft()] = response
        else:
            if self.responses.outcome[response] < self.responses.outcome[current]:
                self.requests.response[request], response = response, current
            self.extras.append(ExtraRow(response, RowIssue.DUPLICATE, custom_id))

    def finish(self) -> RequestCounts:
        """Return the counts, and free what only joining needed."""
        self._assign_unreadable()
        self._by_id, self._unanswered, self._request_models, self._request_judges = {}, {}, array("H"), array("I")
        del self._judges[1:]
        self._judge_numbers = {}
        return self.count()

    def _assign_unreadable(self) -> None:
        """Make invalid answers of the rows that cannot be read, of requests for which no other row came."""
        assigned: set[int] = set()
        for response, custom_id in self._unreadable.items():
            request = self._by_id.get(custom_id)
            if request is not None and self.requests.response[request] < 0:
                self.requests.response[request] = response
                self.responses.outcome[response] = Outcome.INVALID
                if self.has_input:
                    self.responses.model[response] = self._request_models[request]
                assigned.add(response)
        self.extras = [extra for extra in self.extras if extra.response not in assigned]
        self._unreadable = {}

    def outcome_codes(self, unanswered: Outcome) -> bytearray:
        """Return the outcome of each request, and this one of those without a response."""
        codes = bytes(self.responses.outcome[:]) + bytes([unanswered])  # where -1 leads to
        return bytearray(map(codes.__getitem__, self.requests.response))

    def count(self) -> RequestCounts:
        """Count all rows, which do not change any more."""
        self.outcomes = codes = self.outcome_codes(Outcome.MISSING)
        outcomes = Counter({outcome: count for outcome in Outcome if (count := codes.count(outcome))})
        issues = Counter(extra.issue for extra in self.extras)
        return count_outcomes(outcomes, issues, has_input=self.has_input)
