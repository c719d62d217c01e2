"""Choose a model of the catalogue, or type the name of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from tbatch_tui.engine.domain.catalogue import ModelInfo
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.table import RecordTable
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input

    from tbatch_tui.engine.domain.catalogue import Catalogue
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.tables.compose.draft import Kind

_NOT_CHAT = frozenset({"image", "video", "embedding", "rerank", "moderation", "transcribe", "audio"})
_AUDIO = frozenset({"transcribe", "audio"})
_SHOWN = 12
"""Models that are seen at once."""


def models_for(catalogue: Catalogue, kind: Kind) -> list[ModelInfo]:
    """Return the models that such a request may name, by their name; all where none is of that kind."""
    models = sorted(catalogue.values(), key=lambda model: model.id.casefold())
    fitting = [model for model in models if (model.display_type in _AUDIO) == (kind == "audio")]
    if kind == "chat":
        fitting = [model for model in fitting if model.display_type not in _NOT_CHAT]
    return fitting or models


class ModelDialog(Dialog["str | None"]):
    """Returns the name of a model, or None. Typing narrows the list; what no model has is taken as it is typed."""

    AUTO_FOCUS = "TextInput"
    BINDINGS: ClassVar[list[BindingType]] = [keys.SAVE, keys.DISCARD]
    DEFAULT_CSS = """
    ModelDialog {
        Box { width: 90; }
        TextInput { margin-top: 1; background: $panel; padding: 0 1; &:focus { background: $cursor-row; } }
        RecordTable { margin-top: 1; }
    }
    """

    def __init__(self, models: list[ModelInfo], prices: PriceList | None, chosen: str) -> None:
        """Make a dialog.

        Args:
            models: Those that can be chosen; empty while the catalogue is not here.
            prices: Those in force.
            chosen: The name that is in the form.
        """
        super().__init__()
        self._models = models
        self._prices = prices
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Lay out the line, the list and the keys."""
        with Box():
            yield Static("Which model?", classes="dialog--title", markup=False)
            yield TextInput(placeholder="type to narrow the list, or another name", id="model-name")
            yield RecordTable[ModelInfo](
                [
                    Column("name", "Model", lambda model: model.id, base=True, min=20, keep="middle"),
                    Column("context", "Context", lambda m: fmt.count(m.context_length), align="right", priority=2),
                    Column("in", "In", lambda model: self._price(model, "input"), align="right", min=5),
                    Column("out", "Out", lambda model: self._price(model, "output"), align="right", min=5),
                ],
                id="models",
                enter=None,
            )
            yield KeyHints((self.key_of("answer.save"), "Choose"), (self.key_of("answer.discard"), "Cancel"))

    def _price(self, model: ModelInfo, name: str) -> str:
        price = None if self._prices is None else getattr(self._prices.price_of(model.id), name)
        return fmt.money(price)

    def on_mount(self) -> None:
        """List the models, with the cursor on the one that is in the form."""
        table = self.query_one(RecordTable)
        table.can_focus = False
        table.styles.height = max(3, min(len(self._models) + 1, _SHOWN, self.app.size.height - 9))
        self._narrow("")
        table.move_cursor(key=self._chosen)

    def _narrow(self, text: str) -> None:
        words = text.casefold().split()
        table = self.query_one(RecordTable)
        why = "No model has this in its name." if self._models else "The catalogue has not been downloaded yet."
        table.set_empty(lines_content(f"{why} The name is taken as it is typed."))
        fitting = [model for model in self._models if all(word in model.id.casefold() for word in words)]
        table.set_rows((model.id, model) for model in fitting)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        event.stop()
        self._narrow(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose."""
        event.stop()
        self.action_save()

    def on_key(self, event: events.Key) -> None:
        """Move the cursor of the list from the line."""
        table = self.query_one(RecordTable)
        moves = {"down": 1, "up": -1, "pagedown": _SHOWN - 2, "pageup": 2 - _SHOWN}
        if (by := moves.get(event.key)) and table.cursor_index is not None:
            event.stop()
            table.move_cursor(index=max(0, min(table.row_count - 1, table.cursor_index + by)))

    def on_record_table_selected(self, event: RecordTable.Selected) -> None:
        """Choose what was clicked twice."""
        event.stop()
        self.dismiss(event.row.id)

    def action_save(self) -> None:
        """Return the model under the cursor; without one, what is typed."""
        row = self.query_one(RecordTable).cursor_row
        typed = line(self.query_one(TextInput).value).strip()
        if row is not None:
            self.dismiss(row.id)
        elif typed:
            self.dismiss(typed)

    def action_discard(self) -> None:
        """Return None."""
        self.dismiss(None)
