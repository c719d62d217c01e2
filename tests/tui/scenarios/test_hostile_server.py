"""Jobs from a hostile server on Jobs and Job: nothing crashes, nothing leaves its cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.client import decode
from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.journal.journal import Journal
from tests.conftest import until
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import check_screen
from tests.helpers.hostile_text import NASTY

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_772_802_120.0


def fill(folder: Path, texts: list[str] = NASTY, server: str = "together") -> int:
    """Write a history of this server with a job for each text, which is in all its fields; return how many."""
    journal = Journal(folder / "data" / "history.db")
    account = journal.accounts.at_start(server, "", NOW).id
    jobs = []
    for number, nasty in enumerate(texts):
        answer = {
            "id": f"{number:04}-{nasty}",
            "status": nasty if number % 3 else "FAILED",
            "model_id": nasty,
            "endpoint": nasty,
            "input_file_id": f"in-{number}",
            "output_file_id": nasty,
            "error": nasty,
            "created_at": NOW - number,
        }
        job = decode.decode_job(answer)
        assert job is not None
        jobs.append(job)
    journal.jobs.apply(account, jobs, NOW, lambda _: False)
    names = {f"in-{n}": name for n, nasty in enumerate(texts) if (name := decode.as_text(nasty))}
    journal.records.name_inputs(account, names)
    for number, job in enumerate(jobs):
        message = decode.as_text(texts[number])
        failed = Transfer(FileKind.OUTPUT, job.output_file_id or "x", TransferState.FAILED, message=message)
        journal.transfers.save(account, job.id, failed)
        journal.records.annotate(account, job.id, message or "", message or "")
    journal.close()
    return len(jobs)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_texts_of_a_server_stay_in_their_cells(size: tuple[int, int], tmp_path: Path) -> None:
    count = fill(tmp_path)
    app = make_app(tmp_path, None)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.jobs.table.row_count == count)
        for index in range(0, count, 3):
            app.jobs.table.move_cursor(index=index)
            await pilot.pause()
            check_screen(app)
        for index in range(0, count, 7):
            app.jobs.table.move_cursor(index=index)
            await pilot.press("enter")
            await until(lambda: getattr(app.screen, "NAME", "") == "Job")
            check_screen(app)
            await pilot.press("c", "e", "escape", "escape")
            await until(lambda: app.screen is app.jobs)


def test_no_answer_of_a_server_breaks_the_mapping() -> None:
    assert (
        decode.decode_jobs(b'[null, 1, "x", {}, {"id": null}, {"id": 7, "progress": "many", "created_at": {}}]')[0].id
        == "7"
    )
    assert decode.decode_job({"id": "a\ud800", "status": ["x"], "progress": 1e999, "file_size_bytes": -1}) is not None
    assert decode.decode_error_message(b"<html>") == ""
    assert decode.decode_error_message(b'{"error": {"message": {"deep": 1}}}') == ""
