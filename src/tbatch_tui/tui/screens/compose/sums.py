"""What the draft comes to, as text: problems first, then rows, requests, tokens and the bound of the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE, REQUESTS_MAX
from tbatch_tui.engine.estimates.learned import with_learned
from tbatch_tui.engine.pricing.prices import estimate
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.cost import format_bound, format_price, format_unpriced
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.geometry import Size

    from tbatch_tui.engine.domain.catalogue import ModelInfo
    from tbatch_tui.engine.errors import BatchError
    from tbatch_tui.engine.estimates.learned import Learned
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.tables.compose.draft import FieldFault
    from tbatch_tui.engine.tables.compose.profile import TableProfile
    from tbatch_tui.engine.tables.compose.summary import TableSummary
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.screens.compose.session import ComposeSession

_FAULT, _NOTE, _QUIET = "$status-failed", "$status-attention", "$status-quiet"
_NAMED = 120
"""Characters of a problem or a reason."""
_FAULTS = 3
"""Faults of the form that are shown, where the screen is high."""
LINES = _FAULTS + 4
"""Faults, problems, counts, tokens, cost."""
_HIGH = 30
"""Lines of a screen from which on several faults are shown."""


class SumLine(OneLine):
    """One line of the sums; hidden while there is nothing to say."""

    DEFAULT_CSS = """
    SumLine { padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._text: StyledText = []

    def show(self, text: StyledText) -> None:
        """Show this text, which must be safe for the screen."""
        was_shown, self._text = self.display, text
        self.display = bool(text)
        if self.display and not was_shown:
            self.refresh()  # while it was hidden it had no size to compare at
        else:
            self.refresh_if_changed()

    def styled_text(self, _width: int) -> StyledText:
        """Show it."""
        return self._text


def format_sums(session: ComposeSession, prices: PriceList | None, size: Size) -> list[StyledText]:
    """Return what stands below the request, a text for each line; empty ones are hidden."""
    summary = session.summary
    faults = format_faults(session.faults, session.template_error, _FAULTS if size.height >= _HIGH else 1)
    tokens = format_tokens(summary)
    cost = format_cost(summary, prices, bool(session.draft.model.strip()), session.learned)
    together = [*tokens, (" · ", _QUIET), *cost] if tokens and cost else []
    if together and sum(len(text) for text, _ in together) < size.width - 1:
        tokens, cost = [], together
    sums = [format_problems(summary), format_counts(summary, session.profile), tokens, cost]
    return [*faults, *[[] for _ in range(_FAULTS - len(faults))], *sums]


def format_faults(faults: Sequence[FieldFault], template_error: BatchError | None, lines: int) -> list[StyledText]:
    """Return what is wrong with the form, each with what helps, in so many lines; the last says how many more."""
    found = [(fault.message, fault.hint) for fault in faults]
    if template_error is not None:
        found.insert(0, (template_error.title, template_error.hint))
    shown: list[StyledText] = [
        [("✗ ", _FAULT), (line(message)[:_NAMED], _FAULT), (f"  {line(hint)[:_NAMED]}", "")]
        for message, hint in found[:lines]
    ]
    if more := len(found) - len(shown):
        shown[-1].append((f" · {more} more", _QUIET))
    return shown


def format_problems(summary: TableSummary | None) -> StyledText:
    """Return how many rows have a problem, and the first one."""
    if summary is None or not summary.problem_total:
        return []
    so_far = _so_far(summary)
    first = line(str(summary.problems[0]))[:_NAMED] if summary.problems else ""
    key = fill_keys("{compose.next-problem} shows it")
    count = f"{fmt.plural(summary.problem_total, 'problem')}{so_far}"
    return [("✗ ", _FAULT), (count, _FAULT), (f" · {first}" if first else "", ""), (f" · {key}", _QUIET)]


def format_counts(summary: TableSummary | None, profile: TableProfile | None) -> StyledText:
    """Return rows, requests and why rows have none; partial numbers say so."""
    if summary is None:
        if profile is None:
            return []
        return [(f"{fmt.plural(profile.rows, 'row')}{'' if profile.is_whole else ' so far …'}", "")]
    if not summary.is_whole:
        known = f" of {profile.rows:,}" if profile is not None and profile.is_whole else ""
        counts = f"{summary.rows:,}{known} rows read so far · {fmt.plural(summary.requests, 'request')} …"
        return [(counts, "$status-active")]
    text: StyledText = [(f"{fmt.plural(summary.rows, 'row')} · {fmt.plural(summary.requests, 'request')}", "")]
    for reason, number in list(summary.left_out.items())[:2]:
        text.append((f" · {number:,} left out: {line(reason)[:_NAMED]}", _QUIET))
    if summary.asked_once:
        text.append((f" · {summary.asked_once:,} get the answer of another row", _QUIET))
    elif summary.repeats:
        verb = "asks" if summary.repeats == 1 else "ask"
        text.append((f" · {summary.repeats:,} {verb} the same as an earlier row", _QUIET))
    jobs = max(-(-summary.requests // REQUESTS_MAX), -(-summary.size // (FILE_MEGABYTES * MEGABYTE)), 1)
    if jobs > 1:
        text.append((f" · goes into {jobs:,} jobs", _QUIET))
    return text


def format_tokens(summary: TableSummary | None) -> StyledText:
    """Return how many tokens go out, and may come back."""
    if summary is None or not summary.requests:
        return []
    parts: list[tuple[str, str]] = []
    if summary.prompt_tokens:
        parts.append((f"about {fmt.plural(summary.prompt_tokens, 'prompt token')}{_so_far(summary)}", ""))
    if limit := sum(demand.most_output_tokens for demand in summary.demands):
        parts.append((f"at most {fmt.plural(limit, 'token')} of answers", ""))
    if summary.over_context:
        parts.append((f"{fmt.plural(summary.over_context, 'prompt')} likely longer than the model takes", _NOTE))
    return _joined(parts)


def format_cost(
    summary: TableSummary | None, prices: PriceList | None, has_model: bool, learned: Mapping[str, Learned]
) -> StyledText:
    """Return what is expected by earlier jobs and the bound of the cost, or why there is none.

    `learned` has what rows of earlier jobs used, by model.
    """
    if summary is None or not summary.requests or not has_model or prices is None:
        return []
    so_far = _so_far(summary)
    parts: list[tuple[str, str]] = []
    cost = with_learned(estimate(summary.demands, prices), summary.demands, learned, prices)
    if expected := cost.expected_words:
        parts.append((expected, "bold"))
    if cost.unpriced:
        parts.append((format_unpriced(cost.unpriced, cost.priced_at), _QUIET))
    elif cost.unbounded:
        parts.append(("no bound of the cost without max tokens", _NOTE))
    elif cost.attachments:
        parts.append(("images cost more than their text", _NOTE))
    elif cost.audio and cost.minute is not None:
        parts.append((f"{fmt.money(cost.minute)} per minute of audio", ""))
    elif cost.about is not None:
        parts += [(f"up to about {format_bound(cost.about)}{so_far}", "bold"), (format_price(cost), _QUIET)]
    return _joined(parts)


def _joined(parts: StyledText) -> StyledText:
    """Return texts with a dot between them."""
    return [piece for part in parts if part[0] for piece in ((" · ", _QUIET), part)][1:]


def _so_far(summary: TableSummary) -> str:
    return "" if summary.is_whole else " so far"


def format_model(name: str, info: ModelInfo | None, prices: PriceList | None, is_known: bool) -> StyledText:
    """Return context and price of a model.

    Args:
        name: As it was typed.
        info: What the catalogue has of it.
        prices: Those in force.
        is_known: Whether there is a catalogue.
    """
    if not name:
        return []
    price = prices.price_of(name) if prices is not None else None
    if info is None and (price is None or price.input is None):
        return [("not in the catalogue: check its name", _NOTE)] if is_known else []
    parts = []
    if info is not None and info.context_length:
        parts.append(f"{info.context_length:,} tokens of context")
    if price is not None and price.input is not None and price.output is not None:
        parts.append(f"{fmt.money(price.input)} in, {fmt.money(price.output)} out per 1M tokens in a batch")
    return [(" · ".join(parts), _QUIET)]
