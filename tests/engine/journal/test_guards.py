"""What the journal holds on its own, whatever the engine above it looks at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tests.engine.journal.test_journal import NOW, account, job, journal, nothing_reserved

if TYPE_CHECKING:
    from tbatch_tui.engine.journal.journal import Journal

__all__ = ["account", "journal"]  # fixtures


def test_what_is_committed_survives_a_power_cut(journal: Journal) -> None:
    """2 is FULL: with NORMAL the intent of a create could be lost, and its job be made again."""
    assert journal.database.execute("PRAGMA synchronous").fetchone()[0] == 2


@pytest.mark.parametrize(
    ("state", "is_removed"),
    [
        (TransferState.WANTED, False),
        (TransferState.FAILED, False),
        (TransferState.FETCHED, True),
        (TransferState.GONE, True),
    ],
)
def test_a_job_whose_files_are_still_to_come_is_not_removed(
    state: TransferState, is_removed: bool, journal: Journal, account: int
) -> None:
    journal.jobs.apply(account, [job(1, output_file_id="out-1")], NOW, nothing_reserved)
    journal.transfers.save(account, "job-0001", Transfer(FileKind.OUTPUT, "out-1", state))
    assert journal.records.remove(account, ["job-0001"], NOW) == (["job-0001"] if is_removed else [])


def test_what_is_known_of_a_part_comes_back_as_it_was(journal: Journal, account: int) -> None:
    journal.jobs.apply(account, [job(1, output_file_id="out-1")], NOW, nothing_reserved)
    known = Transfer(FileKind.OUTPUT, "out-1", TransferState.WANTED, etag='W/"odd 1 2"', synced=1 << 40, part_inode=0)
    for transfer in (known, Transfer(FileKind.OUTPUT, "out-1", TransferState.WANTED, etag='"of 0.1.0"')):
        journal.transfers.save(account, "job-0001", transfer)
        assert journal.transfers.in_states(account, TransferState.WANTED) == [("job-0001", transfer)]
