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
    COMPOSE = "Compose"
    CHECK = "Check"
    CREATE = "Create"
    JOB = "Job"
    RESULTS = "Results"
    VALUES = "Values"
    COMPARE = "Compare"
    FILES = "Files"
    MODELS = "Models"
    SPEND = "Spend"
    QUESTION = "a question"
    READING = "a text to read"
    FILTERING = "the filter line"
    FORM = "a form"
    TRYING = "a try"


def _only(context: KeyContext) -> frozenset[KeyContext]:
    return frozenset({context})


_JOBS, _JOB = _only(KeyContext.JOBS), _only(KeyContext.JOB)
_PICK, _CHECK, _CREATE = _only(KeyContext.PICK), _only(KeyContext.CHECK), _only(KeyContext.CREATE)
_COMPOSE = _only(KeyContext.COMPOSE)
_RESULTS, _FILES, _VALUES = _only(KeyContext.RESULTS), _only(KeyContext.FILES), _only(KeyContext.VALUES)
_COMPARE = _only(KeyContext.COMPARE)
_QUESTION, _READING = _only(KeyContext.QUESTION), _only(KeyContext.READING)
_FILTERING, _FORM = _only(KeyContext.FILTERING), _only(KeyContext.FORM)
_MODELS, _SPEND = _only(KeyContext.MODELS), _only(KeyContext.SPEND)
_TRYING = _only(KeyContext.TRYING)
SCREENS = _JOBS | _PICK | _COMPOSE | _CHECK | _CREATE | _JOB | _RESULTS | _VALUES | _COMPARE | _FILES | _MODELS | _SPEND
LISTS = _JOBS | _CHECK | _RESULTS | _FILES
_MOVERS = _MODELS | _SPEND | _TRYING | LISTS | _VALUES | _COMPARE | _COMPOSE | _JOB | _READING

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
SELECT          = _key("enter",            "select",             "Open",         "go.on",                LISTS | _PICK | _COMPOSE | _VALUES | _COMPARE | _MODELS,                   MOVE,   "Open the selected row")
GO_ON           = _key("enter",            "go_on",              "Continue",     "go.on",                SCREENS,                                MOVE,   "Continue to the next step")

# Jobs and their files.
NEW             = _key("n",                "new_batch",          "New",          "jobs.new",             _JOBS,                                  JOB,    "Pick a file for a new batch")
CANCEL          = _key("c",                "cancel_job",         "Cancel",       "job.cancel",           _JOBS | _JOB,                           JOB,    "Cancel the job (asks first)")
DOWNLOAD        = _key("d",                "download",           "Download",     "job.download",         _JOBS | _JOB,                           JOB,    "Download output and error files")
RESULTS         = _key("o",                "results",            "Results",      "job.results",          _JOBS | _JOB,                           JOB,    "View the answers next to their requests")
RETRY           = _key("R",                "retry",              "Retry",        "job.retry",            _JOBS | _JOB | _RESULTS,                JOB,    "Make a new batch of what failed, is missing, cut short or invalid")
REFRESH         = _key("r",                "refresh_now",        "Refresh",      "jobs.refresh",         _JOBS | _JOB | _FILES,                  JOB,    "Ask the server now", show=False)
LABEL           = _key("e",                "edit_label",         "Label",        "job.label",            _JOBS | _JOB,                           JOB,    "Edit label and note (kept on this machine)", show=False)
SETTLE          = _key("w",                "settle",             "Decide",     "job.settle",           _JOBS | _JOB,                           JOB,    "Decide about an uncertain submission or a rest on hold; resend what was not sent")
ACKNOWLEDGE     = _key("A",                "acknowledge",        "Acknowledge",  "job.acknowledge",      _JOBS | _JOB,                           JOB,    "Acknowledge: needs no more attention; again to undo", show=False)
FILES           = _key("F",                "files",              "Files",        "jobs.files",           _JOBS,                                  FILE,   "Files on the server; delete those no longer needed", show=False)
MODELS          = _key("M",                "models",             "Models",       "jobs.models",          _JOBS,                                  FILE,   "Models: prices, batch discount, and what your jobs say of them", show=False)
SPEND           = _key("dollar_sign",      "spend",              "Spend",        "jobs.spend",           _JOBS,                                  FILE,   "What each month cost, by model, label, endpoint or day", show=False)
SPEND_BY        = _key("b",                "spend_by",           "By",           "spend.by",             _SPEND,                                 LIST,   "Break the month down by model, label, day or endpoint")
EARLIER_MONTH   = _key("left,h",           "month(-1)",          "Month before", "spend.earlier",        _SPEND,                                 LIST,   "The month before")
LATER_MONTH     = _key("right,l",          "month(1)",           "Month after",  "spend.later",          _SPEND,                                 LIST,   "The month after")
WRITE_SPEND     = _key("x",                "write_spend",        "Write",        "spend.write",          _SPEND,                                 FILE,   "Write the month to a CSV file")
DELETE_FILES    = _key("D",                "delete_files",       "Delete",       "files.delete",         _FILES,                                 FILE,   "Delete selected files (asks you to type the number)")
PAGE            = _key("p",                "page_file",          "Page",         "job.page",             _JOB,                                   JOB,    "Read one of its files in $PAGER")
OPEN_FILE       = _key("P",                "open_file",          "Open file",    "job.open-file",        _JOB,                                   JOB,    "Open one of its files with the desktop's default program", show=False)
DELETE_RECORDINGS = _key("D",              "delete_recordings",  "Recordings",   "job.delete-recordings", _JOB,                                  FILE,   "Delete the recordings that were uploaded for the job (asks first)", show=False)
OPEN_SOURCE     = _key("P",                "open_source",        "Source",       "results.open-source",  _RESULTS,                               JOB,    "Open the recording of the row with the desktop's default program", show=False)
REMOVE          = _key("X,delete",         "remove",             "Remove",       "jobs.remove",          _JOBS,                                  JOB,    "Remove ended jobs the server no longer lists", show=False)

