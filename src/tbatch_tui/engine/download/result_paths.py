"""Where a job's result files go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.local_files.filenames import input_stem, result_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.engine.domain.job import FileKind
    from tbatch_tui.engine.journal.store import JobStore


class ResultPaths:
    """Chooses the path of a result file: the promised name in the output folder."""

    def __init__(self, store: JobStore, output_dir: Path, ask_for_names: Callable[[], Awaitable[object]]) -> None:
        """`ask_for_names` asks the server for the names of input files: a job made elsewhere is called by its own."""
        self._store = store
        self._output_dir = output_dir
        self._ask_for_names = ask_for_names

    async def path_of(self, job_id: str, kind: FileKind, folder: Path | None = None) -> Path:
        """Return the path of one result file, in the output folder unless another is given.

        The first 8 characters of the job's id are in its name; the whole id where another job could want that name.
        """
        record = await self._store.read_record(job_id)
        if record is not None and record.submission is None and not record.input_name:
            await self._ask_for_names()
            record = await self._store.read_record(job_id) or record
        source = record.submission.path if record is not None and record.submission is not None else None
        stem = input_stem(source, record.input_name if record is not None else "")
        folder = (folder or self._output_dir).absolute()
        path = folder / result_name(stem, job_id, kind)
        if await self._store.path_is_free(path, job_id, stem):
            return path
        return folder / result_name(stem, job_id, kind, whole_id=True)
