"""Valid request lines, and the files that they are written to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "meta-llama/Llama-3.3-70B-Instruct-Turbo"


def chat(custom_id: object = "a", **body: Any) -> dict[str, Any]:
    """Return a valid chat request; `body` adds to its body or changes it."""
    messages = [{"role": "user", "content": "Hello"}]
    return {"custom_id": custom_id, "body": {"model": MODEL, "messages": messages, "max_tokens": 9, **body}}


def with_messages(*messages: object) -> dict[str, Any]:
    """Return a chat request with these messages."""
    return chat(messages=list(messages))


def audio(custom_id: object = "a", **body: Any) -> dict[str, Any]:
    """Return a valid audio request."""
    file = "https://example.com/clip.wav"
    body = {"file": file, "model": "openai/whisper-large-v3", **body}
    return {"custom_id": custom_id, "method": "FILE", "body": body}


def without(line: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return the line without the key at the end of `path`."""
    inner = line
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return line


def dumped(*lines: object) -> bytes:
    """Return the lines as the bytes of a JSONL file; lines that are bytes stay as they are."""
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


def saved(folder: Path, content: bytes, name: str = "requests.jsonl") -> Path:
    """Write the content to a file and return its path."""
    path = folder / name
    path.write_bytes(content)
    return path
