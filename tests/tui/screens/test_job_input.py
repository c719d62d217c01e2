"""Where the bytes of a part are, as Job and the details of its group say it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import (
    REMOVED,
    FileSlice,
    JobGroup,
    Submission,
    SubmissionState,
    format_slices,
)
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.groups.group_record import make_group
from tbatch_tui.tui.render.group import group_details
from tbatch_tui.tui.screens.job.facts import about_facts, file_facts

GROUP = JobGroup(1, Path("/data/parts/week.jsonl"), 300, "f" * 64, 6, 2)


def part(number: int, *slices: FileSlice) -> JobRecord:
    path = Path(f"/data/parts/week.part{number}of2.jsonl")
    submission = Submission(
        number, path, 150, "a" * 64, Endpoint.CHAT, "week", 3, 0.0, SubmissionState.CREATED, part=number,
        slices=format_slices(slices),
    )  # fmt: skip
    output = Transfer(FileKind.OUTPUT, "out", TransferState.FETCHED, path=Path("/results/out.jsonl"), size=1, rows=3)
    job = Job(f"job-{number}", "COMPLETED", output_file_id="out")
    return JobRecord(f"job-{number}", job, submission, "week", output=output, group=GROUP)


def words(facts: object) -> str:
    """Return all text in some facts."""
    if isinstance(facts, str):
        return facts
    return " ".join(map(words, facts)) if isinstance(facts, list | tuple) else ""


def test_a_part_says_where_it_is_read_once_its_file_is_removed() -> None:
    monday, tuesday = Path("/in/monday.jsonl"), Path("/in/tuesday.jsonl")
    parts = [
        part(1, FileSlice(monday, 3, 100, 0), FileSlice(monday, 200, 50, 100)),
        part(2, FileSlice(tuesday, 1_500_000, 150, 150)),
    ]
    assert "/data/parts/week.part2of2.jsonl" in words(file_facts(parts[1], {}, None))
    assert "/in/tuesday.jsonl" in words(about_facts(parts[1], [], [], 0.0)), "which file it is a part of"
    details = words(group_details(make_group(parts), 0.0, "", is_wide=False))
    assert "input /in/monday.jsonl … tuesday.jsonl (300 B)" in details and "read" not in details
    removed = [replace(each, group=replace(GROUP, copies=REMOVED)) for each in parts]
    assert "/in/monday.jsonl, in 2 pieces" in words(file_facts(removed[0], {}, None))
    assert "/in/tuesday.jsonl, from byte 1,500,000" in words(file_facts(removed[1], {}, None))
    assert "(300 B), from which the parts are read" in words(group_details(make_group(removed), 0.0, "", is_wide=False))
    failed = replace(removed[1], output=None)
    assert "week.part2of2.jsonl" in words(file_facts(failed, {}, None)), "nothing came of it: its file stays"
