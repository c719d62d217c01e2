"""Rows of the three files, as the API writes them, and files of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.results import ResultIndex, Sources

if TYPE_CHECKING:
    from pathlib import Path


def asked(custom_id: Any, text: str = "Hello?") -> dict[str, Any]:
    """A line of the input file."""
    return {"custom_id": custom_id, "body": {"model": "m/chat", "messages": [{"role": "user", "content": text}]}}


def answered(custom_id: Any, content: Any = "Hi!", *, reason: str = "stop", tokens: int = 7, **more: Any) -> Any:
    """A row of the output file."""
    message = {"role": "assistant", "content": content, **more}
    body = {
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": 3 + tokens},
    }
    return with_body(custom_id, body)


def with_body(custom_id: Any, body: Any, status: Any = 200) -> dict[str, Any]:
    return {"id": "r", "custom_id": custom_id, "response": {"status_code": status, "body": body}}


def failed(custom_id: Any, message: str = "Request timeout") -> dict[str, Any]:
    """A row of the error file."""
    return {"custom_id": custom_id, "error": {"message": message, "code": "batch_client_error"}}


def line_of(row: Any) -> bytes:
    """A row as a line; bytes are a line already."""
    return row if isinstance(row, bytes) else json.dumps(row).encode()


def write(path: Path, rows: list[Any], *, end: bytes = b"\n") -> Path:
    path.write_bytes(b"".join(line_of(row) + end for row in rows))
    return path


def index_of(
    folder: Path, *, input: list[Any] | None = None, output: list[Any] | None = None, errors: list[Any] | None = None
) -> ResultIndex:
    """An index over files of these rows; None is a file that nobody knows of."""
    folder.mkdir(exist_ok=True)
    index = ResultIndex(
        Sources(
            input=None if input is None else write(folder / "in.jsonl", input),
            output=None if output is None else write(folder / "out.jsonl", output),
            errors=None if errors is None else write(folder / "err.jsonl", errors),
        )
    )
    index.build()
    return index
