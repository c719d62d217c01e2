"""Results that are fetched again: the better copy is kept, wherever it is, and the file is the one the list names."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tests.engine.download.test_download import CONTENT, ROWS, assert_whole, get
from tests.engine.scenarios.test_main_job import fetched

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

FEW = "".join(json.dumps({"custom_id": f"row-{n}", "response": {}}) + "\n" for n in range(3))


async def test_a_copy_with_fewer_rows_is_not_taken_in_another_folder_either(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    """The output folder is relative to the working folder: `d` in another one must not forget the better copy."""
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await get(engine, sandbox)
    path = assert_whole(record, sandbox)
    sandbox.plan_fault("status", CONTENT, last=None, status=200, body=FEW)
    async with asyncio.timeout(30), make_engine(sandbox, output_dir=tmp_path / "other") as engine:
        await engine.wait_until(record.key, lambda r: r.job is not None)
        await engine.download(record.key)
        kept = await engine.wait_until(record.key, lambda r: fetched(r) and r.output != record.output)
        assert kept.output is not None and "3 rows" in (kept.output.message or "")
        assert (kept.output.path, kept.output.rows) == (path, ROWS)
        assert not list((tmp_path / "other").iterdir())
        # A copy that no longer exists holds nothing back.
        path.unlink()
        await engine.download(record.key)
        record = await engine.wait_until(
            record.key, lambda r: fetched(r) and r.output is not None and r.output.rows == 3
        )
    assert record.output is not None and record.output.path is not None
    assert record.output.path.parent == tmp_path / "other"


async def test_the_file_that_the_list_names_now_is_fetched(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    """A server may name a first part of the results, and the whole file later."""
    whole = (FEW * 4).encode()
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await get(engine, sandbox, rows=1)
        assert_whole(record, sandbox)
        file_id = sandbox.add_file(whole)
        named = sandbox.job(record.key) | {"output_file_id": file_id}
        sandbox.plan_fault("status", "/v1/batches", method="GET", last=None, status=200, body=[named])
        await engine.wait_until(record.key, lambda r: r.job is not None and r.job.output_file_id == file_id)
        await engine.download(record.key)
        record = await engine.wait_until(
            record.key, lambda r: fetched(r) and r.output is not None and r.output.rows == 12
        )
    assert record.output is not None and record.output.path is not None
    assert record.output.file_id == file_id
    assert record.output.path.read_bytes() == whole


async def test_another_file_of_a_job_of_ours_is_held_against_the_copy_that_is_here(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        record = await engine.wait_until(await engine.submit_checked(chat_file, Endpoint.CHAT), fetched)
        assert record.output is not None and record.output.rows == 2
        file_id = sandbox.add_file(FEW.splitlines(keepends=True)[0].encode())
        named = sandbox.job(record.key) | {"output_file_id": file_id}
        sandbox.plan_fault("status", "/v1/batches", method="GET", last=None, status=200, body=[named])
        kept = await engine.wait_until(
            record.key, lambda r: fetched(r) and r.output is not None and r.output.file_id == file_id
        )
    assert kept.output is not None and "1 rows" in (kept.output.message or "")
    assert (kept.output.path, kept.output.rows) == (record.output.path, 2)


def test_nothing_of_the_file_before_is_taken_for_a_part_of_another() -> None:
    before = Transfer(FileKind.OUTPUT, "one", TransferState.FAILED, etag='"v1"', synced=9, part_inode=7, message="cut")
    assert before.wanted("one") == replace(before, state=TransferState.WANTED, message=None)
    assert before.wanted("two") == Transfer(FileKind.OUTPUT, "two", TransferState.WANTED)
