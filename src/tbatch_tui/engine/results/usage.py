"""Tokens as the server counted them, wherever in `usage` it says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tbatch_tui.engine.lenient_json import as_count


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counted them; None for what it did not say."""

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    reasoning: int | None = None
    """Of the completion."""
    cached: int | None = None
    """Of the prompt."""


NO_USAGE = Usage()


def parse_usage(usage: Any) -> Usage | None:
    """The `usage` of a body; None where there is none. Never raises."""
    if not isinstance(usage, dict):
        return None
    completion, prompt = (usage.get(f"{of}_tokens_details") for of in ("completion", "prompt"))
    reasoning = completion.get("reasoning_tokens") if isinstance(completion, dict) else None
    cached = prompt.get("cached_tokens") if isinstance(prompt, dict) else None
    return Usage(
        prompt=as_count(usage.get("prompt_tokens")),
        completion=as_count(usage.get("completion_tokens")),
        total=as_count(usage.get("total_tokens")),
        reasoning=as_count(usage.get("reasoning_tokens") if reasoning is None else reasoning),
        cached=as_count(usage.get("cached_tokens") if cached is None else cached),
    )
