"""Which parts of a file are sent first, and what lets the others follow, as a person types it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.containers import Horizontal
from textual.widgets import Static

from tbatch_tui.engine.domain.submission import WHOLE, Gate, parse_gate, parse_stages
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual.widgets import Input

    from tbatch_tui.tui.render.styled import StyledText

_STAGES_HINT = "all at once, or 2,rest"
_GATE_HINT = "all whole; 98,cost=40; ask"


class Stages(NamedTuple):
    """What of a file is sent when."""

    parts: tuple[int, ...] = ()
    """How many parts each stage has but the last; empty for all at once."""
    gates: tuple[Gate, ...] = ()
    """What lets the stage after each follow; empty for the usual."""


class StagesForm:
    """Two fields of a form, and what is typed in them."""

    def __init__(self, jobs: int) -> None:
        """`jobs` is how many parts there are."""
        self._jobs = jobs
        self._stages = self._gate = ""

    def fields(self) -> Horizontal:
        """Return the fields, on one line."""
        return Horizontal(
            TextInput(self._stages, placeholder=_STAGES_HINT, id="stages"),
            Static(" if ", id="if", markup=False),
            TextInput(self._gate, placeholder=_GATE_HINT, id="gate"),
            id="stages-form",
        )

    def keep(self, field: Input) -> None:
        """Keep what was typed in one of them."""
        if field.id == "stages":
            self._stages = field.value
        else:
            self._gate = field.value

    def read(self, *, has_first: bool) -> Stages:
        """Return what of the file is sent when. Raises BatchError where that is not clear."""
        try:
            return read_stages(self._stages, self._gate, jobs=self._jobs, has_first=has_first)
        except ValueError as error:
            raise BatchError(str(error), "Nothing was submitted.") from None

    def note(self, *, has_first: bool) -> StyledText:
        """Return what that means, or why it is not clear; nothing where all is sent at once."""
        try:
            text = format_stages(self.read(has_first=has_first), self._jobs)
        except BatchError as error:
            return [(f"! {error.title}", "$status-attention")]
        return [(text, "$status-quiet")] if text else []


def read_stages(stages: str, gates: str, *, jobs: int, has_first: bool) -> Stages:
    """Return what the two fields mean. Raises ValueError with a message for a person.

    Args:
        stages: such as `2,rest`; empty for all at once.
        gates: such as `98`, or `ask; 98` with one for each stage; empty for the usual.
        jobs: as how many jobs the file goes.
        has_first: whether a few requests go ahead of the parts.
    """
    counts = parse_stages(stages) if stages.strip() else ()
    read = tuple(parse_gate(each) for each in gates.split(";")) if gates.strip() else ()
    if counts and has_first:
        raise ValueError("Stages are for all at once: a few requests first is a stage already")
    if counts and sum(counts) >= jobs:
        raise ValueError(f"There are {fmt.plural(jobs, 'part')}, so nothing is left for the last stage")
    if read and not (counts or has_first):
        raise ValueError("A gate is between stages, and everything is sent at once")
    return Stages(counts, read)


def format_stages(stages: Stages, jobs: int) -> str:
    """Return what is sent first and when the others follow; empty where all is sent at once."""
    if not stages.parts:
        return ""
    first, gate = stages.parts[0], stages.gates[0] if stages.gates else Gate()
    sent = f"{first:,} of {fmt.plural(jobs, 'part')} {'is' if first == 1 else 'are'} sent first; "
    return f"{sent}{_format_gate(gate)}."


def _format_gate(gate: Gate) -> str:
    if gate.asks:
        return "the others wait until you have seen the answers"
    share = "every answer is whole" if gate.share == WHOLE else f"{gate.share:g} % of the answers are whole"
    cost = " and all of it stays within its bound" if gate.is_within_bound else ""
    if gate.most_cost is not None:
        cost = f" and all of it costs at most {fmt.money(gate.most_cost)}"
    return f"the next follow if {share}{cost}"
