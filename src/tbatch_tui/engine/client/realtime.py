"""One request that is answered at once: a chat completion, a transcription or a translation.

It is sent once: no retries, no redirects. Where no base URL was given it goes to the SDK's own host.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
from together import omit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.endpoint import Endpoint

_CONNECT_WITHIN = 10.0
"""Seconds."""


async def ask_now(api: TogetherApi, endpoint: Endpoint, body: Mapping[str, Any], *, patience: float) -> bytes:
    """Send the body of one line as it stands, and return the body of the answer, which may be anything.

    Raises BatchError: `ConnectionFailedError` where it was certainly not sent, `RequestRejectedError` where it was
    refused, and `OutcomeUnknownError` where it may have been carried out. Cancelling cuts the connection.

    Args:
        api: The connection.
        endpoint: What answers it.
        body: All of it is sent, also keys that the SDK does not know.
        patience: Seconds without a byte of the answer after which it counts as lost.
    """
    timeout = httpx.Timeout(patience, connect=_CONNECT_WITHIN)

    async def send() -> bytes:
        client = api.client_for_once()
        if endpoint.is_audio:
            # `audio.transcriptions.create` takes a URL by its signature, and then refuses it: it is no file.
            answer: httpx.Response = await client.post(
                endpoint.value,
                cast_to=httpx.Response,
                body=dict(body),
                options={"headers": {"Content-Type": "multipart/form-data"}, "timeout": timeout},
            )
            return answer.content
        # The first use of this resource imports it, which takes longer than the loop may be held.
        chat = await asyncio.to_thread(lambda: client.chat.completions.with_raw_response)
        nothing: Any = omit
        raw = await chat.create(messages=nothing, model=nothing, extra_body=dict(body), timeout=timeout)
        return await raw.read()

    return await api.request("answer the request", send)
