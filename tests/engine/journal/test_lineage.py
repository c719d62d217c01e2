"""A retry knows its original, however it is submitted; the results of a family are merged from all of its jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.results import (
    MergedIndex,
    MergedMember,
    ResultIndex,
    errors_by_message,
    rows_to_retry,
    sources_of,
)
from tests.conftest import CHAT_MODEL, write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

NOW = 1_750_000_000.0


def run(journal: Journal, account: int, path: Path, number: int, sha256: str = "") -> str:
    """Submit a file, which becomes a job, and return the job's id."""
    record = journal.submissions.add(
        account,
        path=path,
        size=1,
        sha256=sha256 or str(number) * 64,
        endpoint=Endpoint.CHAT,
        label="",
        requests=1,
        now=NOW + number,
    )
    assert record.submission is not None
    job = Job(f"job-{number}", "COMPLETED", created_at=NOW + number)
    journal.submissions.attach_job(account, record.submission, job, NOW + number)
    return job.id


def test_a_family_is_the_original_and_every_retry_below_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "history.db")
    account = journal.accounts.at_start("https://x", "abcd", NOW).id
    files = [tmp_path / f"in.retry{number}.jsonl" for number in range(6)]
    first = run(journal, account, tmp_path / "in.jsonl", 1)
    journal.lineage.add_retry(account, files[0], "2" * 64, first)
    second = run(journal, account, files[0], 2)
    journal.lineage.add_retry(account, files[1], "3" * 64, second)
    third = run(journal, account, tmp_path / "moved.jsonl", 3)  # known by its bytes
    journal.lineage.add_retry(account, files[2], "4" * 64, first)
    fourth = run(journal, account, files[2], 5)  # edited before it was submitted: known by its path
    other = run(journal, account, tmp_path / "other.jsonl", 6)
    for key in first, second, third, fourth:
        family = journal.lineage.family(account, key)
        assert [(member.record.key, member.generation) for member in family] == [
            (first, 1),
            (second, 2),
            (third, 3),
            (fourth, 2),
        ]
    assert [member.record.key for member in journal.lineage.family(account, other)] == [other]
    assert journal.lineage.family(account, "nobody") == []
    pending = journal.submissions.add(
        account, path=files[0], size=1, sha256="2" * 64, endpoint=Endpoint.CHAT, label="", requests=1, now=NOW + 9
    )
    assert [member.record.key for member in journal.lineage.family(account, pending.key)] == [
        first, second, third, fourth, pending.key
    ]  # fmt: skip
    journal.close()


def test_the_original_submitted_again_is_no_retry_of_itself(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "history.db")
    account = journal.accounts.at_start("https://x", "abcd", NOW).id
    original = tmp_path / "in.jsonl"
    first = run(journal, account, original, 1)
    journal.lineage.add_retry(
        account, tmp_path / "in.retry1.jsonl", "1" * 64, first
    )  # every line failed: the same bytes
    again = run(journal, account, original, 2, sha256="1" * 64)
    assert len(journal.lineage.family(account, again)) == 1
    retried = run(journal, account, tmp_path / "in.retry1.jsonl", 3, sha256="1" * 64)
    assert [member.record.key for member in journal.lineage.family(account, retried)] == [first, retried]
    journal.close()


async def run_job(engine: BatchEngine, path: Path) -> JobRecord:
    key = await engine.submit_checked(path, Endpoint.CHAT, requests=len(path.read_bytes().splitlines()))
    return await engine.wait_until(key, lambda r: r.counts is not None)


async def retry(engine: BatchEngine, index: ResultIndex, parent: str) -> Path:
    """Write the retry of all requests without a whole answer."""
    rows = rows_to_retry(index, groups=errors_by_message(index), missing=True, cut_short=True)
    return await engine.retries.write(index, rows, parent)


async def family_of(engine: BatchEngine, key: str) -> MergedIndex:
    family = await engine.family(key)
    index = MergedIndex([MergedMember(each.record.key, each.record.name, _index(each.record)) for each in family])
    index.build()
    return index


def _index(record: JobRecord) -> ResultIndex:
    index = ResultIndex(sources_of(record))
    index.build()
    return index


async def test_two_generations_of_retries_leave_nothing_unanswered(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    """Rows are lost from the original and from its first retry; ids and bytes of the requests stay the same."""
    path = tmp_path / "in.jsonl"
    path.write_text(
        "".join(
            json.dumps({"custom_id": f"c-{n}", "body": {"model": CHAT_MODEL, "messages": [
                {"role": "user", "content": f"Say {n}."}], "max_tokens": 4000}}) + "\n"
            for n in range(12)
        )
    )  # fmt: skip
    lines = path.read_bytes().splitlines(keepends=True)
    async with make_engine(sandbox) as engine:
        first = await run_job(engine, path)
        lose(first, keep=5)
        second = await run_job(engine, await retry(engine, _index(first), first.key))
        assert second.submission is not None and second.submission.parent == first.key
        assert second.submission.path.read_bytes() == b"".join(lines[5:])
        lose(second, keep=4)
        merged = await family_of(engine, first.key)
        assert merged.counts is not None
        assert (merged.counts.answered, merged.counts.missing) == (9, 3)
        third_file = await retry(engine, merged, second.key)
        assert third_file.name == "in.retry2.jsonl"
        assert third_file.read_bytes() == b"".join(lines[9:])
        third = await run_job(engine, third_file)
        for key in first.key, second.key, third.key:
            merged = await family_of(engine, key)
            assert merged.counts is not None and merged.counts.is_even
            assert merged.counts.answered == 12
            assert [merged.row(row).attempt for row in range(12)] == [1] * 5 + [2] * 4 + [3] * 3
        assert [member.generation for member in await engine.family(second.key)] == [1, 2, 3]


async def test_a_retry_does_not_take_the_name_of_one_that_was_tidied_away(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "in.jsonl", ["one", "two", "three"])
    async with make_engine(sandbox) as engine:
        first = await run_job(engine, path)
        lose(first, keep=1)
        second = await run_job(engine, await retry(engine, _index(first), first.key))
        lose(second, keep=1)
        (tmp_path / "in.retry1.jsonl").unlink()
        third_file = await retry(engine, await family_of(engine, first.key), second.key)
        assert third_file.name == "in.retry2.jsonl"
        third_file.unlink()  # never submitted, but remembered
        assert (await retry(engine, _index(first), first.key)).name == "in.retry3.jsonl"


async def test_a_retry_that_cannot_be_remembered_is_not_left_behind(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_engine(sandbox) as engine:
        first = await run_job(engine, write_chat(tmp_path / "in.jsonl", ["one", "two"]))
        lose(first, keep=1)

        async def fail(_path: Path, _parent: str) -> None:
            raise BatchError("The history cannot be written")

        monkeypatch.setattr(engine.retries, "add", fail)
        with pytest.raises(BatchError, match="cannot be written"):
            await retry(engine, _index(first), first.key)
        assert not list(tmp_path.glob("in.retry*"))


def lose(record: JobRecord, keep: int) -> None:
    """Remove all rows of the output file but those of the first `keep` requests."""
    assert record.output is not None and record.output.path is not None and record.submission is not None
    ids = [json.loads(line)["custom_id"] for line in record.submission.path.read_bytes().splitlines()]
    kept = set(ids[:keep])
    rows = record.output.path.read_bytes().splitlines(keepends=True)
    record.output.path.write_bytes(b"".join(row for row in rows if json.loads(row)["custom_id"] in kept))
