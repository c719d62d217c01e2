"""The app: theme, keys, and opening and closing the engine."""

from __future__ import annotations

import asyncio
import gc
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.actions import SkipAction
from textual.events import AppFocus, Event, Key, MouseDown, MouseScrollDown, MouseScrollUp, Paste
from textual.filter import LineFilter, Monochrome, NoColor
from textual.worker import Worker, WorkerState

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui import theme
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.key_queue import OrderedKeysApp
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.messages import OpenPath, OpenPaths
from tbatch_tui.tui.navigation import ProfileSwitch
from tbatch_tui.tui.sanitize import lines
from tbatch_tui.tui.screens.jobs.actions import format_answered
from tbatch_tui.tui.screens.jobs.screen import JobsScreen
from tbatch_tui.tui.textual_private import CrashReportingApp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.binding import BindingType
    from textual.command import Provider
    from textual.screen import Screen
    from textual.theme import Theme

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.demo import DemoServer
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import Event as EngineEvent
    from tbatch_tui.engine.events import JobsEnded, ResultsDownloaded
    from tbatch_tui.tui.terminal.notifications import Notifier

PAINTED_BY = 0.5
"""Seconds after which the first frame counts as painted even if Textual never reported it."""
AFTER_FIRST_FRAME = 0.05
"""Seconds between the first frame and the start of the engine, whose imports would delay the frame."""


def _palette(module: str, name: str) -> Callable[[], type[Any]]:
    return lambda: getattr(import_module(f"tbatch_tui.tui.{module}"), name)  # loaded when it is first opened


