"""Rounds in which a group of twelve parts meets a fault, a kill at a chosen moment, and a second process.

A round starts two processes on one data folder, both of which submit the file unless that was done, kills the first at
its moment, starts it again, and lets an engine finish undisturbed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tbatch_tui.engine.domain.submission import Pause
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.groups.group_record import make_group
from tbatch_tui.engine.groups.group_results import results_of
from tbatch_tui.engine.groups.stages import asks_because_of
from tbatch_tui.engine.results.export.export import ExportFormat, export_rows
from tbatch_tui.engine.submit.lookup import LookupDecision
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import write_chat
from tests.engine.scenarios.test_fault_matrix import has_all_files
from tests.helpers.crash_child import Order, hurried_options, submit_group
from tests.helpers.submit_child import child_environment

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PARTS = 12
REQUESTS = 36
_CREATE = {"path": "/v1/batches", "method": "POST"}
_LIST = {"path": "/v1/batches", "method": "GET"}
_PUT = {"path": "/_storage/*", "method": "PUT"}
_CONTENT = {"path": "/v1/files/*/content", "method": "GET"}
FAULTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "none": [],
    "answer lost before": [("close", {**_CREATE, "first": 2, "last": 3})],
    "answer lost after": [("close-after", {**_CREATE, "first": 2, "last": 3})],
    "429": [("status", {**_CREATE, "first": 1, "last": 4, "status": 429, "headers": {"Retry-After": "0.2"}})],
    "lost, then 429": [
        ("close-after", {**_CREATE, "first": 2}),
        ("close", {**_CREATE, "first": 3}),
        ("status", {**_CREATE, "first": 4, "last": 5, "status": 429, "headers": {"Retry-After": "0.2"}}),
    ],
    "5xx": [("status", {**_CREATE, "first": 3, "last": 4, "status": 502})],
    "5xx after the work": [("status-after", {**_CREATE, "first": 3, "last": 4, "status": 504})],
    "redirect": [("status", {**_CREATE, "first": 2, "status": 307, "headers": {"Location": "/elsewhere"}})],
    "redirect after the work": [
        ("status-after", {**_CREATE, "first": 2, "status": 308, "headers": {"Location": "/elsewhere"}})
    ],
    "list lag": [
        ("close-after", {**_CREATE, "first": 2}),
        ("status", {**_LIST, "first": 3, "last": 8, "status": 200, "body": []}),
    ],
    "cut list": [("close-after", {**_CREATE, "first": 2}), ("truncate", {**_LIST, "first": 2, "last": 6})],
    "upload cut": [("close-body", {**_PUT, "first": 2, "last": 3}), ("close", {**_PUT, "first": 5, "last": 6})],
    "download cut": [("truncate", {**_CONTENT, "first": 2, "last": 4}), ("close-body", {**_CONTENT, "first": 6})],
}
_SLOWED: list[tuple[str, dict[str, Any]]] = [
    ("delay", {**_PUT, "last": 12, "seconds": 0.05}),
    ("delay", {**_CREATE, "last": 8, "seconds": 0.05}),
]
"""So that the moments of a submission last long enough to be met."""


class Moment(NamedTuple):
    """When the first process is killed: once so many calls of a kind have arrived, or parts are in a state."""

    kind: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.number} × {self.kind}"


MOMENTS = [
    Moment("writing"),
    Moment("intent", 12),
    Moment("PUT"),
    Moment("uploaded"),
    Moment("creating"),
    Moment("uncertain"),
    Moment("POST", 2),
    Moment("created"),
    Moment("created", 5),
    Moment("waiting", 0),
    Moment("content"),
    Moment("fetched", 4),
    Moment("fetched", 12),
]
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "all at once": ({}, {}),
    "three at once": ({}, {"parts_at_once": 3}),
    "two stages": ({"stages": (2, 5), "auto_continue": True}, {}),
    "so many tokens": ({}, {"enqueued_tokens": 1_400}),
    "above the month": ({"stages": (2, 5), "auto_continue": True}, {"month": 0.000_001}),
    "paused and continued": ({}, {"parts_at_once": 4}),
    "six first": ({"first": 3, "auto_continue": True}, {}),
}
"""How the group is sent: arguments of `JobGroups.submit`, and options of the engine."""


@dataclass(slots=True)
class Outcome:
    """What is left after a round."""

    name: str
    was_met: bool
    """Whether the moment came before everything had ended."""
    jobs: int = 0
    faults: int = 0
    """Calls that went wrong."""
    wrong: list[str] = field(default_factory=list)


PAUSED = "paused and continued"
"""The way in which the processes pause the group again and again: they are killed amid that."""


class Nursery:
    """A process that starts the processes of rounds, and is shared by them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.crash_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment(),
        )
        self._turn = asyncio.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    async def start(self, order: Order) -> int:
        """Start a process, and return its id."""
        assert self._process.stdin is not None and self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return int(await asyncio.to_thread(self._process.stdout.readline))


