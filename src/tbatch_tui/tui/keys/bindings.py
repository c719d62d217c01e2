"""Every key of the app, once: what it is called, what it does and where it works.

Screens and widgets take their `BINDINGS` from here, so that a key means one thing everywhere. Footer, `?`, palette and
documentation read the same constants. Users remap keys by id; `keymap` reports what is wrong with their mapping.
"""
# ruff: noqa: E501 - one row a key

from __future__ import annotations

from enum import StrEnum

from textual.binding import Binding


class KeyContext(StrEnum):
    """Where a key works: a screen by its name, or a dialog that hides the keys of its screen."""

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


def _only(context: KeyContext) -> frozenset[KeyContext]:
    return frozenset({context})


_JOBS, _JOB = _only(KeyContext.JOBS), _only(KeyContext.JOB)
_PICK, _CHECK, _CREATE = _only(KeyContext.PICK), _only(KeyContext.CHECK), _only(KeyContext.CREATE)
_RESULTS, _FILES = _only(KeyContext.RESULTS), _only(KeyContext.FILES)
_QUESTION, _READING = _only(KeyContext.QUESTION), _only(KeyContext.READING)
_FILTERING, _FORM = _only(KeyContext.FILTERING), _only(KeyContext.FORM)
SCREENS = _JOBS | _PICK | _CHECK | _CREATE | _JOB | _RESULTS | _FILES
LISTS = _JOBS | _CHECK | _RESULTS | _FILES
_MOVERS = LISTS | _JOB | _READING

MOVE = Binding.Group("Move")
LIST = Binding.Group("List")
JOB = Binding.Group("Job")
FILE = Binding.Group("File")
APP = Binding.Group("App")
ANSWER = Binding.Group("Answer")

CONTEXTS: dict[str, frozenset[KeyContext]] = {}
"""Binding id → where it works."""
ALL: list[Binding] = []
"""Every binding, in the order in which the `?` dialog and the documentation list them."""


def _key(
    keys: str,
    action: str,
    description: str,
    action_id: str,
    contexts: frozenset[KeyContext],
    group: Binding.Group,
    tooltip: str,
    *,
    show: bool = True,
    priority: bool = False,
) -> Binding:
    """Make a binding and add it to `ALL` and `CONTEXTS`.

    Args:
        keys: One key or several, separated by commas, as Textual spells them. The first is the one that texts name.
        description: Its name in the footer.
        action_id: The name by which users remap it. Two bindings may share one: they are then one action.
        tooltip: What it does, for the `?` dialog, the palette and the documentation.
        show: Whether the footer has it.
        priority: Whether it comes before the keys of the focused widget.
    """
    binding = Binding(
        keys, action, description, tooltip=tooltip, id=action_id, group=group, show=show, priority=priority
    )
    CONTEXTS[action_id] = CONTEXTS.get(action_id, frozenset()) | contexts
    ALL.append(binding)
    return binding


# fmt: off
#                      keys                action                description     id                      contexts                                group   tooltip
# The main path: Enter goes on, Escape goes back. A table binds SELECT and posts `Selected`; a screen binds GO_ON.
SELECT          = _key("enter",            "select",             "Open",         "go.on",                LISTS | _PICK,                          MOVE,   "Open what is under the cursor")
GO_ON           = _key("enter",            "go_on",              "Continue",     "go.on",                SCREENS,                                MOVE,   "Go on to the next step")

