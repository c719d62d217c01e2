"""What jobs and groups are called, for a shell's completion: read from the file alone, without opening the history."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

_BUSY_SECONDS = 0.05
"""How long a completion waits for another program that writes: it is better empty than late."""
_JOBS = """
    SELECT r.key, r.label, s.label, s.job_id, g.name, g.path
    FROM records r LEFT JOIN submissions s ON s.id = r.submission_id LEFT JOIN groups g ON g.id = s.group_id
    WHERE r.removed_at IS NULL ORDER BY r.sort_at DESC LIMIT ?
"""


def read_job_names(path: Path, limit: int) -> list[str]:
    """Return labels, names of groups and ids of the latest jobs, latest first, each once; none if it cannot be read.

    Nothing is created or changed. The texts are as they were written: they may hold control characters.

    Args:
        path: The history's database.
        limit: How many jobs are looked at.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as db:
            rows = db.execute(_JOBS, (limit,)).fetchall()
    except sqlite3.Error:
        return []
    names: dict[str, None] = {}
    for key, own_label, submitted_label, job_id, group, path_of_group in rows:
        stem = Path(os.fsdecode(path_of_group)).stem if path_of_group else ""
        for name in (job_id or key, own_label or submitted_label or group or stem):
            if name and not name.startswith("submission:"):
                names[name] = None
    return list(names)
