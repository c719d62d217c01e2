"""A process that forks engines to be killed: `python -m tests.helpers.crash_child`, one order a line on standard input.

It answers each order with the id of the child that carries it out. Each child starts with everything imported: that
takes 0.1 s, not 1 s.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from tbatch_tui.engine.client import api
from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.download import downloader  # noqa: F401 - imported for the children
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.groups import groups, part_files, split  # noqa: F401
from tbatch_tui.engine.options import Budget, EngineOptions
from tbatch_tui.engine.polling import poller  # noqa: F401
from tbatch_tui.engine.pricing.over_budget import OverBudgetError
from tbatch_tui.engine.runtime import event_log  # noqa: F401
from tbatch_tui.engine.submit import submitter  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Mapping


class Order(TypedDict):
    """What one child is to do."""

    url: str
    key: str
    folder: str
    files: list[str]
    """Submitted as a job each, unless the history has them."""
    group: dict[str, Any] | None
    """What the first of the files is submitted as instead, as `JobGroups.submit` takes it, unless that was done."""
    options: dict[str, Any]
    """Engine options beside those of `hurried_options`."""
    pauses: bool
    """Whether the group is paused and continued again and again, until the child is killed."""


def hurried_options(url: str, key: str, folder: Path, more: Mapping[str, Any] | None = None) -> EngineOptions:
    """Return options with which an engine gets through a job in about a second. `month` is a budget in dollars."""
    options: dict[str, Any] = {
        "data_dir": folder / "data",
        "output_dir": folder / "results",
        "base_url": url,
        "api_key": key,
        "poll_interval": 0.1,
        "lookup_interval": 0.1,
        "lookup_patience": 1.0,
        "create_patience": 1.0,
        "first_retry_delay": 0.1,
    }
    options |= more or {}
    if (month := options.pop("month", None)) is not None:
        options["budget"] = Budget(month=month)
    return EngineOptions(**options)


async def run_engine(order: Order) -> None:
    """Submit those of the files that the history does not have yet, and work until killed."""
    options = hurried_options(order["url"], order["key"], Path(order["folder"]), order["options"])
    async with BatchEngine(options) as engine:
        if order["group"] is not None:
            await submit_group(engine, Path(order["files"][0]), order["group"])
            for _ in range(300 if order["pauses"] else 0):
                await pause_and_continue(engine)
        else:
            known = {record.label for record in await engine.records()}
            for file in order["files"]:
                if Path(file).stem not in known:
                    await engine.submit_checked(Path(file), Endpoint.CHAT, requests=30, label=Path(file).stem)
        await asyncio.sleep(120)


async def submit_group(engine: BatchEngine, path: Path, group: Mapping[str, Any]) -> None:
    """Submit a file as a group, unless it was."""
    fingerprint = await engine.fingerprint(path)
    try:
        await engine.groups.submit(path, Endpoint.CHAT, fingerprint=fingerprint, known_runs=(), **group)
    except (AlreadySubmittedError, OverBudgetError):
        pass


async def pause_and_continue(engine: BatchEngine) -> None:
    """Pause the group for a moment, and continue it."""
    parts = [record for record in await engine.records() if record.group is not None]
    if parts:
        await engine.groups.hold(parts[0].key)
        await asyncio.sleep(0.03)
        await engine.groups.go_on(parts[0].key)
    await asyncio.sleep(0.3)


def main() -> None:
    """Fork a child for each order."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    api.TogetherApi.connect(base_url="http://127.0.0.1:9", api_key="loads-what-the-sdk-loads-late")
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            asyncio.run(run_engine(json.loads(line)))
            os._exit(0)
        print(pid, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
