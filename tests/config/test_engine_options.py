"""Settings reach the engine, whoever opens it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from tbatch_tui.config.engine_options import options_from
from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.options import AudioStore, Budget, EngineOptions


def test_every_setting_that_the_engine_knows_is_handed_on() -> None:
    settings = Settings(
        Path("data").absolute(),
        Path("results").absolute(),
        poll_interval=12.0,
        base_url="https://api.example",
        api_key="key",
        login=True,
        prices={"a/b": {"input": 1.0}},
        discounts={"a/b": 20.0},
        attention_share=7.5,
        budget=Budget(job=10.0),
        audio_store=AudioStore("s3://bucket"),
        parts_at_once=4,
        keep_parts=True,
        enqueued_tokens=7,
    )
    options = options_from(settings, background_work=False)
    shared = {field.name for field in fields(Settings)} & {field.name for field in fields(EngineOptions)}
    assert len(shared) == 14
    for name in shared:
        assert getattr(options, name) == getattr(settings, name), name
    assert not options.background_work