# Check, Results, Pick and Create.
CREATE_GROUP    = _key("c",                "create_group",       "Create",       "check.create",         _CHECK,                                 FILE,   "Of several files: create one group of all of them")
FIX             = _key("x",                "fix",                "Fix",          "check.fix",            _CHECK,                                 FILE,   "Choose what to fix, write a fixed copy, and check it")
EXPORT          = _key("x",                "export",             "Export",       "results.export",       _JOBS | _RESULTS,                     FILE,   "Export the rows shown to a file")
ERRORS          = _key("E",                "errors",             "Errors",       "results.errors",       _RESULTS,                               LIST,   "Errors and invalid answers grouped by cause, with fixes")
RAW             = _key("v",                "raw",                "Raw",          "results.raw",          _RESULTS | _JOB,                        LIST,   "Show raw JSON, or the formatted view")
MERGE           = _key("m",                "merge",              "Merge",        "results.merge",        _JOBS | _RESULTS,                     LIST,   "Merge a job with its retries (last good answer per request), or un-merge")
REASONING       = _key("z",                "reasoning",          "Reasoning",    "results.reasoning",    _RESULTS,                               LIST,   "Show/hide reasoning", show=False)
NEXT_HIT        = _key("n",                "hit(1)",             "Next hit",     "results.next-hit",     _RESULTS,                               LIST,   "Go to the next match")
PREVIOUS_HIT    = _key("N",                "hit(-1)",            "Previous hit",   "results.previous-hit", _RESULTS,                               LIST,   "Go to the previous match", show=False)
NEXT_RECORD     = _key("J",                "record(1)",          "Next record",  "results.next-record",  _RESULTS,                               LIST,   "Go to the next record, from inside a record too", show=False)
PREVIOUS_RECORD = _key("K",                "record(-1)",         "Previous record", "results.previous-record", _RESULTS,                        LIST,   "Go to the previous record, from inside a record too", show=False)
COLUMNS         = _key("O",                "columns",            "Columns",      "results.columns",      _RESULTS,                               LIST,   "Choose the columns, fields of the JSON answers among them", show=False)
ANSWER_SCHEMA   = _key("W",                "answer_schema",      "Schema",       "results.schema",       _RESULTS,                               LIST,   "Judge the answers by a schema that their requests did not ask for", show=False)
FETCH_INPUT     = _key("i",                "fetch_input",        "Input file",   "job.fetch-input",      _JOB | _RESULTS,                                   JOB,    "Get the input file of a job or of results from elsewhere: its questions join the answers", show=False)
BY              = _key("b",                "by",                 "By",           "values.by",            _VALUES,                                LIST,   "Break the field down by another one, or by a column of the source table")
TAKE_OUT        = _key("semicolon",        "take_out",           "Pattern",      "values.pattern",       _VALUES,                                LIST,   "Take a field out of this one with a regular expression")
WRITE_VALUES    = _key("x",                "write",              "Write",        "values.write",         _VALUES,                                FILE,   "Write what is shown to a CSV file")
NEXT_CELL       = _key("right,l",          "move_cell(1)",       "Next column",  "values.next-cell",     _VALUES | _COMPARE,                      MOVE,   "Next column; from the fields to their values", show=False)
PREVIOUS_CELL   = _key("left,h",           "move_cell(-1)",      "Previous column", "values.previous-cell", _VALUES | _COMPARE,                   MOVE,   "Previous column; from the values to the fields", show=False)
EDIT            = _key("e",                "edit_line",          "Edit",         "check.edit",           _CHECK,                                 FILE,   "Open the line in your editor ($VISUAL, $EDITOR), then check again")
TRANSFORM       = _key("t",                "transform",          "Transform",    "check.transform",      _CHECK,                                 FILE,   "Change model, system prompt or parameters of the whole file, in a copy", show=False)
CHECK_AGAIN     = _key("r",                "check_again",        "Check again",  "check.again",          _CHECK,                                 FILE,   "Read the file again")
LOOK_AT_LINKS   = _key("u",                "look_at_links",      "Links",        "check.links",          _CHECK,                                 FILE,   "Check the links to audio files and images, from this machine", show=False)
FOLD            = _key("space",            "fold",               "Lines",        "check.lines",          _CHECK,                                 LIST,   "Show or hide the lines of a rule")
UNFOLD_LINES    = _key("right",            "unfold_lines",       "Open",         "check.open",           _CHECK,                                 LIST,   "Show the lines of a rule", show=False)
FOLD_LINES      = _key("left",             "fold_lines",         "Close",        "check.close",          _CHECK,                                 LIST,   "Hide the lines of a rule", show=False)
LEAVE_OUT       = _key("X,delete",         "leave_out",          "Leave out",    "check.leave-out",      _CHECK,                                 FILE,   "Of several files: do without the one under the cursor", show=False)
PARENT          = _key("backspace,left",   "parent",             "Parent",       "pick.parent",          _PICK,                                  MOVE,   "Go to the parent folder")
INTO            = _key("right",            "enter_folder",       "Into",         "pick.into",            _PICK,                                  MOVE,   "Enter the folder", show=False)
USE_FOLDER      = _key("c",                "use_folder",         "Compose",      "pick.compose-folder",  _PICK,                                  FILE,   "Make requests of the files of this folder, one of each")
WRITE           = _key("ctrl+j,ctrl+enter", "go_on",             "Done",         "compose.write",        _COMPOSE,                               FILE,   "Write the requests and check them, from within a text too")
COMPLETE        = _key("tab",              "complete",           "Complete",     "compose.complete",     _COMPOSE,                               FILE,   "Complete the name of a column after {{; elsewhere, next field", show=False)
EDIT_TEXT       = _key("e,ctrl+e",         "edit_text",          "Editor",       "compose.editor",       _COMPOSE,                               FILE,   "Open the prompt, or the text one is in, in your editor ($VISUAL, $EDITOR)")
NEXT_ROW        = _key("n",                "go_to_row(1)",       "Next row",     "compose.next-row",     _COMPOSE,                               LIST,   "Show the request of the next row")
PREVIOUS_ROW    = _key("p",                "go_to_row(-1)",      "Previous",     "compose.previous-row", _COMPOSE,                               LIST,   "Show the request of the previous row")
NEXT_PROBLEM    = _key("right_square_bracket", "go_to_problem(1)", "Problem",    "compose.next-problem", _COMPOSE,                               LIST,   "Go to the next row with a problem")
PREVIOUS_PROBLEM = _key("left_square_bracket", "go_to_problem(-1)", "Previous problem", "compose.previous-problem", _COMPOSE,                   LIST,   "Go to the previous row with a problem", show=False)
LONGEST_ROW     = _key("greater_than_sign", "go_to_longest",     "Longest",      "compose.longest-row",  _COMPOSE,                               LIST,   "Go to the row with the longest request")
RANDOM_ROW      = _key("r",                "go_to_random",       "Random",       "compose.random-row",   _COMPOSE,                               LIST,   "Go to a row drawn at random")
COMPOSE_NEXT    = _key("space,right",      "move(1)",            "Next choice",  "compose.next-choice",  _COMPOSE,                               FILE,   "Next choice of a field", show=False)
COMPOSE_PREVIOUS = _key("left",            "move(-1)",           "Previous choice", "compose.previous-choice", _COMPOSE,                         FILE,   "Previous choice of a field", show=False)
NEXT_CHOICE     = _key("right,down,space", "move(1)",            "Next",         "create.next",          _CREATE,                                FILE,   "Next choice")
PREVIOUS_CHOICE = _key("left,up",          "move(-1)",           "Previous",     "create.previous",      _CREATE,                                FILE,   "Previous choice", show=False)
TRY             = _key("T",                "try_now",            "Try now",      "request.try",          _COMPOSE | _CHECK | _RESULTS,           FILE,   "Ask this request now through the real-time endpoint, before a batch is spent on it", show=False)
TRY_DEMO        = _key("t",                "try_demo",           "Try the demo", "jobs.try-demo",        _JOBS,                                  APP,    "Try everything on a private sandbox, without a key")

