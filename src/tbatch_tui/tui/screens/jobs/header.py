"""What stands at the right of the Jobs header: how many there are of what, what moves, and when it is looked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.domain.record import Rank
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import status_style
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tbatch_tui.engine.events import TransferProgress
    from tbatch_tui.tui.render.styled import StyledText


def count_pieces(counts: Mapping[Rank, Mapping[str, int]]) -> StyledText:
    """`214 done`, `1 validating`, `2 running`, `1 needs you`: what runs by status, the rest by what it asks of one.

    The most wanted comes last: that stays where there is no room.
    """
    active = dict(counts[Rank.ACTIVE])
    running = active.pop(JobStatus.IN_PROGRESS, 0)
    done = sum(counts[Rank.DONE].values())
    said: StyledText = [(f"{done:,} done", "")] if done else []
    said += [
        (f"{count:,} {status_style(status).word.lower()}", status_style(status).colour)
        for status, count in sorted(active.items())
    ]
    if running:
        said.append((f"{running:,} running", "$status-active"))
    if needing := sum(counts[Rank.ATTENTION].values()):
        said.append((f"{needing:,} {'needs' if needing == 1 else 'need'} you", "$status-attention"))
    return said


def moving_pieces(moved: Collection[TransferProgress]) -> StyledText:
    """`↓ 2 files 3.1 MB/s`: how many files go up or come down, and how fast all of them together."""
    said: StyledText = []
    for arrow, up in (("↑", True), ("↓", False)):
        here = [one for one in moved if one.upload is up]
        if here:
            rate = fmt.rate(sum(one.rate for one in here))
            said.append((f"{arrow} {f'{len(here):,} files ' if len(here) > 1 else ''}{rate}", "$status-active"))
    return said


def next_pieces(health: ConnectionHealth, now: float) -> StyledText:
    """`↻ 0:22`; what is wrong with the connection is the banner's to say."""
    if health.state is not HealthState.OK or health.next_at is None:
        return []
    return [(f"↻ {fmt.until(health.next_at, now)}", "")]


def account_pieces(title: str) -> StyledText:
    """Whose jobs these are."""
    return [(line(title), "")] if title else []
