"""Create: what will be submitted, once more at a glance; Enter submits it, exactly once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, Static

from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.over_budget import within_budget
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.messages import GoBack, Submitted
from tbatch_tui.tui.render.budget import budget_facts
from tbatch_tui.tui.render.cost import estimate_facts
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.create.checked_file import CheckedFile, Choices
from tbatch_tui.tui.screens.create.endpoint_choice import EndpointChoice, allowed_endpoints
from tbatch_tui.tui.screens.create.form_page import FormPage
from tbatch_tui.tui.screens.create.notes import can_submit, format_health
from tbatch_tui.tui.screens.create.send_choice import FIRST, OFFERED_FROM, Send, SendChoice, format_send
from tbatch_tui.tui.screens.create.stages import StagesForm
from tbatch_tui.tui.widgets.button import FlatButton
from tbatch_tui.tui.widgets.fact_list import FactList
from tbatch_tui.tui.widgets.text_input import LabelInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.pricing.budget import BudgetVerdict
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.screens.create.checked_file import Identity
    from tbatch_tui.tui.widgets.radio_line import RadioLine


MOVES = "Tab next field · {create.previous} {create.next} or Space change a choice"
"""How to reach what can be changed on this screen."""
_MOVES_FROM = 24
"""Lines of the terminal from which there is room to say it."""


class SubmitButton(FlatButton, inherit_bindings=False):
    """A button without keys of its own: Enter is the screen's, so that the footer says what it does."""