# Lists.
FILTER          = _key("slash",            "filter",             "Filter",       "list.filter",          LISTS | _MODELS,                                  LIST,   "Show only rows containing what you type")
NEXT_FILTER     = _key("f",                "next_filter",        "Show",         "list.next-filter",     _JOBS | _RESULTS | _COMPARE,             LIST,   "Cycle the filter: all rows, then one kind after the other")
PREVIOUS_FILTER = _key("F",                "next_filter(-1)",    "Show before",  "list.previous-filter", _RESULTS,                               LIST,   "The same, backwards", show=False)
VALUES          = _key("V",                "answers('values')",  "Values",       "results.values",       _RESULTS,                               LIST,   "What the answers are: counts, histograms, one field by another")
COMPARE         = _key("C",                "answers('compare')", "Compare",      "results.compare",      _JOBS | _RESULTS,                       LIST,   "Compare answers: two marked jobs, or this one with another or a gold column", show=False)
GOLD            = _key("b",                "gold",               "With",         "compare.with",         _COMPARE,                               LIST,   "Compare with another job, or with a column of the source table")
COMPARED_FIELD  = _key("full_stop",        "compared_field",     "Field",        "compare.field",        _COMPARE,                               LIST,   "Compare by another field of the answers")
ALL_ROWS        = _key("backspace",        "all_rows",           "All rows",     "results.all-rows",     _RESULTS,                               LIST,   "Show all rows again, not only those selected elsewhere", show=False)
SORT            = _key("s",                "next_sort",          "Sort",         "list.sort",            _JOBS | _RESULTS | _FILES | _MODELS,              LIST,   "Sort by the next column", show=False)
REVERSE_SORT    = _key("S",                "reverse_sort",       "Reverse",      "list.reverse-sort",    _RESULTS,                               LIST,   "Sort the other way round", show=False)
COPY_ID         = _key("y",                "copy_id",            "Copy id",      "list.copy-id",         LISTS | _JOB | _MODELS,                           LIST,   "Copy the id under the cursor", show=False)
MARK            = _key("space",            "mark",               "Mark",         "list.mark",            _JOBS | _PICK | _RESULTS | _FILES,      LIST,   "Mark row; bulk actions apply to all marked rows")
MARK_ALL        = _key("a",                "mark_all",           "Mark all",     "list.mark-all",        _JOBS | _PICK | _RESULTS | _FILES,      LIST,   "Mark all rows shown, or none", show=False)
MORE_COLUMNS    = _key("right,l",          "turn_columns(1)",    "Columns",      "list.columns-right",   _JOBS | _RESULTS | _FILES | _MODELS,              LIST,   "Show hidden columns", show=False)
FEWER_COLUMNS   = _key("left,h",           "turn_columns(-1)",   "Columns",      "list.columns-left",    _JOBS | _RESULTS | _FILES | _MODELS,              LIST,   "Show the first columns", show=False)
COPY_RECORD     = _key("Y",                "copy_record",        "Copy record",  "list.copy-record",     _JOBS | _CHECK | _JOB | _RESULTS,       LIST,   "Copy record as JSON", show=False)

