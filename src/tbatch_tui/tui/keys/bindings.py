"""Every key of the app, once: what it is called, what it does, where it works.

Screens and widgets take their `BINDINGS` from here, so that a key means one thing everywhere; footer, `?`, palette
and documentation read the same constants. A person remaps them by id; `keymap` says what is wrong with that.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Iterable


class KeyContext(StrEnum):
    """Where a key works: a screen by its name, or a dialog that hides the screen's keys."""

    JOBS = "Jobs"
    PICK = "Pick"
    CHECK = "Check"
    CREATE = "Create"
    JOB = "Job"
    RESULTS = "Results"
    FILES = "Files"
    QUESTION = "a question"
    READING = "a text to read"
    FILTERING = "the filter line"
    FORM = "a form"


SCREENS = frozenset(
    {
        KeyContext.JOBS,
        KeyContext.PICK,
        KeyContext.CHECK,
        KeyContext.CREATE,
        KeyContext.JOB,
        KeyContext.RESULTS,
        KeyContext.FILES,
    }
)
LISTS = frozenset({KeyContext.JOBS, KeyContext.CHECK, KeyContext.RESULTS, KeyContext.FILES})

MOVE = Binding.Group("Move")
LIST = Binding.Group("List")
JOB = Binding.Group("Job")
FILE = Binding.Group("File")
APP = Binding.Group("App")
ANSWER = Binding.Group("Answer")

PLACES: dict[str, frozenset[KeyContext]] = {}
"""Binding id → where it works."""
ALL: list[Binding] = []
"""Every binding, in the order in which `?` and the documentation tell them."""


def _key(
    keys: str,
    action: str,
    description: str,
    tooltip: str,
    *,
    id: str,
    on: Iterable[KeyContext],
    group: Binding.Group,
    show: bool = True,
    priority: bool = False,
) -> Binding:
    binding = Binding(keys, action, description, tooltip=tooltip, id=id, group=group, show=show, priority=priority)
    PLACES[id] = PLACES.get(id, frozenset()) | frozenset(on)
    ALL.append(binding)
    return binding


# The way through: enter goes on, escape goes back. A table says `SELECT` and posts `Selected`; a screen says `GO_ON`.
SELECT = _key(
    "enter", "select", "Open", "Open what is under the cursor", id="go.on", on=(*LISTS, KeyContext.PICK), group=MOVE
)
GO_ON = _key("enter", "go_on", "Continue", "Go on to the next step", id="go.on", on=SCREENS, group=MOVE)

