"""The request of the row under view, as a person reads it; or the cells of the row, and why there is no request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from textual.containers import Vertical

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from textual.app import ComposeResult

    from tbatch_tui.engine.tables.compose.preview import RowPreview

_ROLE = "bold $accent-text"
_QUIET, _FAULT, _NOTE = "$status-quiet", "$status-failed", "$status-attention"
_URL_LENGTH = 100
"""Characters of an image that are shown: the rest of a data URI is nothing to read."""


class RequestPane(Vertical):
    """A title with the row and its size, and the request below it."""

    DEFAULT_CSS = """
    RequestPane { height: 1fr; & > RecordView { padding: 0 2; } }
    """

    def compose(self) -> ComposeResult:
        """Compose title and text."""
        yield Divider("Request")
        yield RecordView(id="request")

    @property
    def view(self) -> RecordView:
        """The text."""
        return self.query_one(RecordView)

    def show(self, preview: RowPreview | None, rows: int | None) -> None:
        """Show what comes of a row.

        Args:
            preview: The row; None where there is none.
            rows: How many rows the table has; None while that is not known.
        """
        if preview is None:
            self.query_one(Divider).set_title("Request")
            self.view.show([Block("There is no row to show.", _QUIET)])
            return
        of = f" of {rows:,}" if rows is not None else ""
        tokens = f"about {fmt.plural(preview.tokens, 'prompt token')}" if preview.tokens else ""
        size = fmt.size(preview.size) if preview.size else ""
        self.query_one(Divider).set_title(fmt.join(f"Row {preview.number:,}{of}", preview.custom_id, tokens, size))
        self.view.show(request_blocks(preview))


def request_blocks(preview: RowPreview) -> list[Block]:
    """Return a row laid out: what is wrong first, then its request, or its cells."""
    blocks = [Block(preview.problem, _FAULT)] if preview.problem else []
    if preview.left_out:
        blocks.append(Block(f"This row is not asked: {preview.left_out}", _NOTE))
    if blocks:
        blocks.append(Block())
    if preview.request is None:
        for name, text in preview.cells:
            blocks += [Block("", lead=((name, _ROLE),)), Block(text, indent=2)]
        return blocks
    body = preview.request.get("body")
    return [*blocks, *_body_blocks(body if isinstance(body, dict) else {})]


def _body_blocks(body: Mapping[str, Any]) -> Iterator[Block]:
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        yield Block("", lead=((str(message["role"]), _ROLE),))
        content = message["content"]
        for part in content if isinstance(content, list) else [{"text": content}]:
            yield from _part_blocks(part)
    for name in ("file", "prompt"):
        if isinstance(value := body.get(name), str) and not messages:
            yield Block("", lead=((name, _ROLE),))
            yield Block(value, indent=2)
    rest = {key: value for key, value in body.items() if key not in ("messages", "file", "prompt")}
    yield Block()
    yield Block(fmt.join(*(f"{key} {_short(value)}" for key, value in rest.items())), _QUIET)


def _part_blocks(part: Mapping[str, Any]) -> Iterator[Block]:
    if "image_url" in part:
        url = str(part["image_url"]["url"])
        more = f"… ({len(url):,} characters)" if len(url) > _URL_LENGTH else ""
        yield Block(f"image {url[:_URL_LENGTH]}{more}", _QUIET, indent=2)
    else:
        yield Block(str(part.get("text", "")), indent=2)


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
