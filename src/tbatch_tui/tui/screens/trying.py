"""Try requests now, from the screens that have some under the cursor: Compose, Check and Results."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.screens.base import BaseScreen

if TYPE_CHECKING:
    from textual.binding import BindingType

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.dialogs.trying.subject import TrySubject

_NO_KEY = "There is no API key, so nothing can be tried"


class TriesRequests(BaseScreen):
    """The action, and when it can be done. A screen says what it would try."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.TRY]
    engine: BatchEngine

    def reason_against_trying(self) -> str:
        """Return why there is nothing to try now; empty if there is."""
        raise NotImplementedError

    async def find_try(self) -> TrySubject:
        """Return what is tried. May raise BatchError."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now."""
        if action == "try_now" and self.is_mounted:
            return not self._reason()
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str) -> str:
        """Return why an action cannot be done now."""
        return self._reason() if action == "try_now" else super().disabled_reason(action)

    def _reason(self) -> str:
        return self.reason_against_trying() or ("" if self.engine.options.can_connect else _NO_KEY)

    @work(group="try", exclusive=True, exit_on_error=False)
    async def action_try_now(self) -> None:
        """Open the dialog that says the price, sends, and shows the answers."""
        from tbatch_tui.tui.dialogs.trying.dialog import TryDialog

        try:
            subject = await self.find_try()
        except BatchError as error:
            self.bridge.report(error)
            return
        await self.app.push_screen_wait(TryDialog(self.engine, self.bridge, subject))
