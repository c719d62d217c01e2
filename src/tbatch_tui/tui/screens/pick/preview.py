"""The preview of the file under the cursor: its size, its age, and its first line, laid out to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.widgets import Static

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.styled import StyledText, styled_content
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.pick.peek import PEEK_SIZE, Peek
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.reader.json_blocks import fault_blocks, json_blocks
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tbatch_tui.tui.screens.pick.folder import Entry


class FilePreview(Vertical):
    """Below the list; on a wide terminal beside it."""

    DEFAULT_CSS = """
    FilePreview {
        & > Static { height: auto; max-height: 3; padding: 0 2; color: $status-quiet; }
        & > RecordView { padding: 0 2; }
    }
    """

    def compose(self) -> ComposeResult:
        """Compose the title, the facts and the first line."""
        yield Divider()
        yield Static(markup=False)
        yield RecordView()

    def clear(self) -> None:
        """Show nothing: no file is under the cursor."""
        self._show("", [], [])

    def show(self, entry: Entry, peeked: Peek | LocalFileError) -> None:
        """Show the beginning of an entry, or why it cannot be read."""
        if isinstance(peeked, LocalFileError):
            self._show(entry.name, [(line(peeked.title), "$status-attention")], [])
            return
        age = f"modified {fmt.absolute(peeked.modified)}"  # how long ago that is, the list says
        if peeked.is_folder:
            facts: StyledText = [(f"folder · {age}", "")]
            if peeked.inputs:
                files = fmt.join(fmt.plural(peeked.inputs, ".jsonl file"), fmt.size(peeked.size))
                facts += [(f"\n{files}", "$foreground"), (fill_keys(" · {list.mark} marks them as one group"), "")]
            self._show(entry.name, facts, [])
            return
        self._show(entry.name, [(fmt.size(peeked.size), "$foreground"), (f" · {age}", "")], _first_line(peeked))

    def _show(self, title: str, facts: StyledText, blocks: list[Block]) -> None:
        self.query_one(Divider).set_title(title)
        self.query_one(Static).update(styled_content(facts))
        view = self.query_one(RecordView)
        view.display = bool(blocks)
        view.show(blocks)


def _first_line(peeked: Peek) -> list[Block]:
    if not peeked.size:
        return [Block("The file is empty.", "$status-attention")]
    if not peeked.is_text:
        if peeked.is_binary:
            return [Block("A table in a binary format: open it to see its columns.", "$status-quiet")]
        return [Block("The first line is not UTF-8:", "$status-attention"), Block(peeked.first_line)]
    if peeked.first_line.lstrip().startswith(("{", "[")):
        blocks, _ = json_blocks(peeked.first_line)
    else:
        blocks, _ = fault_blocks("", peeked.first_line, "")
    if peeked.is_cut:
        blocks.append(Block(f"… the line is longer than the {PEEK_SIZE:,} bytes shown", "$status-quiet"))
    return blocks
