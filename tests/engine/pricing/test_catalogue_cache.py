"""The catalogue: fetched once, kept with its date, and never a reason for anything to fail."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.client import decode as wire
from tbatch_tui.engine.client.api import TogetherApi
from tbatch_tui.engine.domain.catalogue import ModelInfo
from tbatch_tui.engine.errors import OutcomeUnknownError
from tests.conftest import CHAT_MODEL

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

NOW = 1_790_000_000.0
PATH = "/v2/supported-models"


async def test_the_models_with_their_prices_and_the_date(sandbox: Sandbox, make_engine: MakeEngine):
    async with make_engine(sandbox, now=lambda: NOW) as engine:
        found = await engine.prices.catalogue()
    assert found[CHAT_MODEL] == ModelInfo(CHAT_MODEL, 131_072, 0.88, 0.88, 0.44)
    assert found["openai/whisper-large-v3"] == ModelInfo("openai/whisper-large-v3")
    assert "google/gemma-3-27b-it" not in found, "dedicated only"
    assert found.fetched_at == NOW


async def test_however_many_ask_the_server_is_asked_once_a_day(sandbox: Sandbox, make_engine: MakeEngine):
    now = NOW
    async with make_engine(sandbox, now=lambda: now) as engine:
        first = await asyncio.gather(*(engine.prices.catalogue() for _ in range(5)))
        assert len({id(found) for found in first}) == 1
    async with make_engine(sandbox, now=lambda: now) as engine:
        assert await engine.prices.catalogue() == first[0]
        assert sandbox.count("GET", PATH) == 1
        now += 86_401
        assert (await engine.prices.catalogue()).fetched_at == now
    assert sandbox.count("GET", PATH) == 2


async def test_without_the_server_the_last_one_with_its_date(sandbox: Sandbox, make_engine: MakeEngine):
    async with make_engine(sandbox, now=lambda: NOW) as engine:
        known = await engine.prices.catalogue()
    sandbox.plan_fault("garbage", PATH, to=None)
    async with make_engine(sandbox, now=lambda: NOW + 90_000) as engine:
        assert await engine.prices.catalogue() == known
        assert await engine.prices.catalogue() == known
    assert sandbox.count("GET", PATH) == 2, "what failed is not tried again at once"
    async with make_engine(sandbox, api_key=None) as engine:
        assert await engine.prices.catalogue() == known


async def test_nothing_known_is_empty(sandbox: Sandbox, make_engine: MakeEngine):
    async with make_engine(sandbox, api_key=None) as engine:
        found = await engine.prices.catalogue()
    assert (dict(found), found.fetched_at) == ({}, None)


async def test_every_page_is_read(sandbox: Sandbox):
    api = TogetherApi.connect(base_url=sandbox.base_url, api_key=sandbox.key)
    whole = await api.models()
    assert await api.models(a_page=4) == whole
    assert len(whole) > 20
    sandbox.plan_fault("status", PATH, status=500, **{"from": 3, "to": 3})
    with pytest.raises(OutcomeUnknownError):
        await api.models(a_page=4)  # a part of the catalogue would call good models unknown
    await api.close()


def test_odd_entries_are_taken_for_what_they_say():
    odd = [
        None,
        "x",
        {"name": 7},
        {"name": None, "serverlessEndpoint": "only/endpoint"},
        {"name": "a/b", "serverlessEndpoint": "a/b-turbo", "contextLength": "8192", "pricing": {"input": "0.5"}},
        {"name": "c", "contextLength": -1, "pricing": {"input": -2, "output": float("nan"), "cachedInput": {}}},
        {"name": "d", "pricing": []},
    ]
    found, cursor = wire.decode_models(json.dumps({"data": odd, "next_cursor": ""}).encode())
    assert found == [
        ModelInfo("7"),
        ModelInfo("only/endpoint"),
        ModelInfo("a/b", 8192, 0.5),
        ModelInfo("a/b-turbo", 8192, 0.5),
        ModelInfo("c"),
        ModelInfo("d"),
    ]
    assert cursor is None
    for body in (b"[]", b'{"data": 3}', b"<html>"):
        with pytest.raises(OutcomeUnknownError):
            wire.decode_models(body)
