"""The app: theme, keys, the way between screens, and the life of the engine. What a screen does is the screen's."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.actions import SkipAction
from textual.app import App, SystemCommand
from textual.events import AppFocus, Event, Key, MouseDown
from textual.filter import LineFilter, Monochrome, NoColor
from textual.worker import Worker, WorkerState

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.redaction import redact
from tbatch_tui.tui import theme
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.sanitize import lines
from tbatch_tui.tui.screens.jobs.actions import record_answered
from tbatch_tui.tui.screens.jobs.screen import JobsScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.binding import BindingType
    from textual.screen import Screen
    from textual.theme import Theme

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.demo import DemoServer
    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import Event as EngineEvent
    from tbatch_tui.engine.events import JobsEnded, ResultsDownloaded
    from tbatch_tui.tui.messages import (
        CheckFile,
        CreateBatch,
        GoBack,
        NewBatch,
        OpenFiles,
        OpenJob,
        OpenResults,
        Submitted,
        TryDemo,
    )
    from tbatch_tui.tui.screens.create.screen import CreateScreen
    from tbatch_tui.tui.terminal.notifications import Notifier

PAINTED_BY = 0.5
"""Seconds after which the first frame counts as painted, whatever became of it."""
AFTER_FIRST_FRAME = 0.05
"""Seconds between the first frame and the start of the engine, whose imports would hold the frame up."""


def _palette() -> type[Any]:
    from tbatch_tui.tui.keys.palette import KeyCommands

    return KeyCommands


class TbatchApp(App[str]):
    """Returns "demo" when the person asked to go over to the demo."""

    TITLE = "tbatch-tui"
    COMMANDS = App.COMMANDS | {_palette}
    BINDINGS: ClassVar[list[BindingType]] = [*keys.GLOBAL]
    COMMAND_PALETTE_BINDING = keys.PALETTE.key
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        settings: Settings,
        make_engine: Callable[[Callable[[EngineEvent], object]], BatchEngine],
        demo: DemoServer | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.bridge = Bridge(self)
        self.engine = make_engine(self.bridge.emit)
        self.demo = demo
        self._first: list[JobRecord] = []
        self._entered = False
        self._was_painted = False
        self._attention: Notifier | None = None
        for own in theme.THEMES:
            self.register_theme(own)
        self.theme = settings.theme if settings.theme in self.available_themes else theme.DEFAULT
        self.own_keys, self._keymap_trouble = keymap.resolve_keymap(settings.keymap)
        self.set_keymap(self.own_keys)

    def load_first_rows(self, limit: int) -> None:
        """Read the first records, before the loop runs. Raises LocalFileError when there is no place for a history."""
        self._first = self.engine.first_page(limit)
        if self.settings.theme is None and (name := self.engine.first_memory("theme")) in self.available_themes:
            self.theme = str(name)

    # -- life ----------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        return JobsScreen(self.engine, self.bridge, self._first, demo=self.demo is not None)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variables_for(self.current_theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without colours the terminal's own palette is left out: as Textual's greys it would be black on black."""
        filters = super().get_line_filters()
        if self.no_color and self.native_ansi_color:
            return [NoColor() if isinstance(each, Monochrome) else each for each in filters]
        return filters

    def on_mount(self) -> None:
        self.bridge.collected.subscribe(self, self._collected)
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        if self.settings.file is not None:
            self.open_check(self.settings.file)
        if not self.is_headless:
            self._leave_on_signals()
        self.call_after_refresh(self._painted)
        # Textual drops what waits for the refresh of a screen that a quick key has already covered.
        self.set_timer(PAINTED_BY, self._painted)

    def _leave_on_signals(self) -> None:
        """A terminal that closes, or a machine that shuts down, ends the app as `q` does: all is put away."""
        import signal

        from tbatch_tui.tui.terminal.hangup import on_hangup

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.exit)
        on_hangup(lambda: loop.call_soon_threadsafe(self.exit))

    def _painted(self) -> None:
        if self._was_painted:
            return
        self._was_painted = True
        gc.freeze()
        gc.set_threshold(20_000, 50, 50)  # a full collection over a long history holds the screen for 0.1 s
        gc.enable()
        for said in self._keymap_trouble:
            self.bridge.notify("A key in config.toml cannot be used", said, "warning")
        if self.settings.theme is not None and self.settings.theme not in self.available_themes:
            self.bridge.notify(f"There is no theme {self.settings.theme!r}", "The default is used.", "warning")
        self.set_timer(AFTER_FIRST_FRAME, self._start_engine)

    @work(group="engine", exit_on_error=False)
    async def _start_engine(self) -> None:
        try:
            if self.demo is not None:
                self.engine.set_base_url(await asyncio.to_thread(self.demo.start))
            await self.engine.open()
            self._entered = True
            kept = [await self.engine.recall(f"jobs.{name}") for name in ("filter", "sort", "text")]
            self.jobs.restore(*kept)
            records = await self.engine.records()
            self.jobs.load_all(records)
            self._attend(records)
            if self.settings.tour:
                self.screen_change_signal.subscribe(self, self._explain)
                self._explain(self.screen)
            if self.demo is not None:
                await self.demo.add_past_jobs(self.engine)
        except BatchError as error:
            self.bridge.report(error)
        except OSError as error:
            self.bridge.notify("The demo's server did not start", str(error), "error")

    def _attend(self, records: list[JobRecord]) -> None:
        """From now on say when jobs end."""
        from tbatch_tui.tui.terminal.notifications import Notifier

        self._attention = attention = Notifier(self, self.bridge, self.settings.notify)
        attention.start(records)
        self.bridge.records.subscribe(self, attention.records_changed)
        self.bridge.ended.subscribe(self, attention.jobs_ended)
        if self.demo is None:  # nothing of the demo leaves it
            self.bridge.ended.subscribe(self, self._run_command)

    @work(group="notify", exit_on_error=False)
    async def _run_command(self, event: JobsEnded) -> None:
        if self._attention is not None:
            await self._attention.run_command(event)

    async def on_event(self, event: Event) -> None:
        if self._attention is not None and isinstance(event, Key | AppFocus | MouseDown):
            self._attention.clear_unseen()
        if isinstance(event, Key) and event.key == "escape" and self.is_running and self.screen.selections:
            self.screen.clear_selection()  # given up first, as marks and filters are before a screen is left
            return
        await super().on_event(event)

    async def on_unmount(self) -> None:
        if self._attention is not None:
            self._attention.close()
        if self._entered:
            self._entered = False
            await self.engine.aclose()
        if self.demo is not None:
            await asyncio.to_thread(self.demo.stop)

    @property
    def jobs(self) -> JobsScreen:
        screen = self.screen_stack[0]
        assert isinstance(screen, JobsScreen)
        return screen

    def _theme_chosen(self, chosen: Theme) -> None:
        self._remember("theme", chosen.name)

    @work(group="remember", exit_on_error=False)
    async def _remember(self, name: str, value: str) -> None:
        await self.engine.remember(name, value)

    @work(group="tour", exit_on_error=False)
    async def _explain(self, screen: Screen[Any]) -> None:
        """Say in a line what a screen is for, the first time one is on it; from then on it counts as seen."""
        from tbatch_tui.tui.screens import tour

        place = tour.context_of(screen)
        if place is not None:
            for left in self.screen_stack:
                tour.hide(left, unless=screen)
        if place is not None and await self.engine.recall(place) is None:
            await self.engine.remember(place, "seen")
            screen.call_later(tour.show, screen)  # in its own time: it may not be composed yet

    def action_hide_tour(self) -> None:
        from tbatch_tui.tui.screens import tour

        tour.hide(self.screen)

    def _collected(self, event: ResultsDownloaded) -> None:
        if self.settings.notify.toast:
            self.bridge.notify(f"{event.record.name}: results are here", record_answered(event.record))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that died is said, never only swallowed; the app goes on."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            if isinstance(error, BatchError):
                self.bridge.report(error)
            else:
                self.bridge.notify("That did not work", f"{type(error).__name__}: {error}", "error")

    def _fatal_error(self) -> None:
        """A mistake of ours that ends the app: told without the values of variables, which may be a key or a prompt."""
        import logging
        import traceback

        from rich.text import Text

        from tbatch_tui.tui.terminal.crash_report import exit_message, write_report

        told = redact(traceback.format_exc())
        logging.getLogger(__name__).error("the app ended by itself: %s", told)
        report = write_report(self.engine.options.data_dir, told)
        self.bell()
        self._exit_renderables.append(Text(lines(told + exit_message(report))))
        self._close_messages_no_wait()

    # -- the way between screens ---------------------------------------------------------------------

    def on_new_batch(self, _: NewBatch) -> None:
        from tbatch_tui.tui.screens.pick.screen import PickScreen

        samples = self.demo.samples if self.demo is not None else None
        self.push_screen(PickScreen(self.engine, self.bridge, Path.cwd(), samples))

    def on_check_file(self, message: CheckFile) -> None:
        self.open_check(message.path)

    def open_check(self, path: Path) -> None:
        """Check this file; a check that is open gives way to it."""
        from tbatch_tui.tui.screens.check.screen import CheckScreen

        screen = CheckScreen(self.engine, self.bridge, path)
        if isinstance(self.screen, CheckScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def on_create_batch(self, message: CreateBatch) -> None:
        from tbatch_tui.tui.screens.create.screen import CreateScreen

        kept = self._half_filled()
        if kept is not None and _same_file(kept.report, message.report):
            self.push_screen("create")
            return
        if kept is not None:
            self.uninstall_screen("create")
        # Installed, so that going back keeps the form as it was left.
        self.install_screen(
            CreateScreen(self.engine, self.bridge, message.report, self.engine.options.output_dir), "create"
        )
        self.push_screen("create")

    def _half_filled(self) -> CreateScreen | None:
        from tbatch_tui.tui.screens.create.screen import CreateScreen

        if not self.is_screen_installed("create"):
            return None
        screen = self.get_screen("create")
        return screen if isinstance(screen, CreateScreen) else None

    async def on_submitted(self, message: Submitted) -> None:
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        if self.is_screen_installed("create"):
            self.uninstall_screen("create")
        self.jobs.go_to(message.key)

    def on_open_job(self, message: OpenJob) -> None:
        from tbatch_tui.tui.screens.job.screen import JobScreen

        self.push_screen(JobScreen(self.engine, self.bridge, message.key))

    def on_open_results(self, message: OpenResults) -> None:
        from tbatch_tui.tui.screens.results.screen import ResultsScreen

        self.push_screen(ResultsScreen(self.engine, self.bridge, message.key, retry=message.retry))

    def on_open_files(self, _: OpenFiles) -> None:
        from tbatch_tui.tui.screens.files.screen import FilesScreen

        self.push_screen(FilesScreen(self.engine, self.bridge))

    def on_go_back(self, _: GoBack) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()

    def on_try_demo(self, _: TryDemo) -> None:
        self.exit("demo")

    # -- actions of every screen ---------------------------------------------------------------------

    def action_show_keys(self) -> None:
        from tbatch_tui.tui.dialogs.keys_help import KeysHelp

        self.push_screen(KeysHelp(self.screen, getattr(self.screen, "NAME", "")))

    async def action_copy_selected(self) -> None:
        """Copy what is selected with the mouse; on nothing the key is somebody else's."""
        from tbatch_tui.tui.terminal.clipboard import copy_selection
        from tbatch_tui.tui.widgets.reader.selectable import SelectableScreen

        screen = self.screen
        if not isinstance(screen, SelectableScreen) or not screen.selections:
            raise SkipAction
        if not copy_selection(self, self.bridge, await screen.read_selected()):
            raise SkipAction

    def action_help_quit(self) -> None:
        """ctrl+c copies what is selected; on nothing it says how to leave."""
        quit_key = next((a.binding for a in self.active_bindings.values() if a.binding.id == keys.QUIT.id), keys.QUIT)
        self.bridge.notify(
            f"{self.get_key_display(quit_key)} leaves tbatch-tui", "Jobs go on at the server without it."
        )

    async def action_quit(self) -> None:
        """Leave; asks only while bytes are moving."""
        self._leave()

    @work(group="quit", exclusive=True, exit_on_error=False)
    async def _leave(self) -> None:
        if self.engine.has_transfers:
            from tbatch_tui.tui.dialogs.confirm import Confirm

            yes = await self.push_screen_wait(
                Confirm(
                    "Leave while a file is under way?",
                    "It begins again the next time tbatch-tui runs. Nothing is submitted twice, nothing is lost.",
                    yes="Leave",
                    no="Stay",
                )
            )
            if not yes:
                return
        self.exit()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Only what no key does: the theme. The rest comes from the bindings."""
        yield SystemCommand("Theme", "Choose another look", self.action_change_theme)


def _same_file(one: CheckReport, other: CheckReport) -> bool:
    """Whether both reports are of the same bytes, as far as size and time tell."""
    return (one.path, one.size, one.mtime_ns) == (other.path, other.size, other.mtime_ns)