# Jobs and their files.
NEW             = _key("n",                "new_batch",          "New",          "jobs.new",             _JOBS,                                  JOB,    "Pick a file for a new batch")
CANCEL          = _key("c",                "cancel_job",         "Cancel",       "job.cancel",           _JOBS | _JOB,                           JOB,    "Cancel the job, after a question")
DOWNLOAD        = _key("d",                "download",           "Download",     "job.download",         _JOBS | _JOB,                           JOB,    "Fetch output and errors again")
RESULTS         = _key("o",                "results",            "Results",      "job.results",          _JOBS | _JOB,                           JOB,    "Read what came back, beside what was asked")
RETRY           = _key("R",                "retry",              "Retry",        "job.retry",            _JOBS | _JOB | _RESULTS,                JOB,    "A new batch of what failed, is missing, cut short or invalid")
REFRESH         = _key("r",                "refresh_now",        "Refresh",      "jobs.refresh",         _JOBS | _JOB | _FILES,                  JOB,    "Ask the server now", show=False)
LABEL           = _key("e",                "edit_label",         "Label",        "job.label",            _JOBS | _JOB,                           JOB,    "Edit the label and the note kept here", show=False)
SETTLE          = _key("w",                "settle",             "What now",     "job.settle",           _JOBS | _JOB,                           JOB,    "Decide about a create whose answer is lost, or a rest that waits; send again what was not sent")
ACKNOWLEDGE     = _key("A",                "acknowledge",        "Acknowledge",  "job.acknowledge",      _JOBS | _JOB,                           JOB,    "It needs no attention any more; again takes that back", show=False)
FILES           = _key("F",                "files",              "Files",        "jobs.files",           _JOBS,                                  FILE,   "What lies on the server, and deleting what nothing needs", show=False)
DELETE_FILES    = _key("D",                "delete_files",       "Delete",       "files.delete",         _FILES,                                 FILE,   "Delete the marked files, or this one, once you typed it")
PAGE            = _key("p",                "page_file",          "Page",         "job.page",             _JOB,                                   JOB,    "Read one of its files here, in $PAGER")
OPEN_FILE       = _key("P",                "open_file",          "Open file",    "job.open-file",        _JOB,                                   JOB,    "Open one of its files with the desktop's program", show=False)
REMOVE          = _key("X,delete",         "remove",             "Remove",       "jobs.remove",          _JOBS,                                  JOB,    "Take out of this list what is over and not on the server any more", show=False)

# Check, Results, Pick and Create.
FIX             = _key("x",                "fix",                "Fix",          "check.fix",            _CHECK,                                 FILE,   "Choose what is mended in a copy of the file, write it, and check that")
EXPORT          = _key("x",                "export",             "Export",       "results.export",       _RESULTS,                               FILE,   "Write the rows shown to a file")
ERRORS          = _key("E",                "errors",             "Errors",       "results.errors",       _RESULTS,                               LIST,   "Errors and invalid answers by cause")
RAW             = _key("v",                "raw",                "Raw",          "results.raw",          _RESULTS | _JOB,                        LIST,   "The record or the job as JSON, or as it is read")
MERGE           = _key("m",                "merge",              "Merge",        "results.merge",        _RESULTS,                               LIST,   "The last good answer to each request over a job and its retries, or this job by itself")
REASONING       = _key("z",                "reasoning",          "Reasoning",    "results.reasoning",    _RESULTS,                               LIST,   "Unfold or fold what the model thought", show=False)
NEXT_HIT        = _key("n",                "hit(1)",             "Next hit",     "results.next-hit",     _RESULTS,                               LIST,   "To the next place that holds what was searched for")
PREVIOUS_HIT    = _key("N",                "hit(-1)",            "Hit before",   "results.previous-hit", _RESULTS,                               LIST,   "To the place before that holds it", show=False)
EDIT            = _key("e",                "edit_line",          "Edit",         "check.edit",           _CHECK,                                 FILE,   "Open the line in your editor ($VISUAL, $EDITOR), and check again")
CHECK_AGAIN     = _key("r",                "check_again",        "Check again",  "check.again",          _CHECK,                                 FILE,   "Read the file again")
LOOK_AT_LINKS   = _key("u",                "look_at_links",      "Links",        "check.links",          _CHECK,                                 FILE,   "Look at what the links to audio files and images lead to, from this machine", show=False)
FOLD            = _key("space",            "fold",               "Lines",        "check.lines",          _CHECK,                                 LIST,   "Show or hide the lines of a rule")
UNFOLD_LINES    = _key("right",            "unfold_lines",       "Open",         "check.open",           _CHECK,                                 LIST,   "Show the lines of a rule", show=False)
FOLD_LINES      = _key("left",             "fold_lines",         "Close",        "check.close",          _CHECK,                                 LIST,   "Hide the lines of a rule", show=False)
PARENT          = _key("backspace,left",   "parent",             "Parent",       "pick.parent",          _PICK,                                  MOVE,   "To the folder above")
INTO            = _key("right",            "enter_folder",       "Into",         "pick.into",            _PICK,                                  MOVE,   "Into the folder", show=False)
NEXT_CHOICE     = _key("right,down,space", "move(1)",            "Next",         "create.next",          _CREATE,                                FILE,   "The next choice")
PREVIOUS_CHOICE = _key("left,up",          "move(-1)",           "Previous",     "create.previous",      _CREATE,                                FILE,   "The choice before", show=False)
TRY_DEMO        = _key("t",                "try_demo",           "Try the demo", "jobs.try-demo",        _JOBS,                                  APP,    "See everything on a private sandbox, without a key")

