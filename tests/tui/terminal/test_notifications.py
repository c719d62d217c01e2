"""A finished job is announced by toast, bell, title and desktop: once, harmless, and not where that is switched off."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.config.resolve import resolve_settings
from tbatch_tui.config.settings import Notify, Settings, SettingsError
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import JobsEnded
from tbatch_tui.sandbox.testing import Sandbox
from tbatch_tui.tui.terminal.notifications import Notifier, desktop_notice, notice_text
from tests.conftest import until, write_chat
from tests.helpers.app_host import make_app
from tests.helpers.drawn import is_harmless
from tests.helpers.hostile_text import NASTY
from tests.helpers.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path


def ended(name: str, *, error: str | None = None) -> JobRecord:
    return JobRecord(name, label=name, job=Job(name, "COMPLETED", error=error))


@pytest.mark.parametrize("terminal", ["xterm-256color", "foot", "rxvt-unicode"])
@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_a_notice_is_one_sequence_whatever_a_job_is_called(nasty: str, terminal: str) -> None:
    notice = desktop_notice(*notice_text((ended(nasty, error=nasty),)), {"TERM": terminal})
    assert notice.startswith("\x1b]") and notice.endswith("\x1b\\")
    inside = notice[2:-2]
    assert is_harmless(inside) and len(inside) < 450
    if terminal != "xterm-256color":
        assert inside.startswith("777;notify;") and inside.count(";") >= 3


def test_each_terminal_gets_the_form_it_knows() -> None:
    assert desktop_notice("a;b", "c", {"TERM": "xterm", "VTE_VERSION": "7600"}) == "\x1b]777;notify;a,b;c\x1b\\"
    assert desktop_notice("4;1", "b", {"TERM": "xterm"}) == "\x1b]9;tbatch-tui: 4;1: b\x1b\\"
    inside = "\x1b\x1b]9;tbatch-tui: a: b\x1b\x1b\\"
    assert desktop_notice("a", "b", {"TERM": "foot", "TMUX": "/tmp/x,1,0"}) == f"\x1bPtmux;{inside}\x1b\\"


def test_several_are_one_notice() -> None:
    title, body = notice_text(tuple(ended(f"job-{n}") for n in range(1_000)))
    assert title == "1,000 jobs have ended" and body == "job-0, job-1, job-2 and 997 more."


def test_in_a_terminal(tmp_path: Path) -> None:
    """Title and notice on the wire, the person's command run, and the terminal's own title back at the end."""
    source = write_chat(tmp_path / "evening run.jsonl", ["Hello"])
    received = tmp_path / "received.json"
    code = f"import json, sys; json.dump(json.load(sys.stdin), open({str(received)!r}, 'w'))"
    config = tmp_path / "config" / "tbatch-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"[notify]\ncommand = {json.dumps([sys.executable, '-c', code])}\n")
    with Sandbox(speed=40) as box:
        server: dict[str, Any] = {
            "TOGETHER_API_KEY": box.key,
            "TOGETHER_BASE_URL": box.base_url,
            "XDG_CONFIG_HOME": str(config.parents[1]),
            "TMUX": "",
        }
        terminal = Terminal(
            *(str(source), "--data-dir", str(tmp_path / "data"), "--poll-interval", "0.2"), cwd=tmp_path, **server
        )
        try:
            terminal.read_until(b"No problems")
            os.write(terminal.master, b"\r")
            terminal.read_until(b"Submit")
            terminal.settle()
            os.write(terminal.master, b"\r")
            terminal.read_until("\x1b]2;● 1 running\x1b\\".encode())
            terminal.read_until(b"\x1b]9;tbatch-tui: evening run: Completed: Downloading its results.\x1b\\")
            terminal.read_until("\x1b]2;● 1 done\x1b\\".encode())
            os.write(terminal.master, b"j")
            terminal.read_until(b"\x1b]2;tbatch-tui\x1b\\")
            terminal.read_until(b"results downloaded")
            os.write(terminal.master, b"q")
            terminal.drain()
        finally:
            terminal.close()
        assert b"\x07" in terminal.seen and b"\x1b[23;2t" in terminal.seen
        assert json.loads(received.read_text())["id"] == box.jobs[0]["id"]
    assert terminal.seen.count(b"\x1b]9;") == 1


async def test_a_job_that_ended_long_ago_is_not_announced(tmp_path: Path, chat_file: Path) -> None:
    with Sandbox(speed=0) as box:
        box.add_job("COMPLETED")
        app = make_app(tmp_path, box)
        announced: list[JobsEnded] = []
        async with app.run_test():
            app.bridge.ended.subscribe(app, announced.append)
            key = await app.engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
            await until(lambda: (r := app.engine.record(key)) is not None and r.job is not None)
            await until(lambda: app.jobs.table.row_count == 2)
            assert not announced
            box.advance(100_000)
            await until(lambda: announced, what="the end of the running one is announced")
            record = app.engine.record(key)
            assert record is not None and record.job is not None
            assert [each.key for each in announced[0].records] == [record.job.id]
        assert len(announced) == 1


async def test_an_end_while_no_app_was_open_is_announced_at_the_next_start(tmp_path: Path, chat_file: Path) -> None:
    with Sandbox(speed=0) as box:
        app = make_app(tmp_path, box)
        async with app.run_test():
            key = await app.engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
            await until(lambda: (r := app.engine.record(key)) is not None and r.job is not None)
        box.advance(100_000)
        app = make_app(tmp_path, box)
        announced: list[JobsEnded] = []
        async with app.run_test():
            app.bridge.ended.subscribe(app, announced.append)
            await until(lambda: announced)
            assert announced[0].records[0].key == box.jobs[0]["id"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("notify = 3", "[notify] entries"),
        ("[notify]\nbell = 'no'", "write true or false"),
        ("[notify]\ncommand = 'notify-send'", 'write ["program"'),
        ("[notify]\ncommand = []", 'write ["program"'),
        ("[notify]\nbeep = true", "there are toast, bell"),
    ],
)
def test_a_wrong_switch_is_an_error(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=message.replace("[", r"\[")):
        settings_of(tmp_path, text)


def test_each_can_be_switched_off(tmp_path: Path) -> None:
    quiet = settings_of(tmp_path, "[notify]\ntoast = false\nbell = false\ndesktop = false\ntitle = false\n")
    assert quiet.notify == Notify(toast=False, bell=False, desktop=False, title=False)
    assert settings_of(tmp_path, '[notify]\ncommand = ["a", "b"]').notify == Notify(command=("a", "b"))


def settings_of(tmp_path: Path, text: str) -> Settings:
    config = tmp_path / "config.toml"
    config.write_text(text)
    nothing: dict[str, Any] = dict.fromkeys(("file", "output_dir", "data_dir", "poll_interval", "base_url"))
    return resolve_settings(
        **nothing, demo=False, mouse=True, environment={"TOGETHER_API_KEY": "k"}, config_file=config
    )


async def test_a_toast_tells_for_how_many_the_command_was_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'a').write('.')"
    app = make_app(tmp_path, None)
    async with app.run_test():
        notify = Notify(command=(sys.executable, "-S", "-c", code))
        notifier = Notifier(app, app.bridge, notify)
        records = tuple(ended(f"job-{number}") for number in range(22))
        await notifier.run_command(JobsEnded(records))
        await until(lambda: app._notifications)
        [note] = app._notifications
        assert "ran for 20 jobs, and not for 2 that ended with them" in f"{note.title} {note.message}"
        assert ran.read_text() == "." * 20
