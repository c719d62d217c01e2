"""What a fixed copy changes, rule by rule, before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from pathlib import Path

    from textual import events
    from textual.app import ComposeResult

_REJECT = "reject"
_EFFECTS = {
    "custom-id-missing": "gives the line a custom_id",
    "custom-id-type": "puts the custom_id in quotes",
    "custom-id-empty": "gives the line a custom_id",
    "duplicate-custom-id": "makes the later ones unique",
    "method-file": 'adds "method": "FILE"',
    "blank-line": "drops the line",
    "bom": "drops the byte order mark",
    "crlf": "ends the lines in LF",
    "stream": "drops stream",
    "openai-envelope": "drops method and url",
}


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


@dataclass(frozen=True, slots=True)
class FixChoice:
    """What the person chose to fix."""

    rules: frozenset[str]
    """The rules to fix."""
    reject: bool
    """Leave out the lines that still have an error."""


class FixDialog(Form[FixChoice]):
    """A checkbox for each rule, and below them one line before and after; answers what was chosen, or None."""

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

    def compose(self) -> ComposeResult:
        """Compose the checkboxes, the change and the sum."""
        offer = self._offer
        with Box():
            yield Static(line_content(f"Mend a copy of {offer.path.name}"), classes="dialog--title")
            with CheckboxList():
                for fix in offer.fixes:
                    label = [(f"{fix.count:>7,}  ", ""), (f"{fix.rule:<20}", ""), (f"  {_effect(fix.rule)}", QUIET)]
                    yield Checkbox(label, on=True, id=fix.rule)
                unfixable = fmt.count(offer.unfixable or None)
                yield Checkbox([(f"{unfixable:>7}  ", ""), *_REJECT_LABEL], on=False, id=_REJECT)
            yield Divider()
            yield Static(id="change", markup=False)
            yield Static(id="sum", markup=False)
            yield self.hints("Write and check", "Tick")

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
            lines = [[(f"They are kept in {self._file_name('rejected')}, byte for byte.", "")], []]
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
        return FixChoice(frozenset(on - {_REJECT}), _REJECT in on)

    def _count_left(self, choice: FixChoice) -> int:
        """Return how many errors would stay in the copy."""
        unchosen = (fix for fix in self._offer.fixes if fix.rule not in choice.rules)
        return self._offer.unfixable + sum(f.count for f in unchosen if RULES[f.rule].severity is Severity.ERROR)

    def update_summary(self) -> None:
        """Show what would be fixed and left out, and what stays faulty."""
        choice = self._choice
        if not (choice.rules or choice.reject):
            pieces = [("Nothing is chosen.", ATTENTION)]
        else:
            pieces = [(self._file_name("fixed"), "bold"), (" beside the file, which stays as it is.", "")]
            if not choice.reject and (left := self._count_left(choice)):
                pieces.append((f" {fmt.plural(left, 'error')} will be left in it.", ATTENTION))
        self.show_summary([(line_content(text).plain, style) for text, style in pieces])

    def action_save(self) -> None:
        """Answer what is chosen; ring the bell if that is nothing."""
        choice = self._choice
        if choice.rules or choice.reject:
            self.dismiss(choice)
        else:
            self.app.bell()


def _effect(rule: str) -> str:
    """Return what the fix of a rule does to a line."""
    return _EFFECTS.get(rule, RULES[rule].fix)


_REJECT_LABEL = [(f"{'leave out':<20}", ""), ("  lines that still have an error", QUIET)]
