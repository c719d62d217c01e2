"""No dialog can be answered twice, whatever keys come at once; and keys that came with the answer go nowhere else."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tbatch_tui.tui
from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.domain.submission import JobGroup, SubmissionState
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.live.change import Asked
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.engine.results import ErrorGroup
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.dialogs.base import Dialog
from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option
from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.dialogs.form import Form
from tbatch_tui.tui.dialogs.keys_help import KeysHelp
from tbatch_tui.tui.dialogs.line_dialog import LineDialog
from tbatch_tui.tui.dialogs.message_log import MessageLog
from tbatch_tui.tui.dialogs.text_dialog import TextDialog
from tbatch_tui.tui.dialogs.trying.change_form import ChangeTry
from tbatch_tui.tui.dialogs.trying.dialog import TryDialog
from tbatch_tui.tui.dialogs.trying.subject import TrySubject
from tbatch_tui.tui.dialogs.type_to_confirm import TypeToConfirm
from tbatch_tui.tui.key_queue import OrderedKeysApp
from tbatch_tui.tui.screens.check.edit_dialog import EditDialog
from tbatch_tui.tui.screens.check.fix_dialog import FixDialog, FixOffer, RuleFix
from tbatch_tui.tui.screens.check.line_diff import diff_lines
from tbatch_tui.tui.screens.job.file_dialog import ChooseFile, JobFile
from tbatch_tui.tui.screens.jobs.dialogs.label import EditLabel
from tbatch_tui.tui.screens.jobs.dialogs.profile import KeyWait
from tbatch_tui.tui.screens.jobs.dialogs.rest import CopiedDialog, RestDialog
from tbatch_tui.tui.screens.jobs.dialogs.uncertain import UncertainDialog
from tbatch_tui.tui.screens.results.dialogs.answer_schema import SchemaDialog
from tbatch_tui.tui.screens.results.dialogs.input_choice import InputDialog
from tbatch_tui.tui.screens.results.exporting.dialog import ExportDialog
from tbatch_tui.tui.screens.results.listing.column_dialog import ColumnDialog
from tbatch_tui.tui.screens.results.retry_dialog import RetryDialog, RetryOffer
from tbatch_tui.tui.screens.values.dialogs import PatternDialog
from tests.conftest import until
from tests.helpers.app_host import make_app
from tests.helpers.drawn import Bare, screen_opened, screen_text
from tests.helpers.keyboard import ESCAPE, type_at_once
from tests.helpers.terminal import terminal_on
from tests.tui.scenarios.test_hostile_dialogs import NOW, record_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.live.request import LiveRequest
    from tbatch_tui.sandbox.testing import Sandbox

BURSTS = ["\r\r", "\r\r\r\r", "yy", "nn", ESCAPE * 2, f"\r{ESCAPE}\r", "\x1b[C\r\r", "  \r\r", "y\rn"]


def uncertain() -> UncertainDialog:
    record = record_of("x")
    assert record.job is not None
    return UncertainDialog(record, [record.job], NOW)


def waiting() -> JobRecord:
    record = record_of("x")
    assert record.submission is not None
    return replace(
        record, job=None, submission=replace(record.submission, state=SubmissionState.WAITING, error="Copied")
    )


OFFLINE = EngineOptions(data_dir=Path("data"), output_dir=Path("results"))


async def never_read(_: int) -> list[LiveRequest]:
    await asyncio.Event().wait()
    raise AssertionError


DIALOGS: dict[type[Dialog[Any]], Callable[[Bare], Dialog[Any]]] = {
    Confirm: lambda _: Confirm("Cancel it?"),
    ChoiceDialog: lambda _: ChoiceDialog("Which?", "One of them.", [Option(1, "One", [])], leave="Leave"),
    RestDialog: lambda _: RestDialog([record_of("x")], JobGroup(1, Path("x"), 9, "", 30, 2, first=10), None),
    CopiedDialog: lambda _: CopiedDialog([waiting()]),
    UncertainDialog: lambda _: uncertain(),
    TypeToConfirm: lambda _: TypeToConfirm("Delete it?", "It is gone then.", words=("delete", "1"), verb="Delete"),
    TextDialog: lambda _: TextDialog("A text", "Nothing more."),
    MessageLog: lambda _: MessageLog([], NOW),
    KeysHelp: lambda app: KeysHelp(app.screen),
    EditLabel: lambda _: EditLabel("label", "note"),
    RetryDialog: lambda _: RetryDialog(RetryOffer("x", (ErrorGroup("Timeout", 3, 0),), 1, 1)),
    ExportDialog: lambda _: ExportDialog("x", "x", Path("/tmp"), count=3, shown=3),
    EditDialog: lambda _: EditDialog(Path("x"), "x.edited.jsonl", ()),
    FixDialog: lambda _: FixDialog(FixOffer(Path("x"), (RuleFix("crlf", 2, 1, diff_lines("crlf", "a\r", "a")),), 0)),
    PatternDialog: lambda _: PatternDialog("answer", "(?P<label>[a-z]+)"),
    ColumnDialog: lambda _: ColumnDialog(("answer",), ("label",)),
    SchemaDialog: lambda _: SchemaDialog(),
    KeyWait: lambda _: KeyWait(Settings(Path("data"), Path("results"))),
    ChooseFile: lambda _: ChooseFile("Which?", [JobFile("output", Path("x"), 1)]),
    InputDialog: lambda _: InputDialog(Path("/tmp"), [Path("/tmp/in.jsonl")], None),
    TryDialog: lambda app: TryDialog(BatchEngine(OFFLINE), Bridge(app), TrySubject("x", read=never_read)),
    ChangeTry: lambda app: ChangeTry(Asked("some/model"), Bridge(app), is_audio=False, with_prompt=True),
}


class Waiting(Bare):
    """Asks in a worker that waits for the answer, as the screens do."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[object] = []

    def ask(self, dialog: Dialog[Any]) -> None:
        async def wait() -> None:
            self.answers.append(await self.push_screen_wait(dialog))

        self.run_worker(wait())


