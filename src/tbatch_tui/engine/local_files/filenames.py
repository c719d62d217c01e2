"""Names of result files. A name from the server never chooses a folder or hides a file."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.job import FileKind

_MAX_STEM = 200
"""Bytes: a name of 255 must still have room for the rest."""
_MAX_ID, _HASH_LENGTH = 40, 12
"""Bytes of a whole id in a name, and of the hash in an id that was shortened."""
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that no name should have: controls, invisible characters and line ends."""


def result_name(stem: str, job_id: str, kind: FileKind, *, whole_id: bool = False) -> str:
    """Return `<input stem>-<first 8 of the job id>.output.jsonl` or `….errors.jsonl` (product promise).

    Args:
        whole_id: Use the whole id: for the rare second job whose file would have the same name.
    """
    id_part = _whole(job_id) if whole_id else safe_name(job_id[:8])
    return f"{safe_name(stem, 160 if whole_id else _MAX_STEM)}-{id_part}.{kind.value}.jsonl"


def _whole(job_id: str) -> str:
    """Return the id as part of a name that no other job may have. One that is too long or unsafe ends in its hash."""
    name = safe_name(job_id, _MAX_ID)
    if name == job_id:
        return name
    import hashlib

    digest = hashlib.sha256(job_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe_name(job_id, _MAX_ID - _HASH_LENGTH - 1)}-{digest[:_HASH_LENGTH]}"


def stem_of(name: str) -> str:
    """Return the stem of a file name from anywhere, without a path before it and without leading dots."""
    return Path(name.replace("\\", "/").rpartition("/")[2]).stem.lstrip(".")


def input_stem(path: Path | None, name: str) -> str:
    """Return the stem of a job's input file: of the path that it was submitted from, else of its name on the server."""
    return (path.stem if path is not None else "") or stem_of(name)


def safe_name(text: str, max_bytes: int = _MAX_STEM) -> str:
    """Return text as a part of a file name: one line, no separators or invisible characters, not empty, not hidden."""
    name = "".join("_" if c in "/\\" or unicodedata.category(c) in _UNSAFE else c for c in text[:max_bytes])
    while len(name.encode("utf-8", "replace")) > max_bytes:
        name = name[:-1]
    return name.strip().lstrip(".") or "batch"


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """Return `<stem><suffix>` in a folder, or the first of `<stem>_2<suffix>`, `_3` … that is no file yet."""
    path, number = folder / f"{stem}{suffix}", 1
    while os.path.exists(path):
        number += 1
        path = folder / f"{stem}_{number}{suffix}"
    return path