class TbatchApp(OrderedKeysApp[str], ProfileSwitch, CrashReportingApp[str]):
    """The whole terminal app. `run()` returns "demo" if the person asked for the demo."""

    TITLE = "tbatch-tui"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        _palette("keys.palette", "KeyCommands"),
        _palette("screens.jobs.job_names", "JobNames"),
    }
    BINDINGS: ClassVar[list[BindingType]] = [*keys.GLOBAL]
    COMMAND_PALETTE_BINDING = keys.PALETTE.key
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        settings: Settings,
        make_engine: Callable[[Callable[[EngineEvent], object]], BatchEngine],
        demo: DemoServer | None = None,
        settings_of: Callable[[str], Settings] | None = None,
    ) -> None:
        """Make an app.

        Args:
            settings: What the person set.
            make_engine: Makes the engine, given the callback that it passes its events to.
            demo: The private server of the demo, which the app starts and stops; None outside the demo.
            settings_of: Returns the settings with another profile, "" for none, and without its key.
        """
        super().__init__()
        self.settings = settings
        self.bridge = Bridge(self, lambda: self.engine.now())
        self.engine = make_engine(self.bridge.emit)
        self.demo = demo
        self.settings_of = settings_of
        self._first_records: list[JobRecord] = []
        self._is_engine_open = False
        self._was_painted = False
        self._notifier: Notifier | None = None
        self.touched_at: float | None = None
        """When a key was pressed or the mouse used last, by `time.monotonic`; None before that."""
        for each in theme.THEMES:
            self.register_theme(each)
        self._start_with_theme(theme.DEFAULT)
        if settings.theme in self.available_themes:
            self.theme = str(settings.theme)
        self.custom_keys, self._keymap_problems = keymap.resolve_keymap(settings.keymap)
        self.set_keymap(self.custom_keys)

    def _start_with_theme(self, name: str) -> None:
        """Begin with a dark theme, as Textual does: a change of theme would parse all style sheets twice."""
        self.set_reactive(TbatchApp.theme, name)
        self.add_class(f"-theme-{name}", update=False)
        self.stylesheet.set_variables(self.get_css_variables())

    def load_first_rows(self, limit: int) -> None:
        """Read as many records as the first frame shows, before the event loop runs.

        Raises:
            LocalFileError: If the history can be neither opened nor created.
        """
        self._first_records = self.engine.first_page(limit)
        if self.settings.theme is None and (name := self.engine.first_memory("theme")) in self.available_themes:
            self.theme = str(name)

    # -- start and end -------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """Start with Jobs."""
        return JobsScreen(self.engine, self.bridge, self._first_records, demo=self.demo is not None)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Define our variables under Textual's own themes."""
        return theme.variables_for(self.current_theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Leave the terminal's own palette alone if NO_COLOR is set.

        Textual's filter turns palette colours to greys, which come out black on black.
        """
        filters = super().get_line_filters()
        if self.no_color and self.native_ansi_color:
            return [NoColor() if isinstance(each, Monochrome) else each for each in filters]
        return filters

    def on_mount(self) -> None:
        """Show the first screen; the engine starts after the first frame."""
        self.bridge.downloaded.subscribe(self, self._results_downloaded)
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        self.screen_change_signal.subscribe(self, lambda _: self.bridge.screen_changed())
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))  # fg: all is to be painted again
        if (file := self.settings.file) is not None:
            more = self.settings.more_files
            self.post_message(OpenPaths([file, *more]) if more else OpenPath(file))
        if not self.is_headless:
            from tbatch_tui.tui.terminal.hangup import leave_when_told
            from tbatch_tui.tui.terminal.stop import on_stop

            leave_when_told(self)
            on_stop(lambda: self.engine.pause(), lambda: self.engine.resume())
        self.call_after_refresh(self._painted)
        # Textual drops what waits for the refresh of a screen that a quick key has already covered.
        self.set_timer(PAINTED_BY, self._painted)

    def _painted(self) -> None:
        if self._was_painted:
            return
        self._was_painted = True
        gc.freeze()
        gc.set_threshold(20_000, 50, 50)  # a full collection over a long history holds the screen for 0.1 s
        gc.enable()
        for problem in self._keymap_problems:
            self.bridge.notify("A key in config.toml is unusable", problem, "warning")
        if self.settings.theme is not None and self.settings.theme not in self.available_themes:
            self.bridge.notify(f"There is no theme {self.settings.theme!r}", "The default is used.", "warning")
        self.set_timer(AFTER_FIRST_FRAME, self._start_engine)

    @work(group="engine", exit_on_error=False)
    async def _start_engine(self) -> None:
        await self.open_engine()

    async def open_engine(self) -> None:
        """Open the engine, and show its history."""
        try:
            if self.demo is not None:
                if self.demo.unwritable:
                    self.bridge.notify(
                        "The demo runs in a temporary folder, which is deleted afterwards",
                        f"Its own folder {self.settings.data_dir} cannot be used: {self.demo.unwritable}.",
                        "warning",
                    )
                self.engine.set_base_url(await asyncio.to_thread(self.demo.start))
            await self.engine.open()
            self._is_engine_open = True
            settings = [await self.engine.recall(f"jobs.{name}") for name in ("filter", "sort", "text")]
            self.jobs.restore(*settings)
            records = await self.engine.records()
            self.jobs.load_all(records)
            if self._notifier is not None:  # of the profile before this one
                self._notifier.watch(records)
                return
            self._start_notifier(records)
            if self.settings.tour:
                self.screen_change_signal.subscribe(self, self._show_tour)
                self._show_tour(self.screen)
            if self.demo is not None:
                await self.demo.add_past_jobs(self.engine)
                await self.demo.add_older_results(self.engine)
        except BatchError as error:
            self.bridge.report(error)
        except OSError as error:
            self.bridge.notify("The demo's server did not start", str(error), "error")

    def _start_notifier(self, records: list[JobRecord]) -> None:
        """Notify the person from now on when jobs end."""
        from tbatch_tui.tui.terminal.notifications import Notifier

        self._notifier = notifier = Notifier(self, self.bridge, self.settings.notify)
        notifier.start(records)
        self.bridge.records.subscribe(self, notifier.records_changed)
        self.bridge.ended.subscribe(self, notifier.jobs_ended)
        if self.demo is None:  # the jobs of the demo are not real
            self.bridge.ended.subscribe(self, self._run_command)

    @work(group="notify", exit_on_error=False)
    async def _run_command(self, event: JobsEnded) -> None:
        if self._notifier is not None:
            await self._notifier.run_command(event)

    async def on_event(self, event: Event) -> None:
        """Note that the person is there."""
        if isinstance(event, Key | MouseDown | MouseScrollDown | MouseScrollUp):
            self.touched_at = time.monotonic()
        if self._notifier is not None and isinstance(event, Key | AppFocus | MouseDown):
            self._notifier.clear_unseen()
        await super().on_event(event)

    async def deliver(self, event: Key | Paste) -> None:
        """Let Escape clear a selection before anything else."""
        if isinstance(event, Key) and event.key == "escape" and self.screen.selections:
            self.screen.clear_selection()
        else:
            await super().deliver(event)

    async def on_unmount(self) -> None:
        """Close the engine, and stop the demo's server."""
        if self._notifier is not None:
            self._notifier.close()
        if self._switching is not None:
            await asyncio.wait([self._switching])
        await self.close_engine()
        if self.demo is not None:
            await asyncio.to_thread(self.demo.stop)

    async def close_engine(self) -> None:
        """Close the engine, if it is open."""
        if self._is_engine_open:
            self._is_engine_open = False
            await self.engine.aclose()

    @property
    def jobs(self) -> JobsScreen:
        """The screen at the bottom of the stack."""
        screen = self.screen_stack[0]
        assert isinstance(screen, JobsScreen)
        return screen

    def _theme_changed(self, chosen: Theme) -> None:
        self._remember("theme", chosen.name)

    @work(group="remember", exit_on_error=False)
    async def _remember(self, name: str, value: str) -> None:
        await self.engine.remember(name, value)

    @work(group="tour", exit_on_error=False)
    async def _show_tour(self, screen: Screen[Any]) -> None:
        from tbatch_tui.tui.screens import tour

        await tour.show_once(self.engine, screen, self.screen_stack)

    def action_hide_tour(self) -> None:
        """Hide the hint of this screen."""
        from tbatch_tui.tui.screens import tour

        tour.hide(self.screen)

    def _results_downloaded(self, event: ResultsDownloaded) -> None:
        if self.settings.notify.toast:
            self.bridge.notify(f"{event.record.name}: results downloaded", format_answered(event.record))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Report a worker that failed, and go on."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            if isinstance(error, BatchError):
                self.bridge.report(error)
            else:
                self.bridge.notify("That did not work", f"{type(error).__name__}: {error}", "error")

    def crash_message(self) -> str:
        """Write a crash report, and return it without the values of variables: they may hold a key or a prompt."""
        from tbatch_tui.tui.terminal.crash_report import report_crash

        return lines(report_crash(self.engine.options.data_dir))

    # -- actions of every screen ---------------------------------------------------------------------

    def action_show_keys(self) -> None:
        """Show the keys of this screen."""
        from tbatch_tui.tui.dialogs.keys_help import KeysHelp

        self.push_screen(KeysHelp(self.screen, getattr(self.screen, "NAME", "")))

    def action_show_log(self) -> None:
        """Show the messages so far."""
        from tbatch_tui.tui.dialogs.message_log import MessageLog

        self.push_screen(MessageLog(self.bridge.log, self.engine.now()))

    async def action_copy_selected(self) -> None:
        """Copy what is selected with the mouse; without a selection, leave the key to other bindings."""
        from tbatch_tui.tui.terminal.clipboard import copy_selection
        from tbatch_tui.tui.widgets.reader.selectable import SelectableScreen

        screen = self.screen
        if not isinstance(screen, SelectableScreen) or not screen.selections:
            raise SkipAction
        if not copy_selection(self, self.bridge, await screen.read_selected()):
            raise SkipAction

    def action_help_quit(self) -> None:
        """Show which key quits: ctrl+c, without a selection to copy, does not."""
        quit_key = next((a.binding for a in self.active_bindings.values() if a.binding.id == keys.QUIT.id), keys.QUIT)
        self.bridge.notify(f"{self.get_key_display(quit_key)} quits tbatch-tui", "Jobs continue on the server.")

    async def action_quit(self) -> None:
        """Exit, after a question if a transfer is running."""
        self._leave()

    @work(group="quit", exclusive=True, exit_on_error=False)
    async def _leave(self) -> None:
        if self.engine.has_transfers:
            from tbatch_tui.tui.dialogs.confirm import Confirm

            yes = await self.push_screen_wait(
                Confirm(
                    "Quit while a file is being transferred?",
                    "It starts over the next time tbatch-tui runs. Nothing is submitted twice, nothing is lost.",
                    yes="Leave",
                    no="Stay",
                )
            )
            if not yes:
                return
        self.exit()