class OrderedWaiting(OrderedKeysApp[object], Waiting):
    """The same, with keys in order."""


def test_every_dialog_is_here() -> None:
    for module in pkgutil.walk_packages(tbatch_tui.tui.__path__, "tbatch_tui.tui."):
        importlib.import_module(module.name)
    waiting: list[type[Any]] = [Dialog]
    found: set[type[Any]] = set()
    while waiting:
        subclasses = waiting.pop().__subclasses__()
        waiting += subclasses
        found.update(each for each in subclasses if each.__module__.startswith("tbatch_tui."))
    assert found - {Form, LineDialog} == set(DIALOGS)


@pytest.mark.parametrize("dialog", DIALOGS, ids=lambda dialog: dialog.__name__)
@pytest.mark.parametrize("host", [Waiting, OrderedWaiting])
async def test_a_burst_answers_once(host: type[Waiting], dialog: type[Dialog[Any]]) -> None:
    app = host()
    async with app.run_test(size=(80, 24)) as pilot:
        bursts = [*BURSTS, "delete\r\r"] + ["qq"] * (host is OrderedWaiting)  # without order the second q quits
        for burst in bursts:
            before = len(app.answers)
            asked = DIALOGS[dialog](app)
            app.ask(asked)
            await until(lambda: asked.is_current and (asked.focused or not asked.AUTO_FOCUS), what="asked")  # noqa: B023
            type_at_once(app, burst)
            await pilot.pause()
            await pilot.pause()
            if asked in app.screen_stack:  # these keys do not answer it
                asked.dismiss(None)
            await until(lambda: len(app.answers) > before, what=f"{burst!r} is dealt with")  # noqa: B023
            await pilot.pause()
            assert len(app.answers) == before + 1 and len(app.screen_stack) == 1, burst


async def test_keys_that_came_with_the_answer_are_dropped(still_sandbox: Sandbox, tmp_path: Path) -> None:
    still_sandbox.add_job(rows=3)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: "Validating" in screen_text(app))
        await pilot.press("e")
        await screen_opened(app, EditLabel)
        type_at_once(app, "a new name\r\rnq?F\r")
        await until(lambda: "a new name" in screen_text(app) and app.screen is app.jobs)
        await pilot.pause()
        assert app.is_running and app.screen is app.jobs and not app._notifications
        type_at_once(app, "?qnq")  # opened and closed by keys of one read
        await pilot.pause()
        await until(lambda: app.screen is app.jobs)
        await pilot.press("enter")  # of another read: it opens the job
        await until(lambda: getattr(app.screen, "NAME", "") == "Job")


def test_in_a_terminal(still_sandbox: Sandbox, tmp_path: Path) -> None:
    still_sandbox.add_job(rows=3)
    terminal = terminal_on(still_sandbox, tmp_path)
    try:
        terminal.read_until(b"Validating")
        terminal.type(b"e")
        terminal.read_until(b"Label and note")
        terminal.type(b"renamed\r\rqq")
        terminal.seen = b""
        terminal.read_until(b"renamed")
        terminal.settle()
        assert terminal.child.poll() is None
        terminal.type(b"q")
        terminal.drain()
        assert terminal.child.returncode == 0
    finally:
        terminal.close()
