"""Foreign text that is written to disk: names stay in their folder, a log entry stays one line."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.events import ConnectionChanged, Event, Notice, RecordsChanged
from tbatch_tui.engine.local_files.filenames import result_name, safe_name, stem_of
from tbatch_tui.engine.results import ExportFormat, export_rows, retry_path
from tbatch_tui.engine.results.index.cache import IndexCache
from tbatch_tui.engine.runtime import event_log
from tbatch_tui.engine.runtime.event_log import EventLog
from tbatch_tui.sandbox.testing import Sandbox
from tests.engine.scenarios.test_main_job import fetched
from tests.helpers.hostile_text import HUGE, NASTY, PATHS
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row

if TYPE_CHECKING:
    from tests.engine.conftest import MakeEngine

csv.field_size_limit(50_000_000)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a pager passes on to the terminal, and what reorders a line."""
EVERY = [*NASTY, *HUGE]


def check_name(name: str, folder: Path) -> None:
    assert (folder / name).parent == folder and (folder / name).resolve().is_relative_to(folder.resolve())
    assert len(name.encode()) < 256 and not CONTROLS.search(name) and "\n" not in name and not name.startswith(".")


@pytest.mark.parametrize("kind", FileKind)
def test_a_result_file_stays_in_its_folder(kind: FileKind, tmp_path: Path) -> None:
    for nasty in EVERY:
        for stem, job_id in ((nasty, "job-1"), ("stem", nasty), (nasty, nasty), (stem_of(nasty), nasty)):
            for whole_id in (False, True):
                check_name(result_name(stem, job_id, kind, whole_id=whole_id), tmp_path)
        check_name(IndexCache(tmp_path).path(nasty).name, tmp_path)
        check_name(f"{safe_name(nasty)}.csv", tmp_path)


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_two_texts_make_a_name(stem: str, job_id: str) -> None:
    check_name(result_name(stem_of(stem), job_id, FileKind.OUTPUT), Path("/folder"))


def test_a_retry_file_stays_beside_its_input(tmp_path: Path) -> None:
    for nasty in NASTY:
        name = nasty.replace("/", "").replace("\0", "").encode("utf-8", "replace")[:80].decode("utf-8", "ignore")
        path = tmp_path / f"a{name}.jsonl"
        assert retry_path(path).parent == tmp_path


async def test_names_from_the_server_stay_in_the_folder(make_engine: MakeEngine, tmp_path: Path) -> None:
    """Jobs that were made elsewhere have the name that the server has for their input file."""
    folder = tmp_path / "deep" / "results"
    with Sandbox(speed=0) as box:
        ids = [box.add_job("COMPLETED") for _ in PATHS]
        inputs = {box.job(job_id)["input_file_id"]: name for job_id, name in zip(ids, PATHS, strict=True)}
        async with asyncio.timeout(60), make_engine(box, output_dir=folder) as engine:
            await engine.wait_until(ids[-1], lambda record: record.job is not None)
            await engine._store.name_inputs(inputs)
            for job_id in ids:
                await engine.download(job_id)
            for job_id in ids:
                record = await engine.wait_until(job_id, fetched)
                assert record.output is not None and record.output.path is not None
                assert record.output.path.parent == folder and record.output.path.exists()
    made = {path for path in tmp_path.rglob("*") if path.is_file() and path.suffix == ".jsonl"}
    assert made and all(path.parent == folder for path in made)


def test_a_log_entry_stays_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own cannot write half a surrogate pair
    log = EventLog(tmp_path)
    log.open()
    entries = 0
    for nasty in EVERY[:-1]:
        nasty = nasty[:20_000]
        record = JobRecord(nasty, label=nasty, job=Job(nasty, nasty, error=nasty))
        events: list[Event] = [
            Notice(f"a {nasty}", nasty),
            ConnectionChanged(ConnectionHealth(HealthState.OFFLINE, title=f"{entries} {nasty}")),
            RecordsChanged((record,), (), ((nasty, nasty),)),
        ]
        for event in events:
            log.record(event)
        logging.getLogger("some.library").warning("it says %s", nasty)
        entries += 5
    try:
        raise ValueError("2026-01-01 00:00:00,000 1 INFO forged\n2026-01-01 00:00:00,000 1 INFO \x1b[2J")
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
    log.close()
    text = "".join(path.read_bytes().decode() for path in sorted(tmp_path.glob(f"{event_log.NAME}*"), reverse=True))
    assert not CONTROLS.search(text)
    lines = text.removesuffix("\n").split("\n")
    first_lines = [line for line in lines if re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \d+ [A-Z]+ ", line)]
    assert all(line.startswith("    ") for line in lines if line not in first_lines)
    assert entries - 20 <= len(first_lines) <= entries + 1, (entries, len(first_lines))
    assert "forged" in text


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("form", [form for form in ExportFormat if form is not ExportFormat.PARQUET])
def test_an_export_for_reading_has_no_control_characters(form: ExportFormat, tmp_path: Path) -> None:
    named = [f"{number} {text}" for number, text in enumerate([*NASTY, *HUGE])]
    index = build_index(
        tmp_path,
        requests=[request_row(name, name) for name in named],
        output=[answer_row(name, name) for name in named[::2]],
        errors=[error_row(name, name) for name in named[1::2]],
    )
    path = tmp_path / "exported"
    export_rows(index, range(len(index)), path, form, columns=["custom_id", "answer", "error"])
    exported = path.read_bytes()
    if form is ExportFormat.MARKDOWN:  # to be read; the others are for programs, and have every byte
        assert not CONTROLS.search(exported.decode())
        assert exported.decode().count("\n## ") == len(named) - 1
    elif form is ExportFormat.CSV:
        table = list(csv.reader(io.StringIO(exported.decode(), newline="")))
        assert len(table) == 1 + len(named) and {len(row) for row in table} == {3}
        assert not [cell for row in table for cell in row if cell.strip()[:1] in tuple("=+@")]
    elif form is ExportFormat.HTML:
        blocks = re.findall(r'class="rows">(.*)</script>', exported.decode())
        assert sum(len(json.loads(block)) for block in blocks) == len(named)
        assert exported.count(b"<script") == exported.count(b"</script>")
    else:
        rows = [json.loads(line)["custom_id"] for line in exported.split(b"\n")[:-1]]
        assert [_encodable(name) for name in rows] == [_encodable(name) for name in named]
    assert index.counts is not None and index.counts.missing == 0
