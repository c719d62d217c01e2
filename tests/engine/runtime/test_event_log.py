"""The log holds what happened, but no key, prompt or answer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Notice
from tbatch_tui.engine.redaction import add_secret, redact
from tbatch_tui.engine.runtime import event_log
from tbatch_tui.engine.runtime.event_log import EventLog
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import write_chat
from tests.engine.scenarios.test_main_job import fetched

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import MakeEngine

KEY = "tgp_v1_0123456789abcdefWXYZ"


async def test_the_log_holds_events_but_no_key_prompt_or_answer(make_engine: MakeEngine, tmp_path: Path) -> None:
    file = write_chat(tmp_path / "in.jsonl", ["the secret recipe of the house"])
    before = list(logging.getLogger().handlers)
    with Sandbox(speed=40, key=KEY) as box:
        box.plan_fault("status", "/v1/batches", method="GET", status=503, body={"error": f"no luck with {KEY}"})
        async with asyncio.timeout(30), make_engine(box) as engine:
            key = await engine.submit_checked(file, Endpoint.CHAT, requests=1)
            record = await engine.wait_until(key, fetched)
            try:
                raise ValueError(f"a library that quotes Authorization: Bearer {KEY}")
            except ValueError:
                logging.getLogger("some.library").exception("it failed with %s", KEY)
        assert record.output is not None and record.output.path is not None
        answer = record.output.path.read_text()
    path = tmp_path / "data" / event_log.NAME
    text = path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    for word in (record.key, "UPLOADING", "COMPLETED", "output=fetched", "503", "Traceback", "WXYZ"):
        assert word in text
    assert KEY not in text
    assert "secret recipe" not in text
    assert answer[-60:] not in text
    added = [handler for handler in logging.getLogger().handlers if handler not in before]
    assert not any(type(handler).__name__ == "Redacting" for handler in added), "what it opened it closes"


def test_the_log_is_rotated_and_two_apps_may_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "_SIZE", 2_000)
    one, two = EventLog(tmp_path), EventLog(tmp_path)
    for each in (one, two):
        each.open()
    for number in range(60):
        (one, two)[number % 2].record(Notice(f"line {number:03d}", "x" * 60))
    for each in (one, two):
        each.close()
    logs = sorted(tmp_path.iterdir())
    assert 2 <= len(logs) <= 4
    assert all(path.stat().st_size <= 2_500 and path.stat().st_mode & 0o077 == 0 for path in logs)
    assert "line 059" in "".join(path.read_text() for path in logs)


def test_a_log_that_cannot_be_written_disturbs_nothing(tmp_path: Path) -> None:
    (tmp_path / event_log.NAME).mkdir()
    before = [list(logging.getLogger(name).handlers) for name in ("", "tbatch_tui")]
    log = EventLog(tmp_path)
    log.open()
    log.record(Notice("nobody hears this"))
    log.close()
    assert [logging.getLogger(name).handlers for name in ("", "tbatch_tui")] == before


@pytest.mark.parametrize(
    "text",
    [
        f"Bearer {KEY}",
        f"'Authorization': 'Bearer {KEY}'",
        "https://bucket/x?X-Amz-Signature=0123456789abcdef&X-Amz-Expires=3",
        '{"access_token": "0123456789abcdef"}',
        "refresh_token=0123456789abcdef&client_id=app",
    ],
)
def test_credentials_are_redacted(text: str) -> None:
    add_secret(KEY)
    redacted = redact(text)
    assert "0123456789abcdef" not in redacted
    assert "…" in redacted