# Moving.
DOWN            = _key("j,down",           "cursor_down",        "Down",         "list.down",            _MOVERS,                                MOVE,   "One row down", show=False)
UP              = _key("k,up",             "cursor_up",          "Up",           "list.up",              _MOVERS,                                MOVE,   "One row up", show=False)
TOP             = _key("g,home",           "cursor_top",         "First",        "list.top",             _MOVERS,                                MOVE,   "First row", show=False)
BOTTOM          = _key("G,end",            "cursor_bottom",      "Last",         "list.bottom",          _MOVERS,                                MOVE,   "Last row", show=False)
PAGE_DOWN       = _key("pagedown",         "page_down",          "Page down",    "list.page-down",       _MOVERS,                                MOVE,   "A page down", show=False)
PAGE_UP         = _key("pageup",           "page_up",            "Page up",      "list.page-up",         _MOVERS,                                MOVE,   "A page up", show=False)
BACK            = _key("escape",           "back",               "Back",         "go.back",              SCREENS,                                MOVE,   "Back to the previous screen; nothing is lost")

# The app.
HELP            = _key("question_mark",    "show_keys",          "Keys",         "help.keys",            SCREENS,                                APP,    "The keys of this screen")
PALETTE         = _key("ctrl+p",           "command_palette",    "Commands",     "app.palette",          SCREENS,                                APP,    "Find any action by name", show=False, priority=True)
PROFILE         = _key("P",                "profile",            "Profile",      "jobs.profile",         _JOBS,                                  APP,    "Switch to another profile: its key, server and history", show=False)
QUIT            = _key("q",                "quit",               "Quit",         "app.quit",             SCREENS,                                APP,    "Quit; batches continue on the server", show=False)
SUSPEND         = _key("ctrl+z",           "suspend_process",    "Suspend",      "app.suspend",          SCREENS,                                APP,    "Suspend (fg to return)", show=False)
COPY_SELECTED   = _key("ctrl+c,super+c",   "app.copy_selected",  "Copy text",    "app.copy-selected",    SCREENS | _QUESTION | _READING | _FORM, APP,    "Copy the selected text (drag with the mouse to select)", show=False)
LOG             = _key("L",                "show_log",           "Messages",     "app.log",              SCREENS,                                APP,    "The log of messages, newest first", show=False)
HIDE_TOUR       = _key("H",                "hide_tour",          "Hide hint",    "tour.hide",            SCREENS,                                APP,    "Hide the hint of this screen", show=False)