# Lists.
FILTER          = _key("slash",            "filter",             "Filter",       "list.filter",          LISTS,                                  LIST,   "Show only rows that hold what you type")
NEXT_FILTER     = _key("f",                "next_filter",        "Show",         "list.next-filter",     _JOBS | _RESULTS,                       LIST,   "All, then the next kind of row, and round again")
SORT            = _key("s",                "next_sort",          "Sort",         "list.sort",            _JOBS | _FILES,                         LIST,   "Sort by the next column", show=False)
COPY_ID         = _key("y",                "copy_id",            "Copy id",      "list.copy-id",         LISTS | _JOB,                           LIST,   "Copy the id under the cursor", show=False)
MARK            = _key("space",            "mark",               "Mark",         "list.mark",            _JOBS | _RESULTS | _FILES,              LIST,   "Mark this row; what can be done with many is then done with all marked")
MARK_ALL        = _key("a",                "mark_all",           "Mark all",     "list.mark-all",        _JOBS | _RESULTS | _FILES,              LIST,   "Mark all rows shown, or none", show=False)
MORE_COLUMNS    = _key("right,l",          "turn_columns(1)",    "Columns",      "list.columns-right",   _JOBS | _FILES,                         LIST,   "To the columns that have no room", show=False)
FEWER_COLUMNS   = _key("left,h",           "turn_columns(-1)",   "Columns",      "list.columns-left",    _JOBS | _FILES,                         LIST,   "Back to the first columns", show=False)
COPY_RECORD     = _key("Y",                "copy_record",        "Copy record",  "list.copy-record",     _JOBS | _CHECK | _JOB | _RESULTS,       LIST,   "Copy all that is known of what is under the cursor, as JSON", show=False)

# Moving.
DOWN            = _key("j,down",           "cursor_down",        "Down",         "list.down",            _MOVERS,                                MOVE,   "One row down", show=False)
UP              = _key("k,up",             "cursor_up",          "Up",           "list.up",              _MOVERS,                                MOVE,   "One row up", show=False)
TOP             = _key("g,home",           "cursor_top",         "First",        "list.top",             _MOVERS,                                MOVE,   "To the first row", show=False)
BOTTOM          = _key("G,end",            "cursor_bottom",      "Last",         "list.bottom",          _MOVERS,                                MOVE,   "To the last row", show=False)
PAGE_DOWN       = _key("pagedown",         "page_down",          "Page down",    "list.page-down",       _MOVERS,                                MOVE,   "A page down", show=False)
PAGE_UP         = _key("pageup",           "page_up",            "Page up",      "list.page-up",         _MOVERS,                                MOVE,   "A page up", show=False)
BACK            = _key("escape",           "back",               "Back",         "go.back",              SCREENS,                                MOVE,   "Back to where you came from; nothing is lost")

