"""What a minute of audio costs: a list with a date, because the catalogue has prices of tokens only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

AUDIO_PRICES_DATE = "October 2026"
AUDIO_PRICES: Mapping[str, float] = {
    "openai/whisper-large-v3": 0.0015,
    "nvidia/parakeet-tdt-0.6b-v3": 0.0015,
    "nvidia/nemotron-3-asr-streaming-0.6b": 0.0015,
    "nvidia/nemotron-3.5-asr-streaming-0.6b": 0.0015,
}
"""Dollars for a minute of audio in real time, as documented then. `[prices]` of config.toml comes before it."""
