"""Results that are read without their job: an output or error file from elsewhere, and the input file it answers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.record import OPENED_PREFIX, JobRecord
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.local_files.fingerprint import fingerprint_file
from tbatch_tui.engine.opened.result_files import (
    ResultFiles,
    endpoint_of_requests,
    find_result_files,
    is_result_file,
)
from tbatch_tui.engine.threads import run_detached, run_reading

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.journal.store import JobStore

_RECENT_INPUTS = 20
"""Input files that were submitted lately, in which ids are looked for too."""


class OpenedResults:
    """The result files that were opened by their path: each is a record, as long as the engine is open."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._files: dict[str, ResultFiles] = {}

    async def open(self, path: Path) -> JobRecord:
        """Return the record of a result file: that of its job where the list has it, else one that is in no list.

        Its input file is looked for by the ids, near it and among those that were submitted lately. Raises BatchError
        where it is no result file, or cannot be read.
        """
        path = path.absolute()  # noqa: ASYNC240 - asks for the working folder only
        if not await run_detached(lambda: is_result_file(path)):
            raise BatchError(f"{path.name} is not an output or error file", "Its rows have no response and no error.")
        records = await self._store.load()
        if (known := next((record for record in records if path in record.paths), None)) is not None:
            return known
        recents = await self._store.recents(_RECENT_INPUTS)
        files = await run_reading(find_result_files, path, recents)
        key = OPENED_PREFIX + hashlib.sha256(str(files.path).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._files[key] = files
        record = JobRecord(
            key=key,
            input_name=files.path.name,
            output=_transfer(FileKind.OUTPUT, files.output),
            errors=_transfer(FileKind.ERRORS, files.errors),
        )
        self._store.opened.put(record)
        if (likeliest := files.likeliest_input) is not None:
            return await self.use_input(key, likeliest)
        return record

    def inputs(self, key: str) -> tuple[Path, ...]:
        """Return the input files that have the ids of the results."""
        return self._files[key].inputs

    async def use_input(self, key: str, path: Path | None) -> JobRecord:
        """Take a file for what was asked, or none; return the record. Raises LocalFileError where it cannot be read."""
        files = self._files[key]
        before = self._store.opened.get(key)
        submission = None
        if path is not None:
            path = path.absolute()  # noqa: ASYNC240 - asks for the working folder only
            fingerprint = await fingerprint_file(path)
            submission = Submission(
                id=0,
                path=path,
                size=fingerprint.size,
                sha256=fingerprint.sha256,
                endpoint=await run_detached(lambda: endpoint_of_requests(path)),
                label="",
                requests=0,
                created_at=0.0,
                state=SubmissionState.CREATED,
            )
        record = JobRecord(
            key=key,
            submission=submission,
            input_name=files.path.name,
            output=_transfer(FileKind.OUTPUT, files.output),
            errors=_transfer(FileKind.ERRORS, files.errors),
            answer_schema=before.answer_schema if before is not None else "",
        )
        self._store.opened.put(record)
        return record


def _transfer(kind: FileKind, path: Path | None) -> Transfer | None:
    return Transfer(kind, "", TransferState.FETCHED, path=path) if path is not None else None
