"""The questions about profiles: which one, whether what is under way may wait, and that a key is being asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from textual.widgets import Static

from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.server_address import canonical_server
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.text import format as fmt
from tbatch_tui.tui import theme
from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option
from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.sanitize import line, line_content, lines_content

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.app import App, ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.config.settings import Profile, Settings
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.render.styled import StyledText

_WIDEST_NAME = 24
"""Cells of the list's first column at most."""
NONE = "no profile"
"""What the choice of no profile is called. A profile cannot have this name."""


def transfer_words(records: Iterable[JobRecord]) -> str:
    """Return what is under way, and waits once its profile is left: `3 downloads, 1 submission`; empty for nothing."""
    downloads = submissions = 0
    for record in records:
        submissions += record.is_being_submitted
        downloads += sum(transfer.state is TransferState.WANTED for transfer in record.transfers)
    counted = ((downloads, "download"), (submissions, "submission"))
    return ", ".join(fmt.plural(count, word) for count, word in counted if count)


def waiting_words(waiting: Mapping[str, str]) -> str:
    """Return what is said above the jobs of what waits for other profiles, which are named."""
    parts = [f"{words} of {line(name) or NONE}" for name, words in waiting.items()]
    return f"{'; '.join(parts)}: waiting until you switch back ({{jobs.profile}})." if parts else ""


async def choose_profile(app: App[Any], settings: Settings, waiting: Mapping[str, str]) -> str | None:
    """Return the name of the profile that the person chooses, "" for none of them; None if they leave it.

    `waiting` has for each profile that was left what waits for it.
    """
    current = settings.profile.name if settings.profile is not None else ""
    options = [
        Option(name, line(name), _description(profile, waiting.get(name, ""), is_current=name == current, app=app))
        for name, profile in settings.profiles.items()
    ]
    own: StyledText = [("TOGETHER_API_KEY, else what tg login stored", "")]
    if not current:
        own = [("in use", "bold $accent-text"), (" · ", "$rule"), *own]
    options.append(Option("", NONE, own))
    return await app.push_screen_wait(
        ChoiceDialog(
            "Which profile?",
            "Its key, its server and its history are used from then on. Histories stay apart.",
            options,
            leave="Stay",
            heads=("Profile", "Key and server"),
            verb="Switch",
            title_width=min(_WIDEST_NAME, max(len(option.title) for option in options)),
            lines=10,
        )
    )


def _description(profile: Profile, waiting: str, *, is_current: bool, app: App[Any]) -> StyledText:
    """Return what waits for a profile, where its key comes from, and its server."""
    key = profile.key_env or f"{profile.key_command[0]} …"
    server = canonical_server(profile.base_url) if profile.base_url else ""
    pieces: StyledText = []
    if profile.colour:
        pieces.append((f" {profile.colour} ", theme.badge_style(profile.colour, app.current_theme)))
    if is_current:
        pieces.append(("in use", "bold $accent-text"))
    if waiting:
        pieces.append((f"{waiting} waiting", "$status-attention"))
    pieces += [(line(text), "") for text in (key, server.partition("//")[2]) if text]
    separated: StyledText = []
    for piece in pieces:
        separated += [(" · ", "$rule"), piece] if separated else [piece]
    return separated


async def confirm_switch(app: App[Any], engine: BatchEngine) -> bool:
    """Return whether to switch; asked where that interrupts something."""
    if not engine.has_transfers:
        return True
    return await app.push_screen_wait(
        Confirm(
            "Switch while a file is being transferred?",
            "It continues when this profile is in use again. Nothing is submitted twice, nothing is lost.",
            yes="Switch",
            no="Stay",
        )
    )


async def wait_for_key(app: App[Any], settings: Settings) -> tuple[KeyWait, Settings]:
    """Return the settings with the key of their profile, and the dialog that is shown until they are in use.

    Raises SettingsError when the key cannot be had, and OperationCancelledError when the person waits no longer: the
    dialog is gone then.
    """
    from tbatch_tui.config.profiles import with_key

    asking = asyncio.create_task(run_cancellable(with_key, settings))
    dialog = KeyWait(settings, asking)
    await app.push_screen(dialog)
    try:
        settings = await asking
    except asyncio.CancelledError:
        dialog.dismiss(None)
        if not dialog.was_left:
            raise  # the app is being left
        raise OperationCancelledError("The profile was not switched", "Its key was not waited for.") from None
    except BaseException:
        dialog.dismiss(None)
        raise
    dialog.cannot_leave()
    return dialog, settings


class KeyWait(Dialog[None]):
    """Says that a profile is being switched to. Escape gives up while its key is asked for."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [keys.NO]

    def __init__(self, settings: Settings, asking: asyncio.Task[Settings] | None = None) -> None:
        """`asking` is what is cancelled by escape."""
        super().__init__()
        self._profile = settings.profile
        self._asking = asking
        self.was_left = False

    def compose(self) -> ComposeResult:
        """Lay out what is waited for."""
        name = self._profile.name if self._profile is not None else NONE
        with Box():
            yield Static(line_content(f"Switching to {name} …"), classes="dialog--title")
            if self._profile is not None and self._profile.key_command:
                program = line(self._profile.key_command[0])
                yield Static(lines_content(f"{program} is asked for its key."), classes="dialog--text")
                yield KeyHints((self.key_of("answer.no"), "Stay with the profile in use"))

    def cannot_leave(self) -> None:
        """The key is here: what follows takes an instant, and is not given up halfway."""
        self._asking = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave only while the key is waited for."""
        return self._asking is not None if action == "no" else super().check_action(action, parameters)

    def action_no(self) -> None:
        """Stop waiting."""
        if self._asking is not None:
            self.was_left = True
            self._asking.cancel()
