"""The files of parts are removed once all is here and the input file has their bytes, and never else."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.check.checker import check_file
from tbatch_tui.engine.domain.submission import REMOVED, JobGroup
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.groups.copies import part_copies
from tbatch_tui.engine.groups.group_record import make_group
from tbatch_tui.engine.groups.group_results import results_of
from tbatch_tui.engine.groups.part_folders import using_copies
from tbatch_tui.engine.local_files.input_state import InputState
from tbatch_tui.engine.results import rows_to_retry
from tbatch_tui.engine.results.export.export import ExportFormat, export_rows
from tests.conftest import until, write_chat
from tests.engine.groups.test_groups import file, submit

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

__all__ = ["file"]


def copies(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "data" / "parts").glob("*/*"))


async def ended(engine: BatchEngine, key: str) -> list[JobRecord]:
    """Return the parts of a group once all have their results."""
    for part in await engine.groups.parts(key):
        await engine.wait(part.key)
    return await engine.groups.parts(key)


async def group_of(engine: BatchEngine, key: str) -> JobGroup:
    group = (await engine.groups.parts(key))[0].group
    assert group is not None
    return group


async def exported(engine: BatchEngine, key: str, path: Path) -> bytes:
    """Return the merged export of a group."""
    _, index = results_of(make_group(await engine.groups.parts(key)))

    def write() -> None:
        index.build()
        export_rows(index, range(len(index)), path, ExportFormat.MERGED, job_id_of=index.job_id_of, replace=True)

    await asyncio.to_thread(write)
    return path.read_bytes()


@pytest.mark.parametrize("first", [0, 5])
async def test_they_are_removed_and_all_reads_as_before(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path, first: int
) -> None:
    async with make_engine(sandbox, requests_per_job=10, keep_parts=True) as engine:
        key = await submit(engine, file, first=first, auto_continue=True)
        parts = await ended(engine, key)
        before = await exported(engine, key, tmp_path / "before")
        requests = [part.submission.path.read_bytes() for part in parts if part.submission]
        assert len(copies(tmp_path)) == len(parts) == 3
        assert await engine.groups.remove_copies(key) == 0, "they are to be kept"
    async with make_engine(sandbox, requests_per_job=10) as engine:
        await engine.records()
        await until(lambda: not copies(tmp_path))
        assert await exported(engine, key, tmp_path / "after") == before
        parts = await engine.groups.parts(key)
        await engine.wait_until(key, lambda record: record.group is not None and record.group.copies == REMOVED)
        for part, lines in zip(parts, requests, strict=True):
            assert part.submission is not None
            assert await engine.input_state(part.submission) is InputState.UNCHANGED
            index = engine.results(part)
            await asyncio.to_thread(index.build)
            assert index.has_input and not index.input_changed
            assert b"".join(index.record(row).raw_request + b"\n" for row in range(len(index))) == lines  # type: ignore[operator]
        rows = rows_to_retry(index, marked=[1, 2])
        retry = await engine.retries.write(index, rows, parts[-1].key)
        assert retry.read_bytes() == b"".join(requests[-1].splitlines(keepends=True)[1:3])
        assert retry.parent != tmp_path / "data" / "parts"


async def kept_group(make_engine: MakeEngine, sandbox: Sandbox, file: Path) -> str:
    """Submit a file in three parts, and return the key of the first once all have ended and have their files."""
    async with make_engine(sandbox, requests_per_job=10, keep_parts=True) as engine:
        key = await submit(engine, file)
        return (await ended(engine, key))[0].key


def change_a_byte(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-20] + b"~" + data[-19:])


@pytest.mark.parametrize("what", ["changed", "gone", "no file", "while it is compared"])
async def test_nothing_is_removed_if_the_input_file_is_not_what_it_was(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await kept_group(make_engine, sandbox, file)
    compare, compared = part_copies._are_in_input, list[bool]()

    def are_in_input(*args: Any, **more: Any) -> bool:
        compared.append(compare(*args, **more))
        if what == "while it is compared" and len(compared) == 1:
            change_a_byte(file)
        return compared[-1]

    monkeypatch.setattr(part_copies, "_are_in_input", are_in_input)
    if what == "changed":
        change_a_byte(file)
    elif what != "while it is compared":
        file.unlink()
    if what == "no file":
        file.mkdir()
    for _ in range(2):
        async with make_engine(sandbox, requests_per_job=10) as engine:
            await engine.records()
            assert await engine.groups.remove_copies(key) == 0
            parts = await engine.groups.parts(key)
            assert not (await group_of(engine, key)).has_no_copies
            for part in parts:
                assert part.submission is not None
                assert await engine.input_state(part.submission) is InputState.UNCHANGED
    assert len(copies(tmp_path)) == 3
    assert compared.count(False) <= 1, "a large file is not read again with each start"


async def test_the_file_that_changes_afterwards_is_named(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path
) -> None:
    key = await kept_group(make_engine, sandbox, file)
    data = file.read_bytes()
    async with make_engine(sandbox, requests_per_job=10) as engine:
        await engine.records()
        await until(lambda: not copies(tmp_path))
        await engine._runtime.next_list()
        change_a_byte(file)
        parts = await engine.groups.parts(key)
        states = [await engine.input_state(part.submission) for part in parts if part.submission]
        assert states == [InputState.UNCHANGED, InputState.UNCHANGED, InputState.CHANGED], "only what was changed"
        index = engine.results(parts[-1])
        await asyncio.to_thread(index.build)
        assert index.input_changed and index.changed_inputs == (file,) and len(index) == 7
        with pytest.raises(BatchError, match="reviews.jsonl, has changed since it was submitted"):
            await exported(engine, key, tmp_path / "out")
        with pytest.raises(BatchError, match="The input file of this job is known: .*reviews.jsonl"):
            await engine.files.fetch_input(parts[0].key)
        fetched = await engine.files.fetch_input(parts[-1].key)
        assert parts[-1].submission is not None and fetched == parts[-1].submission.path
        assert fetched.stat().st_mode & 0o777 == 0o600 and fetched.read_bytes() == data.split(b"\n", 18)[18]
        assert await engine.input_state(parts[-1].submission) is InputState.UNCHANGED, "the server had it"
        assert (await group_of(engine, key)).has_no_copies, "the others are read from the input file as before"
        file.write_bytes(data)
        assert await exported(engine, key, tmp_path / "out")
        file.unlink()
        states = [await engine.input_state(part.submission) for part in parts[:2] if part.submission]
        assert states == [InputState.GONE, InputState.GONE]


@pytest.mark.parametrize("step", ["compare", "note", "first file", "second file", "last note"])
async def test_what_was_begun_is_finished_by_the_next_start(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await kept_group(make_engine, sandbox, file)
    async with make_engine(sandbox, requests_per_job=10, keep_parts=True) as engine:
        await engine.records()
        before = await exported(engine, key, tmp_path / "before")
    unlink, left = part_copies._unlink, {"first file": 1, "second file": 2}.get(step, 9)

    def fail(*_: object, **__: object) -> Any:
        raise OSError("killed")

    def unlink_some(found: list[Any], free: list[Path], stamp: Any) -> int:
        unlink(found, free[: left - 1], stamp)
        return unlink(found, free, stamp) if left > 3 else fail()

    async with make_engine(sandbox, requests_per_job=10) as engine:
        with monkeypatch.context() as patch:
            note = engine._store.groups.note_copies

            async def note_some(group_id: int, text: str, paths: Any = ()) -> list[Path] | None:
                is_met = {"note": "removing", "last note": "removed"}.get(step) == text
                return fail() if is_met else await note(group_id, text, paths)

            patch.setattr(engine._store.groups, "note_copies", note_some)
            patch.setattr(part_copies, "_unlink", unlink_some)
            if step == "compare":
                patch.setattr(part_copies, "_are_in_input", fail)
            await engine.records()
            with contextlib.suppress(OSError):
                await engine.groups.remove_copies(key)
            expected = {"first file": 3, "second file": 2, "last note": 0}.get(step, 3)
            assert len(copies(tmp_path)) == expected
            assert await exported(engine, key, tmp_path / "between") == before
    async with make_engine(sandbox, requests_per_job=10) as engine:
        await engine.records()
        await until(lambda: not copies(tmp_path))
        assert await exported(engine, key, tmp_path / "after") == before
        await engine.wait_until(key, lambda record: record.group is not None and record.group.copies == REMOVED)


async def test_two_apps_and_one_that_uses_the_files(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path
) -> None:
    key = await kept_group(make_engine, sandbox, file)
    home = tmp_path / "data" / "parts"
    async with using_copies(home), make_engine(sandbox) as engine:
        await engine.records()
        assert await engine.groups.remove_copies(key) == 0 and len(copies(tmp_path)) == 3
    async with make_engine(sandbox) as one, make_engine(sandbox) as other:
        await one.records()
        await other.records()
        await asyncio.gather(one.groups.remove_copies(key), other.groups.remove_copies(key))
        await until(lambda: not copies(tmp_path))
        assert (await exported(one, key, tmp_path / "one")) == (await exported(other, key, tmp_path / "other"))
    assert list(home.iterdir()) == []


async def test_a_part_that_was_submitted_alone_keeps_its_file(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path
) -> None:
    key = await kept_group(make_engine, sandbox, file)
    async with make_engine(sandbox, keep_parts=True) as engine:
        alone = copies(tmp_path)[1]
        await engine.wait(await engine.submit(alone, Endpoint.CHAT, again=True))
    async with make_engine(sandbox) as engine:
        await engine.records()
        await until(lambda: copies(tmp_path) == [alone])
        await engine.wait_until(key, lambda record: record.group is not None and record.group.copies == REMOVED)


async def test_what_was_refused_keeps_its_file_and_is_sent_from_it(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path
) -> None:
    sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    async with make_engine(sandbox, requests_per_job=10) as engine:
        key = await submit(engine, file)
        parts = [await engine.wait_until(part.key, lambda r: r.is_finished) for part in await engine.groups.parts(key)]
        [refused] = [part for part in parts if part.job is None]
        assert refused.submission is not None
        await until(lambda: copies(tmp_path) == [refused.submission.path])  # type: ignore[union-attr]
        refused.submission.path.unlink()
        [sent] = await engine.groups.send_unsent(refused.key)
        assert sent.submission is not None and sent.submission.path != refused.submission.path
        await engine.wait(sent.key)
        await until(lambda: not copies(tmp_path))
        asked = [sandbox.file_bytes(job["input_file_id"]) for job in sandbox.jobs]
        assert sorted(b"".join(asked).splitlines()) == sorted(file.read_bytes().splitlines())


async def test_a_part_without_a_file_is_not_made_of_other_bytes(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    async with make_engine(sandbox, requests_per_job=10) as engine:
        key = await submit(engine, file)
        parts = [await engine.wait_until(part.key, lambda r: r.is_finished) for part in await engine.groups.parts(key)]
        [refused] = [part for part in parts if part.job is None]
        assert refused.submission is not None
        refused.submission.path.unlink()
        file.write_bytes(file.read_bytes().replace(b"Say", b"Sag"))
        with pytest.raises(LocalFileError, match="reviews.jsonl has changed since it was submitted"):
            await engine.groups.send_unsent(refused.key)


async def test_several_files_are_read_from_the_parts_until_those_are_removed(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    paths = [write_chat(tmp_path / f"{name}.jsonl", [f"Say {number}." for number in range(4)]) for name in "ab"]
    paths[1].write_text(paths[1].read_text().replace("request-", "other-"))
    reports = [await asyncio.to_thread(check_file, path) for path in paths]
    async with make_engine(sandbox, keep_parts=True) as engine:
        async with engine.groups.joined(reports, "week") as joined:
            key = await engine.groups.submit(
                joined.path, Endpoint.CHAT, requests=8, fingerprint=await engine.fingerprint(joined.path),
                first=3, auto_continue=True, files=joined.files,
            )  # fmt: skip
        assert not joined.path.parent.exists(), "what they were joined in is not needed any more"
        key = (await ended(engine, key))[0].key
        before = await exported(engine, key, tmp_path / "before")
        ids = [json.loads(line)["custom_id"] for line in before.splitlines()]
        assert ids == [f"{name}-{number}" for name in ("request", "other") for number in range(1, 5)]
        data = paths[1].read_bytes()
        paths[1].unlink()
        assert await exported(engine, key, tmp_path / "without") == before
    paths[1].write_bytes(data)
    async with make_engine(sandbox) as engine:
        await engine.records()
        await until(lambda: not copies(tmp_path))
        assert await exported(engine, key, tmp_path / "after") == before
        paths[1].unlink()
        with pytest.raises(BatchError, match="is not here"):
            await exported(engine, key, tmp_path / "never")
