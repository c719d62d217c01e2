"""A job merged with its retries: each row names the job that answered, and a new retry asks only what is left."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.tui.screens.results.exporting.dialog import ExportDialog
from tbatch_tui.tui.screens.results.retry_dialog import RetryDialog
from tbatch_tui.tui.widgets.checkbox_list import Checkbox
from tests.conftest import until
from tests.helpers.drawn import check_screen, screen_lines, screen_opened, screen_text
from tests.helpers.result_rows import answer_row, encode_row, error_row, write_rows
from tests.tui.screens.test_results import (
    ERRORS,
    INPUT,
    JOB,
    NOW,
    OUTPUT,
    SIZES,
    Host,
    custom_ids,
    open_results,
    press,
    save_job,
    screen_of,
    wait_until_idle,
)

if TYPE_CHECKING:
    from pathlib import Path

RETRY = Job("41c0aaaa-0000-4000-8000-000000000000", "COMPLETED", created_at=NOW + 60, output_file_id="o2")


def save_retry(
    folder: Path, rows: list[Any], output: list[Any], *, job: Job = RETRY, parent: str = JOB.id, fetched: bool = True
) -> None:
    """Write a retry of `parent` with these requests and results."""
    journal = Journal(folder / "data" / "history.db")
    account = journal.accounts.at_start("together", "", NOW).id
    path = write_rows(folder / f"safety-eval.{job.id[:4]}.jsonl", rows)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    journal.lineage.add_retry(account, path, sha256, parent)
    record = journal.submissions.add(
        account, path=path, size=1, sha256=sha256, endpoint=Endpoint.CHAT, label="", requests=len(rows), now=NOW + 60
    )
    assert record.submission is not None
    journal.submissions.attach_job(account, record.submission, job, NOW + 60)
    if fetched:
        result = write_rows(folder / f"output-{job.id[:4]}.jsonl", output)
        journal.transfers.save(account, job.id, Transfer(FileKind.OUTPUT, "f", TransferState.FETCHED, result, rows=1))
    journal.close()


def previews(host: Host) -> list[str]:
    table = screen_of(host).table
    return [table.source.row(number).preview for number in range(table.row_count)]


@pytest.mark.parametrize("size", SIZES)
async def test_m_shows_the_last_good_answer_to_each_request(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path)
    save_retry(
        tmp_path,
        [INPUT[1], INPUT[2], INPUT[3]],
        [answer_row("case-2", "At last."), answer_row("case-4", "", reason="length")],
    )
    async with open_results(tmp_path, size) as (host, pilot):
        await until(lambda: "job 1 of 2" in screen_text(host))
        assert "5 in = 2 ok + 1 cut short + 1 error + 1 missing" in screen_text(host).replace("\n", " ")
        await press(host, pilot, "m")
        text = screen_text(host)
        assert "merged from 2 jobs" in text and "5 in = 3 ok + 1 cut short + 1 missing" in text.replace("\n", " ")
        assert custom_ids(host) == ["case-1", "case-2", "case-3", "case-4", "case-5"]
        assert previews(host)[1] == "At last."
        assert any("#2  At last." in row for row in screen_lines(host))
        await press(host, pilot, "j", "enter")
        assert (
            "safety-eval.41c0 (41c0aaaa), output file, line 1" in screen_text(host).replace("\n", " ") or size[0] > 60
        )
        check_screen(host)
        await press(host, pilot, "escape", "m")
        assert "merged" not in screen_text(host) and "1 error" in screen_text(host)


async def test_a_retry_of_what_is_merged_asks_only_what_is_left(tmp_path: Path) -> None:
    save_job(tmp_path)
    save_retry(tmp_path, [INPUT[1], INPUT[2]], [answer_row("case-2", "At last.")])
    async with open_results(tmp_path) as (host, pilot):
        await press(host, pilot, "m")
        await pilot.press("R")
        await screen_opened(host, RetryDialog)
        await press(host, pilot, "enter")
        [path] = host.to_check
        assert path.read_bytes() == encode_row(INPUT[2]) + b"\n"
        family = await host.engine.family(JOB.id)
        assert [member.record.key for member in family] == [JOB.id, RETRY.id]
    third = Job("7777aaaa-0000-4000-8000-000000000000", "COMPLETED", created_at=NOW + 99, output_file_id="o3")
    journal = Journal(tmp_path / "data" / "history.db")
    account = journal.accounts.at_start("together", "", NOW).id
    record = journal.submissions.add(
        account, path=path, size=1, sha256="x", endpoint=Endpoint.CHAT, label="", requests=1, now=NOW + 99
    )
    assert record.submission is not None and record.submission.parent == RETRY.id  # of what was merged, the newest
    journal.submissions.attach_job(account, record.submission, third, NOW + 99)
    result = write_rows(tmp_path / "third.jsonl", [answer_row("case-3", "And this.")])
    journal.transfers.save(account, third.id, Transfer(FileKind.OUTPUT, "f", TransferState.FETCHED, result, rows=1))
    journal.close()
    async with open_results(tmp_path) as (host, pilot):
        await press(host, pilot, "m")
        assert "merged from 3 jobs" in screen_text(host)
        assert "5 in = 4 ok + 1 cut short + 0 missing" in screen_text(host)
        assert previews(host)[1:3] == ["At last.", "And this."]


async def test_a_running_retry_is_counted_but_not_merged(tmp_path: Path) -> None:
    save_job(tmp_path)
    save_retry(tmp_path, [INPUT[1]], [], fetched=False)
    async with open_results(tmp_path) as (host, pilot):
        await until(lambda: "job 1 of 2" in screen_text(host))
        await press(host, pilot, "m")  # there is nothing to merge yet
        assert "merged" not in screen_text(host)


async def test_without_the_first_input_file_nothing_is_merged(tmp_path: Path) -> None:
    save_job(tmp_path)
    save_retry(tmp_path, [INPUT[1]], [answer_row("case-2", "At last.")])
    (tmp_path / "safety-eval.jsonl").unlink()
    async with open_results(tmp_path) as (host, pilot):
        await until(lambda: "job 1 of 2" in screen_text(host))
        await press(host, pilot, "m")
        await wait_until_idle(host, pilot)
        assert "showing results only" in screen_text(host) and "merged from" not in screen_text(host)
        assert len(custom_ids(host)) == 4


async def test_marked_rows_are_retried_and_exported_alone(tmp_path: Path) -> None:
    save_job(tmp_path, output=OUTPUT, errors=[*ERRORS, error_row("stranger")])
    async with open_results(tmp_path) as (host, pilot):
        await press(host, pilot, "space", "j", "space")  # the cursor goes on by itself
        assert "2 marked" in screen_text(host)
        await pilot.press("x")
        await screen_opened(host, ExportDialog)
        assert "2 marked rows" in screen_text(host)
        await press(host, pilot, "escape")
        await pilot.press("R")
        await screen_opened(host, RetryDialog)
        on = {tick.id: tick.on for tick in host.screen.query(Checkbox)}
        assert on.pop("marked") and not any(on.values())
        check_screen(host)
        await press(host, pilot, "enter")
        [path] = host.to_check
        assert path.read_bytes() == encode_row(INPUT[0]) + b"\n" + encode_row(INPUT[2]) + b"\n"
        await press(host, pilot, "escape")
        assert "marked" not in screen_text(host) and not host.went_back
        await pilot.press("R")
        await screen_opened(host, RetryDialog)
        assert not host.screen.query("#marked")
        await press(host, pilot, "escape")