# Answers to a question, and closing a text.
YES             = _key("y",                "yes",                "Yes",          "answer.yes",           _QUESTION,                              ANSWER, "Do it")
NO              = _key("n,escape",         "no",                 "No",           "answer.no",            _QUESTION,                              ANSWER, "Cancel")
CLOSE           = _key("escape,q,enter",   "close",              "Close",        "answer.close",         _READING,                               ANSWER, "Close")

# The filter line, which has the keyboard while the user types.
FILTER_KEEP     = _key("enter,down,tab",   "keep",               "Keep",         "filter.keep",          _FILTERING,                             LIST,   "Back to the list, filtered")
FILTER_CLEAR    = _key("escape",           "clear",              "Clear",        "filter.clear",         _FILTERING,                             LIST,   "Show all again")

# Moving in a question, and a form.
PRESS           = _key("enter,space",      "press",              "Choose",       "answer.choose",        _QUESTION,                              ANSWER, "Choose the focused answer", show=False)
NEXT            = _key("right",            "app.focus_next",     "Next",         "answer.next",          _QUESTION,                              MOVE,   "Next answer", show=False)
PREVIOUS        = _key("left",             "app.focus_previous", "Previous",     "answer.previous",      _QUESTION,                              MOVE,   "Previous answer", show=False)
TRY_SEND        = _key("enter",            "send",               "Send",         "try.send",             _TRYING,                                ANSWER, "Send the requests now, each once")
TRY_AGAIN       = _key("T",                "send_again",         "Send again",   "try.again",            _TRYING,                                ANSWER, "Send what has an answer again, which costs again")
TRY_MORE        = _key("right",            "more(1)",            "More",         "try.more",             _TRYING,                                ANSWER, "One request more, ten at most", show=False)
TRY_FEWER       = _key("left",             "more(-1)",           "Fewer",        "try.fewer",            _TRYING,                                ANSWER, "One request less", show=False)
TRY_CHANGE      = _key("e",                "change",             "Change",       "try.change",           _TRYING,                                ANSWER, "Ask with another model, token limit, system prompt or prompt")
TRY_NEXT        = _key("n",                "next_try(1)",        "Next",         "try.next",             _TRYING,                                ANSWER, "The next request")
TRY_PREVIOUS    = _key("p",                "next_try(-1)",       "Previous",     "try.previous",         _TRYING,                                ANSWER, "The previous request", show=False)
TRY_VIEW        = _key("v",                "view_try",           "Request",      "try.view",             _TRYING,                                ANSWER, "Show the request, or what the batch answered")
TRY_EXPORT      = _key("x",                "export_tries",       "Export",       "try.export",           _TRYING,                                ANSWER, "Write all that was tried of these requests to a file")
TRY_CLOSE       = _key("escape,q",         "close_try",          "Close",        "try.close",            _TRYING,                                ANSWER, "Stop what is out, else close")
TRY_DONE        = _key("ctrl+j,ctrl+enter", "save",              "Done",         "try.done",             _FORM,                                  ANSWER, "Done, from within a text too")
TRY_EDITOR      = _key("ctrl+e",           "edit_try",           "Editor",       "try.editor",           _FORM,                                  ANSWER, "Open the text one is in in your editor ($VISUAL, $EDITOR)")
SAVE            = _key("enter",            "save",               "Save",         "answer.save",          _FORM,                                  ANSWER, "Save")
DISCARD         = _key("escape",           "discard",            "Cancel",      "answer.discard",       _FORM,                                  ANSWER, "Cancel, without changes")
TICK            = _key("space",            "tick",               "Toggle",         "form.tick",            _FORM,                                  ANSWER, "Turn this on or off")
FORM_NEXT       = _key("down,j",           "app.focus_next",     "Next",         "form.next",            _FORM,                                  MOVE,   "Next field", show=False)
FORM_PREVIOUS   = _key("up,k",             "app.focus_previous", "Previous",     "form.previous",        _FORM,                                  MOVE,   "Previous field", show=False)
CREATE_NEXT     = _key("j",                "app.focus_next",     "Next field", "create.next-field",    _CREATE,                                MOVE,   "Next field (so does Tab)", show=False)
CREATE_PREVIOUS = _key("k",                "app.focus_previous", "Previous field", "create.previous-field", _CREATE,                           MOVE,   "Previous field (so does Shift+Tab)", show=False)
# fmt: on

MOVING = [DOWN, UP, TOP, BOTTOM, PAGE_DOWN, PAGE_UP]
"""The bindings of anything with a cursor or a scroll."""
MARKING = [MARK, MARK_ALL]
"""The bindings of a table whose rows can be marked."""
OF_RESULTS = [
    FILTER,
    NEXT_FILTER,
    PREVIOUS_FILTER,
    ALL_ROWS,
    ERRORS,
    MERGE,
    ANSWER_SCHEMA,
    VALUES,
    COMPARE,
    RETRY,
    TRY,
    EXPORT,
    FETCH_INPUT,
]
"""The bindings of the screen Results itself."""
GLOBAL = [HELP, PALETTE, LOG, QUIT, SUSPEND, HIDE_TOUR]
"""The App's own bindings."""
