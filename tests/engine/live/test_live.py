"""A request that is asked at once: once, whatever happens, and kept with what became of it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.tried import LOST
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, ConnectionFailedError
from tbatch_tui.engine.live.price import cost_of_file
from tbatch_tui.engine.live.request import LiveRequest, live_request
from tbatch_tui.engine.options import AudioStore
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import CHAT_MODEL, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.engine.domain.tried import TriedRequest
    from tbatch_tui.engine.engine import BatchEngine
    from tests.engine.conftest import MakeEngine

CHAT = "/v1/chat/completions"
AUDIO = "/v1/audio/transcriptions"
REALTIME = (CHAT, AUDIO, "/v1/audio/translations")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One server for all these tests: each counts its own calls."""
    with Sandbox(speed=0) as sandbox:
        yield sandbox


class Asking:
    """Asks requests, and counts what arrived at the server meanwhile."""

    def __init__(self, box: Sandbox, make_engine: MakeEngine) -> None:
        self.box = box
        self.make_engine = make_engine
        self.arrived: list[str] = []

    async def ask(self, *requests: LiveRequest, **options: Any) -> list[TriedRequest | None]:
        async with self.make_engine(self.box, **options) as engine:
            return await self.with_engine(engine, *requests)

    async def with_engine(self, engine: BatchEngine, *requests: LiveRequest) -> list[TriedRequest | None]:
        before = len(self.box.requests)
        try:
            return await engine.live.ask(requests)
        finally:
            self.arrived = [call.path for call in self.box.requests[before:] if call.path in REALTIME]


@pytest.fixture
def asking(box: Sandbox, make_engine: MakeEngine) -> Iterator[Asking]:
    yield Asking(box, make_engine)
    box.clear_faults()


def chat(prompt: str = "Hello", **more: Any) -> LiveRequest:
    body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": prompt}], "max_tokens": 50, **more}
    return live_request({"custom_id": "row-1", "body": body}, line=1)


def audio(**more: Any) -> LiveRequest:
    body = {"model": "openai/whisper-large-v3", "file": "https://example.com/a.wav", **more}
    return live_request({"custom_id": "clip", "method": "FILE", "body": body}, line=1)


async def test_a_chat_request_is_answered_judged_priced_and_kept(asking: Asking) -> None:
    [tried] = await asking.ask(chat(max_tokens=300))
    assert tried is not None and asking.arrived == [CHAT]
    assert tried.outcome == "ok" and tried.answer and tried.seconds is not None
    assert tried.prompt_tokens and tried.completion_tokens
    # 0.88 dollars for a million tokens, in and out, without the discount of a batch.
    assert tried.cost == pytest.approx((tried.prompt_tokens + tried.completion_tokens) * 0.88e-6)
    assert tried.cost is not None and tried.most is not None and tried.most >= tried.cost
    async with asking.make_engine(asking.box) as engine:
        [again] = await engine.live.tried_before(chat(max_tokens=300))
        assert again == tried
        spent = await engine._store.tries.spent_since(0.0)
        assert (spent.usd, spent.tries, spent.unknown) == (tried.cost, 1, 0)
        assert await engine.live.tries_since(tried.sent_at) == [tried]
        assert await engine.live.tries_since(tried.sent_at + 1) == []


async def test_an_answer_that_is_not_what_was_asked_is_invalid_or_cut_short(asking: Asking) -> None:
    schema = {"type": "object", "properties": {"label": {"const": "x"}}, "required": ["label"]}
    asked = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"allOf": [schema, {"maxProperties": 0}]}}}
    invalid, cut = await asking.ask(chat(response_format=asked, max_tokens=500), chat(max_tokens=3))
    assert invalid is not None and (invalid.outcome, bool(invalid.reason)) == ("invalid", True)
    assert cut is not None and cut.outcome == "cut short"


async def test_every_key_of_the_body_is_sent_as_it_stands(asking: Asking) -> None:
    """The sandbox refuses a parameter of the wrong type, also one that the SDK has no argument for."""
    [tried] = await asking.ask(chat(top_p="high", stream=True))
    assert tried is not None and tried.outcome == "error" and "top_p" in (tried.answer or "")
    assert tried.cost == 0.0
    assert "stream" not in json.loads(tried.request)


async def test_audio_by_its_url_is_transcribed(asking: Asking) -> None:
    [tried] = await asking.ask(audio(response_format="verbose_json", timestamp_granularities=["word"], diarize=True))
    assert tried is not None and asking.arrived == [AUDIO]
    assert tried.outcome == "ok" and tried.answer and tried.audio_seconds
    assert "words" in json.loads(tried.response or "")