# Jobs and their files.
NEW = _key("n", "new_batch", "New", "Pick a file for a new batch", id="jobs.new", on=(KeyContext.JOBS,), group=JOB)
_JOB_PLACES = (KeyContext.JOBS, KeyContext.JOB)
CANCEL = _key(
    "c", "cancel_job", "Cancel", "Cancel the job, after a question", id="job.cancel", on=_JOB_PLACES, group=JOB
)
DOWNLOAD = _key(
    "d", "download", "Download", "Fetch output and errors again", id="job.download", on=_JOB_PLACES, group=JOB
)
RESULTS = _key(
    "o", "results", "Results", "Read what came back, beside what was asked", id="job.results", on=_JOB_PLACES, group=JOB
)
RETRY = _key(
    "R",
    "retry",
    "Retry",
    "A new batch of what failed, is missing or was cut short",
    id="job.retry",
    on=(*_JOB_PLACES, KeyContext.RESULTS),
    group=JOB,
)
REFRESH = _key(
    "r",
    "refresh_now",
    "Refresh",
    "Ask the server now",
    id="jobs.refresh",
    on=(*_JOB_PLACES, KeyContext.FILES),
    group=JOB,
    show=False,
)
LABEL = _key(
    "e",
    "edit_label",
    "Label",
    "Edit the label and the note kept here",
    id="job.label",
    on=_JOB_PLACES,
    group=JOB,
    show=False,
)
SETTLE = _key(
    "w",
    "settle",
    "What now",
    "Decide about a create whose answer is lost, or a rest that waits",
    id="job.settle",
    on=_JOB_PLACES,
    group=JOB,
)
FILES = _key(
    "F",
    "files",
    "Files",
    "What lies on the server, and deleting what nothing needs",
    id="jobs.files",
    on=(KeyContext.JOBS,),
    group=FILE,
    show=False,
)
DELETE_FILES = _key(
    "D",
    "delete_files",
    "Delete",
    "Delete the marked files, or this one, once you typed it",
    id="files.delete",
    on=(KeyContext.FILES,),
    group=FILE,
)
PAGE = _key(
    "p", "page_file", "Page", "Read one of its files here, in $PAGER", id="job.page", on=(KeyContext.JOB,), group=JOB
)
OPEN_FILE = _key(
    "P",
    "open_file",
    "Open file",
    "Open one of its files with the desktop's program",
    id="job.open-file",
    on=(KeyContext.JOB,),
    group=JOB,
    show=False,
)
REMOVE = _key(
    "X,delete",
    "remove",
    "Remove",
    "Take out of this list what is over and not on the server any more",
    id="jobs.remove",
    on=(KeyContext.JOBS,),
    group=JOB,
    show=False,
)
FIX = _key(
    "x",
    "fix",
    "Fix",
    "Choose what is mended in a copy of the file, write it, and check that",
    id="check.fix",
    on=(KeyContext.CHECK,),
    group=FILE,
)
EXPORT = _key(
    "x", "export", "Export", "Write the rows shown to a file", id="results.export", on=(KeyContext.RESULTS,), group=FILE
)
ERRORS = _key(
    "E",
    "errors",
    "Errors",
    "Errors by cause, and what helps",
    id="results.errors",
    on=(KeyContext.RESULTS,),
    group=LIST,
)
RAW = _key(
    "v",
    "raw",
    "Raw",
    "The record or the job as JSON, or as it is read",
    id="results.raw",
    on=(KeyContext.RESULTS, KeyContext.JOB),
    group=LIST,
)
MERGE = _key(
    "m",
    "merge",
    "Merge",
    "The last good answer to each request over a job and its retries, or this job by itself",
    id="results.merge",
    on=(KeyContext.RESULTS,),
    group=LIST,
)
REASONING = _key(
    "z",
    "reasoning",
    "Reasoning",
    "Unfold or fold what the model thought",
    id="results.reasoning",
    on=(KeyContext.RESULTS,),
    group=LIST,
    show=False,
)
NEXT_HIT = _key(
    "n",
    "hit(1)",
    "Next hit",
    "To the next place that holds what was searched for",
    id="results.next-hit",
    on=(KeyContext.RESULTS,),
    group=LIST,
)
PREVIOUS_HIT = _key(
    "N",
    "hit(-1)",
    "Hit before",
    "To the place before that holds it",
    id="results.previous-hit",
    on=(KeyContext.RESULTS,),
    group=LIST,
    show=False,
)
EDIT = _key(
    "e",
    "edit_line",
    "Edit",
    "Open the line in your editor ($VISUAL, $EDITOR), and check again",
    id="check.edit",
    on=(KeyContext.CHECK,),
    group=FILE,
)
CHECK_AGAIN = _key(
    "r", "check_again", "Check again", "Read the file again", id="check.again", on=(KeyContext.CHECK,), group=FILE
)
FOLD = _key(
    "space", "fold", "Lines", "Show or hide the lines of a rule", id="check.lines", on=(KeyContext.CHECK,), group=LIST
)
UNFOLD_LINES = _key(
    "right",
    "unfold_lines",
    "Open",
    "Show the lines of a rule",
    id="check.open",
    on=(KeyContext.CHECK,),
    group=LIST,
    show=False,
)
FOLD_LINES = _key(
    "left",
    "fold_lines",
    "Close",
    "Hide the lines of a rule",
    id="check.close",
    on=(KeyContext.CHECK,),
    group=LIST,
    show=False,
)
PARENT = _key(
    "backspace,left", "parent", "Parent", "To the folder above", id="pick.parent", on=(KeyContext.PICK,), group=MOVE
)
INTO = _key(
    "right", "enter_folder", "Into", "Into the folder", id="pick.into", on=(KeyContext.PICK,), group=MOVE, show=False
)
NEXT_CHOICE = _key(
    "right,down,space",
    "move(1)",
    "Next",
    "The next choice",
    id="create.next",
    on=(KeyContext.CREATE,),
    group=FILE,
)
PREVIOUS_CHOICE = _key(
    "left,up",
    "move(-1)",
    "Previous",
    "The choice before",
    id="create.previous",
    on=(KeyContext.CREATE,),
    group=FILE,
    show=False,
)
TRY_DEMO = _key(
    "t",
    "try_demo",
    "Try the demo",
    "See everything on a private sandbox, without a key",
    id="jobs.try-demo",
    on=(KeyContext.JOBS,),
    group=APP,
)

