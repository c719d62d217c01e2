"""The files on the server as rows: their columns, the details of a row, and which rows are shown in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.server_file import FileRole, ServerFile
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys, key_display
from tbatch_tui.tui.render.status import ATTENTION, OK, QUIET
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.one_line import OneLine
from tbatch_tui.tui.widgets.table.columns import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tbatch_tui.tui.render.styled import StyledText

SORTS = ("newest", "oldest", "largest", "name", "use")
_SORTED_BY = {"newest": ("age", False), "oldest": ("age", True), "largest": ("size", True)}
_ROLES = {FileRole.INPUT: "input", FileRole.OUTPUT: "output", FileRole.ERRORS: "errors"}


class FileListModel:
    """The files by id, with the filter and the sort.

    Create it in a thread: for 10,000 files it takes longer than a screen may stand still.
    """

    def __init__(self, files: Iterable[ServerFile] = (), *, sort: str = SORTS[0], text: str = "") -> None:
        self.sort = sort
        self.text = text
        self.files = {file.id: file for file in files}
        self._texts = {file_id: _searchable_text(file) for file_id, file in self.files.items()}

    def drop(self, ids: Iterable[str]) -> None:
        """Remove files that were deleted."""
        for file_id in ids:
            self.files.pop(file_id, None)
            self._texts.pop(file_id, None)

    def next_sort(self) -> str:
        """Go on to the next sort, and return its name."""
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        return self.sort

    @property
    def sorted_column(self) -> tuple[str, bool]:
        """The column that the rows are sorted by, and whether the largest is on top."""
        return _SORTED_BY.get(self.sort, (self.sort, False))

    def size_of(self, ids: Iterable[str]) -> int:
        """Return how many bytes these files have together."""
        return sum(self.files[file_id].size or 0 for file_id in ids if file_id in self.files)

    def shown(self) -> list[tuple[str, ServerFile]]:
        """Return the files that the filter leaves, by id and in order."""
        rows: Sequence[tuple[str, ServerFile]] = list(self.files.items())
        for word in self.text.lower().split():
            rows = [row for row in rows if word in self._texts[row[0]]]
        match self.sort:
            case "oldest":
                return sorted(rows, key=lambda row: row[1].created_at or 0.0)
            case "largest":
                return sorted(rows, key=lambda row: -(row[1].size or 0))
            case "name":
                return sorted(rows, key=lambda row: row[1].name.lower())
            case "use":
                return sorted(rows, key=lambda row: use_of(row[1]).lower())
            case _:
                return sorted(rows, key=lambda row: -(row[1].created_at or 0.0))


def file_columns(now: Callable[[], float]) -> list[Column[ServerFile]]:
    """Return the columns: name, what it is to which job, size, age, purpose, and whether it may be deleted."""
    return [
        Column("name", "Name", render=_name_cell, min=14, max=48, priority=9, keep="middle", base=True, pinned=True),
        Column("use", "Used as", render=_use_cell, min=20, max=48, priority=7, keep="middle", base=True),
        Column("size", "Size", render=lambda file: fmt.size(file.size), width=8, align="right", priority=6),
        Column("age", "Age", render=lambda file: fmt.age(file.created_at, now()), width=9, align="right", priority=4),
        Column("purpose", "Purpose", render=lambda file: file.purpose or fmt.MISSING, width=10, priority=1),
        Column("state", "Can delete", render=_state_cell, min=16, max=20, priority=8, base=True),
    ]


def use_of(file: ServerFile) -> str:
    """Return `output of reviews-march` or `input of 3 jobs`; `no job` if none names the file."""
    if not file.uses:
        return "no job"
    role = _ROLES[file.uses[0].role]
    return f"{role} of {file.uses[0].name}" if len(file.uses) == 1 else f"{role} of {len(file.uses):,} jobs"


def keep_reason(file: ServerFile) -> str:
    """Return why a file must stay, with its keys filled in; empty if it may be deleted."""
    return fill_keys(file.keep_reason)


def short_reason(file: ServerFile) -> str:
    """Return the part of the reason before its colon: `only copy`, `in use`, `not downloaded`."""
    return keep_reason(file).partition(":")[0]


def _name_cell(file: ServerFile) -> str:
    return file.name or file.id


def _use_cell(file: ServerFile) -> StyledText:
    return [(use_of(file), "" if file.uses else QUIET)]


def _state_cell(file: ServerFile) -> StyledText:
    return [("✓ yes", OK)] if file.is_deletable else [(f"! {short_reason(file)}", ATTENTION)]


def _searchable_text(file: ServerFile) -> str:
    """Return what a filter searches, in lower case."""
    uses = (f"{use.name} {use.key}" for use in file.uses)
    return "\n".join((file.name, file.id, file.purpose, use_of(file), keep_reason(file) or "yes", *uses)).lower()


class FileDetails(OneLine):
    """A line about the row under the cursor, because its columns may be cut."""

    DEFAULT_CSS = """
    FileDetails { height: 1; padding: 0 1; }
    """

    def __init__(self, describe: Callable[[ServerFile], StyledText], *, id: str) -> None:
        """`describe` returns what the line says of a file."""
        super().__init__(id=id)
        self._describe = describe
        self._file: ServerFile | None = None

    def show(self, file: ServerFile | None) -> None:
        """Describe this file; nothing without one."""
        self._file = file
        self.refresh_if_changed()

    def styled_text(self, _width: int) -> StyledText:
        """Return the line; what has no room is cut by the base class."""
        return self._describe(self._file) if self._file is not None else []


def describe_use(file: ServerFile) -> StyledText:
    """Return the id of a file, and what it is to which jobs."""
    uses = fmt.join(*(f"{_ROLES[use.role]} of {line(use.name)}" for use in file.uses[:4]), by=", ")
    more = f" and {len(file.uses) - 4:,} more" if len(file.uses) > 4 else ""
    return [(file.id, ""), (" · ", "$rule"), (uses + more if uses else "not used by any job on this machine", QUIET)]


def describe_removal(file: ServerFile) -> StyledText:
    """Return why a file must stay, or what is left when it is deleted."""
    if file.is_last_copy:
        insist = f"{key_display(keys.DELETE_FILES)} deletes it anyway; asks you to type a word"
        return [("! keep: ", ATTENTION), (f"{keep_reason(file)} · {insist}", "")]
    if file.keep_reason:
        return [("! can't delete: ", ATTENTION), (keep_reason(file), "")]
    if any(use.role is not FileRole.INPUT for use in file.uses):
        return [("✓ can delete: ", OK), ("complete copy on this machine", QUIET)]
    if file.uses:
        return [("✓ can delete: ", OK), ("its job has ended; copy on this machine", QUIET)]
    return [("✓ can delete: ", OK), ("not used by a running job", QUIET)]
