"""The original ids of custom_ids that were shortened: a CSV file beside the input file that has the short ones."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_COPY = re.compile(r"(.+)\.(?:fixed|rejected|retry|edited)[0-9]*")
"""The stem of a file that was made of another."""
COLUMNS = ("custom_id", "original_id")


def id_map_path(input_file: Path) -> Path:
    """Return where the map of an input file is: `reviews.fixed.ids.csv` beside `reviews.fixed.jsonl`."""
    return input_file.with_name(f"{input_file.stem}.ids.csv")


def id_map_line(custom_id: str, original_id: str) -> bytes:
    """Return one line of the file; with the names of the columns, its first."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow((custom_id, original_id))
    return line.getvalue().encode("utf-8", "surrogatepass")


def read_id_map(input_file: Path | None) -> dict[str, str]:
    """Return the original id of each shortened custom_id; empty where there is no map, or one that is not ours.

    A copy, or a retry, of a copy has ids of that too: all maps along the way count.
    """
    originals: dict[str, str] = {}
    while input_file is not None:
        originals = _read(id_map_path(input_file)) | originals
        made_of = _COPY.fullmatch(input_file.stem)
        input_file = input_file.with_name(f"{made_of[1]}.jsonl") if made_of else None
    return originals


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
            rows = csv.reader(file)
            if tuple(next(rows, ())) != COLUMNS:
                return {}
            return {row[0]: row[1] for row in rows if len(row) == len(COLUMNS)}
    except (OSError, ValueError, csv.Error):
        return {}