# Lists.
FILTER = _key(
    "slash", "filter", "Filter", "Show only rows that hold what you type", id="list.filter", on=LISTS, group=LIST
)
NEXT_FILTER = _key(
    "f",
    "next_filter",
    "Show",
    "All, then the next kind of row, and round again",
    id="list.next-filter",
    on=(KeyContext.JOBS, KeyContext.RESULTS),
    group=LIST,
)
SORT = _key(
    "s",
    "next_sort",
    "Sort",
    "Sort by the next column",
    id="list.sort",
    on=(KeyContext.JOBS, KeyContext.FILES),
    group=LIST,
    show=False,
)
COPY_ID = _key(
    "y",
    "copy_id",
    "Copy id",
    "Copy the id under the cursor",
    id="list.copy-id",
    on=(*LISTS, KeyContext.JOB),
    group=LIST,
    show=False,
)
MARK = _key(
    "space",
    "mark",
    "Mark",
    "Mark this row; what can be done with many is then done with all marked",
    id="list.mark",
    on=(KeyContext.JOBS, KeyContext.RESULTS, KeyContext.FILES),
    group=LIST,
)
MARK_ALL = _key(
    "a",
    "mark_all",
    "Mark all",
    "Mark all rows shown, or none",
    id="list.mark-all",
    on=(KeyContext.JOBS, KeyContext.RESULTS, KeyContext.FILES),
    group=LIST,
    show=False,
)
MORE_COLUMNS = _key(
    "right,l",
    "turn_columns(1)",
    "Columns",
    "To the columns that have no room",
    id="list.columns-right",
    on=(KeyContext.JOBS, KeyContext.FILES),
    group=LIST,
    show=False,
)
FEWER_COLUMNS = _key(
    "left,h",
    "turn_columns(-1)",
    "Columns",
    "Back to the first columns",
    id="list.columns-left",
    on=(KeyContext.JOBS, KeyContext.FILES),
    group=LIST,
    show=False,
)
COPY_RECORD = _key(
    "Y",
    "copy_record",
    "Copy record",
    "Copy all that is known of what is under the cursor, as JSON",
    id="list.copy-record",
    on=(KeyContext.JOBS, KeyContext.CHECK, KeyContext.JOB, KeyContext.RESULTS),
    group=LIST,
    show=False,
)

_MOVERS = (*LISTS, KeyContext.JOB, KeyContext.READING)
DOWN = _key("j,down", "cursor_down", "Down", "One row down", id="list.down", on=_MOVERS, group=MOVE, show=False)
UP = _key("k,up", "cursor_up", "Up", "One row up", id="list.up", on=_MOVERS, group=MOVE, show=False)
TOP = _key("g,home", "cursor_top", "First", "To the first row", id="list.top", on=_MOVERS, group=MOVE, show=False)
BOTTOM = _key("G,end", "cursor_bottom", "Last", "To the last row", id="list.bottom", on=_MOVERS, group=MOVE, show=False)
PAGE_DOWN = _key(
    "pagedown", "page_down", "Page down", "A page down", id="list.page-down", on=_MOVERS, group=MOVE, show=False
)
PAGE_UP = _key("pageup", "page_up", "Page up", "A page up", id="list.page-up", on=_MOVERS, group=MOVE, show=False)

BACK = _key(
    "escape", "back", "Back", "Back to where you came from; nothing is lost", id="go.back", on=SCREENS, group=MOVE
)

