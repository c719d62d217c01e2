"""A child process that submits files: `python -m tests.helpers.submit_child ORDER`, ORDER being a JSON object.

It prints `committed` once every submission is in the journal.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tests.engine.scenarios.test_fault_matrix import has_all_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.sandbox.testing import Sandbox


def submit_command(box: Sandbox, folder: Path, files: Sequence[Path], *, requests: int) -> list[str]:
    """Return the command of a child that submits these files, each labelled with its stem, and waits for the results.

    Args:
        folder: holds the child's data folder `data` and its output folder `results`.
        requests: how many requests each of the files has.
    """
    order = {
        "url": box.base_url,
        "key": box.key,
        "folder": str(folder),
        "files": [str(file) for file in files],
        "requests": requests,
    }
    return [sys.executable, "-m", "tests.helpers.submit_child", json.dumps(order)]


def child_environment() -> dict[str, str]:
    """Return an environment in which a child imports what this process does."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


async def submit_files(url: str, key: str, folder: str, files: list[str], requests: int) -> None:
    """Submit the files and wait until the results of each are on disk."""
    options = EngineOptions(
        data_dir=Path(folder) / "data",
        output_dir=Path(folder) / "results",
        base_url=url,
        api_key=key,
        poll_interval=0.2,
        lookup_interval=0.2,
        lookup_patience=1.0,
        first_retry_delay=0.1,
    )
    async with BatchEngine(options) as engine:
        keys = [
            await engine.submit_checked(Path(file), Endpoint.CHAT, requests=requests, label=Path(file).stem)
            for file in files
        ]
        print("committed", flush=True)  # noqa: T201 - the parent waits for this line
        for each in keys:
            await engine.wait_until(each, has_all_files)


if __name__ == "__main__":
    asyncio.run(submit_files(**json.loads(sys.argv[1])))