async def run_round(nursery: Nursery, fault: str, moment: Moment, way: str, folder: Path) -> Outcome:
    """Run one round in a new folder."""
    folder.mkdir()
    file = write_chat(folder / "in.jsonl", [f"Say {number}." for number in range(REQUESTS)])
    group, options = WAYS[way]
    group, options = {"requests": REQUESTS, **group}, {"requests_per_job": 3, **options}
    with Sandbox(speed=300) as box:
        for kind, more in [*FAULTS[fault], *_SLOWED]:
            box.plan_fault(kind, **more)
        order = Order(
            url=box.base_url, key=box.key, folder=str(folder), files=[str(file)], group=group, options=options,
            pauses=way == PAUSED,
        )  # fmt: skip
        # The first knows no budget: with one, the file would not be submitted at all.
        first = await nursery.start(order | {"options": {**options, "month": None}})
        if moment.kind != "writing":
            await _until(lambda: _states(folder).total() or _is_gone(first))
        beside = await nursery.start(order)
        was_met = await _until(lambda: _has_come(moment, box, folder) or _has_ended(folder, group))
        was_met = was_met and not _has_ended(folder, group)
        _kill(first)
        again = await nursery.start(order)
        await asyncio.sleep(0.3)
        _kill(beside)
        outcome = Outcome(f"{fault}, killed at {moment}, {way}", was_met)
        await asyncio.sleep(0.3)
        _kill(again)
        await _finish(box, folder, file, group, options, outcome)
        outcome.faults = sum(call.fault not in (None, "delay") for call in box.requests)
    return outcome


async def _finish(
    box: Sandbox, folder: Path, file: Path, group: dict[str, Any], options: dict[str, Any], outcome: Outcome
) -> None:
    """Let one engine do what is left, deciding for the person, and look at what there is then."""
    async with BatchEngine(hurried_options(box.base_url, box.key, folder, options)) as engine:
        await engine.records()
        await submit_group(engine, file, group | {"over_budget": True})
        key = next(record.key for record in await engine.records())
        try:
            async with asyncio.timeout(120):
                while not all(map(has_all_files, await engine.groups.parts(_key_now(engine, key)))):
                    await _decide(box, engine, key)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            states = [(part.status, part.submission and part.submission.error) for part in await engine.records()]
            outcome.wrong.append(f"not finished: {states}")
            return
        parts = await engine.groups.parts(_key_now(engine, key))
        outcome.jobs = len(box.jobs)
        await engine.groups.resume()  # as the next start does: copies are removed, also those that were being written
        outcome.wrong += _look(box, folder, file, [part.key for part in parts])
        exported = folder / "answers.jsonl"
        _, index = results_of(make_group(parts))
        await asyncio.to_thread(index.build)
        await asyncio.to_thread(export_rows, index, range(len(index)), exported, ExportFormat.ANSWERS)
        plain = [json.loads(line)["custom_id"] for line in file.read_text().splitlines()]
        answered = [json.loads(line) for line in exported.read_text().splitlines()]
        if [row["custom_id"] for row in answered] != plain:
            outcome.wrong.append(f"exported out of order: {[row['custom_id'] for row in answered]}")


