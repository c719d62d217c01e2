"""Invalid answers in Results: their causes, what of them is asked again; and result files that were changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.tui.screens.results.retry_dialog import RetryDialog
from tests.conftest import until
from tests.helpers.drawn import check_screen, screen_opened, screen_text
from tests.helpers.result_rows import answer_row, error_row, request_row
from tests.tui.screens.test_results import (
    JOB,
    NOW,
    SIZES,
    custom_ids,
    open_results,
    press,
    save_job,
    screen_of,
)

if TYPE_CHECKING:
    from pathlib import Path

LABEL = {"type": "object", "properties": {"label": {"enum": ["yes", "no"]}, "score": {"maximum": 5}}}
ANSWERS = {
    "case-1": '{"label": "maybe"}',
    "case-2": '```json\n{"label": "yes"}\n```',
    "case-3": '{"label": "no", "score": 7}',
    "case-4": '{"label": "no", "score": 8}',
}


def save_labels(folder: Path) -> None:
    """Write a job with two causes of invalid answers, and one of errors."""
    requests = [request_row(custom_id) for custom_id in [*ANSWERS, "case-5"]]
    for request in requests:
        request["body"]["response_format"] = {"type": "json_object", "schema": LABEL}
    output = [answer_row(custom_id, text) for custom_id, text in ANSWERS.items()]
    save_job(folder, requests=requests, output=output, errors=[error_row("case-5", "`stop` has a wrong type")])


@pytest.mark.parametrize("size", SIZES)
async def test_invalid_answers_have_causes_beside_the_errors(size: tuple[int, int], tmp_path: Path) -> None:
    save_labels(tmp_path)
    async with open_results(tmp_path, size) as (host, pilot):
        await press(host, pilot, "E")
        check_screen(host)
        text = screen_text(host)
        assert "errors and invalid by cause" in text or size[0] < 80
        assert "2  ≠ invalid    score: … is greater than" in text
        assert '1  ≠ invalid    label: "maybe" is not one of' in text
        assert "1  ! fix first" in text
        await press(host, pilot, "enter")
        assert custom_ids(host) == ["case-3", "case-4"]
        assert host.focused is screen_of(host).table


async def test_what_was_taken_off_is_told_in_the_record(tmp_path: Path) -> None:
    save_labels(tmp_path)
    async with open_results(tmp_path, (140, 40)) as (host, pilot):
        await press(host, pilot, "j")
        assert "this was taken off: fence." in screen_text(host)


@pytest.mark.parametrize("size", SIZES)
async def test_each_cause_of_invalid_answers_has_a_tick_of_its_own(size: tuple[int, int], tmp_path: Path) -> None:
    save_labels(tmp_path)
    async with open_results(tmp_path, size) as (host, pilot):
        await pilot.press("R")
        await screen_opened(host, RetryDialog)
        await pilot.pause()
        check_screen(host)
        text = screen_text(host)
        # Nothing else would go well the next time: what is invalid is what one came for.
        for words in ("[x]       2  ≠ invalid    score", "[x]       1  ≠ invalid    label", "[ ]       1  ! fix first"):
            assert words in text, words
        assert "3 requests in" in text
        await pilot.press("down", "space", "enter")
        await until(lambda: host.to_check, what="the file goes to Check")
        rows = [json.loads(line) for line in host.to_check[0].read_text().splitlines()]
        assert [row["custom_id"] for row in rows] == ["case-3", "case-4"]


async def test_a_result_file_that_was_changed_is_read_as_it_is(tmp_path: Path) -> None:
    save_labels(tmp_path)
    path = tmp_path / "output.jsonl"
    journal = Journal(tmp_path / "data" / "history.db")
    account = journal.accounts.at_start("together", "", NOW).id
    transfer = Transfer(FileKind.OUTPUT, "f", TransferState.FETCHED, path, size=path.stat().st_size, sha256="0" * 64)
    journal.transfers.save(account, JOB.id, transfer)
    journal.close()
    async with open_results(tmp_path, (140, 40)) as (host, _):
        text = " ".join(screen_text(host).split())
        assert "output.jsonl was changed after it was downloaded: it is read as it is" in text
        assert "5 in = 1 ok + 3 invalid + 1 error" in text
