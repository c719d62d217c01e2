"""The catalogue: fetched once a day, stored with its date, and never a reason for anything to fail."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.client.api import TogetherApi
from tbatch_tui.engine.client.decode import decode_models
from tbatch_tui.engine.domain.catalogue import ModelInfo
from tbatch_tui.engine.errors import OutcomeUnknownError
from tbatch_tui.engine.pricing.kept_catalogue import from_json, to_json
from tests.conftest import CHAT_MODEL

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

NOW = 1_790_000_000.0
PATH = "/v2/supported-models"


async def test_models_have_prices_and_the_catalogue_a_date(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    async with make_engine(sandbox, now=lambda: NOW) as engine:
        catalogue = await engine.prices.catalogue()
    assert catalogue[CHAT_MODEL] == ModelInfo(CHAT_MODEL, 131_072, 0.88, 0.88, 0.44, "chat", ("text",), "supported")
    whisper = ModelInfo(
        "openai/whisper-large-v3", display_type="transcribe", input_modalities=("audio",), status="supported"
    )
    assert catalogue["openai/whisper-large-v3"] == whisper
    assert "google/gemma-3-27b-it" not in catalogue, "dedicated only"
    assert catalogue.fetched_at == NOW


async def test_the_server_is_asked_once_a_day_however_many_ask(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    now = NOW
    async with make_engine(sandbox, now=lambda: now) as engine:
        first = await asyncio.gather(*(engine.prices.catalogue() for _ in range(5)))
        assert len({id(catalogue) for catalogue in first}) == 1
    async with make_engine(sandbox, now=lambda: now) as engine:
        assert await engine.prices.catalogue() == first[0]
        assert sandbox.count("GET", PATH) == 1
        now += 86_401
        async with asyncio.timeout(20):
            while (await engine.prices.catalogue()).fetched_at != now:
                pass  # the old one, while the server is slow to answer
    assert sandbox.count("GET", PATH) == 2


async def test_without_the_server_the_last_catalogue_is_used(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    async with make_engine(sandbox, now=lambda: NOW) as engine:
        known = await engine.prices.catalogue()
    sandbox.plan_fault("garbage", PATH, to=None)
    async with make_engine(sandbox, now=lambda: NOW + 90_000) as engine:
        assert await engine.prices.catalogue() == known
        assert await engine.prices.catalogue() == known
    assert sandbox.count("GET", PATH) == 2, "a failed fetch is not repeated at once"
    async with make_engine(sandbox, api_key=None) as engine:
        assert await engine.prices.catalogue() == known


async def test_an_unknown_catalogue_is_empty(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    async with make_engine(sandbox, api_key=None) as engine:
        catalogue = await engine.prices.catalogue()
    assert (dict(catalogue), catalogue.fetched_at) == ({}, None)


async def test_every_page_is_read(sandbox: Sandbox) -> None:
    api = TogetherApi.connect(base_url=sandbox.base_url, api_key=sandbox.key)
    whole = await api.models()
    assert await api.models(page_size=4) == whole
    assert len(whole) > 20
    third: dict[str, Any] = {"from": 3, "to": 3}
    sandbox.plan_fault("status", PATH, status=500, **third)
    with pytest.raises(OutcomeUnknownError):
        await api.models(page_size=4)  # a part of the catalogue would call good models unknown
    await api.close()


def test_a_catalogue_of_an_older_version_is_read_without_the_kinds() -> None:
    text = '{"fetched_at": 1.0, "models": [["m/full", 8192, 1.0, 3.0, null]]}'
    catalogue = from_json(text)
    assert catalogue is not None and catalogue["m/full"] == ModelInfo("m/full", 8192, 1.0, 3.0)
    assert from_json(to_json(catalogue)) == catalogue


def test_entries_of_wrong_types_are_decoded_as_far_as_possible() -> None:
    entries = [
        None,
        "x",
        {"name": 7},
        {"name": None, "serverlessEndpoint": "only/endpoint"},
        {"name": "a/b", "serverlessEndpoint": "a/b-turbo", "contextLength": "8192", "pricing": {"input": "0.5"}},
        {"name": "c", "contextLength": -1, "pricing": {"input": -2, "output": float("nan"), "cachedInput": {}}},
        {"name": "d", "pricing": [], "displayType": ["chat"], "inputModalities": "MODALITY_TEXT"},
        {"name": "e", "displayType": "Chat", "inputModalities": ["MODALITY_TEXT", None, "smell"]},
    ]
    models, cursor = decode_models(json.dumps({"data": entries, "next_cursor": ""}).encode())
    assert models == [
        ModelInfo("7"),
        ModelInfo("only/endpoint"),
        ModelInfo("a/b", 8192, 0.5),
        ModelInfo("a/b-turbo", 8192, 0.5),
        ModelInfo("c"),
        ModelInfo("d"),
        ModelInfo("e", display_type="chat", input_modalities=("text", "smell")),
    ]
    assert cursor is None
    for body in (b"[]", b'{"data": 3}', b"<html>"):
        with pytest.raises(OutcomeUnknownError):
            decode_models(body)
