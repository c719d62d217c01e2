"""A sandbox whose clock only moves when told to, and clients for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from together import Together

from tbatch_tui.sandbox.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LLAMA = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
CHAT: Final = "/v1/chat/completions"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox whose clock stands still."""
    with Sandbox(speed=0) as sandbox:
        yield sandbox


@pytest.fixture
def http(box: Sandbox) -> Iterator[httpx.Client]:
    """A plain HTTP client with the key."""
    headers = {"Authorization": f"Bearer {box.key}"}
    with httpx.Client(base_url=box.base_url, headers=headers, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture
def sdk(box: Sandbox) -> Iterator[Together]:
    """The SDK, set to refuse any response that does not fit its models."""
    strict: dict[str, Any] = {"_strict_response_validation": True}
    with Together(base_url=box.base_url, api_key=box.key, max_retries=0, **strict) as client:
        yield client


def chat_row(custom_id: str = "row-1", **body: Any) -> dict[str, Any]:
    """Return a line of an input file: a chat request."""
    request = {"model": LLAMA, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
    return {"custom_id": custom_id, "body": request | body}


def jsonl(*rows: dict[str, Any]) -> bytes:
    """Return rows as JSONL."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def decode_rows(content: bytes) -> list[dict[str, Any]]:
    """Return the rows of a JSONL file."""
    return [json.loads(line) for line in content.splitlines()]


def write_file(path: Path, content: bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(content)
    return path
