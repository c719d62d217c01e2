"""A download that is resumed is whole, whatever part of the range a server answers with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.engine.download.test_download import ROWS, assert_whole
from tests.engine.scenarios.test_main_job import fetched
from tests.helpers.storage import Answer, cut_off, part_of, storage_of

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


async def download(engine: BatchEngine, job_id: str) -> JobRecord:
    await engine.wait_until(job_id, lambda r: r.job is not None)
    await engine.download(job_id)
    return await engine.wait_until(job_id, fetched)


def result_of(box: Sandbox, rows: int = ROWS) -> tuple[str, bytes]:
    """Add a job that has ended; return its id and its output."""
    job_id = box.add_job("COMPLETED", rows=rows)
    return job_id, box.file_bytes(box.job(job_id)["output_file_id"])


def row_end(content: bytes, near: int) -> int:
    return content.index(b"\n", near) + 1


@pytest.mark.parametrize("total", [None, "*"], ids=["its total stated", "its total not stated"])
async def test_a_range_that_is_answered_in_pieces_is_asked_for_to_its_end(
    total: str | None, sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    """Each piece ends with a row, so that only the total tells that it is not the rest."""
    job_id, content = result_of(sandbox)

    def answer(number: int, first: int | None) -> Answer:
        if number == 1 or first is None:
            return cut_off(content, row_end(content, 1000))
        return part_of(content, first, row_end(content, min(first + len(content) // 4, len(content) - 2)), total=total)

    async with asyncio.timeout(30), storage_of(sandbox, answer) as storage, make_engine(sandbox) as engine:
        record = await download(engine, job_id)
    assert_whole(record, sandbox)
    assert record.output is not None and record.output.rows == ROWS
    assert len(storage.offsets) > 3


async def test_a_piece_of_a_range_is_progress_and_no_failed_try(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    """The pieces follow each other at once: with the pauses after failures this would take an hour."""
    job_id, content = result_of(sandbox)
    step = len(content) // 20

    def answer(_: int, first: int | None) -> Answer:
        return cut_off(content, 2000) if first is None else part_of(content, first, first + step)

    engine = make_engine(sandbox, first_retry_delay=2.0)
    async with asyncio.timeout(20), storage_of(sandbox, answer) as storage, engine:
        assert_whole(await download(engine, job_id), sandbox)
    assert len(storage.offsets) > 10
    assert storage.offsets.count(None) == 1


@pytest.mark.parametrize("lie", ["another version", "total too small", "total too large", "length", "end"])
async def test_what_a_server_states_wrongly_never_makes_a_wrong_file(
    lie: str, sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    """The storage lies once to the request for the rest; what it says later is right."""
    job_id, content = result_of(sandbox)
    cut, middle, size = row_end(content, 4000), row_end(content, 150_000), len(content)

    def answer(number: int, first: int | None) -> Answer:
        if number == 1:
            return cut_off(content, cut)
        if first is None:
            return 200, {"ETag": '"v1"'}, content
        if number > 2:
            return part_of(content, first, size)
        rest = part_of(content, first, middle)[2]
        piece = {"Content-Range": f"bytes {first}-{middle - 1}/{size}", "ETag": '"v1"'}
        match lie:
            case "another version":  # with the right size: only its ETag tells that it is not the file that was begun
                return (
                    206,
                    piece | {"Content-Range": f"bytes {first}-{size - 1}/{size}", "ETag": '"v2"'},
                    (content[first:].replace(b"a", b"b")),
                )
            case "total too small":
                return 206, piece | {"Content-Range": f"bytes {first}-{middle - 1}/{middle}"}, rest
            case "total too large":
                return 206, piece | {"Content-Range": f"bytes {first}-{middle - 1}/{size * 2}"}, rest
            case "length":
                return 206, piece | {"Content-Range": f"bytes {first}-{middle + 99}/{size}"}, rest
            case "end":
                return 206, piece | {"Content-Range": f"bytes {first}-{middle - 1}/{middle - 100}"}, rest
        raise AssertionError(lie)

    async with asyncio.timeout(30), storage_of(sandbox, answer), make_engine(sandbox) as engine:
        assert_whole(await download(engine, job_id), sandbox)


async def test_a_part_without_an_etag_belongs_to_the_file_that_was_asked_for(
    sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    job_id, content = result_of(sandbox)

    def answer(_: int, first: int | None) -> Answer:
        return cut_off(content, 5000) if first is None else part_of(content, first, first + 90_000, etag="")

    async with asyncio.timeout(30), storage_of(sandbox, answer) as storage, make_engine(sandbox) as engine:
        assert_whole(await download(engine, job_id), sandbox)
    assert storage.offsets.count(None) == 1


async def test_nothing_is_resumed_by_a_weak_etag(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    """Two files that mean the same may have one weak ETag, and unlike bytes: If-Range must not be asked with it."""
    job_id, content = result_of(sandbox)

    def answer(number: int, first: int | None) -> Answer:
        if number == 1 or first is not None:
            return cut_off(content, 5000, etag='W/"v1"')
        return 200, {"ETag": 'W/"v1"'}, content

    async with asyncio.timeout(30), storage_of(sandbox, answer) as storage, make_engine(sandbox) as engine:
        assert_whole(await download(engine, job_id), sandbox)
    assert storage.offsets == [None, None]


async def test_what_came_before_a_cut_is_not_asked_for_again(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    """However little it was: a connection that is cut again and again must bring the file home in the end."""
    job_id, content = result_of(sandbox)
    step = 100_000

    def answer(_: int, first: int | None) -> Answer:
        if first is None:
            return cut_off(content, step)
        status, headers, rest = part_of(content, first, len(content))
        return status, headers | {"Content-Length": str(len(rest))}, rest[:step]

    async with asyncio.timeout(30), storage_of(sandbox, answer) as storage, make_engine(sandbox) as engine:
        assert_whole(await download(engine, job_id), sandbox)
    assert storage.offsets == [None, step, 2 * step]


@pytest.mark.parametrize("etag", ['"v1"', "", 'W/"v1"'], ids=["an ETag", "no ETag", "a weak ETag"])
@pytest.mark.parametrize("heeds_if_range", [True, False])
async def test_a_file_that_changes_between_two_tries_is_whole_and_of_one_version(
    etag: str, heeds_if_range: bool, sandbox: Sandbox, make_engine: MakeEngine
) -> None:
    """The new version is as long as the old one: no length tells them apart."""
    job_id, content = result_of(sandbox)
    old = content.replace(b"e", b"u")
    assert len(old) == len(content) and old != content

    def answer(number: int, first: int | None) -> Answer:
        if number == 1:
            return cut_off(old, row_end(old, 4000), etag=etag)
        if first is None or heeds_if_range:
            return 200, {"ETag": etag.replace("1", "2")}, content
        return part_of(content, first, len(content), etag=etag.replace("1", "2"))

    async with asyncio.timeout(30), storage_of(sandbox, answer), make_engine(sandbox) as engine:
        assert_whole(await download(engine, job_id), sandbox)
