"""What the dialogs of ticks and fields share: how they are laid out, and the keys that write or give up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from tbatch_tui.tui.dialogs.base import Answer, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import shown_key
from tbatch_tui.tui.render.styled import pieces_content
from tbatch_tui.tui.widgets.checkbox_list import CheckboxList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType


class Form(Dialog[Answer | None]):
    """Ticks in a `CheckboxList`, fields, what they come to in `#sum`, and the keys; answers what was chosen, or
    None.
    """

    AUTO_FOCUS = "Checkbox"
    BINDINGS: ClassVar[list[BindingType]] = [keys.SAVE, keys.DISCARD, keys.FORM_NEXT, keys.FORM_PREVIOUS]
    DEFAULT_CSS = """
    Form {
        Box { width: 90; }
        CheckboxList { margin-top: 1; }
        .field { height: 1; margin-top: 1; }
        .field > .name { width: 26; color: $status-quiet; }
        TextInput { width: 1fr; background: $panel; padding: 0 1; &:focus { background: $cursor-row; } }
        #sum { height: auto; margin-top: 1; }
    }
    """
    AROUND: ClassVar[int]
    """Lines of the dialog around the list, which scrolls where there is less room."""

    def on_resize(self) -> None:
        self.query_one(CheckboxList).styles.max_height = max(3, self.size.height - self.AROUND)

    def hints(self, write: str, tick: str) -> KeyHints:
        """The keys, as remapped."""
        save, discard = self.key_of("answer.save"), self.key_of("answer.discard")
        return KeyHints((save, write), (shown_key(keys.TICK), tick), (discard, "Back"))

    def show_summary(self, pieces: Sequence[tuple[str, str]]) -> None:
        """What comes of what is chosen, or why nothing can. The text has passed the gate."""
        self.query_one("#sum", Static).update(pieces_content(list(pieces)))

    def action_discard(self) -> None:
        self.dismiss(None)
