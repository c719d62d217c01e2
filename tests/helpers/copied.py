"""A data folder that looks as if it had been copied from another machine."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "place of the history"


def make_copied(data_dir: Path) -> None:
    """Let the history note that it was at another place. No app may have it open."""
    with closing(sqlite3.connect(data_dir / "history.db")) as history:
        [text] = history.execute("SELECT value FROM remembered WHERE name = ?", (_NAME,)).fetchone()
        place = json.loads(text)
        place |= {"host": "gpu-3", "path": "/home/ada/data", "machine": "another", "inode": place["inode"] + 1}
        place["changed"] -= 3_600
        history.execute("UPDATE remembered SET value = ? WHERE name = ?", (json.dumps(place), _NAME))
        history.commit()
