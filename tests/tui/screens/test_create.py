"""Create: one key submits once, bytes that ran before are confirmed, and what was filled in is never lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.options import Budget
from tbatch_tui.sandbox.testing import Sandbox
from tbatch_tui.tui.keys.actions import screen_actions
from tbatch_tui.tui.messages import GoBack, Submitted
from tbatch_tui.tui.screens.create.endpoint_choice import EndpointChoice
from tbatch_tui.tui.screens.create.notes import file_facts
from tbatch_tui.tui.screens.create.screen import CreateScreen
from tbatch_tui.tui.widgets.text_input import TextInput
from tests.conftest import until, write_chat
from tests.helpers.drawn import check_screen, screen_opened
from tests.helpers.new_batch_host import SIZES, NewBatchHost, Open, offline, shown

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.local_files.fingerprint import Fingerprint
    from tbatch_tui.engine.options import EngineOptions


def open_create(path: Path) -> Open:
    return lambda engine, bridge: CreateScreen(engine, bridge, check_file(path))


def online(tmp_path: Path, box: Sandbox, **more: object) -> EngineOptions:
    options: dict[str, object] = {"base_url": box.base_url, "api_key": box.key, "poll_interval": 0.2}
    return offline(tmp_path, **(options | {"first_retry_delay": 0.1} | more))


async def wait_for_text(app: NewBatchHost, text: str) -> None:
    await until(lambda: text in " ".join(app.text.split()), what=f"{text}\n{app.text}")


def submitted(app: NewBatchHost) -> list[str]:
    return [message.key for message in app.posted if isinstance(message, Submitted)]


@pytest.mark.parametrize("size", SIZES)
async def test_one_key_submits_once(
    sandbox: Sandbox, chat_file: Path, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a long path would push the last line below the fold of the smallest screen
    async with shown(online(tmp_path, sandbox), open_create(chat_file), size) as (app, pilot):
        await wait_for_text(app, "Back")
        assert "batch_input" in app.text and "2 requests" in app.text and "(•) Chat completions" in app.text
        # A long folder breaks the name, and a scroll bar may stand where it does.
        await until(lambda: "batch_input-….output.jsonl" in re.sub(r"[\s▁-█]", "", app.text), what=app.text)
        await until(lambda: "No problems" in app.text and "⏎ Submit" in app.text)
        for part in app.screen.query("#facts, #answers"):
            assert size[0] - part.region.right <= 1, "no room is given away but a scroll bar's"
        await pilot.press("enter", "enter", "enter")
        await until(lambda: submitted(app))
        record = await app.engine.wait_until(submitted(app)[0], lambda r: r.status == JobStatus.COMPLETED)
        await pilot.pause()
        assert len(submitted(app)) == 1 and len(await app.engine.records()) == 1
        assert record.label == "batch_input" and record.requests == 2


async def test_label_and_endpoint_are_submitted_as_chosen(sandbox: Sandbox, audio_file: Path, tmp_path: Path) -> None:
    async with shown(online(tmp_path, sandbox), open_create(audio_file)) as (app, pilot):
        await wait_for_text(app, "(•) Audio transcription")
        app.screen.query_one(EndpointChoice).focus()
        await pilot.press("right")
        await wait_for_text(app, "(•) Audio translation")
        app.screen.query_one(TextInput).focus()
        await wait_for_text(app, "⏎ To Submit")
        await pilot.press("end", "-", "2", "enter")
        await wait_for_text(app, "⏎ Submit")
        assert not app.posted and app.focused is not None and app.focused.id == "submit"
        await pilot.press("enter")
        await until(lambda: submitted(app))
        record = app.engine.record(submitted(app)[0])
        assert record is not None and record.label == "audio_batch-2" and record.endpoint == Endpoint.TRANSLATION


@pytest.mark.parametrize(
    ("requests", "jobs", "words"),
    [
        (60_000, 2, "2 jobs of about 30,000; Results merges them"),
        (100_000, 2, "2 jobs of about 50,000; Results merges them"),
        (110_000, 3, "3 jobs of about 36,667; Results merges them"),
        (900, 2, "2 jobs of at most 100 MB; Results merges them"),
    ],
)
def test_a_file_over_the_limits_says_how_it_is_divided(
    chat_file: Path, tmp_path: Path, requests: int, jobs: int, words: str
) -> None:
    counts = {"too-many-requests" if requests > 50_000 else "file-too-large": 1}
    report = check_file(chat_file)._replace(requests=requests, jobs=jobs, counts=counts)
    facts = {name: "".join(text for text, _ in value) for name, value in file_facts(report, tmp_path)}
    assert facts["Jobs"] == words and ".part…-….output.jsonl" in facts["Results"]


async def test_a_chat_file_only_runs_as_chat(chat_file: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_create(chat_file)) as (app, pilot):
        choice = app.screen.query_one(EndpointChoice)
        assert not choice.can_focus
        await pilot.click(EndpointChoice, offset=(30, 0))
        choice.choose(Endpoint.TRANSLATION)
        assert choice.chosen is Endpoint.CHAT


async def test_an_earlier_run_of_the_same_bytes_is_shown_and_confirmed(
    sandbox: Sandbox, chat_file: Path, tmp_path: Path
) -> None:
    async with shown(online(tmp_path, sandbox), open_create(chat_file), (60, 20)) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: submitted(app))
        record = await app.engine.wait_until(submitted(app)[0], lambda r: r.status == JobStatus.COMPLETED)
        app.screen.on_screen_resume()  # type: ignore[attr-defined]
        await wait_for_text(app, "You already submitted this exact file")
        await wait_for_text(app, "Submitting again costs again.")
        assert record.job is not None and record.job.id[:8] in app.text and "Completed" in app.text
        await pilot.press("enter")
        await wait_for_text(app, "Submit this file again?")
        await pilot.press("enter")  # No has the focus
        await screen_opened(app, CreateScreen)
        await pilot.press("enter")
        await wait_for_text(app, "Submit this file again?")
        await pilot.press("y")
        await until(lambda: len(submitted(app)) == 2)
        await app.engine.wait_until(submitted(app)[1], lambda record: record.job is not None)
        assert sandbox.count("POST", "/v1/batches") == 2, "one each, and none for the No"
    assert len(sandbox.jobs) == 2


async def test_an_earlier_run_is_confirmed_after_a_restart_too(
    sandbox: Sandbox, chat_file: Path, tmp_path: Path
) -> None:
    async with shown(online(tmp_path, sandbox), open_create(chat_file)) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: submitted(app))
    async with shown(online(tmp_path, sandbox), open_create(chat_file)) as (app, pilot):
        await pilot.press("enter")
        await wait_for_text(app, "Submit this file again?")
        await pilot.press("n")
        await screen_opened(app, CreateScreen)
        assert not submitted(app)


async def test_an_earlier_run_that_is_not_shown_yet_is_confirmed_too(
    sandbox: Sandbox, chat_file: Path, tmp_path: Path
) -> None:
    async with shown(online(tmp_path, sandbox), open_create(chat_file)) as (app, pilot):
        await app.engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        screen = app.screen
        assert isinstance(screen, CreateScreen)
        screen._file.earlier_runs.clear()  # as when Enter is pressed before the file was read
        await pilot.press("enter")
        await wait_for_text(app, "Submit this file again?")
        await wait_for_text(app, "You already submitted this exact file")
        assert not submitted(app)
        await pilot.press("y")
        await until(lambda: submitted(app))


@pytest.mark.parametrize("size", SIZES)
async def test_without_a_key_nothing_is_submitted(chat_file: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    async with shown(offline(tmp_path), open_create(chat_file), size) as (app, pilot):
        await wait_for_text(app, "There is no API key")
        await wait_for_text(app, "TOGETHER_API_KEY")
        await wait_for_text(app, "--demo")
        assert not any(each.id == "go.on" and each.enabled for each in screen_actions(app.screen))
        assert app.focused is not None and app.focused.id == "back"
        await pilot.click("#submit")
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert isinstance(app.posted[0], GoBack)


async def test_a_refused_key_and_being_offline_are_shown(chat_file: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_create(chat_file)) as (app, _):
        app.engine._runtime.set_health(
            ConnectionHealth(HealthState.KEY_REFUSED, title="Together refuses [/bad] \x1b key", hint="Look")
        )
        await wait_for_text(app, "Together refuses [/bad] ␛ key. Look")
        app.engine._runtime.set_health(ConnectionHealth(HealthState.OFFLINE))
        await wait_for_text(app, "Offline. It is saved")
        assert app.focused is not None and app.focused.id == "submit"


async def test_a_changed_file_goes_back_to_check(sandbox: Sandbox, chat_file: Path, tmp_path: Path) -> None:
    async with shown(online(tmp_path, sandbox), open_create(chat_file)) as (app, pilot):
        await until(lambda: app.screen._file.earlier_runs)  # type: ignore[attr-defined]
        write_chat(chat_file, ["Something else"])
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert isinstance(app.posted[0], GoBack) and not submitted(app)
        assert "has changed since it was checked" in app.toasts
        assert await app.engine.records() == []


async def test_a_file_that_was_removed_is_reported_and_the_form_stays(
    sandbox: Sandbox, chat_file: Path, tmp_path: Path
) -> None:
    def open_(engine: BatchEngine, bridge: object) -> CreateScreen:
        report = check_file(chat_file)
        chat_file.unlink()
        return CreateScreen(engine, bridge, report)  # type: ignore[arg-type]

    async with shown(online(tmp_path, sandbox), open_) as (app, pilot):
        await until(lambda: "cannot be read" in app.toasts)
        await pilot.press("enter")
        await pilot.pause()
        assert not app.posted and "[ Submit ]" in app.text


async def test_an_error_keeps_the_form(
    sandbox: Sandbox, chat_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object, **__: object) -> str:
        raise LocalFileError("The history cannot be written: disk full", "Make room; nothing was sent.")

    async with shown(online(tmp_path, sandbox), open_create(chat_file)) as (app, pilot):
        app.screen.query_one(TextInput).value = "kept"
        monkeypatch.setattr(app.engine, "submit_checked", refused)
        await pilot.press("enter")
        await until(lambda: "disk full" in app.toasts)
        assert "kept" in app.text and not app.posted
        monkeypatch.undo()
        await pilot.press("enter")
        await until(lambda: submitted(app))


async def test_submit_waits_for_the_fingerprint(
    sandbox: Sandbox, chat_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    gate = asyncio.Event()
    real = BatchEngine.fingerprint

    async def slow(engine: BatchEngine, path: Path) -> Fingerprint:
        await gate.wait()
        return await real(engine, path)

    monkeypatch.setattr(BatchEngine, "fingerprint", slow)
    async with shown(online(tmp_path, sandbox), open_create(chat_file)) as (app, pilot):
        await pilot.press("enter")
        await wait_for_text(app, "Reading the file")
        assert not app.posted
        gate.set()
        await until(lambda: submitted(app))


async def test_leaving_and_coming_back_keeps_the_label(chat_file: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_create(chat_file)) as (app, pilot):
        screen = app.screen
        assert isinstance(screen, CreateScreen)
        app.install_screen(screen, "create")
        screen.query_one(TextInput).focus()
        await pilot.press("end", "!", "escape")
        await until(lambda: app.posted)
        app.pop_screen()
        await pilot.pause()
        app.push_screen("create")
        await wait_for_text(app, "batch_input!")
        assert screen.label == "batch_input!"
        assert screen.focused is screen.query_one("#back"), "offline: Submit cannot have the focus"


async def test_submit_has_the_focus_again_after_leaving_from_a_field(
    chat_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    async with shown(online(tmp_path, sandbox), open_create(chat_file)) as (app, pilot):
        await until(lambda: not app.screen.query_one("#submit").disabled)
        app.screen.query_one(TextInput).focus()
        await pilot.press("end", "!", "escape")
        await until(lambda: app.posted)
        assert app.screen.focused is app.screen.query_one("#submit")


async def test_a_hostile_name_is_drawn_harmlessly(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "[bad] \x1b]52;c;AAAA\x07 \u202e[x].jsonl", ["Hello"])
    async with shown(offline(tmp_path), open_create(path), (140, 40)) as (app, _):
        await wait_for_text(app, "[bad] ␛]52")


@pytest.mark.parametrize("size", SIZES)
async def test_the_estimate_is_shown_with_the_date_of_the_prices_and_saved(
    sandbox: Sandbox, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a long path would push the last line below the fold of the smallest screen
    path = write_chat(tmp_path / "in.jsonl", ["word " * 8000] * 20)
    async with shown(online(tmp_path, sandbox, now=lambda: 1_790_000_000.0), open_create(path), size) as (app, pilot):
        await wait_for_text(app, "about $0.09 in + up to $0.0018 out = up to about $0.")
        await wait_for_text(app, "catalogue of 2026-09-21")
        await wait_for_text(app, "50 % batch discount (price")
        await pilot.press("enter")
        await until(lambda: submitted(app))
        [record] = await app.engine.records()
        assert record.submission is not None and record.submission.estimate is not None
        assert record.submission.estimate.about == pytest.approx(0.09, abs=0.01)


async def test_an_unknown_price_is_named_as_such(tmp_path: Path, audio_file: Path, chat_file: Path) -> None:
    async with shown(offline(tmp_path), open_create(chat_file)) as (app, _):
        await wait_for_text(app, "no known price: the catalogue has not been downloaded yet")
    with Sandbox() as box:
        async with shown(online(tmp_path, box), open_create(audio_file)) as (app, _):
            await wait_for_text(app, "per minute of audio; its length is not known in advance")
            await wait_for_text(app, "audio price list October 2026")


async def test_how_to_reach_the_fields_is_told_and_j_and_k_move_outside_the_label(
    chat_file: Path, tmp_path: Path
) -> None:
    async with shown(offline(tmp_path), open_create(chat_file)) as (app, pilot):
        await wait_for_text(app, "Tab next field · ← → or Space change a choice")
        label = app.screen.query_one(TextInput)
        label.focus()
        await pilot.press("end", "j", "k")
        assert label.value.endswith("jk") and app.focused is label
        await pilot.press("tab")
        after = app.focused
        assert after is not label
        await pilot.press("k")
        assert app.focused is label
        await pilot.press("shift+tab", "j")
        assert app.focused is label


@pytest.mark.parametrize("size", [(110, 30), (60, 14)], ids=["110x30", "60x14"])
async def test_the_buttons_stand_right_below_the_form_and_are_always_seen(
    size: tuple[int, int], chat_file: Path, tmp_path: Path
) -> None:
    async with shown(offline(tmp_path), open_create(chat_file), size=size) as (app, pilot):
        await wait_for_text(app, "Back")
        await pilot.pause()
        form, last = app.screen.query_one("#form"), app.screen.query_one("#facts")
        notes, answers = app.screen.query_one("#notes"), app.screen.query_one("#answers")
        assert notes.region.y == form.region.bottom and answers.region.y == notes.region.bottom
        assert answers.region.bottom <= app.screen.query_one("KeyBar").region.y
        if size[1] == 30:
            assert last.region.bottom == form.region.bottom, "no gap"
        else:
            assert form.max_scroll_y > 0


# -- the budget ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_above_the_budget_the_amount_is_typed(
    sandbox: Sandbox, chat_file: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    tight = online(tmp_path, sandbox, budget=Budget(job=0.00001, month=50))
    async with shown(tight, open_create(chat_file), size) as (app, pilot):
        await wait_for_text(app, "the budget for a job is")
        await wait_for_text(app, "[ Submit ]")
        await pilot.press("enter")
        await wait_for_text(app, "Submit above the budget?")
        check_screen(app)
        await pilot.press("1", "enter")
        await wait_for_text(app, "Nothing was done. Type")
        await pilot.press("escape")
        await wait_for_text(app, "⏎ Submit")
        assert not submitted(app) and await app.engine.records() == []
        await pilot.press("enter")
        await wait_for_text(app, "Submit above the budget?")
        await pilot.press(*"0.01", "enter")
        await until(lambda: submitted(app))
        assert len(await app.engine.records()) == 1


async def test_within_the_budget_what_is_left_is_said_and_nothing_asked(
    sandbox: Sandbox, chat_file: Path, tmp_path: Path
) -> None:
    async with shown(online(tmp_path, sandbox, budget=Budget(month=50)), open_create(chat_file)) as (app, pilot):
        await wait_for_text(app, "$50.00 of $50.00 is left in")
        await wait_for_text(app, "[ Submit ]")
        await pilot.press("enter")
        await until(lambda: submitted(app))


async def test_without_a_bound_there_is_no_amount_to_type(sandbox: Sandbox, audio_file: Path, tmp_path: Path) -> None:
    async with shown(online(tmp_path, sandbox, budget=Budget(month=50)), open_create(audio_file)) as (app, pilot):
        await wait_for_text(app, "The budget cannot be held")
        await wait_for_text(app, "[ Submit ]")
        await pilot.press("enter")
        await wait_for_text(app, 'Type "no limit" to confirm')
        await pilot.press(*"no", "space", *"limit", "enter")
        await until(lambda: submitted(app))
