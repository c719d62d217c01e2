"""The foot of the Jobs list: explains the row under the cursor, so that most questions need no other screen."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tbatch_tui.engine.model import JobRecord
from tbatch_tui.tui.text import fit_pieces
from tbatch_tui.tui.widgets.job_story import timeline
from tbatch_tui.tui.widgets.job_words import Pieces, foot_lines


class JobFoot(Static):
    """Three lines below the list; on a wide terminal a column beside it, with the steps of the job."""

    DEFAULT_CSS = """
    JobFoot { height: 4; padding: 0 2; border-top: solid $rule; color: $foreground; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)

    def show(self, record: JobRecord | None, now: float) -> None:
        """Explain this record; nothing without one."""
        self.display = record is not None
        if record is None:
            return
        if self.screen.has_class("-wide"):
            first, second, third = foot_lines(record, now)
            name, *facts = first
            blocks = [[name], facts_below(facts), [], second, [], *timeline(record, now), [], third]
            self.update(Content("\n").join(pieces_content(pieces) for pieces in blocks), layout=False)
        else:
            width = max(1, self.app.size.width - 4)
            lines = (fit_pieces(pieces, width, fill="") for pieces in foot_lines(record, now))
            self.update(Content("\n").join(pieces_content(pieces) for pieces in lines), layout=False)


def facts_below(facts: Pieces) -> Pieces:
    """` · one · two` as a line each."""
    return [
        (text.removeprefix(" · ") + ("\n" if n < len(facts) - 1 else ""), style)
        for n, (text, style) in enumerate(facts)
    ]


def pieces_content(pieces: Pieces) -> Content:
    """Text with a style each as one Content. The text has passed the gate where the pieces were made."""
    return Content.assemble(*((text, style) if style else text for text, style in pieces))