def _look(box: Sandbox, folder: Path, file: Path, keys: list[str]) -> list[str]:
    """Return what is wrong with the jobs of the server and what lies in the folders."""
    wrong = []
    jobs = box.jobs
    inputs = Counter(job["input_file_id"] for job in jobs)
    if doubled := [name for name, number in inputs.items() if number > 1]:
        wrong.append(f"doubled: {doubled}")
    if sorted(keys) != sorted(job["id"] for job in jobs):
        wrong.append(f"{len(jobs)} jobs on the server, {len(keys)} parts")
    lines = b"".join(box.file_bytes(name) for name in inputs).splitlines()
    if sorted(lines) != sorted(file.read_bytes().splitlines()):
        wrong.append(f"{len(lines)} lines were sent, {len(set(lines))} of them different")
    if left := [path.name for path in (folder / "results").iterdir() if path.suffix != ".jsonl"]:
        wrong.append(f"left: {left}")
    if folders := [path for path in (folder / "data" / "parts").iterdir() if path.is_dir()]:
        wrong.append(f"{len(folders)} folders of parts")
    return wrong


async def _decide(box: Sandbox, engine: BatchEngine, key: str) -> None:
    """Decide as a person would who looked at the server: what was redirected and made no job is sent again.

    What a killed process had paused, or what is above the budget, continues.
    """
    made = {job["input_file_id"] for job in box.jobs}
    parts = await engine.groups.parts(_key_now(engine, key))
    is_held = any(part.group is not None and part.group.is_held for part in parts)
    if is_held or asks_because_of(Pause.BUDGET, parts):
        await engine.groups.go_on(parts[0].key, over_budget=True)
    for part in parts:
        submission = part.submission
        if submission is None or submission.file_id in made:
            continue
        if submission.state.is_uncertain and submission.redirected_to:
            await engine.decide(part.key, LookupDecision(again=True))


def _key_now(engine: BatchEngine, key: str) -> str:
    record = engine.record(key)
    assert record is not None
    return record.key


async def _until(holds: Any, within: float = 12.0) -> bool:
    end = asyncio.get_running_loop().time() + within
    while not holds():
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.002)
    return True


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _states(folder: Path) -> Counter[str]:
    """Return how many submissions and transfers are in which state, as the history has them."""
    path = folder / "data" / "history.db"
    if not path.exists():
        return Counter()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0)) as history:
        try:
            rows = history.execute("SELECT state FROM submissions UNION ALL SELECT state FROM transfers").fetchall()
        except sqlite3.OperationalError:  # it is being made
            return Counter()
    return Counter(row[0] for row in rows)


def _has_ended(folder: Path, group: dict[str, Any]) -> bool:
    states = _states(folder)
    return states["fetched"] >= (PARTS + 1 if group.get("first") else PARTS) and not states["wanted"]


def _has_come(moment: Moment, box: Sandbox, folder: Path) -> bool:
    if moment.kind == "writing":
        home = folder / "data" / "parts"
        return home.is_dir() and any(path.is_dir() and any(path.iterdir()) for path in home.iterdir())
    if moment.kind == "PUT":
        return sum(call.method == "PUT" for call in box.requests) >= moment.number
    if moment.kind == "POST":
        return box.count("POST", "/v1/batches") >= moment.number
    if moment.kind == "content":
        return sum(call.path.endswith("/content") for call in box.requests) >= moment.number
    states = _states(folder)
    if moment.kind == "waiting":
        return bool(states.total()) and not states["waiting"]
    return states[moment.kind] >= moment.number
