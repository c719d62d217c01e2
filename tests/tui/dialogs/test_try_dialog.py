"""Try now, from Check, Compose and Results: the price before, one request a line, and the answer beside it."""

from __future__ import annotations

import asyncio
import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.tried import TriedRequest
from tbatch_tui.engine.live.request import kept_body, live_request
from tbatch_tui.sandbox.testing import Sandbox
from tbatch_tui.tui.dialogs.trying.change_form import ChangeTry
from tbatch_tui.tui.dialogs.trying.dialog import TryDialog
from tbatch_tui.tui.dialogs.trying.subject import TrySubject
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tbatch_tui.tui.screens.compose.screen import ComposeScreen
from tbatch_tui.tui.screens.results.screen import ResultsScreen
from tests.conftest import CHAT_MODEL, until, write_chat
from tests.helpers.app_host import make_app
from tests.helpers.drawn import check_screen, screen_opened, screen_text
from tests.helpers.hostile_text import HUGE, NASTY
from tests.helpers.keyboard import type_at_once
from tests.helpers.new_batch_host import SIZES, NewBatchHost, offline, shown
from tests.helpers.result_rows import answer_row, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.engine.live.request import LiveRequest
    from tbatch_tui.engine.options import EngineOptions

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(speed=0) as sandbox:
        yield sandbox


@pytest.fixture
def box(server: Sandbox) -> Iterator[Sandbox]:
    yield server
    server.clear_faults()


def online(tmp_path: Path, box: Sandbox) -> EngineOptions:
    return offline(tmp_path, base_url=box.base_url, api_key=box.key, poll_interval=5.0, background_work=False)


async def opened(app: NewBatchHost, pilot: Any) -> TryDialog:
    """Press the key, and wait until the price is there."""
    await until(lambda: app.screen.check_action("try_now", ()) is True, what="can be tried")
    await pilot.press("T")
    await until(lambda: isinstance(app.screen, TryDialog) and "real-time" in app.text, what="price")
    assert isinstance(app.screen, TryDialog)
    return app.screen


@pytest.mark.parametrize("size", SIZES)
async def test_a_line_of_check_is_asked_once_and_shown_again(
    size: tuple[int, int], tmp_path: Path, box: Sandbox
) -> None:
    path = write_chat(tmp_path / "r.jsonl", [f"Question {n}?" for n in range(1, 31)])
    before = box.count("POST", CHAT)
    async with shown(online(tmp_path, box), lambda engine, bridge: CheckScreen(engine, bridge, path), size) as (
        app,
        pilot,
    ):
        dialog = await opened(app, pilot)
        assert "Try r.jsonl · line 1 · request-1" in app.text
        await until(lambda: "Question 1?" in app.text)
        assert "1 request · at most $0.000" in app.text and "Nothing is sent yet" in app.text
        assert box.count("POST", CHAT) == before
        type_at_once(app, "\r\r\r")
        await until(lambda: "✓ ok · " in app.text, what="answer")
        check_screen(app)
        assert "1 answered · " in app.text and "× 30 ≈ $" in app.text
        await pilot.press("enter")  # an answer is not paid for twice by a key that is held down
        await until(lambda: "These have an answer" in app.toasts)
        sent = box.count("POST", CHAT)
        assert sent == before + 1
        await pilot.press("escape")
        await until(lambda: app.screen is not dialog)
        await opened(app, pilot)
        await until(lambda: "tried before: " in app.text and "Send again" in app.text)
        assert box.count("POST", CHAT) == sent


async def test_ten_at_most_and_errors_in_words_and_what_is_stopped_is_lost(tmp_path: Path, box: Sandbox) -> None:
    path = write_chat(tmp_path / "r.jsonl", [f"Question {n}?" for n in range(1, 31)])
    before = box.count("POST", CHAT)

    def sent() -> int:
        return box.count("POST", CHAT) - before

    async with shown(online(tmp_path, box), lambda engine, bridge: CheckScreen(engine, bridge, path)) as (app, pilot):
        dialog = await opened(app, pilot)
        await pilot.press("left", *["right"] * 12)
        await until(lambda: "1 of 10" in app.text and "10 requests · at most" in app.text)
        await pilot.press("enter")
        await until(lambda: "10 answered" in app.text)
        assert sent() == 10
        await pilot.press("n")
        await until(lambda: "2 of 10" in app.text and "line 1 ·" not in app.text)
        await pilot.press("p", "p")
        await until(lambda: "10 of 10" in app.text)
        await pilot.press("x")
        written = tmp_path / "results" / "r.tries.jsonl"
        await until(written.exists)
        rows = [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()]
        assert len(rows) == 10 and rows[0]["request"]["model"] == CHAT_MODEL and rows[0]["response"]["choices"]
        assert written.stat().st_mode & 0o777 == 0o600

        await pilot.press(*["left"] * 9)
        await until(lambda: "1 request · at most" in app.text and "T Send again" in app.text)
        box.plan_fault("status", CHAT, status=429, headers={"x-ratelimit-reset": "9"}, to=None)
        await pilot.press("T")
        await until(lambda: "asks to wait 9 s" in words(app))
        assert sent() == 11
        box.clear_faults()
        box.plan_fault("html", CHAT, status=503, to=None)
        await pilot.press("T")
        await until(lambda: "1 answer lost" in app.text and "not sent again automatically" in words(app))
        assert sent() == 12
        box.clear_faults()
        box.plan_fault("delay", CHAT, seconds=30, to=None)
        await pilot.press("T")
        await until(lambda: sent() == 13 and "Waiting for 1 answer" in app.text)
        await pilot.press("escape")
        await until(lambda: "Stopped before the answer came" in words(app))
        assert app.screen is dialog and sent() == 13


