"""The conftest.py of the SDK's published tests when they run here: their clients, and no mock.

They come with `respx`, which would answer in the server's place. Here `respx_mock` uploads what it was told to answer,
so that the test gets it from the server. This file is copied beside them and imports nothing of this repository.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from together import AsyncTogether, DefaultAioHttpClient, Together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

BASE_URL = os.environ["TEST_API_BASE_URL"]
KEY = "My API Key"


class MockRouter:
    """What the tests use of the class of this name in `respx`."""

    def get(self, path: str) -> MockRouter:
        """Remember which path is meant."""
        assert path == "/v1/files/id/content"
        return self

    def mock(self, return_value: httpx.Response) -> None:
        """Upload the content, so that the server has it."""
        answer = httpx.post(
            f"{BASE_URL}/v1/files/upload",
            headers={"Authorization": f"Bearer {KEY}"},
            data={"purpose": "batch-api", "file_name": "content.jsonl"},
            files={"file": ("content.jsonl", return_value.content)},
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text


respx: Any = ModuleType("respx")
respx.MockRouter = MockRouter
sys.modules["respx"] = respx


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of `respx`."""
    config.addinivalue_line("markers", "respx(base_url): where the content is asked for")


@pytest.fixture
def respx_mock(request: pytest.FixtureRequest) -> MockRouter:
    """The stand-in; skipped where the SDK's own conftest.py skips."""
    client = getattr(request.node, "callspec", None)
    if client is not None and isinstance(client.params.get("async_client"), dict):
        pytest.skip("aiohttp client is not compatible with respx_mock")
    return MockRouter()


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest) -> Iterator[Together]:
    """The SDK's client, strict or loose as the test asks."""
    with Together(base_url=BASE_URL, api_key=KEY, _strict_response_validation=request.param) as made:
        yield made


@pytest.fixture(scope="session")
async def async_client(request: pytest.FixtureRequest) -> AsyncIterator[AsyncTogether]:
    """The SDK's async client, strict or loose, over httpx or aiohttp as the test asks."""
    strict, http_client = request.param, None
    if isinstance(strict, dict):
        if importlib.util.find_spec("httpx_aiohttp") is None:
            pytest.skip("the SDK's aiohttp transport is not installed: pip install 'together[aiohttp]'")
        strict, http_client = True, DefaultAioHttpClient()
    async with AsyncTogether(
        base_url=BASE_URL, api_key=KEY, _strict_response_validation=strict, http_client=http_client
    ) as made:
        yield made
