"""The `usage` of a response: tokens as the server counted them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tbatch_tui.engine.lenient_json import as_count


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response; None where the server gives no number."""

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    reasoning: int | None = None
    """Part of `completion`."""
    cached: int | None = None
    """Part of `prompt`."""


NO_USAGE = Usage()


def parse_usage(usage: Any) -> Usage | None:
    """Return the `usage` of a response body, or None if it has none. Never raises.

    Reasoning and cached tokens stand in `…_tokens_details` or beside it, depending on the model.
    """
    if not isinstance(usage, dict):
        return None
    completion, prompt = (usage.get(f"{part}_tokens_details") for part in ("completion", "prompt"))
    reasoning = completion.get("reasoning_tokens") if isinstance(completion, dict) else None
    cached = prompt.get("cached_tokens") if isinstance(prompt, dict) else None
    return Usage(
        prompt=as_count(usage.get("prompt_tokens")),
        completion=as_count(usage.get("completion_tokens")),
        total=as_count(usage.get("total_tokens")),
        reasoning=as_count(usage.get("reasoning_tokens") if reasoning is None else reasoning),
        cached=as_count(usage.get("cached_tokens") if cached is None else cached),
    )
