"""Going from one profile to another and back, with submissions and downloads under way: nothing is lost or doubled."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import until, write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tests.engine.conftest import MakeEngine

KEYS = {"work": "tgp_v1_key-of-work-aaaa", "home": "tgp_v1_key-of-home-bbbb"}

FAR = (
    (),
    (LocalStatus.UPLOADING,),
    (LocalStatus.SUBMITTING, LocalStatus.UNCERTAIN),
    ("never",),
)
"""Statuses at which a profile is left; without any at once, with none that comes when there is a job."""
HURRY = {"poll_interval": 0.05, "lookup_interval": 0.05, "lookup_patience": 0.5, "create_patience": 0.5}


def is_here(record: JobRecord) -> bool:
    """Whether the job has ended and its files are on disk."""
    return bool(record.transfers) and all(each.state is TransferState.FETCHED for each in record.transfers)


def occurrences(folder: Path, secret: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


async def switch(boxes: dict[str, Sandbox], make_engine: MakeEngine, tmp_path: Path, rounds: int, submits: int) -> None:
    """Switch `rounds` times, and submit a file each time until there were `submits`; end with all at home."""
    chance = random.Random(7)
    sent = dict.fromkeys(boxes, 0)
    for number in range(rounds):
        name = ("work", "home")[number % 2]
        async with make_engine(boxes[name], profile_name=name, **HURRY) as engine:
            await engine.records()
            if sum(sent.values()) < submits:
                file = write_chat(tmp_path / f"{name}-{number}.jsonl", [f"Question {number}"])
                key = await engine.submit_checked(file, Endpoint.CHAT, requests=1)
                sent[name] += 1
                far = FAR[chance.randrange(len(FAR))]  # how far it comes until the profile is left
                if far:
                    await engine.wait_until(key, lambda record: record.status in far or record.job is not None)  # noqa: B023
    for name, box in boxes.items():
        async with make_engine(box, profile_name=name, **HURRY) as engine:
            await until(lambda: all(map(is_here, engine._store.records)) and len(box.jobs) >= sent[name])  # noqa: B023
            records = await engine.records()
            assert len(records) == len(box.jobs) == sent[name]
            assert {record.name.partition("-")[0] for record in records} == {name}
            assert {path.stat().st_size > 0 for record in records for path in record.paths} == {True}
        assert not {call.status for call in box.requests} & {401, 403, 404}


@pytest.mark.parametrize("rounds", [4, pytest.param(100, marks=pytest.mark.slow)])
async def test_switching_under_load_loses_and_doubles_nothing(
    rounds: int, make_engine: MakeEngine, tmp_path: Path
) -> None:
    with Sandbox(speed=400, key=KEYS["work"]) as work, Sandbox(speed=400, key=KEYS["home"], seed=7) as home:
        for box in (work, home):
            box.plan_fault("delay", "/v1/batches", method="POST", seconds=0.05, last=None)
        await switch({"work": work, "home": home}, make_engine, tmp_path, rounds, rounds // 2)
    for folder in (tmp_path / "data", tmp_path / "results"):
        for key in KEYS.values():
            assert occurrences(folder, key.encode()) == []
