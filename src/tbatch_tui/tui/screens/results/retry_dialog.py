"""The retry dialog: which requests to ask again, of which model, and with which token limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Static

from tbatch_tui.engine.results import Outcome
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.dialogs.form import Form
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.sanitize import line, line_content
from tbatch_tui.tui.screens.results.reading.error_groups import message, verdict
from tbatch_tui.tui.widgets.checkbox_list import Checkbox, CheckboxList
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult

    from tbatch_tui.engine.results import ErrorGroup

_MAX_CAUSES = 40
"""Causes with a line of their own; the rarer ones are chosen together."""


@dataclass(frozen=True, slots=True)
class RetryOffer:
    """What can be asked again."""

    name: str
    groups: tuple[ErrorGroup, ...]
    missing: int
    cut_short: int
    marked: int = 0
    """Rows that the person marked, of any kind."""
    model: str = ""
    """The model that was asked; empty if it is not known."""
    max_tokens: int | None = None
    """The token limit of an answer that was cut short; None if it is not known."""


@dataclass(frozen=True, slots=True)
class RetryChoice:
    """What the person chose."""

    groups: tuple[ErrorGroup, ...]
    missing: bool
    cut_short: bool
    max_tokens: int | None
    """A new limit for answers that were cut short; None keeps the old one."""
    model: str | None
    """Another model for all requests; None keeps theirs."""
    marked: bool = False
    """The marked rows, and nothing else."""


class RetryDialog(Form[RetryChoice]):
    """A form of ticks and two fields; returns the choice, or None."""

    AROUND = 15
    MODEL_FIELD = "model"

    def __init__(self, offer: RetryOffer) -> None:
        super().__init__()
        self._offer = offer
        self._parts = list(_parts(offer.groups))
        only_unusable = not offer.missing and not any(group.cause.retryable for group in offer.groups)
        self._unusable_at_first = only_unusable and not offer.marked

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        offer = self._offer
        with Box():
            yield Static(line_content(f"Retry {offer.name}"), classes="dialog--title")
            with CheckboxList():
                if offer.marked:
                    yield Checkbox([_count(offer.marked), ("marked       ", ""), _ONLY], on=True, id="marked")
                for number, (words, groups) in enumerate(self._parts):
                    on = self._is_on_at_first(groups)
                    yield Checkbox([_count(sum(group.count for group in groups)), *words], on=on, id=f"group-{number}")
                if offer.missing:
                    yield Checkbox(
                        [_count(offer.missing), ("? missing    ", ATTENTION), _NO_ROW],
                        on=not offer.marked,
                        id="missing",
                    )
                if offer.cut_short:
                    words = [_count(offer.cut_short), ("✂ cut short  ", ATTENTION), _BILLED]
                    yield Checkbox(words, on=self._unusable_at_first, id="cut")
            if offer.cut_short:
                with Horizontal(classes="field"):
                    yield Static("max_tokens (cut short)", classes="name", markup=False)
                    yield TextInput(
                        str(offer.max_tokens * 2) if offer.max_tokens else "", placeholder="unchanged", id="max-tokens"
                    )
            with Horizontal(classes="field"):
                yield Static("Model (all rows)", classes="name", markup=False)
                yield TextInput("", placeholder=offer.model or "unchanged", id="model")
            yield Static(id="sum", markup=False)
            yield self.hints("Write and check", "Toggle")

    def _is_on_at_first(self, groups: tuple[ErrorGroup, ...]) -> bool:
        """Whether a cause is ticked when the dialog opens: invalid answers where nothing else could be asked again."""
        if any(group.outcome is Outcome.INVALID for group in groups):
            return self._unusable_at_first
        return not self._offer.marked and all(group.cause.retryable for group in groups)

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Untick all others for marked rows, and the marked rows for others: those may be of any kind."""
        if event.checkbox.on:
            for tick in self.query(Checkbox):
                if (tick.id == "marked") != (event.checkbox.id == "marked"):
                    tick.on = False
                    tick.refresh_if_changed()
        self.update_summary()

    def _is_on(self, tick_id: str) -> bool:
        return any(tick.on for tick in self.query(Checkbox) if tick.id == tick_id)

    def _chosen(self) -> tuple[ErrorGroup, ...]:
        parts = (groups for number, (_, groups) in enumerate(self._parts) if self._is_on(f"group-{number}"))
        return tuple(group for groups in parts for group in groups)

    def _count(self) -> int:
        offer = self._offer
        if self._is_on("marked"):
            return offer.marked
        count = sum(group.count for group in self._chosen())
        return count + offer.missing * self._is_on("missing") + offer.cut_short * self._is_on("cut")

    def _max_tokens(self) -> int | None:
        """Return the limit that was typed. Raises ValueError if it is no whole number from 1."""
        text = self.query_one("#max-tokens", TextInput).value.strip() if self._offer.cut_short else ""
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise ValueError(text)
        return int(text)

    def _mistake(self) -> str:
        """Return what is wrong with the choice; empty if nothing is."""
        if not self._count():
            return "Nothing is selected."
        try:
            self._max_tokens()
        except ValueError:
            return "max_tokens must be a whole number, from 1."
        return ""

    def update_summary(self) -> None:
        """Show how many requests the new file would have."""
        mistake = self._mistake()
        summary = f"{fmt.plural(self._count(), 'request')} in a new file, which is checked before anything is sent."
        self.show_summary([(mistake, ATTENTION) if mistake else (summary, "")])

    def action_save(self) -> None:
        """Return the choice; with a mistake in it, ring the bell."""
        if self._mistake():
            self.app.bell()
            return
        model = self.query_one("#model", TextInput).value.strip()
        self.dismiss(
            RetryChoice(
                groups=self._chosen(),
                missing=self._is_on("missing"),
                cut_short=self._is_on("cut"),
                max_tokens=self._max_tokens() if self._is_on("cut") or self._is_on("marked") else None,
                marked=self._is_on("marked"),
                model=model if model and model != self._offer.model else None,
            )
        )


_ONLY = ("only these rows, whatever their outcome", QUIET)
_NO_ROW = ("no result for them", QUIET)
_BILLED = ("partial answers; billed again", QUIET)


_RARE = {Outcome.ERROR: "errors", Outcome.INVALID: "invalid answers"}


def _count(number: int) -> tuple[str, str]:
    return f"{fmt.count(number):>7}  ", ""


def _parts(groups: tuple[ErrorGroup, ...]) -> Iterator[tuple[list[tuple[str, str]], tuple[ErrorGroup, ...]]]:
    """Yield the lines of the list, and the causes of each."""
    for group in groups[:_MAX_CAUSES]:
        [(text, style)] = message(group)
        yield [*verdict(group), ("  ", ""), (line(text), style)], (group,)
    for outcome in (Outcome.ERROR, Outcome.INVALID):
        if rest := tuple(group for group in groups[_MAX_CAUSES:] if group.outcome is outcome):
            words = f"the other {fmt.plural(len(rest), 'cause')} of {_RARE[outcome]}"
            yield [("  rarer      ", QUIET), (words, "")], rest
