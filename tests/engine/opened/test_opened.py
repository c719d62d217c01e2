"""Result files that were opened by their path: what belongs to them, and what they are to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.opened.result_files import find_result_files, is_result_file
from tbatch_tui.engine.options import EngineOptions
from tests.helpers.result_rows import answer_row, error_row, request_row, write_rows

if TYPE_CHECKING:
    from pathlib import Path


def write_job(folder: Path, *, ids: str = "abc") -> None:
    """Write an input file and its results as this app names them; the last request failed."""
    folder.mkdir(exist_ok=True)
    write_rows(folder / "reviews.jsonl", [request_row(each) for each in ids])
    write_rows(folder / "reviews-12345678.output.jsonl", [answer_row(each) for each in reversed(ids[:-1])])
    write_rows(folder / "reviews-12345678.errors.jsonl", [error_row(ids[-1])])


@pytest.mark.parametrize("opened", ["reviews-12345678.output.jsonl", "reviews-12345678.errors.jsonl"])
def test_both_result_files_and_the_input_file_are_found(opened: str, tmp_path: Path) -> None:
    write_job(tmp_path)
    files = find_result_files(tmp_path / opened)
    assert files.output == tmp_path / "reviews-12345678.output.jsonl"
    assert files.errors == tmp_path / "reviews-12345678.errors.jsonl"
    assert files.likeliest_input == tmp_path / "reviews.jsonl"


def test_an_input_file_is_one_with_all_ids_that_were_looked_for(tmp_path: Path) -> None:
    write_rows(tmp_path / "output.jsonl", [answer_row("zoë"), answer_row("b")])
    write_rows(tmp_path / "half.jsonl", [request_row("b")])
    write_rows(tmp_path / "table.jsonl", [{"id": "zoë", "text": "b"}])
    write_rows(tmp_path / "broken.jsonl", [b"{", b""])
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "folder.jsonl").mkdir()
    elsewhere = tmp_path / "sent" / "sent.jsonl"
    elsewhere.parent.mkdir()
    elsewhere.write_text('{"custom_id": "zoë", "body": {"model": "m"}}\n{"custom_id": "b", "body": {"model": "m"}}\n')
    assert find_result_files(tmp_path / "output.jsonl").inputs == ()
    files = find_result_files(tmp_path / "output.jsonl", [elsewhere, tmp_path / "gone.jsonl"])
    assert files.inputs == (elsewhere,)
    assert files.likeliest_input == elsewhere
    assert files.errors is None


def test_half_of_a_surrogate_pair_in_an_id_is_looked_for_as_it_is_escaped(tmp_path: Path) -> None:
    output = tmp_path / "output.jsonl"
    output.write_text('{"custom_id": "a\\ud800", "response": {"status_code": 200, "body": {"choices": []}}}\n')
    (tmp_path / "sent.jsonl").write_text('{"custom_id": "a\\ud800", "body": {"model": "m"}}\n')
    assert find_result_files(output).likeliest_input == tmp_path / "sent.jsonl"


def test_of_several_input_files_the_name_decides_else_the_person(tmp_path: Path) -> None:
    write_job(tmp_path)
    write_rows(tmp_path / "reviews-12345678-qwen.jsonl", [request_row(each) for each in "abc"])
    assert find_result_files(tmp_path / "reviews-12345678.output.jsonl").likeliest_input == tmp_path / "reviews.jsonl"
    (tmp_path / "reviews-12345678.output.jsonl").rename(tmp_path / "output.jsonl")
    files = find_result_files(tmp_path / "output.jsonl")
    assert len(files.inputs) == 2
    assert files.likeliest_input is None


def test_a_file_of_requests_is_no_result_file(tmp_path: Path) -> None:
    write_job(tmp_path)
    assert not is_result_file(tmp_path / "reviews.jsonl")
    assert not is_result_file(tmp_path / "gone.jsonl")
    assert not is_result_file(tmp_path)
    assert is_result_file(tmp_path / "reviews-12345678.errors.jsonl")


async def test_opened_files_are_a_record_in_no_list(tmp_path: Path) -> None:
    write_job(tmp_path / "from-elsewhere")
    options = EngineOptions(data_dir=tmp_path / "data", output_dir=tmp_path / "results", connect=False)
    async with BatchEngine(options) as engine:
        record = await engine.opened.open(tmp_path / "from-elsewhere" / "reviews-12345678.errors.jsonl")
        assert record.is_opened
        assert engine.record(record.key) == record
        assert [member.record for member in await engine.family(record.key)] == [record]
        assert await engine.records() == []
        index = engine.results(record)
        counts = index.build()
        assert (counts.requests, counts.ok, counts.errors, counts.missing) == (3, 2, 1, 0)
        assert record.endpoint == Endpoint.CHAT

        again = await engine.opened.open(tmp_path / "from-elsewhere" / "reviews-12345678.output.jsonl")
        assert again.key == record.key

        await engine.judge_by(record, '{"type": "object"}')
        assert engine.results(engine.record(record.key) or record).build().invalid == 2

        path = await engine.retries.write(index, [2], record.key)
        assert b'"c"' in path.read_bytes()
        assert await engine.family(record.key) == [(engine.record(record.key), 1)]

        without = await engine.opened.use_input(record.key, None)
        assert without.submission is None
        assert without.answer_schema
        assert not engine.results(without).build().has_input

        with pytest.raises(BatchError, match="reviews.jsonl is not an output or error file"):
            await engine.opened.open(tmp_path / "from-elsewhere" / "reviews.jsonl")
