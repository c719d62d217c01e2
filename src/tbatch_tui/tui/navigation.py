"""From one screen to the next: what the app does with the messages of screens."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from textual import work
from textual.app import App

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.threads import run_detached
from tbatch_tui.tui import theme
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.textual_private import replace_first_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from textual.events import Paste

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.demo import DemoServer
    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.server_file import RefusedLine
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui import messages
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.screens.jobs.dialogs.profile import KeyWait
    from tbatch_tui.tui.screens.jobs.screen import JobsScreen

_FIRST_ROWS = 60
"""Rows read before the new list is shown; the others follow."""
NO_PROFILES = "There are no profiles: [profiles.NAME] in config.toml makes one, and tbatch-tui config path says where"


class Navigation(App[str]):
    """The part of the app that opens and leaves screens. A screen is loaded when it is first opened."""

    engine: BatchEngine
    bridge: Bridge
    demo: DemoServer | None

    @property
    def jobs(self) -> JobsScreen:
        """The screen Jobs."""
        raise NotImplementedError

    def on_new_batch(self, _: messages.NewBatch) -> None:
        """Go to Pick."""
        from tbatch_tui.text.paths import working_folder
        from tbatch_tui.tui.screens.pick.screen import PickScreen

        samples = self.demo.samples if self.demo is not None else None
        self.push_screen(PickScreen(self.engine, self.bridge, working_folder(), samples))

    def on_check_file(self, message: messages.CheckFile) -> None:
        """Go to Check; a copy of a file that was checked for a group takes its place there."""
        from tbatch_tui.tui.screens.check.screen import CheckScreen

        member = message.member
        if member is None and isinstance(self.screen, CheckScreen) and self.screen.member is not None:
            member = self.screen.member
            member.replace(self.screen.session.path, message.path)
        self.open_check(message.path, message.refused, member)

    @work(group="open", exclusive=True, exit_on_error=False)
    async def on_open_paths(self, message: messages.OpenPaths) -> None:
        """Go to Check with several files, or say why they cannot be one group."""
        from tbatch_tui.engine.tables.compose.opening import why_not_together

        if reason := await run_detached(lambda: why_not_together(message.paths)):
            self.bridge.notify(line(reason), "One group is made of files of requests.", "warning")
            return
        from tbatch_tui.tui.screens.check.several.screen import CheckFilesScreen

        screen = CheckFilesScreen(self.engine, self.bridge, message.paths)
        if isinstance(self.screen, CheckFilesScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    @work(group="open", exclusive=True, exit_on_error=False)
    async def on_open_path(self, message: messages.OpenPath) -> None:
        """Go to Compose with a table, a folder or a recipe, to Results with these, and to Check with anything else."""
        await self.open_path(message.path)

    async def open_path(self, path: Path) -> None:
        """Go to the screen that this path is for. Its beginning is read in a thread."""
        from tbatch_tui.engine.tables.compose.opening import PathKind, kind_of_path

        kind = await run_detached(lambda: kind_of_path(path))
        if kind is PathKind.REQUESTS:
            self.open_check(path)
            return
        if kind is PathKind.RESULTS:
            await self.open_result_file(path)
            return
        from tbatch_tui.tui.screens.compose.screen import ComposeScreen

        screen = ComposeScreen(self.engine, self.bridge, path)
        if isinstance(self.screen, ComposeScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    async def open_result_file(self, path: Path) -> None:
        """Go to Results with an output or error file; if its Results are open, replace them."""
        from tbatch_tui.tui.screens.results.dialogs.input_choice import tell_opened
        from tbatch_tui.tui.screens.results.screen import ResultsScreen

        try:
            record = await self.engine.opened.open(path)
        except BatchError as error:
            self.bridge.report(error)
            return
        screen = ResultsScreen(self.engine, self.bridge, record.key)
        if isinstance(self.screen, ResultsScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)
        tell_opened(self.engine, self.bridge, record)

    def open_check(
        self, path: Path, refused: RefusedLine | None = None, member: messages.GroupMember | None = None
    ) -> None:
        """Go to Check with this file, at the line that the server refused; if Check is open, replace it."""
        from tbatch_tui.tui.screens.check.screen import CheckScreen

        screen = CheckScreen(self.engine, self.bridge, path, refused, member)
        if isinstance(self.screen, CheckScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    @work(group="dropped", exclusive=True, exit_on_error=False)
    async def on_paste(self, event: Paste) -> None:
        """Open a file that was dropped on the window, on whichever screen: no input has taken the paste."""
        from tbatch_tui.tui.screens.pick.dropped import open_dropped

        await open_dropped(self.screen, self.bridge, event.text)

    def on_create_batch(self, message: messages.CreateBatch) -> None:
        """Go to Create; if it was left half filled for the same files, continue there."""
        from tbatch_tui.tui.screens.create.open import make_create
        from tbatch_tui.tui.screens.create.screen import CreateScreen

        if self.is_screen_installed("create"):
            screen = self.get_screen("create")
            if isinstance(screen, CreateScreen) and _are_same(screen.reports, message.reports or [message.report]):
                self.push_screen("create")
                return
            self.uninstall_screen("create")
        # An installed screen outlives being popped: going back and forth keeps what was typed.
        self.install_screen(make_create(self.engine, self.bridge, message.report, message.reports), "create")
        self.push_screen("create")

    async def on_submitted(self, message: messages.Submitted) -> None:
        """Go back to Jobs, with the cursor on the new submission."""
        await self.on_go_to_job(message)
        if self.is_screen_installed("create"):
            self.uninstall_screen("create")

    async def on_go_to_job(self, message: messages.GoToJob | messages.Submitted) -> None:
        """Go back to Jobs, with the cursor on a job."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.jobs.go_to(message.key)

    def on_open_job(self, message: messages.OpenJob) -> None:
        """Go to Job."""
        from tbatch_tui.tui.screens.job.screen import JobScreen

        self.push_screen(JobScreen(self.engine, self.bridge, message.key))

    def on_open_results(self, message: messages.OpenResults) -> None:
        """Go to Results."""
        from tbatch_tui.tui.screens.results.screen import ResultsScreen

        then, selection, merged = message.then, message.selection, message.merged
        self.push_screen(
            ResultsScreen(self.engine, self.bridge, message.key, then=then, selection=selection, merged=merged)
        )

    def on_open_values(self, message: messages.OpenValues) -> None:
        """Go to Values."""
        from tbatch_tui.tui.screens.values.screen import ValuesScreen

        self.push_screen(ValuesScreen(self.engine, self.bridge, message))

    def on_open_compare(self, message: messages.OpenCompare) -> None:
        """Go to Compare."""
        from tbatch_tui.tui.screens.compare.screen import CompareScreen

        self.push_screen(CompareScreen(self.engine, self.bridge, message))

    def on_open_files(self, _: messages.OpenFiles) -> None:
        """Go to Files."""
        from tbatch_tui.tui.screens.files.screen import FilesScreen

        self.push_screen(FilesScreen(self.engine, self.bridge))

    def on_open_models(self, message: messages.OpenModels) -> None:
        """Go to Models."""
        from tbatch_tui.tui.screens.models.screen import ModelsScreen

        self.push_screen(ModelsScreen(self.engine, self.bridge, message))

    def on_open_spend(self, _: messages.OpenSpend) -> None:
        """Go to Spend."""
        from tbatch_tui.tui.screens.spend.screen import SpendScreen

        self.push_screen(SpendScreen(self.engine, self.bridge))

    def on_go_back(self, _: messages.GoBack) -> None:
        """Leave the screen, unless it is Jobs."""
        if len(self.screen_stack) > 1:
            self.pop_screen()

    def on_try_demo(self, _: messages.TryDemo) -> None:
        """Exit, and start again as the demo."""
        self.exit("demo")


