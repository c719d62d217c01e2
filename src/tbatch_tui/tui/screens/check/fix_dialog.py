"""What a fixed copy changes, rule by rule, before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Static

from tbatch_tui.engine.check import RULES
from tbatch_tui.engine.domain.check_report import Severity
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.dialogs.form import Form
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.render.styled import styled_content
from tbatch_tui.tui.sanitize import fit_styled, line_content
from tbatch_tui.tui.screens.check.line_diff import Change, change_pieces
from tbatch_tui.tui.widgets.checkbox_list import Checkbox, CheckboxList
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from pathlib import Path

    from textual import events
    from textual.app import ComposeResult

_REJECT = "reject"
_EFFECTS = {
    "custom-id-missing": "adds a custom_id",
    "custom-id-type": "puts the custom_id in quotes",
    "custom-id-empty": "adds a custom_id",
    "duplicate-custom-id": "makes the later ones unique",
    "method-file": 'adds "method": "FILE"',
    "blank-line": "drops the line",
    "bom": "drops the byte order mark",
    "crlf": "ends the lines in LF",
    "stream": "drops stream",
    "openai-envelope": "drops method and url",
    "not-jsonl": "puts each request on its own line",
    "json-array": "puts each request on its own line",
    "pretty-printed": "puts each request on its own line",
    "trailing-comma": "drops the comma",
    "several-objects": "puts each request on its own line",
    "double-encoded": "decodes the request",
    "anthropic-params": "makes params the body",
    "body-flat": "puts the request in body",
    "body-type": "decodes the body",
    "no-model": "names the model",
    "model-spaces": "drops the spaces",
    "custom-id-long": "shortens it; a table keeps the original",
    "tool-flat": "gives the tool its function",
    "tool-function": "gives the tool its function",
    "tool-choice": "names the function of the tool",
    "method-chat": "drops method",
}
_NO_MODEL = "no-model"


@dataclass(frozen=True, slots=True)
class RuleFix:
    """What a fix does about one rule."""

    rule: str
    count: int
    """Lines that it changes."""
    line: int
    """The line that `change` shows; 0 where the file as a whole changes."""
    change: Change


@dataclass(frozen=True, slots=True)
class FixOffer:
    """What can be fixed in a file."""

    path: Path
    fixes: tuple[RuleFix, ...]
    unfixable: int
    """Errors of lines that no fix removes."""
    model: str = ""
    """What is proposed for requests that name no model."""


@dataclass(frozen=True, slots=True)
class FixChoice:
    """What the person chose to fix."""

    rules: frozenset[str]
    """The rules to fix."""
    reject: bool
    """Leave out the lines that still have an error."""
    model: str = ""
    """The model of requests that name none; empty where there are none, or they are left as they are."""


class FixDialog(Form[FixChoice]):
    """A checkbox for each rule, and below them one line before and after; answers what was chosen, or None.

    Where requests name no model, it asks for one.
    """

    AROUND = 16
    DEFAULT_CSS = """
    FixDialog {
        Box { width: 100; }
        Divider { margin-top: 1; }
        #change { height: 2; }
    }
    """

    def __init__(self, offer: FixOffer) -> None:
        super().__init__()
        self._offer = offer
        self._focused_rule = ""
        """The rule whose change is shown."""
        self._asks_model = any(fix.rule == _NO_MODEL for fix in offer.fixes)

    @property
    def around(self) -> int:
        """The lines around the list; the field for the model is two of them."""
        return self.AROUND + 2 * self._asks_model

    def compose(self) -> ComposeResult:
        """Compose the checkboxes, the change and the sum."""
        offer = self._offer
        with Box():
            yield Static(line_content(f"Fix a copy of {offer.path.name}"), classes="dialog--title")
            with CheckboxList():
                for fix in offer.fixes:
                    label = [(f"{fix.count:>7,}  ", ""), (f"{fix.rule:<20}", ""), (f"  {_effect(fix.rule)}", QUIET)]
                    yield Checkbox(label, on=True, id=fix.rule)
                unfixable = fmt.count(offer.unfixable or None)
                yield Checkbox([(f"{unfixable:>7}  ", ""), *_REJECT_LABEL], on=False, id=_REJECT)
            if self._asks_model:
                with Horizontal(classes="field"):
                    yield Static("Model, where missing", classes="name", markup=False)
                    yield TextInput(offer.model, placeholder="as in the catalogue", id="model")
            yield Divider()
            yield Static(id="change", markup=False)
            yield Static(id="sum", markup=False)
            yield self.hints("Write and check", "Toggle")

    def on_resize(self) -> None:
        """Fit the change to the new width."""
        self.call_after_refresh(self._show_change)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show the change of the rule that has the focus."""
        self._focused_rule = event.widget.id or ""
        self._show_change()

    def on_checkbox_changed(self) -> None:
        """Update the sum."""
        self.update_summary()

    def _show_change(self) -> None:
        """Show the line before and after, for the rule that has the focus."""
        change = self.query_one("#change", Static)
        fix = next((fix for fix in self._offer.fixes if fix.rule == self._focused_rule), None)
        width = change.size.width
        if fix is None:
            self.query_one(Divider).set_title("lines left out")
            lines = [[(f"They are saved to {self._file_name('rejected')}, unchanged.", "")], []]
        else:
            effect = _effect(fix.rule)
            self.query_one(Divider).set_title(f"line {fix.line:,}: {effect}" if fix.line else effect)
            lines = list(change_pieces(fix.change, width))
        fitted = [fit_styled(pieces, width, fill="") for pieces in lines]
        change.update(styled_content([*fitted[0], ("\n", ""), *fitted[1]]))

    def _file_name(self, kind: str) -> str:
        return f"{self._offer.path.stem}.{kind}.jsonl"

    @property
    def _choice(self) -> FixChoice:
        on = {checkbox.id or "" for checkbox in self.query(Checkbox) if checkbox.on}
        model = self.query_one("#model", TextInput).value.strip() if _NO_MODEL in on else ""
        return FixChoice(frozenset(on - {_REJECT}), _REJECT in on, model)

    @staticmethod
    def _mistake(choice: FixChoice) -> str:
        """Return what is wrong with the choice; empty if nothing is."""
        if not (choice.rules or choice.reject):
            return "Nothing is selected."
        if _NO_MODEL in choice.rules and not choice.model:
            return f"Enter a model, or turn off {_NO_MODEL}."
        return ""

    def _count_left(self, choice: FixChoice) -> int:
        """Return how many errors would stay in the copy."""
        unchosen = (fix for fix in self._offer.fixes if fix.rule not in choice.rules)
        return self._offer.unfixable + sum(f.count for f in unchosen if RULES[f.rule].severity is Severity.ERROR)

    def update_summary(self) -> None:
        """Show what would be fixed and left out, and what stays faulty."""
        choice = self._choice
        if mistake := self._mistake(choice):
            pieces = [(mistake, ATTENTION)]
        else:
            pieces = [
                ("Writes ", ""),
                (self._file_name("fixed"), "bold"),
                (" next to it; the original is untouched.", ""),
            ]
            if not choice.reject and (left := self._count_left(choice)):
                pieces.append((f" {fmt.plural(left, 'error')} will remain.", ATTENTION))
        self.show_summary([(line_content(text).plain, style) for text, style in pieces])

    def action_save(self) -> None:
        """Answer what is chosen; ring the bell if that is nothing, or lacks the model."""
        choice = self._choice
        if self._mistake(choice):
            self.app.bell()
        else:
            self.dismiss(choice)


def _effect(rule: str) -> str:
    """Return what the fix of a rule does to a line."""
    return _EFFECTS.get(rule, RULES[rule].fix)


_REJECT_LABEL = [(f"{'Drop':<20}", ""), ("  lines that still have errors", QUIET)]
