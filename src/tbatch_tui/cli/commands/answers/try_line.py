"""`try`: some lines of an input file at once through the real-time endpoint, before a batch is spent on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.cli.endpoint_names import ENDPOINTS
from tbatch_tui.cli.exit_codes import FAILED, OK, UNKNOWN, USAGE, gravest
from tbatch_tui.cli.output import print_json, print_message, print_result
from tbatch_tui.cli.session import Network, Session
from tbatch_tui.engine.domain.tried import LOST
from tbatch_tui.engine.live.as_data import tried_as_data
from tbatch_tui.engine.live.price import cost_of_file
from tbatch_tui.engine.live.request import MOST_AT_ONCE, choose_lines
from tbatch_tui.engine.live.wording import format_meaning, format_price_before, format_sum, format_verdict
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.tried import TriedRequest
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.live.request import ChosenLines, LiveRequest

_INTERRUPTED = "Stopped. What was sent may be answered and billed; `tbatch-tui try --kept` shows what is known of it."


async def try_lines(arguments: argparse.Namespace, settings: Settings) -> int:
    """Ask the lines and print their answers; the price before, and what it comes to, go to standard error."""
    numbers = sorted(set(arguments.line or ()))
    if len(numbers) > MOST_AT_ONCE or (arguments.sample or 0) > MOST_AT_ONCE:
        print_message(f"At most {MOST_AT_ONCE} lines can be tried at once. Nothing was sent.")
        return USAGE
    endpoint = ENDPOINTS[arguments.endpoint] if arguments.endpoint else None
    chosen = await run_reading(
        choose_lines, Path(arguments.file), numbers, sample=arguments.sample, seed=arguments.seed, endpoint=endpoint
    )
    network = Network.NEVER if arguments.kept else Network.NEEDED
    async with Session(settings, network=network) as session:
        if arguments.kept:
            return await _print_kept(session.engine, chosen, as_json=arguments.json)
        arguments.interrupted = _INTERRUPTED
        return await _ask(session.engine, chosen, as_json=arguments.json)


async def _ask(engine: BatchEngine, chosen: ChosenLines, *, as_json: bool) -> int:
    requests = chosen.requests
    price = await engine.estimates.of_requests(requests)
    models = ", ".join(dict.fromkeys(request.model or "no model" for request in requests))
    lines = f"line {requests[0].line:,}" if len(requests) == 1 else f"{len(requests)} lines"
    print_message(f"Asking {lines} now, {models}: {format_price_before(price)}, at the real-time price.")
    found = await engine.live.ask(requests)
    _print_all(requests, found, as_json=as_json)
    _, batch = await engine.live.prices()
    answered = [tried for tried in found if tried is not None]
    print_message(f"{fmt.join(format_sum(found), format_meaning(cost_of_file(answered, chosen.total, batch)))}.")
    return gravest(map(_code_of, found))


async def _print_kept(engine: BatchEngine, chosen: ChosenLines, *, as_json: bool) -> int:
    """Print what was tried of these lines before, the latest last; asks nobody."""
    pairs: list[tuple[LiveRequest, TriedRequest]] = []
    for request in chosen.requests:
        pairs += [(request, tried) for tried in reversed(await engine.live.tried_before(request))]
    _print_all([request for request, _ in pairs], [tried for _, tried in pairs], as_json=as_json)
    if not pairs:
        print_message("Nothing was tried of these lines yet.")
    return OK


def _print_all(requests: Sequence[LiveRequest], found: Sequence[TriedRequest | None], *, as_json: bool) -> None:
    if as_json:
        print_json([tried_as_data(request, tried) for request, tried in zip(requests, found, strict=True)])
        return
    for number, (request, tried) in enumerate(zip(requests, found, strict=True)):
        if number:
            print_result("")
        verdict = format_verdict(tried) if tried is not None else "not sent"
        print_result(fmt.join(f"line {request.line:,}", request.custom_id, verdict))
        if tried is None:
            continue
        if tried.reason and tried.reason != tried.answer:
            print_message(f"line {request.line:,}: {tried.reason}")
        for text in (tried.answer or "").splitlines():
            print_result(text)


def _code_of(tried: TriedRequest | None) -> int:
    """Return the exit code of one request: answered, refused, or lost; one not sent may be asked again."""
    if tried is None or tried.outcome == LOST:
        return UNKNOWN
    return FAILED if tried.outcome == "error" else OK