class ProfileSwitch(Navigation):
    """Closes the engine of one profile and opens that of another.

    What was under way is taken up when its profile is in use again, as after leaving the app: transfers go on from
    where they were, and a create whose answer is not known is looked up before anything is sent again.
    """

    settings: Settings
    settings_of: Callable[[str], Settings] | None
    _is_engine_open: bool
    _switching: asyncio.Task[None] | None = None
    """Closes one engine and opens the other; leaving the app waits for it."""
    _left_waiting: Mapping[str, str] = MappingProxyType({})
    """By profile, what of it was under way when it was left: `3 downloads`."""

    async def close_engine(self) -> None:
        """Close the engine, if it is open."""
        raise NotImplementedError

    async def open_engine(self) -> None:
        """Open the engine, and show its history."""
        raise NotImplementedError

    @property
    def profile_blocker(self) -> str:
        """Why no other profile can be chosen; empty if one can."""
        if self.demo is not None:
            return "The demo has a server of its own, and no profiles"
        if not self.settings.profiles or self.settings_of is None:
            return NO_PROFILES
        # One engine at a time: the one that is closed has to be open by then, and its history loaded.
        is_ready = self._is_engine_open and self._switching is None
        return "" if is_ready else "The history is being opened: try again in a moment"

    @property
    def profile_badge(self) -> tuple[str, str] | None:
        """The name of the profile, and its style; None without one."""
        profile = self.settings.profile
        return (profile.name, theme.badge_style(profile.colour, self.current_theme)) if profile is not None else None

    @work(group="profile", exclusive=True, exit_on_error=False)
    async def on_switch_profile(self, _: messages.SwitchProfile) -> None:
        """Let the person choose a profile, and go over to it once its key is known."""
        if self.profile_blocker or self.settings_of is None:
            return
        from tbatch_tui.tui.screens.jobs.dialogs.profile import choose_profile, confirm_switch, wait_for_key

        try:
            name = await choose_profile(self, self.settings, self._left_waiting)
            if name is None or not await confirm_switch(self, self.engine):
                return
            settings = await asyncio.to_thread(self.settings_of, name)
            waiting, settings = await wait_for_key(self, settings)
        except BatchError as error:
            self.bridge.report(error)
            return
        self._switching = asyncio.create_task(self._go_over(replace(settings, file=None, more_files=()), waiting))
        try:
            await asyncio.shield(self._switching)
        finally:
            if self._switching.done():  # else the app is being left, and waits for it
                self._switching = None

    async def _go_over(self, settings: Settings, waiting: KeyWait) -> None:
        """Close this engine, open that of other settings, and show its jobs. `waiting` keeps keys away meanwhile."""
        from tbatch_tui.config.engine_options import options_from
        from tbatch_tui.engine.engine import BatchEngine
        from tbatch_tui.tui.screens.jobs.dialogs.profile import transfer_words, waiting_words
        from tbatch_tui.tui.screens.jobs.screen import JobsScreen

        engine = BatchEngine(options_from(settings), self.bridge.emit)
        try:
            first = await asyncio.to_thread(engine.first_page, _FIRST_ROWS)
        except BatchError as error:  # nothing has changed yet
            waiting.dismiss(None)
            self.bridge.report(error)
            return
        left_name = self.settings.profile.name if self.settings.profile is not None else ""
        words = transfer_words(await self.engine.records())
        await self.close_engine()
        name = settings.profile.name if settings.profile is not None else ""
        waiting_of = {**self._left_waiting, left_name: words}
        self._left_waiting = {other: words for other, words in waiting_of.items() if words and other != name}
        if self.is_screen_installed("create"):
            self.uninstall_screen("create")  # it would submit with the engine that is closed
        self.settings, self.engine = settings, engine
        left = []
        while len(self.screen_stack) > 1:
            left.append(self.pop_screen())
        # At once, so that no key comes in between.
        jobs = JobsScreen(engine, self.bridge, first, waiting=waiting_words(self._left_waiting))
        left.append(replace_first_screen(self, jobs))
        for screen in left:
            await screen
        await self.open_engine()


def _are_same(some: Sequence[CheckReport], others: Sequence[CheckReport]) -> bool:
    """Whether both are reports of the same bytes, by size and time of change."""
    stamps = [[(report.path, report.size, report.mtime_ns) for report in reports] for reports in (some, others)]
    return stamps[0] == stamps[1]