async def test_a_recording_in_the_store_is_sent_by_a_link_that_is_kept_nowhere(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-store")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    request, store = audio(file="s3://talks/a b.wav"), AudioStore("s3://talks", "https://store.example.com")
    async with asking.make_engine(asking.box, audio_store=store) as engine:
        [tried] = await asking.with_engine(engine, request)
        assert tried is not None and tried.outcome == "ok" and asking.arrived == [AUDIO]
        assert json.loads(tried.request)["file"] == "s3://talks/a b.wav"
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(BatchError, match="no keys for s3://talks"):
            await asking.with_engine(engine, request)
        assert asking.arrived == [] and len(await engine.live.tried_before(request)) == 1
    assert not any(b"X-Amz-" in path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())


def test_a_line_says_what_answers_it() -> None:
    assert chat().endpoint is Endpoint.CHAT
    assert audio().endpoint is Endpoint.TRANSCRIPTION
    row = {"url": "/v1/audio/translations", "body": {"file": "https://example.com/a.wav"}}
    assert live_request(row).endpoint is Endpoint.TRANSLATION


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("status", {"status": 429, "headers": {"x-ratelimit-reset": "12"}}, "asks to wait 12 s"),
    ("status", {"status": 404}, "404"),
]
LOST_ANSWERS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 503}),
    ("status-after", {"status": 504}),
    ("close", {}),
    ("close-after", {}),
    ("close-body", {}),
    ("truncate", {}),
    ("garbage", {}),
    ("html", {}),
    ("html", {"status": 502}),
    ("status", {"status": 307, "headers": {"location": "/v1/chat/completions"}}),
]


@pytest.mark.parametrize("path", [CHAT, AUDIO])
async def test_a_try_never_becomes_two_requests(path: str, asking: Asking, box: Sandbox) -> None:
    request = chat() if path == CHAT else audio()
    async with asking.make_engine(box) as engine:
        for kind, more, words in FAULTS:
            box.clear_faults()
            box.plan_fault(kind, path, to=None, **more)
            [tried] = await asking.with_engine(engine, request)
            assert tried is not None and asking.arrived == [path], (kind, more)
            assert (tried.outcome, tried.cost) == ("error", 0.0) and words in (tried.answer or "")
        for kind, more in LOST_ANSWERS:
            box.clear_faults()
            box.plan_fault(kind, path, to=None, **more)
            [tried] = await asking.with_engine(engine, request)
            assert tried is not None and asking.arrived == [path], (kind, more)
            assert (tried.outcome, tried.cost, tried.answer) == (LOST, None, None), (kind, more)
            assert "not sent again automatically" in tried.reason and "Trying again" not in tried.reason
        spent = await engine._store.tries.spent_since(0.0)
        assert (spent.usd, spent.unknown) == (0.0, len(LOST_ANSWERS))
        assert (spent.most_unknown is None) is (path == AUDIO)


async def test_an_answer_that_does_not_come_in_time_is_lost(asking: Asking, box: Sandbox) -> None:
    box.plan_fault("delay", CHAT, seconds=30, to=None)
    [tried] = await asking.ask(chat(), try_patience=0.2)
    assert tried is not None and tried.outcome == LOST and asking.arrived == [CHAT]
    assert "did not answer in time" in tried.reason


async def test_what_is_out_when_it_is_stopped_is_lost_and_not_sent_again(asking: Asking, box: Sandbox) -> None:
    box.plan_fault("delay", CHAT, seconds=30, to=None)
    async with asking.make_engine(box) as engine:
        before = box.count("POST", CHAT)
        task = asyncio.create_task(engine.live.ask([chat("stop")]))
        await until(lambda: box.count("POST", CHAT) > before)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        [tried] = await engine.live.tried_before(chat("stop"))
        assert tried.outcome == LOST and "Stopped before the answer came" in tried.reason
        assert box.count("POST", CHAT) == before + 1


async def test_a_refused_key_ends_it_for_all(asking: Asking) -> None:
    found = await asking.ask(*[chat(f"no {n}") for n in range(10)], api_key="wrong-key-1234567890")
    assert 1 <= len(asking.arrived) <= 4 and found.count(None) >= 6
    first = next(tried for tried in found if tried is not None)
    assert first.outcome == "error" and "wrong-key" not in (first.answer or "")


async def test_what_was_certainly_not_sent_leaves_nothing(make_engine: MakeEngine) -> None:
    with Sandbox(speed=0) as gone:
        pass
    async with make_engine(gone) as engine:
        with pytest.raises(ConnectionFailedError):
            await engine.live.ask([chat()])
        assert await engine.live.tries_since(0.0) == []


async def test_without_a_key_nothing_is_asked(make_engine: MakeEngine, box: Sandbox) -> None:
    async with make_engine(box, api_key=None) as engine:
        with pytest.raises(ConnectionFailedError, match="no connection"):
            await engine.live.ask([chat()])


async def test_ten_are_asked_and_what_they_mean_for_a_batch_is_told(asking: Asking, box: Sandbox) -> None:
    seen: list[int] = []
    async with asking.make_engine(box) as engine:
        requests = [chat(f"Question {n}", max_tokens=300) for n in range(10)]
        bound = await engine.estimates.of_requests(requests)
        found = await engine.live.ask(requests, lambda number, _: seen.append(number))
        tries = [tried for tried in found if tried is not None]
        assert sorted(seen) == list(range(10)) and len(tries) == 10
        spent = sum(tried.cost or 0.0 for tried in tries)
        assert bound.most is not None and bound.most >= spent
        _, batch = await engine.live.prices()
        means = cost_of_file(tries, 10_000, batch)
        # Half of what the real-time prices come to: this model has a discount of 50 percent in a batch.
        assert means is not None and means.usd == pytest.approx(spent / 10 * 10_000 / 2)
        with pytest.raises(ValueError, match="at most 10"):
            await engine.live.ask([*requests, chat()])
