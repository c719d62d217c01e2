"""What result files are called. Names from the server never choose a folder or hide a file."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.job import FileKind

_LONGEST = 200
"""Bytes: a name of 255 must still have room for the rest."""
_LONGEST_ID, _HASHED = 40, 12
"""Bytes of a whole id in a name, and how many of them are a hash where it does not fit as it is."""
_UNFIT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Kinds of characters that no name should have: controls, what nobody sees, and what ends a line."""


def result_name(stem: str, job_id: str, kind: FileKind, *, whole_id: bool = False) -> str:
    """`<input stem>-<first 8 of the job id>.output.jsonl` or `….errors.jsonl` (product promise).

    `whole_id` is for the rare second job whose name would be the same.
    """
    shown_id = _whole(job_id) if whole_id else safe_name(job_id[:8])
    return f"{safe_name(stem, 160 if whole_id else _LONGEST)}-{shown_id}.{kind.value}.jsonl"


def _whole(job_id: str) -> str:
    """The id for a name that no other job's may be; of one too long or too odd for that, a hash stands for the rest."""
    kept = safe_name(job_id, _LONGEST_ID)
    if kept == job_id:
        return kept
    import hashlib

    digest = hashlib.sha256(job_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe_name(job_id, _LONGEST_ID - _HASHED - 1)}-{digest[:_HASHED]}"


def stem_of(name: str) -> str:
    """The stem of a file name from anywhere, also one with a foreign path before it; never that of a hidden file."""
    return Path(name.replace("\\", "/").rpartition("/")[2]).stem.lstrip(".")


def input_stem(path: Path | None, name: str) -> str:
    """The stem of a job's input file: of the path it was submitted from here, else of the name the server has."""
    return (path.stem if path is not None else "") or stem_of(name)


def safe_name(text: str, longest: int = _LONGEST) -> str:
    """A piece of a file name: one line, no separators, no control or invisible characters, not empty, not hidden."""
    kept = "".join("_" if c in "/\\" or unicodedata.category(c) in _UNFIT else c for c in text[:longest])
    while len(kept.encode("utf-8", "replace")) > longest:
        kept = kept[:-1]
    return kept.strip().lstrip(".") or "batch"
