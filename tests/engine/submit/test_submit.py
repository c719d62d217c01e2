"""`BatchEngine.submit`: what a script gets back, and what it is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine import AlreadySubmittedError, BatchError, Endpoint, InvalidInputError, TooLargeError
from tests.conftest import CHAT_MODEL, write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


async def test_submit_returns_the_record_of_one_job(sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path) -> None:
    async with make_engine(sandbox) as engine:
        record = await engine.submit(str(chat_file), label="mine")
        assert record.job is not None and record.job.id == record.key
        assert (record.label, record.requests, record.endpoint) == ("mine", 2, Endpoint.CHAT)
        done = await engine.wait(record)
        assert [row.custom_id for row in engine.results(done)] == ["request-1", "request-2"]
    assert len(sandbox.jobs) == 1


async def test_the_endpoint_of_an_audio_file_is_found_out(
    sandbox: Sandbox, make_engine: MakeEngine, audio_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        assert (await engine.submit(audio_file)).endpoint == Endpoint.TRANSCRIPTION


async def test_faulty_lines_are_refused_unless_asked_for(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = tmp_path / "faulty.jsonl"
    body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
    path.write_text("".join(json.dumps({"custom_id": "same", "body": body}) + "\n" for _ in range(2)))
    async with make_engine(sandbox) as engine:
        with pytest.raises(InvalidInputError, match="faulty.jsonl has 1 error") as caught:
            await engine.submit(path)
        assert [problem.rule for problem in caught.value.report.problems] == ["duplicate-custom-id"]
        assert sandbox.jobs == []
        await engine.submit(path, check=False)
    assert len(sandbox.jobs) == 1


async def test_a_file_without_a_request_has_no_endpoint(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = tmp_path / "nothing.jsonl"
    path.write_text('{"custom_id": "a", "body": {}}\n')
    async with make_engine(sandbox) as engine:
        with pytest.raises(InvalidInputError):
            await engine.submit(path, check=False)
    assert sandbox.jobs == []


async def test_bytes_that_ran_are_refused_unless_asked_for_again(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        first = await engine.submit(chat_file)
        with pytest.raises(AlreadySubmittedError) as caught:
            await engine.submit(chat_file)
        assert [record.key for record in caught.value.earlier] == [first.key]
        assert len(sandbox.jobs) == 1
        second = await engine.submit(chat_file, again=True)
        assert second.key != first.key
    assert len(sandbox.jobs) == 2


async def test_a_file_over_the_limits_goes_as_several_jobs(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    large = write_chat(tmp_path / "large.jsonl", ["x"] * 50_001)
    async with make_engine(sandbox) as engine:
        with pytest.raises(TooLargeError, match="over the limits of one batch") as caught:
            await engine.submit(large)
    assert caught.value.report.can_be_split
    assert sandbox.jobs == []


async def test_a_refused_create_is_raised(sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path) -> None:
    sandbox.plan_fault("status", "/v1/batches", method="POST", status=402)
    async with make_engine(sandbox) as engine:
        with pytest.raises(BatchError):
            await engine.submit(chat_file)
    assert sandbox.jobs == []


async def test_without_a_key_nothing_is_read_or_sent(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox, api_key=None) as engine:
        with pytest.raises(BatchError, match="no API key"):
            await engine.submit(chat_file)
