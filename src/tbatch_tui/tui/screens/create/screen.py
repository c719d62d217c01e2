"""Create: what will be submitted, once more at a glance; Enter submits it, exactly once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Static

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.engine.local_files.filenames import result_name
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.messages import GoBack, Submitted
from tbatch_tui.tui.render.check_report import models, verdict
from tbatch_tui.tui.render.cost import estimate_facts
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.create.endpoint_choice import EndpointChoice, allowed
from tbatch_tui.tui.screens.create.notes import can_submit, format_earlier_runs, format_health, parts_facts
from tbatch_tui.tui.screens.create.send_choice import FIRST, OFFERED_FROM, Send, SendChoice, format_send
from tbatch_tui.tui.widgets.button import FlatButton
from tbatch_tui.tui.widgets.fact_list import FactList
from tbatch_tui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.widgets.radio_line import RadioLine


class SubmitButton(FlatButton, inherit_bindings=False):
    """Enter is the screen's, so that the footer says what it does."""


class CreateScreen(BaseScreen):
    """A form that is right as it stands. Posts `Submitted` when the submission is committed, `GoBack` before that.

    What was chosen is kept on the screen object: it can be left and shown again.
    """

    NAME = "Create"
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(keys.GO_ON, description="Submit", tooltip="Upload the file and create the batch, once")
    ]
    AUTO_FOCUS = ""
    # Where there is little room the form scrolls, above what must be seen: the warnings and the button.
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]  # noqa: RUF012 - declared by Screen
    DEFAULT_CSS = """
    CreateScreen {
        #form { height: 1fr; scrollbar-size-vertical: 1; padding-top: 1; }
        .field { height: auto; padding: 0 2; }
        .field > .name { width: 12; color: $status-quiet; }
        #label { width: 1fr; max-width: 60; background: $surface; }
        #label:focus { background: $cursor-row; }
        #said { height: auto; padding: 1 2 0 2; }
        &.-tall #form { height: auto; }
        /* Padding, not a margin: Textual takes the widest margin off the width of everything beside it. */
        #answers { height: 2; padding: 1 2 0 14; }
        #answers > FlatButton { margin-right: 2; }
        &.-narrow #answers { height: 1; padding: 0 2; }
    }
    """

    def __init__(
        self, engine: BatchEngine, bridge: Bridge, report: CheckReport, output_dir: Path | None = None
    ) -> None:
        """`output_dir` is where results will go; the engine's, if None."""
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self.report = report
        self.endpoint = report.endpoint or Endpoint.CHAT
        self.label = report.path.stem
        self.send = Send.ALL
        self._output_dir = output_dir or engine.options.output_dir
        self._print: Fingerprint | None = None
        self._earlier: dict[Endpoint, list[JobRecord]] = {}
        """Submissions of these bytes, as far as they have been shown."""
        self._estimate: Estimate | None = None
        self._reading = asyncio.Lock()
        self._is_busy = False

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        with VerticalScroll(id="form", can_focus=False):
            yield FactList(id="facts")
            with Horizontal(classes="field"):
                yield Static("Endpoint", classes="name", markup=False)
                yield EndpointChoice(self.endpoint, allowed(self.report.endpoint), id="endpoint")
            if self.report.requests >= OFFERED_FROM:
                with Horizontal(classes="field"):
                    yield Static("Send", classes="name", markup=False)
                    yield SendChoice(self.send, id="send")
            with Horizontal(classes="field"):
                yield Static("Label", classes="name", markup=False)
                yield TextInput(self.label, placeholder="what the job is called here", id="label")
            yield FactList(id="results")
        yield Static(id="said", markup=False)
        with Horizontal(id="answers"):
            yield SubmitButton("Submit", id="submit")
            yield FlatButton("Back", id="back")

    def on_mount(self) -> None:
        report = self.report
        self.header.show(
            line(report.path.name), [(fmt.plural(report.requests, "request"), ""), (fmt.size(report.size), "")]
        )
        self.query_one("#facts", FactList).show(
            [
                ("File", [(shorten_path(report.path), "")]),
                ("Requests", [(fmt.count(report.requests), ""), (f" · {fmt.size(report.size)}", "$status-quiet")]),
                *models(report),
                ("Check", verdict(report)),
                *parts_facts(report),
                ("", []),
            ]
        )
        self._show_results()
        self.bridge.health.subscribe(self, lambda _: self._show_said())
        self.set_focus(self.query_one("#submit"))

    def on_screen_resume(self) -> None:
        # After a question that Submit has asked, it is still under way.
        self._is_busy = any(worker.group == "submit" and worker.is_running for worker in self.workers)
        self._show_said()
        self._look_back()
        if self._estimate is None or self._estimate.unpriced:
            self._find_cost()

    def _show_results(self) -> None:
        """Where results will be, and what they may cost."""
        stem = self.report.path.stem + (".part…" if self.report.goes_in_parts else "")
        name = result_name(stem, "…", FileKind.OUTPUT)
        where = fmt.joined(shorten_path(self._output_dir / name), "fetched when it ends", by=", ")
        cost = [("Cost", [("…", "$status-quiet")])] if self._estimate is None else estimate_facts(self._estimate)
        self.query_one("#results", FactList).show([("Results", [(where, "")]), *cost])

    @work(group="cost", exclusive=True, exit_on_error=False)
    async def _find_cost(self) -> None:
        """What it may cost, at catalogue prices; a file that cannot be read is told of by the look back."""
        try:
            self._estimate = await self.engine.prices.estimate(self.report.path)
        except LocalFileError:
            return
        self._show_results()

    # -- what is known of these bytes ----------------------------------------------------------------

    @work(group="look-back", exclusive=True, exit_on_error=False)
    async def _look_back(self) -> None:
        """Know the bytes, and whether they ran before."""
        try:
            await self._known()
        except BatchError as error:
            self.bridge.report(error)

    async def _known(self) -> tuple[Fingerprint, list[JobRecord]] | None:
        """The file's print and what these bytes became before; None when it is not the file that was checked."""
        report = self.report
        async with self._reading:
            if self._print is None:
                self._print = await self.engine.fingerprint(report.path)
        stamp = await asyncio.to_thread(read_stamp, report.path)
        now = (stamp.size, stamp.mtime_ns) if stamp is not None else None
        if not (self._print.size, self._print.mtime_ns) == now == (report.size, report.mtime_ns):
            self._print = None
            self.bridge.notify(
                f"{report.path.name} has changed since it was checked", "It must be checked again.", "warning"
            )
            self.post_message(GoBack())
            return None
        earlier = await self.engine.earlier_runs(self._print.sha256, self.endpoint)
        self._earlier[self.endpoint] = earlier
        self._show_said()
        return self._print, earlier

    # -- submitting ----------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Back to the check; the form stays as it is, and Submit has the focus when one comes again."""
        submit, back = self.query_one("#submit"), self.query_one("#back")
        self.set_focus(back if submit.disabled else submit)
        super().action_back()

    def action_go_on(self) -> None:
        """Enter submits from the button; from a field it goes to the button first."""
        button = self.query_one("#submit")
        if self.focused is not button and not button.disabled:
            button.focus()
        elif not button.disabled:
            self._submit()

    def on_flat_button_pressed(self, event: FlatButton.Pressed) -> None:
        event.stop()
        if event.choice.id == "back":
            self.action_back()
        elif not event.choice.disabled:
            self._submit()

    @work(group="submit", exit_on_error=False)
    async def _submit(self) -> None:
        """Commit the submission; the engine carries it out. A second Enter while this runs does nothing."""
        if self._is_busy:
            return
        self._is_busy = True
        self._show_said()
        key = None
        try:
            known = await self._known()
            if known is not None and (not known[1] or await self._is_wanted_again(known[1])):
                key = await self._commit(known[0])
        except BatchError as error:
            self.bridge.report(error)
        finally:
            if key is None:  # else it stays busy: what was submitted is not submitted again by a key too many
                self._is_busy = False
                self._show_said()
        if key is not None:
            self.post_message(Submitted(key))

    async def _commit(self, fingerprint: Fingerprint) -> str:
        """As one job, or as several: the key of the first. Raises BatchError."""
        report, label = self.report, self.label.strip()
        if self.send is Send.ALL and not report.goes_in_parts:
            return await self.engine.submit_checked(
                report.path,
                self.endpoint,
                requests=report.requests,
                label=label,
                fingerprint=fingerprint,
                estimate=self._estimate,
            )
        return await self.engine.groups.submit(
            report.path,
            self.endpoint,
            requests=report.requests,
            label=label,
            fingerprint=fingerprint,
            first=0 if self.send is Send.ALL else FIRST,
            auto_continue=self.send is Send.GO_ON,
        )

    async def _is_wanted_again(self, earlier: list[JobRecord]) -> bool:
        """Ask, for these bytes ran before and will be billed again; No has the focus."""
        from tbatch_tui.tui.dialogs.confirm import Confirm

        told = "".join(text for text, _ in format_earlier_runs(earlier, self.engine.now())).removeprefix("! ")
        question = Confirm("Submit the same bytes again?", told, yes="Submit again", no="Do not submit")
        return await self.app.push_screen_wait(question)

    # -- the form ------------------------------------------------------------------------------------

    def on_radio_line_changed(self, event: RadioLine.Changed) -> None:
        match event.chooser:
            case EndpointChoice() as chooser:
                self.endpoint = chooser.chosen
                self._look_back()
            case SendChoice() as chooser:
                self.send = chooser.chosen
        self._show_said()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.label = event.value

    def on_input_submitted(self) -> None:
        self.action_go_on()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "go_on":
            return self.is_mounted and not self.query_one("#submit").disabled
        return super().check_action(action, parameters)

    def _show_said(self) -> None:
        """What to know before submitting, and whether one can."""
        if not self.is_mounted:
            return
        state, now = self.engine.health, self.engine.now()
        said: list[StyledText] = [format_health(state)]
        said.append(format_earlier_runs(self._earlier.get(self.endpoint, []), now))
        if words := format_send(self.send, self.report.requests):
            said.append([(words, "$status-quiet")])
        if self._is_busy:
            said.append([("Submitting …" if self._print is not None else "Reading the file …", "$status-active")])
        shown = [pieces for pieces in said if pieces]
        static = self.query_one("#said", Static)
        static.display = bool(shown)
        self.set_status(static, [piece for pieces in shown for piece in (*pieces, ("\n", ""))][:-1])
        self._enable(can_submit(state))
        self.refresh_bindings()

    def _enable(self, can: bool) -> None:
        """Submit has the focus when it can be pressed, Back when not; a person in a field is left there."""
        submit, back = self.query_one("#submit"), self.query_one("#back")
        if can is not submit.disabled:
            return
        moves = self.focused in (submit, back, None)
        submit.disabled = not can
        if moves:
            self.set_focus(submit if can else back)
