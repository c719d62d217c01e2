"""Every call × every fault: one job for one submit, in the history, and its files to the byte."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.engine.runtime.tasks import STOPPED, UNFORESEEN
from tbatch_tui.sandbox.jobs.records import Pace
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord

FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "429": ("status", {"status": 429, "headers": {"Retry-After": "0.2"}}),
    "500": ("status", {"status": 500}),
    "502 HTML": ("html", {"status": 502}),
    "200 HTML": ("html", {"status": 200}),
    "504 after the work": ("status-after", {"status": 504}),
    "closed before headers": ("close", {}),
    "closed in the body": ("close-body", {}),
    "closed after the work": ("close-after", {}),
    "garbage": ("garbage", {}),
    "slow": ("delay", {"seconds": 0.3}),
    "truncated": ("truncate", {}),
    "truncated, no length": ("truncate-no-length", {}),
}
CALLS = {
    "initiate upload": ("POST", "/v1/files"),
    "upload bytes": ("PUT", "/_storage/*"),
    "finish upload": ("POST", "/v1/files/*/preprocess"),
    "create": ("POST", "/v1/batches"),
    "list": ("GET", "/v1/batches"),
    "retrieve": ("GET", "/v1/files/*"),
    "download": ("GET", "/v1/files/*/content"),
    "cancel": ("POST", "/v1/batches/*/cancel"),
    "whoami": ("GET", "/v3/whoami"),
}
UNTIL_CANCELLED = Pace(validating=0, starting=1e9, canceling=1)


@pytest.mark.parametrize("call", CALLS)
async def test_one_job_and_whole_files_whatever_fails(call: str, tmp_path: Path) -> None:
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(str(context)))
    # Any 200 to a PUT means that the bytes are stored: a server that lies about it is reported, not repaired.
    faults = {name: fault for name, fault in FAULTS.items() if (call, name) != ("upload bytes", "200 HTML")}
    cells = {name: _cell(call, fault, tmp_path / str(n)) for n, (name, fault) in enumerate(faults.items())}
    async with asyncio.timeout(40):
        outcomes = await asyncio.gather(*cells.values(), return_exceptions=True)
    failed = {name: repr(o) for name, o in zip(cells, outcomes, strict=True) if isinstance(o, BaseException)}
    assert not failed
    assert not unhandled


async def _cell(call: str, fault: tuple[str, dict[str, Any]], folder: Path) -> None:
    folder.mkdir()
    file = write_chat(folder / "in.jsonl", [f"prompt of {folder.name}", "and another"])
    method, path = CALLS[call]
    kind, more = fault
    events: list[Event] = []
    with Sandbox(speed=200, pace=UNTIL_CANCELLED if call == "cancel" else None) as box:
        if call == "retrieve":  # asked only where the download itself does not say how long it is
            box.plan_fault("truncate-no-length", "/v1/files/*/content", method="GET", bytes=10**9, last=None)
        box.plan_fault(kind, path, method=method, **more)
        options = EngineOptions(
            data_dir=folder / "data",
            output_dir=folder / "results",
            base_url=box.base_url,
            api_key=box.key,
            poll_interval=0.2,
            lookup_interval=0.2,
            lookup_patience=0.8,
            first_retry_delay=0.1,
        )
        async with BatchEngine(options, events.append) as engine:
            key = await engine.submit_checked(file, Endpoint.CHAT, requests=2, label="once")
            if call == "cancel":
                await _cancel(engine, key)
            record = await engine.wait_until(key, has_all_files)
        assert any(seen.fault == kind for seen in box.requests), "the fault was never met"
        [job] = box.jobs
        assert (record.key, record.label) == (job["id"], "once")
        assert job["status"] == ("CANCELLED" if call == "cancel" else "COMPLETED")
        names = []
        for name, transfer in ((job.get("output_file_id"), record.output), (job.get("error_file_id"), record.errors)):
            if name is not None:
                assert transfer is not None and transfer.path is not None
                assert transfer.path.read_bytes() == box.file_bytes(name)
                names.append(transfer.path.name)
        if names:
            assert sorted(p.name for p in (folder / "results").iterdir()) == sorted(names)
    assert not [e for e in events if isinstance(e, Notice) and e.title.startswith((STOPPED, UNFORESEEN))]


def has_all_files(record: JobRecord) -> bool:
    """Return whether the job has ended and each of its files is fetched."""
    if record.job is None or not record.job.is_ended:
        return False
    fetched = {t.kind for t in record.transfers if t.state is TransferState.FETCHED}
    return fetched == {kind for kind in FileKind if record.job.file_id(kind) is not None}


async def _cancel(engine: BatchEngine, key: str) -> None:
    record = await engine.wait_until(key, lambda r: r.status == "IN_PROGRESS")
    while record.status == "IN_PROGRESS":
        try:
            await engine.cancel(record.key)
        except BatchError:  # said to the person, who asks again
            await asyncio.sleep(0.3)
        record = engine.record(key) or record
