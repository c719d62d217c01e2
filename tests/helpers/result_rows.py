"""Lines of input, output and error files as the API writes them, and indexes over files of such lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.results import ResultIndex, Sources

if TYPE_CHECKING:
    from pathlib import Path


def request_row(custom_id: Any, text: str = "Hello?") -> dict[str, Any]:
    """Return a line of the input file."""
    return {"custom_id": custom_id, "body": {"model": "m/chat", "messages": [{"role": "user", "content": text}]}}


def answer_row(custom_id: Any, content: Any = "Hi!", *, reason: str = "stop", tokens: int = 7, **more: Any) -> Any:
    """Return a row of the output file: a chat answer."""
    message = {"role": "assistant", "content": content, **more}
    body = {
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": 3 + tokens},
    }
    return response_row(custom_id, body)


def response_row(custom_id: Any, body: Any, status: Any = 200) -> dict[str, Any]:
    """Return a row of the output file with any response body."""
    return {"id": "r", "custom_id": custom_id, "response": {"status_code": status, "body": body}}


def error_row(custom_id: Any, message: str = "Request timeout") -> dict[str, Any]:
    """Return a row of the error file."""
    return {"custom_id": custom_id, "error": {"message": message, "code": "batch_client_error"}}


def encode_row(row: Any) -> bytes:
    """Return a row as a line. Bytes are a line already."""
    return row if isinstance(row, bytes) else json.dumps(row).encode()


def write_rows(path: Path, rows: list[Any], *, end: bytes = b"\n") -> Path:
    """Write rows to a file, one a line, and return its path."""
    path.write_bytes(b"".join(encode_row(row) + end for row in rows))
    return path


def build_index(
    folder: Path, *, requests: list[Any] | None = None, output: list[Any] | None = None, errors: list[Any] | None = None
) -> ResultIndex:
    """Write files of these rows and return the index over them. None is a file that the job does not have."""
    folder.mkdir(exist_ok=True)
    index = ResultIndex(
        Sources(
            input=None if requests is None else write_rows(folder / "in.jsonl", requests),
            output=None if output is None else write_rows(folder / "out.jsonl", output),
            errors=None if errors is None else write_rows(folder / "err.jsonl", errors),
        )
    )
    index.build()
    return index
