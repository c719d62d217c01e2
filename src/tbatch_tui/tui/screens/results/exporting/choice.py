"""What is chosen in the export dialog, and what of it is offered again the next time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tbatch_tui.engine.audio.transcript_files import TranscriptFormat
from tbatch_tui.engine.results import COLUMNS, DEFAULT_COLUMNS, ExportFormat

AnyFormat = ExportFormat | TranscriptFormat


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What the person chose."""

    format: AnyFormat | None
    """None for the whole source table with the answers, whatever the fields about rows and columns say."""
    shown_only: bool
    """Only the rows that are shown or marked, instead of all."""
    columns: tuple[str, ...]
    path: Path
    reasoning: bool = False
    """With what the model thought, in formats other than merged JSONL, which always has it."""
    table: str = ""
    """Where the source table is: a path, or `job:ID`."""
    other: str = ""
    """The key of the job or group that an HTML report compares the answers with; empty for none."""
    gold: str = ""
    """The column of the source table that it compares them with; empty for none."""

    def preferences(self) -> ExportPreferences:
        """Return what of it is offered again."""
        return ExportPreferences(self.format, self.columns, self.reasoning, self.path.parent, self.other, self.gold)


@dataclass(frozen=True, slots=True)
class ExportPreferences:
    """What was chosen the last time for a job, and is offered again."""

    format: AnyFormat | None
    """None for the source table."""
    columns: tuple[str, ...]
    reasoning: bool
    folder: Path
    other: str = ""
    gold: str = ""

    def as_text(self) -> str:
        """Return it as the history keeps it."""
        return json.dumps(
            {
                "format": self.format.value if self.format is not None else "",
                "columns": self.columns,
                "reasoning": self.reasoning,
                "folder": str(self.folder),
                "other": self.other,
                "gold": self.gold,
            }
        )

    @classmethod
    def read(cls, text: str | None) -> ExportPreferences | None:
        """Return what was kept; None where that cannot be read, or names what is not there any more."""
        try:
            kept = json.loads(text or "{}")
            form, folder = kept["format"], Path(kept["folder"])
            columns = tuple(name for name in kept["columns"] if name in COLUMNS) or DEFAULT_COLUMNS
            chosen = _format_called(form) if form else None
            return cls(chosen, columns, kept["reasoning"] is True, folder, str(kept["other"]), str(kept["gold"]))
        except (ValueError, TypeError, KeyError):
            return None


def _format_called(name: str) -> AnyFormat:
    """Return a format by its value. Raises ValueError."""
    return TranscriptFormat(name) if name in [*TranscriptFormat] else ExportFormat(name)