def words(app: NewBatchHost) -> str:
    """Return what is on the screen, without its line breaks and boxes."""
    return " ".join(app.text.replace("│", " ").split())


async def test_without_a_key_the_reason_is_said(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "r.jsonl", ["Well?"])
    async with shown(offline(tmp_path), lambda engine, bridge: CheckScreen(engine, bridge, path)) as (app, pilot):
        await until(lambda: "No problems" in app.text)
        await pilot.press("T")
        await until(lambda: "There is no API key, so nothing can be tried" in app.toasts)


async def test_a_row_of_compose_is_asked_as_it_would_be_written(tmp_path: Path, box: Sandbox) -> None:
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "review"], ["a", "It broke."], ["b", "It works."], ["c", "So so."]])
    async with shown(online(tmp_path, box), lambda engine, bridge: ComposeScreen(engine, bridge, path), (140, 40)) as (
        app,
        pilot,
    ):
        screen = app.screen
        assert isinstance(screen, ComposeScreen)
        await until(lambda: screen.session.has_begun and screen.session.source is not None)
        assert "no request" in screen.disabled_reason("try_now")
        screen.take_draft(replace(screen.session.draft, prompt="Good? {{ review }}"))
        await until(lambda: screen.session.preview is not None and screen.session.preview.request is not None)
        assert screen.disabled_reason("try_now") == "No model is named yet"
        screen.take_draft(replace(screen.session.draft, model=CHAT_MODEL, max_tokens="100"))
        await until(lambda: screen.session.summary is not None and screen.session.summary.is_whole)
        screen.pane.view.focus()
        await pilot.press("n")
        await until(lambda: screen.session.preview is not None and screen.session.preview.number == 2)
        await opened(app, pilot)
        assert "Try reviews.csv · row 2 · row-0002" in app.text
        await until(lambda: "Good? It works." in app.text)
        await pilot.press("right")
        await until(lambda: "2 requests · at most" in app.text)
        await pilot.press("enter")
        await until(lambda: "2 answered" in app.text and "× 3 ≈ " in app.text)


async def test_a_result_is_asked_in_another_way_and_the_difference_shown(tmp_path: Path, box: Sandbox) -> None:
    requests = [
        {"custom_id": name, "body": {"model": CHAT_MODEL, "messages": [{"role": "user", "content": f"{name}?"}]}}
        for name in ("amber", "blue")
    ]
    write_rows(tmp_path / "asked.jsonl", requests)
    output = write_rows(tmp_path / "output.jsonl", [answer_row("amber", "Here is it"), answer_row("blue", "Blue")])
    app = make_app(tmp_path, box, file=output)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(lambda: isinstance(app.screen, ResultsScreen) and app.screen.session.index.is_built)
        screen = app.screen
        assert isinstance(screen, ResultsScreen)
        await until(lambda: screen.check_action("try_now", ()) is True)
        await pilot.press("T")
        await until(lambda: isinstance(app.screen, TryDialog) and "real-time" in screen_text(app))
        assert "no upper limit without max_tokens" in screen_text(app)
        await pilot.press("e")
        await screen_opened(app, ChangeTry)
        await pilot.press("tab", "x", "enter")
        await until(lambda: "must be a whole number" in screen_text(app))
        await pilot.press("backspace", *"200", "tab", *"Be brief.", "tab", *" Really", "ctrl+j")
        await until(lambda: isinstance(app.screen, TryDialog) and "changed · at most" in screen_text(app))
        await until(lambda: "amber? Really" in screen_text(app) and "max_tokens 200" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: "In the batch" in screen_text(app) and "Here is it" in screen_text(app))
        check_screen(app)
        sent = json.loads((await app.engine.live.tries_since(0.0))[-1].request)
        assert sent["messages"] == [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "amber? Really"}
        ]  # fmt: skip
        await pilot.press("v")
        await until(lambda: "amber? Really" in screen_text(app))


async def test_foreign_text_is_harmless_in_request_answer_and_difference(tmp_path: Path) -> None:
    """Every text of a request, of what was answered, and of the batch's answer is somebody else's."""
    every = [text.encode("utf-8", "replace").decode() for text in (*HUGE, *NASTY)]
    nasty = every[:: len(every) // 9][:9]

    async def read(count: int) -> list[LiveRequest]:
        return [
            live_request(
                {"custom_id": text, "body": {"model": text, text: text, "messages": [{"role": text, "content": text}]}}
            )
            for text in nasty[:count]
        ]

    app = NewBatchHost(offline(tmp_path), lambda engine, bridge: CheckScreen(engine, bridge, tmp_path / "none"))
    async with app.run_test(size=(60, 20)) as pilot:
        requests = await read(9)
        answers = {request.fingerprint: f"{text} x" for request, text in zip(requests[::2], nasty[::2], strict=False)}
        for request, text in zip(requests, nasty, strict=False):
            body = await asyncio.to_thread(kept_body, request.body)
            tried = TriedRequest(request.fingerprint, request.endpoint, body, 0.0, answer=text, reason=text)
            await app.engine._store.tries.add(replace(tried, outcome="ok" if text in answers else "invalid"))
        subject = TrySubject(nasty[0], read, most=9, chosen=len(requests), requests=9, answers=answers)
        dialog = TryDialog(app.engine, app.bridge, subject)
        await app.push_screen(dialog)
        await until(lambda: bool(dialog._requests))
        for _ in requests:
            await pilot.press("n")
            await pilot.pause()
            check_screen(app)
        await pilot.press("left", "left")
        await pilot.press("e")
        await screen_opened(app, ChangeTry)
        check_screen(app)
