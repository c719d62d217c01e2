"""The right side of the Jobs header: how many jobs each filter shows, transfers, and the next poll."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.server_address import is_loopback
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.styled import format_marked
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.events import TransferProgress
    from tbatch_tui.tui.render.styled import StyledText


_FILTERS = {"done": "", "active": "$status-active", "attention": "$status-attention"}
"""The filters that are counted, in the order shown, and their colours."""


def header_pieces(
    counts: Mapping[str, int],
    engine: BatchEngine,
    transfers: Collection[TransferProgress],
    *,
    marked: int,
    hidden: int,
    month_sum: str = "",
) -> StyledText:
    """Return all that stands on the right.

    Args:
        counts: How many jobs each filter shows, by the filter's name.
        engine: Whose account and connection are shown.
        transfers: The uploads and downloads in progress.
        marked: How many rows are marked.
        hidden: How many of those the filter hides.
        month_sum: What this month cost; empty until it is known.
    """
    account = engine.account
    return [
        *account_pieces(account.title if account is not None else ""),
        *([(month_sum, "")] if month_sum else []),
        *count_pieces(counts),
        *format_marked(marked, hidden),
        *transfer_pieces(transfers),
        *next_poll_pieces(engine.health, engine.now()),
        *insecure_pieces(engine.options.base_url),
    ]


def count_pieces(counts: Mapping[str, int]) -> StyledText:
    """Return `214 done`, `2 active`, `1 needs attention`: the words and the numbers are those of the filters.

    What matters most comes last, because that stays where there is little room.
    """
    verb = "needs" if counts.get("attention") == 1 else "need"
    words = {"attention": f"{verb} attention"}
    shown = ((name, style) for name, style in _FILTERS.items() if counts.get(name))
    return [(f"{counts[name]:,} {words.get(name, name)}", style) for name, style in shown]


def transfer_pieces(transfers: Collection[TransferProgress]) -> StyledText:
    """Return `↓ 2 files 3.1 MB/s`: how many files are uploaded or downloaded, and the sum of their rates."""
    pieces: StyledText = []
    for arrow, is_upload in (("↑", True), ("↓", False)):
        group = [transfer for transfer in transfers if transfer.upload is is_upload]
        if group:
            rate = fmt.rate(sum(transfer.rate for transfer in group))
            pieces.append((f"{arrow} {f'{len(group):,} files ' if len(group) > 1 else ''}{rate}", "$status-active"))
    return pieces


def next_poll_pieces(health: ConnectionHealth, now: float) -> StyledText:
    """Return `↻ 0:22`, the time until the next poll; nothing while the banner shows what is wrong."""
    if health.state is not HealthState.OK or health.next_at is None:
        return []
    return [(f"↻ {fmt.countdown(health.next_at, now)}", "")]


def account_pieces(title: str) -> StyledText:
    """Return the title of the account whose jobs these are."""
    return [(line(title), "")] if title else []


def insecure_pieces(base_url: str | None) -> StyledText:
    """Return `insecure http` while the key crosses the network in clear text. It stays where there is little room."""
    if base_url is None or not base_url.lower().startswith("http:") or is_loopback(base_url):
        return []
    return [("insecure http", "$status-attention")]
