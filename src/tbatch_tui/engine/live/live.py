"""The door of this room: asks requests at once, each exactly once, and keeps what became of them in the history.

A try is written before it is sent, as one whose answer is lost; so it is known of after a crash too. A request that was
certainly not sent leaves nothing.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.tried import TriedRequest
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    ConnectionFailedError,
    RateLimitError,
)
from tbatch_tui.engine.live.answer import STOPPED, after_error, read_answer
from tbatch_tui.engine.live.price import most_of
from tbatch_tui.engine.live.request import MOST_AT_ONCE, kept_body
from tbatch_tui.engine.threads import run_detached

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.live.request import LiveRequest
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.pricing.pricing import Pricing

_AT_ONCE = 4
"""Requests that are out at the same time."""
_ENDS_ALL = (ConnectionFailedError, AuthenticationError, RateLimitError)
"""Errors after which the requests that are not out yet are not sent: they would fare no better."""


class LiveRequests:
    """Asks requests through the real-time endpoint, and knows those that were asked before."""

    def __init__(
        self,
        connected: Callable[[], Awaitable[TogetherApi]],
        store: JobStore,
        prices: Pricing,
        options: EngineOptions,
    ) -> None:
        self._connected = connected
        self._store = store
        self._prices = prices
        self._options = options

    async def prices(self) -> tuple[PriceList, PriceList]:
        """Return the prices of a request that is asked at once, and those of a batch."""
        batch = await self._prices.price_list()
        return batch.in_real_time(), batch

    async def tried_before(self, request: LiveRequest) -> list[TriedRequest]:
        """Return the tries of a line, also those with another body, the latest first."""
        return await self._store.tries.of_line(request.fingerprint)

    async def tries_since(self, since: float) -> list[TriedRequest]:
        """Return the tries since then (seconds since the epoch), the oldest first."""
        return await self._store.tries.tries_since(since)

    async def ask(
        self,
        requests: Sequence[LiveRequest],
        on_answer: Callable[[int, TriedRequest], object] = lambda _number, _tried: None,
        *,
        schema: str = "",
    ) -> list[TriedRequest | None]:
        """Send each request once; return what became of it, in order, with None for one that was not sent.

        Cancelling cuts the connections: what is out then is kept as lost. Raises BatchError where nothing was sent.

        Args:
            requests: At most ten.
            on_answer: Called with the place of a request in the list, and what became of it, as soon as that is known.
            schema: A JSON Schema, as JSON, that judges answers to requests that ask for nothing; empty for none.
        """
        if len(requests) > MOST_AT_ONCE:
            raise ValueError(f"at most {MOST_AT_ONCE} requests at once, not {len(requests)}")
        api = await self._connected()
        prices, _ = await self.prices()
        found: list[TriedRequest | None] = [None] * len(requests)
        places = asyncio.Semaphore(_AT_ONCE)
        stopped: list[BatchError] = []

        async def ask_in_turn(number: int, request: LiveRequest) -> None:
            async with places:
                if stopped:
                    return
                tried, error = await self._ask_one(api, request, prices, schema)
            if error is not None and (tried is None or isinstance(error, _ENDS_ALL)):
                stopped.append(error)
            if tried is not None:
                found[number] = tried
                on_answer(number, tried)

        async with asyncio.TaskGroup() as group:
            for number, request in enumerate(requests):
                group.create_task(ask_in_turn(number, request))
        if stopped and not any(found):
            raise stopped[0]
        return found

    async def _ask_one(
        self, api: TogetherApi, request: LiveRequest, prices: PriceList, schema: str
    ) -> tuple[TriedRequest | None, BatchError | None]:
        """Send a request once, and return what became of it; None if it was not sent. Also return the error."""
        from tbatch_tui.engine.client.realtime import ask_now

        try:
            body = await self._signed(request)
            tried = await self._store.tries.add(await run_detached(lambda: self._new_try(request, prices)))
        except BatchError as error:  # what cannot be remembered, or has no link, is not sent
            return None, error
        began, failure = time.monotonic(), None
        try:
            data = await ask_now(api, request.endpoint, body, patience=self._options.try_patience)
        except BatchError as error:
            failure, answered = error, after_error(tried, error)
        else:
            answered = await run_detached(lambda: read_answer(tried, request.body, data, prices, schema=schema))
        if answered is None:
            await self._store.tries.remove(tried)
            return None, failure
        answered = replace(answered, seconds=time.monotonic() - began)
        await self._store.tries.finish(answered)
        return answered, failure

    async def _signed(self, request: LiveRequest) -> Mapping[str, Any]:
        """Return the body to send: with a link for a recording in the store, which is kept nowhere."""
        if not request.endpoint.is_audio:
            return request.body
        from tbatch_tui.engine.audio.signed_copy import sign_body

        return await run_detached(lambda: sign_body(request.body, self._options.audio_store))

    def _new_try(self, request: LiveRequest, prices: PriceList) -> TriedRequest:
        return TriedRequest(
            fingerprint=request.fingerprint,
            endpoint=request.endpoint.value,
            request=kept_body(request.body),
            sent_at=self._options.now(),
            model=request.model,
            custom_id=request.custom_id,
            path=request.path.absolute() if request.path is not None else None,
            line=request.line,
            reason=STOPPED,
            most=most_of(request, prices),
        )
