"""What a mended copy changes, rule by rule, before it is written."""

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
_DOES = {
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
    """What can be done about one rule."""

    rule: str
    count: int
    line: int
    """The line that `change` shows; 0 where it is the file."""
    change: Change


@dataclass(frozen=True, slots=True)
class FixOffer:
    """What can be done about a file."""

    path: Path
    rules: tuple[RuleFix, ...]
    left: int
    """Errors of lines that no mend removes."""


@dataclass(frozen=True, slots=True)
class FixWish:
    """What a person chose."""

    rules: frozenset[str]
    reject: bool
    """Leave out the lines that still have an error."""


class FixDialog(Form[FixWish]):
    """A tick for each rule, and below them one line before and after; answers what was chosen, or None."""

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
        self._shown = ""
        """The rule whose change is shown."""

    def compose(self) -> ComposeResult:
        offer = self._offer
        with Box():
            yield Static(line_content(f"Mend a copy of {offer.path.name}"), classes="dialog--title")
            with CheckboxList():
                for mend in offer.rules:
                    does = _DOES.get(mend.rule, RULES[mend.rule].fix)
                    words = [(f"{mend.count:>7,}  ", ""), (f"{mend.rule:<20}", ""), (f"  {does}", QUIET)]
                    yield Checkbox(words, on=True, id=mend.rule)
                left = fmt.count(offer.left or None)
                yield Checkbox([(f"{left:>7}  ", ""), *_REJECT_WORDS], on=False, id=_REJECT)
            yield Divider()
            yield Static(id="change", markup=False)
            yield Static(id="sum", markup=False)
            yield self.hints("Write and check", "Tick")

    def on_mount(self) -> None:
        self._show_sum()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_change)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._shown = event.widget.id or ""
        self._show_change()

    def on_checkbox_changed(self) -> None:
        self._show_sum()

    def _show_change(self) -> None:
        """The line before and after, for the rule that has the focus."""
        change = self.query_one("#change", Static)
        mend = next((mend for mend in self._offer.rules if mend.rule == self._shown), None)
        width = change.size.width
        if mend is None:
            self.query_one(Divider).set_title("lines left out")
            lines = [[(f"They are kept in {self._beside('rejected')}, byte for byte.", "")], []]
        else:
            does = _DOES.get(mend.rule, RULES[mend.rule].fix)
            self.query_one(Divider).set_title(f"line {mend.line:,}: {does}" if mend.line else does)
            lines = list(change_pieces(mend.change, width))
        fitted = [fit_styled(pieces, width, fill="") for pieces in lines]
        change.update(styled_content([*fitted[0], ("\n", ""), *fitted[1]]))

    def _beside(self, word: str) -> str:
        return f"{self._offer.path.stem}.{word}.jsonl"

    def _wish(self) -> FixWish:
        on = {tick.id or "" for tick in self.query(Checkbox) if tick.on}
        return FixWish(frozenset(on - {_REJECT}), _REJECT in on)

    def _left(self, wish: FixWish) -> int:
        """Errors that would stay in the copy."""
        unticked = (mend for mend in self._offer.rules if mend.rule not in wish.rules)
        return self._offer.left + sum(m.count for m in unticked if RULES[m.rule].severity is Severity.ERROR)

    def _show_sum(self) -> None:
        wish = self._wish()
        if not (wish.rules or wish.reject):
            said = [("Nothing is chosen.", ATTENTION)]
        else:
            said = [(self._beside("fixed"), "bold"), (" beside the file, which stays as it is.", "")]
            if not wish.reject and (left := self._left(wish)):
                said.append((f" {fmt.plural(left, 'error')} will be left in it.", ATTENTION))
        self.show_summary([(line_content(text).plain, style) for text, style in said])

    def action_save(self) -> None:
        wish = self._wish()
        if wish.rules or wish.reject:
            self.dismiss(wish)
        else:
            self.app.bell()


_REJECT_WORDS = [(f"{'leave out':<20}", ""), ("  lines that still have an error", QUIET)]
