"""All use of private Textual and Rich API: the one file to look at when either of them moves.

Each function names what it relies on. All of it was seen in Textual 8.2.8 and Rich 14.3.4.
"""

from __future__ import annotations

import os
import select
import time
from codecs import getincrementaldecoder
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich._unicode_data import load as load_cell_table
from rich.text import Text
from textual import _context
from textual._xterm_parser import XTermParser
from textual.app import App, ReturnType
from textual.drivers.linux_driver import LinuxDriver
from textual.keys import _character_to_key
from textual.selection import SelectEnd
from textual.widget import Widget

if TYPE_CHECKING:
    from codecs import IncrementalDecoder
    from collections.abc import Callable, Iterator

    from textual.await_complete import AwaitComplete
    from textual.binding import Binding
    from textual.geometry import Offset
    from textual.notifications import Notification
    from textual.screen import Screen


def replace_first_screen(app: App[Any], screen: Screen[Any]) -> AwaitComplete:
    """Put a screen in the place of the app's first one, which is the only one on the stack.

    Relies on `Screen._result_callbacks`: `switch_screen` takes one from what it replaces; a default screen has none.
    """
    first = app.screen
    if not first._result_callbacks:
        first._push_result_callback(first, None)
    return app.switch_screen(screen)


def current_app() -> App[Any] | None:
    """Return the app that is running this code, or None outside one.

    Relies on `textual._context.active_app`. Public API reaches the app only from a widget.
    """
    return _context.active_app.get(None)


def write_to_terminal(app: App[Any], sequence: str) -> None:
    """Send an escape sequence to the terminal, if the app has one.

    Relies on `App._driver.write`, as Textual's own `copy_to_clipboard` does: there is no public way.
    """
    driver = app._driver
    if driver is not None and not app.is_headless and not app.is_web:
        driver.write(sequence)


@contextmanager
def terminal_writes_dropped(app: App[Any]) -> Iterator[None]:
    """Drop what the app writes to the terminal meanwhile.

    Relies on `App._driver.write`, and on the driver's writer thread, which has stopped while the app is suspended:
    after 30 writes its queue would block the event loop for good.
    """
    driver = app._driver
    if driver is None:
        yield
        return
    driver.write = _drop  # type: ignore[method-assign]
    try:
        yield
    finally:
        del driver.write


def _drop(data: str) -> None:
    """Take what would be written, and do nothing with it."""


def shows_toast(app: App[Any], message: str, title: str) -> bool:
    """Return whether a toast with these texts is shown now.

    Relies on `App._notifications`, which drops those whose time is over when it is iterated.
    """
    return any((toast.message, toast.title) == (message, title) for toast in app._notifications)


def take_toasts(app: App[Any], unwanted: Callable[[Notification], bool]) -> None:
    """Take away the toasts for which `unwanted` holds. Relies on `App._notifications` and `App._unnotify`."""
    for toast in list(filter(unwanted, app._notifications)):
        app._unnotify(toast)


def replace_binding(widget: Widget, key: str, binding: Binding) -> None:
    """Give one widget, not its class, another binding of a key.

    Relies on `Widget._bindings.key_to_bindings`. Public API binds keys by class only.
    """
    widget._bindings.key_to_bindings[key] = [binding]


def bound_keys(screen: Screen[Any]) -> Iterator[Binding]:
    """Yield the bindings of the focused widget, its parents, the screen and the app, also of what is disabled now.

    Without those of keys that the focused widget takes for text. Relies on `Screen._modal_binding_chain`.
    """
    for _, bindings in screen._modal_binding_chain:
        for _, binding in bindings:
            yield binding


def drag_start_widget(screen: Screen[Any]) -> Widget | None:
    """Return the widget in which the text selection began that the mouse is dragging now.

    Relies on `Screen._selecting` and on `Screen._select_state.start.content_widget`.
    """
    state = screen._select_state
    return state.start.content_widget if state is not None and screen._selecting else None


def drag_pointer(screen: Screen[Any]) -> Offset | None:
    """Return where on the screen the mouse was last while it drags a selection; None when it drags none.

    Relies on `Screen._selecting` and on `Screen._select_state.end` and `.screen_offset`.
    """
    state = screen._select_state
    return state.screen_offset if state is not None and state.end is not None and screen._selecting else None


def extend_selection(screen: Screen[Any], widget: Widget, offset: Offset | None) -> None:
    """Let the selection that is being dragged end at this character of the widget.

    Relies on `Screen._select_state`, which is reactive: setting it updates what is selected.
    """
    state, container = screen._select_state, widget.parent
    if state is not None and isinstance(container, Widget):
        screen._select_state = state.update_end(state.screen_offset, SelectEnd(container, widget, offset))


def key_of_character(character: str) -> str:
    """Return a character as Textual names its key: `question_mark` for `?`.

    Relies on `textual.keys._character_to_key`, the reverse of the public `key_to_character`.
    """
    return _character_to_key(character)


def zero_width_ranges() -> list[tuple[int, int]]:
    """Return the first and last code points of each range of characters that take no cell.

    Relies on the table that `rich.cells` measures with, `rich._unicode_data`, so that both agree.
    """
    return [(first, last) for first, last, width in load_cell_table("auto").widths if width == 0]


class CrashReportingApp(App[ReturnType]):
    """An app that prints its own message after an unexpected exception.

    Relies on `App._fatal_error`, which Textual calls then to print a traceback with the values of variables, and on
    `App._exit_renderables` and `App._close_messages_no_wait`, which that uses.
    """

    def crash_message(self) -> str:
        """Return what to print below the app; called while the exception is being handled."""
        raise NotImplementedError

    def _fatal_error(self) -> None:
        message = self.crash_message()
        self.bell()
        self._exit_renderables.append(Text(message))
        self._close_messages_no_wait()


class TerminalDriver(LinuxDriver):
    """Textual's driver, with two differences in how it reads.

    All events of one read have the same time, by which `OrderedKeysApp` knows that they came together. And where the
    terminal has gone it stops reading and calls the app's `terminal_gone`, in its own thread: Textual's asks again and
    again for what never comes.

    Relies on `LinuxDriver.run_input_thread` being all there is of reading, on its `fileno`, `exit_event`, `_app` and
    `_debug`, and on `XTermParser`.
    """

    def run_input_thread(self) -> None:
        """Read until the app asks for no more."""
        parser = XTermParser(self._debug)
        decoder = getincrementaldecoder("utf-8")("replace")
        while not self.exit_event.is_set():
            if not self._read_once(parser, decoder):
                self._say_gone()
                return
        self._read_once(parser, decoder)

    def _say_gone(self) -> None:
        while not self.exit_event.wait(0.1):  # perhaps the app is still being set up
            if (terminal_gone := getattr(self._app, "terminal_gone", None)) is not None:
                terminal_gone()
                return

    def _read_once(self, parser: XTermParser, decoder: IncrementalDecoder) -> bool:
        """Wait a moment for input, and send on what came; return False when no more can come."""
        if select.select([self.fileno], [], [], 0.1)[0]:
            try:
                data = os.read(self.fileno, 4096)
            except OSError:
                return False
            if not data:
                return False
            read_at = time.monotonic()
            if text := decoder.decode(data):
                for event in parser.feed(text):
                    event.time = read_at
                    self.process_message(event)
        for event in parser.tick():
            self.process_message(event)
        return True