# The app.
HELP = _key("question_mark", "show_keys", "Keys", "The keys of this screen", id="help.keys", on=SCREENS, group=APP)
PALETTE = _key(
    "ctrl+p",
    "command_palette",
    "Commands",
    "Every action, by name",
    id="app.palette",
    on=SCREENS,
    group=APP,
    show=False,
    priority=True,
)
QUIT = _key(
    "q", "quit", "Quit", "Leave; a batch goes on without this app", id="app.quit", on=SCREENS, group=APP, show=False
)
SUSPEND = _key(
    "ctrl+z",
    "suspend_process",
    "Suspend",
    "To the shell for a while; fg comes back",
    id="app.suspend",
    on=SCREENS,
    group=APP,
    show=False,
)
COPY_SELECTED = _key(
    "ctrl+c,super+c",
    "app.copy_selected",
    "Copy text",
    "Copy the text that is selected: drag over it with the mouse",
    id="app.copy-selected",
    on=(*SCREENS, KeyContext.QUESTION, KeyContext.READING, KeyContext.FORM),
    group=APP,
    show=False,
)
HIDE_TOUR = _key(
    "H", "hide_tour", "Hide hint", "Hide the hint of this screen", id="tour.hide", on=SCREENS, group=APP, show=False
)

# Answers to a question, and closing what was read.
YES = _key("y", "yes", "Yes", "Do it", id="answer.yes", on=(KeyContext.QUESTION,), group=ANSWER)
NO = _key("n,escape", "no", "No", "Leave all as it is", id="answer.no", on=(KeyContext.QUESTION,), group=ANSWER)
CLOSE = _key(
    "escape,q,enter", "close", "Close", "Close this", id="answer.close", on=(KeyContext.READING,), group=ANSWER
)

# The filter line, which has the keyboard while one types.
FILTER_KEEP = _key(
    "enter,down,tab",
    "keep",
    "Keep",
    "Back to the list, filtered",
    id="filter.keep",
    on=(KeyContext.FILTERING,),
    group=LIST,
)
FILTER_CLEAR = _key(
    "escape", "clear", "Clear", "Show all again", id="filter.clear", on=(KeyContext.FILTERING,), group=LIST
)
PRESS = _key(
    "enter,space",
    "press",
    "Choose",
    "Take the answer that has the focus",
    id="answer.choose",
    on=(KeyContext.QUESTION,),
    group=ANSWER,
    show=False,
)
NEXT = _key(
    "right",
    "app.focus_next",
    "Next",
    "To the next answer",
    id="answer.next",
    on=(KeyContext.QUESTION,),
    group=MOVE,
    show=False,
)
PREVIOUS = _key(
    "left",
    "app.focus_previous",
    "Previous",
    "To the answer before",
    id="answer.previous",
    on=(KeyContext.QUESTION,),
    group=MOVE,
    show=False,
)
SAVE = _key("enter", "save", "Save", "Keep what is written", id="answer.save", on=(KeyContext.FORM,), group=ANSWER)
DISCARD = _key(
    "escape", "discard", "Discard", "Leave it as it was", id="answer.discard", on=(KeyContext.FORM,), group=ANSWER
)
TICK = _key("space", "tick", "Tick", "Choose this, or not", id="form.tick", on=(KeyContext.FORM,), group=ANSWER)
FORM_NEXT = _key(
    "down", "app.focus_next", "Next", "To the next field", id="form.next", on=(KeyContext.FORM,), group=MOVE, show=False
)
FORM_PREVIOUS = _key(
    "up",
    "app.focus_previous",
    "Previous",
    "To the field before",
    id="form.previous",
    on=(KeyContext.FORM,),
    group=MOVE,
    show=False,
)

MOVING = [DOWN, UP, TOP, BOTTOM, PAGE_DOWN, PAGE_UP]
"""The bindings of anything with a cursor or a scroll."""
MARKING = [MARK, MARK_ALL]
"""The bindings of a table whose rows can be marked."""
GLOBAL = [HELP, PALETTE, QUIT, SUSPEND, HIDE_TOUR]
"""The App's own bindings."""