# The app.
HELP            = _key("question_mark",    "show_keys",          "Keys",         "help.keys",            SCREENS,                                APP,    "The keys of this screen")
PALETTE         = _key("ctrl+p",           "command_palette",    "Commands",     "app.palette",          SCREENS,                                APP,    "Every action, by name", show=False, priority=True)
QUIT            = _key("q",                "quit",               "Quit",         "app.quit",             SCREENS,                                APP,    "Leave; a batch goes on without this app", show=False)
SUSPEND         = _key("ctrl+z",           "suspend_process",    "Suspend",      "app.suspend",          SCREENS,                                APP,    "To the shell for a while; fg comes back", show=False)
COPY_SELECTED   = _key("ctrl+c,super+c",   "app.copy_selected",  "Copy text",    "app.copy-selected",    SCREENS | _QUESTION | _READING | _FORM, APP,    "Copy the text that is selected: drag over it with the mouse", show=False)
LOG             = _key("L",                "show_log",           "Messages",     "app.log",              SCREENS,                                APP,    "The log of messages, newest first", show=False)
HIDE_TOUR       = _key("H",                "hide_tour",          "Hide hint",    "tour.hide",            SCREENS,                                APP,    "Hide the hint of this screen", show=False)

# Answers to a question, and closing a text.
YES             = _key("y",                "yes",                "Yes",          "answer.yes",           _QUESTION,                              ANSWER, "Do it")
NO              = _key("n,escape",         "no",                 "No",           "answer.no",            _QUESTION,                              ANSWER, "Leave all as it is")
CLOSE           = _key("escape,q,enter",   "close",              "Close",        "answer.close",         _READING,                               ANSWER, "Close this")

# The filter line, which has the keyboard while the user types.
FILTER_KEEP     = _key("enter,down,tab",   "keep",               "Keep",         "filter.keep",          _FILTERING,                             LIST,   "Back to the list, filtered")
FILTER_CLEAR    = _key("escape",           "clear",              "Clear",        "filter.clear",         _FILTERING,                             LIST,   "Show all again")

# Moving in a question, and a form.
PRESS           = _key("enter,space",      "press",              "Choose",       "answer.choose",        _QUESTION,                              ANSWER, "Take the answer that has the focus", show=False)
NEXT            = _key("right",            "app.focus_next",     "Next",         "answer.next",          _QUESTION,                              MOVE,   "To the next answer", show=False)
PREVIOUS        = _key("left",             "app.focus_previous", "Previous",     "answer.previous",      _QUESTION,                              MOVE,   "To the answer before", show=False)
SAVE            = _key("enter",            "save",               "Save",         "answer.save",          _FORM,                                  ANSWER, "Keep what is written")
DISCARD         = _key("escape",           "discard",            "Discard",      "answer.discard",       _FORM,                                  ANSWER, "Leave it as it was")
TICK            = _key("space",            "tick",               "Tick",         "form.tick",            _FORM,                                  ANSWER, "Choose this, or not")
FORM_NEXT       = _key("down",             "app.focus_next",     "Next",         "form.next",            _FORM,                                  MOVE,   "To the next field", show=False)
FORM_PREVIOUS   = _key("up",               "app.focus_previous", "Previous",     "form.previous",        _FORM,                                  MOVE,   "To the field before", show=False)
# fmt: on

MOVING = [DOWN, UP, TOP, BOTTOM, PAGE_DOWN, PAGE_UP]
"""The bindings of anything with a cursor or a scroll."""
MARKING = [MARK, MARK_ALL]
"""The bindings of a table whose rows can be marked."""
GLOBAL = [HELP, PALETTE, LOG, QUIT, SUSPEND, HIDE_TOUR]
"""The App's own bindings."""