class CreateScreen(BaseScreen):
    """A form whose defaults can be submitted as they are.

    Posts `Submitted` when the submission is committed, `GoBack` before that. What was chosen is kept on the screen
    object: it can be left and shown again.
    """

    NAME = "Create"
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(keys.GO_ON, description="Submit", tooltip="Upload the file and create the batch, exactly once"),
        replace(keys.GO_ON, action="to_submit", description="To Submit", tooltip="Go to the Submit button"),
        keys.CREATE_NEXT,
        keys.CREATE_PREVIOUS,
    ]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    CreateScreen {
        #form { scrollbar-size-vertical: 1; padding-top: 1; }
        #columns { height: auto; layout: vertical; }
        #asked { height: auto; }
        &.-wide #columns { layout: horizontal; }
        &.-wide #asked { width: 1fr; }
        .field { height: auto; padding: 0 2; }
        .field > .name { width: 12; color: $status-quiet; }
        .field Input { width: 1fr; max-width: 60; background: $surface; }
        .field Input:focus { background: $cursor-row; }
        #stages-form { height: 1; max-width: 60; }
        #stages { width: 24; }
        #gate { width: 1fr; }
        #if { width: auto; color: $status-quiet; }
        #notes { height: auto; padding: 1 2 0 2; }
        /* Padding, not a margin: Textual takes the widest margin off the width of everything beside it. */
        #answers { height: 2; padding: 1 2 0 14; }
        #answers > FlatButton { margin-right: 2; }
        &.-narrow #answers { height: 1; padding: 0 2; }
    }
    """

    def __init__(
        self,
        engine: BatchEngine,
        bridge: Bridge,
        report: CheckReport,
        output_dir: Path | None = None,
        file: CheckedFile | None = None,
    ) -> None:
        """Make the form of a checked file.

        Args:
            report: Of the file.
            output_dir: Where results will go; the engine's, if None.
            file: The files, if they are several.
        """
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self.report = report
        self.endpoint = report.endpoint or Endpoint.CHAT
        self.label = report.path.stem
        self.send = Send.ALL
        self._stages = StagesForm(report.jobs)
        self._output_dir = output_dir or engine.options.output_dir
        self._file = file or CheckedFile(engine, report)
        self._estimate: Estimate | None = None
        self._verdict: BudgetVerdict | None = None
        """Whether that is within the budget; None without one."""
        self._is_busy = False

    # -- layout --------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """Compose the form, the notes below it and the buttons."""
        with FormPage():
            with VerticalScroll(id="form", can_focus=False), Container(id="columns"):
                yield Vertical(*self._fields(), FactList(id="cost"), id="asked")
                yield FactList(id="facts")
            yield Static(id="notes", markup=False)
            with Horizontal(id="answers"):
                yield SubmitButton("Submit", id="submit")
                yield FlatButton("Back", id="back")

    def _fields(self) -> Iterator[Horizontal]:
        """Yield what can be chosen, a line each."""
        label, placeholder = self._file.LABEL
        choices: list[tuple[str, Widget]] = [
            ("Endpoint", EndpointChoice(self.endpoint, allowed_endpoints(self.report.endpoint), id="endpoint")),
            (label, LabelInput(self.label, placeholder=placeholder, id="label")),
        ]
        if self.report.requests >= OFFERED_FROM:
            choices.insert(1, ("Send", SendChoice(self.send, id="send")))
        if self._file.goes_in_parts:
            choices.append(("Stages", self._stages.fields()))
        for name, widget in choices:
            yield Horizontal(Static(name, classes="name", markup=False), widget, classes="field")

    def on_mount(self) -> None:
        """Show the file, and give Submit the focus."""
        report = self.report
        self.header.show(
            line(self._file.title), [(fmt.plural(report.requests, "request"), ""), (fmt.size(report.size), "")]
        )
        self.query_one("#facts", FactList).show(self._file.facts(self._output_dir))
        self._show_cost()
        self.bridge.connection.subscribe(self, lambda _: self._show_notes())
        self.set_focus(self.query_one("#submit"))

    def on_screen_resume(self) -> None:
        """Look again at what may have changed while the screen was covered: the file, and the prices."""
        # The screen also resumes after a question that Submit asked: the submit is still in progress then.
        self._is_busy = any(worker.group == "submit" and worker.is_running for worker in self.workers)
        self._show_notes()
        self._look_back()
        if self._estimate is None or self._estimate.unpriced or self.engine.prices.budget.is_set:
            self._find_cost()

    def _show_cost(self) -> None:
        """Show what it may cost; a blank line parts it from the facts where those stand below it."""
        facts = [("Cost", [("…", "$status-quiet")])] if self._estimate is None else estimate_facts(self._estimate)
        if self._verdict is not None:
            facts += budget_facts(self._verdict)
        self.query_one("#cost", FactList).show([("", []), *facts, ("", [])])

    @work(group="cost", exclusive=True, exit_on_error=False)
    async def _find_cost(self) -> None:
        """Estimate the cost at catalogue prices; a file that cannot be read is reported by `_look_back`."""
        prices = self.engine.prices
        try:
            self._estimate = await self._file.estimate()
            self._verdict = await prices.budget.judge(self._estimate.most) if prices.budget.is_set else None
        except BatchError:
            return
        self._show_cost()

    # -- the bytes of the file -----------------------------------------------------------------------

    @work(group="look-back", exclusive=True, exit_on_error=False)
    async def _look_back(self) -> None:
        """Fingerprint the file and show whether its bytes ran before."""
        try:
            await self._identify()
        except BatchError as error:
            self.bridge.report(error)

    async def _identify(self) -> Identity | None:
        """Identify the file's bytes; if it changed since it was checked, say so and go back to the check."""
        identity = await self._file.identify(self.endpoint)
        if identity is None:
            self.bridge.notify(f"{self._file.changed} has changed since it was checked", "Check it again.", "warning")
            self.post_message(GoBack())
        else:
            self._show_notes()
        return identity

    # -- submitting ----------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Go back to the check; the form stays as it is, and Submit has the focus when it is shown again."""
        submit, back = self.query_one("#submit"), self.query_one("#back")
        self.set_focus(back if submit.disabled else submit)
        super().action_back()

    def action_go_on(self) -> None:
        """Submit."""
        self._submit()

    def action_to_submit(self) -> None:
        """Go from a field to the button, so that Enter in a field submits nothing."""
        self.query_one("#submit").focus()

    @on(FlatButton.Pressed, "#back")
    def _go_back(self, event: FlatButton.Pressed) -> None:
        event.stop()
        self.action_back()

    @on(FlatButton.Pressed, "#submit")
    def _press_submit(self, event: FlatButton.Pressed) -> None:
        event.stop()
        if not event.button.disabled:
            self._submit()

    @property
    def reports(self) -> Sequence[CheckReport]:
        """The reports of all files that are submitted."""
        return self._file.reports

    @work(group="submit", exit_on_error=False)
    async def _submit(self) -> None:
        """Commit the submission; the engine carries it out. A second Enter while this runs does nothing."""
        if self._is_busy:
            return
        self._is_busy = True
        self._show_notes()
        key = None
        try:
            identity = await self._identify()
            if identity is not None:
                key = await self._commit_once_confirmed(identity)
        except BatchError as error:
            self.bridge.report(error)
        finally:
            if key is None:  # else it stays busy: what was submitted is not submitted again by a key too many
                self._is_busy = False
                self._show_notes()
        if key is not None:
            self.post_message(Submitted(key))

    async def _commit_once_confirmed(self, identity: Identity) -> str | None:
        """Submit, asking about every earlier run of these bytes; None if they are not to run again."""
        runs: Sequence[JobRecord] = identity.earlier_runs
        if unsent := await self.engine.groups.unsent_of(identity.runs_of_all, identity.fingerprint.sha256):
            return await self._send_unsent(unsent)
        while not runs or await self._confirm_again(runs):
            try:
                commit = partial(self._file.commit, self._choices(), identity.fingerprint, self._estimate, runs)
                return await within_budget(self.app, commit)
            except AlreadySubmittedError as error:  # by another app, since the question
                runs = list({run.key: run for run in (*error.earlier, *runs)}.values())
        return None

    async def _send_unsent(self, unsent: Sequence[JobRecord]) -> str | None:
        """Submit what was not sent of a file that ran in part, once confirmed; None if it is not to be sent."""
        from tbatch_tui.tui.screens.jobs.questions import ask, send_again_question

        elsewhere = await self.engine.groups.runs_elsewhere(unsent[0].key)
        if not await ask(self.app, send_again_question(unsent, elsewhere)):
            return None
        groups, key = self.engine.groups, unsent[0].key
        sent = await within_budget(
            self.app, lambda over_budget: groups.send_unsent(key, elsewhere, over_budget=over_budget)
        )
        return sent[0].key if sent else None

    def _choices(self) -> Choices:
        """Return what was chosen. Raises BatchError where that is not clear."""
        has_first = self.send is not Send.ALL
        stages = self._stages.read(has_first=has_first)
        first = FIRST if has_first else 0
        return Choices(self.endpoint, self.label.strip(), first, self.send is not Send.ASK, stages)

    async def _confirm_again(self, earlier_runs: Sequence[JobRecord]) -> bool:
        """Ask before bytes that ran before are billed again; No has the focus."""
        from tbatch_tui.tui.dialogs.confirm import Confirm

        pieces = self._file.format_runs(earlier_runs, self.engine.now())
        explanation = "".join(text for text, _ in pieces).removeprefix("! ")
        question = Confirm(self._file.AGAIN, explanation, yes="Submit again", no="Cancel")
        return await self.app.push_screen_wait(question)

    # -- the form ------------------------------------------------------------------------------------

    @on(EndpointChoice.Changed, "#endpoint")
    def _choose_endpoint(self, event: RadioLine.Changed) -> None:
        self.endpoint = event.radio_line.chosen
        self._look_back()
        self._show_notes()

    @on(SendChoice.Changed, "#send")
    def _choose_send(self, event: RadioLine.Changed) -> None:
        self.send = event.radio_line.chosen
        self._show_notes()

    @on(Input.Changed, "#label")
    def _keep_label(self, event: Input.Changed) -> None:
        self.label = event.value

    @on(Input.Changed, "#stages, #gate")
    def _keep_stages(self, event: Input.Changed) -> None:
        self._stages.keep(event.input)
        self._show_notes()

    @on(Input.Submitted, "#label, #stages, #gate")
    def _leave_field(self) -> None:
        if not self.query_one("#submit").disabled:
            self.action_to_submit()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done now: Submit while its button has the focus, else the way there."""
        if action in ("go_on", "to_submit"):
            if not self.is_mounted or (button := self.query_one("#submit")).disabled:
                return False
            return (self.focused is button) is (action == "go_on")
        return super().check_action(action, parameters)

    def _show_notes(self) -> None:
        """Show what to know before submitting, and enable Submit if one can."""
        if not self.is_mounted:
            return
        health = self.engine.health
        earlier_runs = self._file.earlier_runs.get(self.endpoint, [])
        notes: list[StyledText] = [format_health(health), self._file.format_runs(earlier_runs, self.engine.now())]
        if text := format_send(self.send, self.report.requests, len(self.reports)):
            notes.append([(text, "$status-quiet")])
        notes.append(self._stages.note(has_first=self.send is not Send.ALL))
        if self._is_busy:
            is_read = self._file.fingerprint is not None
            notes.append([("Submitting …" if is_read else "Reading the file …", "$status-active")])
        if self.size.height >= _MOVES_FROM:
            notes.append([(fill_keys(MOVES), "$status-quiet")])
        shown = [pieces for pieces in notes if pieces]
        static = self.query_one("#notes", Static)
        static.display = bool(shown)
        self.update_static(static, [piece for pieces in shown for piece in (*pieces, ("\n", ""))][:-1])
        self._enable(can_submit(health))
        self.refresh_bindings()

    def _enable(self, can: bool) -> None:
        """Enable Submit or not. It has the focus when it can be pressed, else Back; a person in a field stays there."""
        submit, back = self.query_one("#submit"), self.query_one("#back")
        if can is not submit.disabled:
            return
        moves = self.focused in (submit, back, None)
        submit.disabled = not can
        if moves:
            self.set_focus(submit if can else back)
