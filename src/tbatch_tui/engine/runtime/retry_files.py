"""New input files of requests to retry, written and remembered in one call."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.local_files.fingerprint import fingerprint_file
from tbatch_tui.engine.threads import run_cancellable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.results import ResultIndex


class RetryFiles:
    """Writes retries of a job and saves what they are a retry of: their jobs will belong to that job's family."""

    def __init__(self, store: JobStore, options: EngineOptions) -> None:
        self._store = store
        self._options = options

    async def write(
        self,
        index: ResultIndex,
        rows: Sequence[int],
        parent: str,
        *,
        model: str | None = None,
        max_tokens: int | None = None,
    ) -> Path:
        """Write the lines of these requests beside their input file, and save that the file is a retry of `parent`.

        Where the input file is in the data folder, it is written to the output folder: there a person looks for it.

        The file is there with its parent, or not at all. It gets a name that no file has, and that none had which was
        ever submitted: the results of that one would be read with its lines.

        Args:
            index: The results of the job, or those of its family, merged.
            rows: As `rows_to_retry` returns them.
            parent: The key of the job whose retry it is.
            model: Another model for all requests.
            max_tokens: Another token limit for those whose answer was cut short.

        Raises:
            BatchError: The input file is not here as it was submitted, or the retry cannot be written or saved.
        """
        from tbatch_tui.engine.results import retry_path, write_retry

        source = index.sources.input
        if source is None or not index.has_input:
            why = "has changed since it was submitted" if index.input_changed else "is not here"
            raise LocalFileError(f"The input file {why}", "A retry needs the original lines.")
        source = source.absolute()
        beside = await asyncio.to_thread(self._beside, source)
        path = await asyncio.to_thread(retry_path, beside, await self._store.retry_paths(beside))
        await run_cancellable(write_retry, index, rows, path, model=model, max_tokens=max_tokens)
        try:
            await self.add(path, parent)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        return path

    def _beside(self, source: Path) -> Path:
        """Return the path beside which a retry is written. Raises LocalFileError. For a thread."""
        if not source.is_relative_to(self._options.data_dir.absolute() / "parts"):
            return source
        folder = self._options.output_dir.absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LocalFileError(
                f"{folder} cannot be made: {error.strerror or error}", "No file was written."
            ) from error
        return folder / source.name

    async def add(self, path: Path, parent: str) -> None:
        """Save that this file is a retry of the job `parent`. Raises BatchError."""
        path = path.absolute()  # noqa: ASYNC240 - asks for the working folder only
        sha256 = (await fingerprint_file(path)).sha256
        if (opened := self._store.opened.get(parent)) is None:
            await self._store.add_retry(path, sha256, parent)
        elif opened.submission is not None:  # no job of the list, of which nothing can be a retry
            await self._store.inherit_recipe(opened.submission.sha256, sha256)
