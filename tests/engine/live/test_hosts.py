"""Which host a request is sent to at once: the SDK's own for chat, unless a base URL is given."""

from __future__ import annotations

import httpx
import pytest

from tbatch_tui.engine.client.api import TogetherApi
from tbatch_tui.engine.client.realtime import ask_now
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import ConnectionFailedError


@pytest.mark.parametrize(
    ("base_url", "hosts"),
    [
        (None, ["api-inference.together.ai", "api.together.ai", "api.together.ai"]),
        ("https://gateway.example", ["gateway.example"] * 3),
    ],
)
async def test_the_host_of_each_endpoint(
    base_url: str | None, hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOGETHER_BASE_URL", raising=False)
    api = TogetherApi.connect(base_url=base_url, api_key="a-key")
    asked: list[str] = []

    async def refuse(request: httpx.Request) -> None:
        asked.append(request.url.host)
        raise httpx.ConnectError("nothing leaves this test", request=request)

    api._once.event_hooks["request"] = [refuse]
    for endpoint in (Endpoint.CHAT, Endpoint.TRANSCRIPTION, Endpoint.TRANSLATION):
        with pytest.raises(ConnectionFailedError):
            await ask_now(api, endpoint, {"model": "m", "messages": []}, patience=1.0)
    assert asked == hosts
    await api.close()
