"""The disk that the parts of a file take: while they are written, once they are submitted, and once all is verified.

    python -m benchmarks.disk [--gigabytes N] [--files N] [--length BYTES] [--first N]

The file, or several of this size together, go to the sandbox as a group. The folder of parts is measured ten times a
second while they are written.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.large import write_requests
from tbatch_tui.engine.check.checker import check_file
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.sandbox.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.check_report import CheckReport


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    found = 0
    for path in folder.rglob("*"):
        try:
            found += path.stat().st_blocks * 512 if path.is_file() else 0
        except FileNotFoundError:  # it was renamed or removed meanwhile
            continue
    return found


async def submit(engine: BatchEngine, reports: Sequence[CheckReport], first: int) -> str:
    """Submit the files as one group, and return the key of its first part."""
    endpoint = reports[0].endpoint
    assert endpoint is not None
    if len(reports) == 1:
        path = reports[0].path
        return await engine.groups.submit(
            path, endpoint, requests=reports[0].requests, fingerprint=await engine.fingerprint(path),
            first=first, auto_continue=True,
        )  # fmt: skip
    async with engine.groups.joined(reports, "week") as joined:
        return await engine.groups.submit(
            joined.path, endpoint, requests=sum(report.requests for report in reports),
            fingerprint=await engine.fingerprint(joined.path), first=first, auto_continue=True, files=joined.files,
        )  # fmt: skip


async def measure(folder: Path, paths: Sequence[Path], first: int) -> None:
    """Submit the files, and print what the folder of parts takes."""
    parts, whole, peak = folder / "data" / "parts", sum(path.stat().st_size for path in paths), 0
    with Sandbox(speed=1_000, data_dir=folder / "server") as box:
        options = EngineOptions(
            folder / "data", folder / "results", poll_interval=0.5, base_url=box.base_url, api_key=box.key
        )
        async with BatchEngine(options) as engine:
            reports = [await run_reading(check_file, path) for path in paths]
            began = time.monotonic()
            submitting = asyncio.create_task(submit(engine, reports, first))
            while not submitting.done():
                peak = max(peak, await asyncio.to_thread(size_of, parts))
                await asyncio.sleep(0.1)
            key = await submitting
            written, seconds = await asyncio.to_thread(size_of, parts), time.monotonic() - began
            records = [await engine.wait(part.key) for part in await engine.groups.parts(key)]
            began = time.monotonic()
            while await asyncio.to_thread(size_of, parts) and time.monotonic() - began < 30:
                await asyncio.sleep(0.1)
            left, removed = await asyncio.to_thread(size_of, parts), time.monotonic() - began
    states = {record.status for record in records}
    print(f"{len(paths)} files, {whole / 1e9:.2f} GB, {len(records)} parts, {', '.join(sorted(states))}")
    print(f"  at most while they are written ({seconds:.1f} s)   {max(peak, written) / 1e9:.2f} GB")
    print(f"  once they are submitted                  {written / 1e9:.2f} GB")
    print(f"  {removed:.1f} s after all results were verified   {left / 1e9:.2f} GB")


def main() -> None:
    """Write the files, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--length", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"{number}.jsonl" for number in range(arguments.files)]
        for number, path in enumerate(paths):
            write_requests(path, int(arguments.gigabytes * 1e9 / arguments.files), arguments.length)
            if number:  # no two files have an id in common
                data = path.read_bytes().replace(b'"custom_id": "r', b'"custom_id": "%dr' % number)
                path.write_bytes(data)
        asyncio.run(measure(Path(name), paths, arguments.first))


if __name__ == "__main__":
    main()
