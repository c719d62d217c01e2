"""Kill engines in child processes at seeded random moments, and count what is left in the end.

Shared by the test (15 rounds) and `python -m benchmarks.crash` (500 rounds).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import write_chat
from tests.engine.scenarios.test_fault_matrix import has_all_files
from tests.helpers.crash_child import Order, hurried_options
from tests.helpers.submit_child import child_environment

if TYPE_CHECKING:
    from pathlib import Path

_SLOWED: list[tuple[str, dict[str, Any]]] = [
    ("delay", {"path": "/_storage/*", "method": "PUT", "seconds": 0.2}),
    ("delay", {"path": "/v1/batches", "method": "POST", "seconds": 0.2}),
    ("delay", {"path": "/v1/batches", "method": "POST", "seconds": 0.3, "after": True}),
    ("close-after", {"path": "/v1/batches", "method": "POST"}),
    ("delay", {"path": "/v1/batches", "method": "GET", "seconds": 0.2}),
    ("drip", {"path": "/v1/files/*/content", "method": "GET", "bytes": 2_000, "seconds": 0.05, "last": 2}),
]
_CREATE = {"path": "/v1/batches", "method": "POST"}
_REFUSED = {**_CREATE, "first": 2, "last": 3, "status": 429, "headers": {"Retry-After": "1"}}
"""The repeat of a create that was lost is answered 429, twice."""
_REPEATED: list[list[tuple[str, dict[str, Any]]]] = [
    [("close", _CREATE), ("status", _REFUSED)],
    [("status-after", {**_CREATE, "status": 502, "body": "<html>"}), ("status", _REFUSED)],
    [
        ("close", _CREATE),
        ("status", _REFUSED),
        ("close-after", {**_CREATE, "first": 4, "last": 4}),
    ],
]
_FAULTS = [*([fault] for fault in _SLOWED), *_REPEATED]


@dataclass(slots=True)
class Counts:
    """What is left after all the kills and one last, undisturbed run."""

    rounds: int = 0
    submits: int = 0
    jobs: int = 0
    duplicates: int = 0
    orphans: int = 0
    truncated: int = 0
    unfetched: int = 0
    leftovers: int = 0
    lost: int = 0
    """Creates whose answer did not arrive whole."""
    refused: int = 0
    """Creates that were answered 429."""
    killed_during: Counter[str] = field(default_factory=Counter)
    """The last call that had arrived when the child was killed; `nothing`: none yet."""

    @property
    def are_clean(self) -> bool:
        return not (self.duplicates or self.orphans or self.truncated or self.unfetched or self.leftovers)

    def __str__(self) -> str:
        moments = ", ".join(f"{name} {n}" for name, n in self.killed_during.most_common())
        return (
            f"{self.rounds} kills, {self.submits} submits, {self.jobs} jobs: {self.duplicates} duplicates, "
            f"{self.orphans} orphans, {self.truncated} truncated files, {self.unfetched} jobs unfetched, "
            f"{self.leftovers} leftover parts; {self.lost} creates lost, {self.refused} answered 429. "
            f"Killed after: {moments}"
        )


async def crash(rounds: int, seed: int, folder: Path) -> Counts:
    """Kill `rounds` children, let one engine finish undisturbed, and return the counts."""
    chance = random.Random(seed)
    counts = Counts(rounds)
    files: list[Path] = []
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.crash_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment(),
    )
    with Sandbox(speed=200, seed=seed) as box, nursery:
        assert nursery.stdin is not None and nursery.stdout is not None
        for number in range(rounds):
            files.append(write_chat(folder / f"in-{number:03d}.jsonl", [f"{seed} {number} {n}" for n in range(30)]))
            box.clear_faults()
            for kind, more in chance.choice(_FAULTS):
                box.plan_fault(kind, **more)
            paths = [str(file) for file in files]
            order = Order(
                url=box.base_url, key=box.key, folder=str(folder), files=paths, group=None, options={}, pauses=False
            )
            nursery.stdin.write(json.dumps(order) + "\n")
            nursery.stdin.flush()
            pid = int(await asyncio.to_thread(nursery.stdout.readline))
            before = len(box.requests)
            # Before the first call, soon after one of a kind has arrived, or at any time of its life.
            await _until_asked(box, before, chance.choice([None, "upload", "create", "poll", "download"]))
            await asyncio.sleep(chance.uniform(0.0, chance.choice([0.05, 0.3, 0.9, 2.5])))
            os.kill(pid, signal.SIGKILL)
            calls = box.requests[before:]
            answers = [call.status for call in calls if _moment(call.method, call.path) == "create"]
            counts.lost += sum(not status or status >= 500 for status in answers)
            counts.refused += answers.count(429)
            counts.killed_during[_moment(calls[-1].method, calls[-1].path) if calls else "nothing"] += 1
        nursery.stdin.close()
        box.clear_faults()
        await _finish(box, folder, files, counts)
    return counts


async def _until_asked(box: Sandbox, before: int, kind: str | None) -> None:
    for _ in range(150 if kind is not None else 0):
        if any(_moment(call.method, call.path) == kind for call in box.requests[before:]):
            return
        await asyncio.sleep(0.01)


async def _finish(box: Sandbox, folder: Path, files: list[Path], counts: Counts) -> None:
    options = hurried_options(box.base_url, box.key, folder)
    async with BatchEngine(options) as engine:
        kept = [r for r in await engine.records() if r.submission is not None]
        for each in kept:
            try:
                async with asyncio.timeout(60):
                    await engine.wait_until(each.key, has_all_files)
            except TimeoutError:
                counts.unfetched += 1
        records = {r.key: r for r in await engine.records()}
    counts.submits, counts.jobs = len(kept), len(box.jobs)
    assert len({r.label for r in records.values()}) == len(kept) <= len(files)
    per_input = Counter(job["input_file_id"] for job in box.jobs)
    counts.duplicates = sum(n - 1 for n in per_input.values())
    counts.orphans = sum(job["id"] not in records or records[job["id"]].submission is None for job in box.jobs)
    for record in records.values():
        for transfer in record.transfers:
            if transfer.state is not TransferState.FETCHED or transfer.path is None:
                continue
            counts.truncated += transfer.path.read_bytes() != box.file_bytes(transfer.file_id)
    counts.leftovers = len(list((folder / "results").glob("*.part"))) + len(list((folder / "results").glob("*before*")))


def _moment(method: str, path: str) -> str:
    if path.startswith("/_storage"):
        return "upload"
    if path.endswith("/content"):
        return "download"
    if path.startswith("/v1/files"):
        return "upload" if method == "POST" else "lookup of a file"
    if path == "/v1/batches":
        return "create" if method == "POST" else "poll"
    return path
