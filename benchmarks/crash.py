"""Kill the engine at 500 random moments and count the damage: `python -m benchmarks.crash [ROUNDS] [SEED]`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.helpers.crash_rounds import crash


def main(rounds: int = 500, seed: int = 1) -> int:
    """Run the rounds and print the counts."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts = asyncio.run(crash(rounds, seed, Path(folder)))
    print(f"seed {seed}, {time.monotonic() - began:.0f} s: {counts}")
    return 0 if counts.are_clean else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
