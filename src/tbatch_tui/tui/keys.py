"""Every key of the app, once: what it is called, what it does, where it works.

Screens and widgets take their `BINDINGS` from here, so that a key means one thing everywhere; footer, `?`, palette
and documentation read the same constants. A person remaps them by id; `check_keymap` says what is wrong with that,
because Textual ignores unknown ids and drops clashing bindings without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, _character_to_key


class Place(StrEnum):
    """Where a key works: a screen by its name, or a dialog that hides the screen's keys."""

    JOBS = "Jobs"
    PICK = "Pick"
    CHECK = "Check"
    CREATE = "Create"
    JOB = "Job"
    RESULTS = "Results"
    QUESTION = "a question"
    READING = "a text to read"
    FILTERING = "the filter line"
    FORM = "a form"


SCREENS = frozenset({Place.JOBS, Place.PICK, Place.CHECK, Place.CREATE, Place.JOB, Place.RESULTS})
LISTS = frozenset({Place.JOBS, Place.CHECK, Place.RESULTS})

MOVE = Binding.Group("Move")
LIST = Binding.Group("List")
JOB = Binding.Group("Job")
FILE = Binding.Group("File")
APP = Binding.Group("App")
ANSWER = Binding.Group("Answer")

PLACES: dict[str, frozenset[Place]] = {}
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
    on: Iterable[Place],
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
    "enter", "select", "Open", "Open what is under the cursor", id="go.on", on=(*LISTS, Place.PICK), group=MOVE
)
GO_ON = _key("enter", "go_on", "Continue", "Go on to the next step", id="go.on", on=SCREENS, group=MOVE)

# Jobs and their files.
NEW = _key("n", "new_batch", "New", "Pick a file for a new batch", id="jobs.new", on=(Place.JOBS,), group=JOB)
_JOB_PLACES = (Place.JOBS, Place.JOB)
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
    on=(*_JOB_PLACES, Place.RESULTS),
    group=JOB,
)
REFRESH = _key(
    "r", "refresh_now", "Refresh", "Ask the server now", id="jobs.refresh", on=_JOB_PLACES, group=JOB, show=False
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
FIX = _key(
    "x",
    "fix",
    "Fix",
    "Write a copy with what can be mended mended, and check that",
    id="check.fix",
    on=(Place.CHECK,),
    group=FILE,
)
EXPORT = _key(
    "x", "export", "Export", "Write the rows shown to a file", id="results.export", on=(Place.RESULTS,), group=FILE
)
CHECK_AGAIN = _key(
    "r", "check_again", "Check again", "Read the file again", id="check.again", on=(Place.CHECK,), group=FILE
)
FOLD = _key(
    "space", "fold", "Lines", "Show or hide the lines of a rule", id="check.lines", on=(Place.CHECK,), group=LIST
)
UNFOLD_LINES = _key(
    "right",
    "unfold_lines",
    "Open",
    "Show the lines of a rule",
    id="check.open",
    on=(Place.CHECK,),
    group=LIST,
    show=False,
)
FOLD_LINES = _key(
    "left",
    "fold_lines",
    "Close",
    "Hide the lines of a rule",
    id="check.close",
    on=(Place.CHECK,),
    group=LIST,
    show=False,
)
PARENT = _key(
    "backspace,left", "parent", "Parent", "To the folder above", id="pick.parent", on=(Place.PICK,), group=MOVE
)
INTO = _key(
    "right", "enter_folder", "Into", "Into the folder", id="pick.into", on=(Place.PICK,), group=MOVE, show=False
)
NEXT_ENDPOINT = _key(
    "right,down,space",
    "move(1)",
    "Endpoint",
    "The next endpoint",
    id="create.next",
    on=(Place.CREATE,),
    group=FILE,
)
PREVIOUS_ENDPOINT = _key(
    "left,up",
    "move(-1)",
    "Endpoint",
    "The endpoint before",
    id="create.previous",
    on=(Place.CREATE,),
    group=FILE,
    show=False,
)
TRY_DEMO = _key(
    "t",
    "try_demo",
    "Try the demo",
    "See everything on a private sandbox, without a key",
    id="jobs.try-demo",
    on=(Place.JOBS,),
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
    on=(Place.JOBS, Place.RESULTS),
    group=LIST,
)
SORT = _key(
    "s", "next_sort", "Sort", "Sort by the next column", id="list.sort", on=(Place.JOBS,), group=LIST, show=False
)
COPY_ID = _key(
    "y", "copy_id", "Copy id", "Copy the id under the cursor", id="list.copy-id", on=LISTS, group=LIST, show=False
)

_MOVERS = (*LISTS, Place.READING)
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

# Answers to a question, and closing what was read.
YES = _key("y", "yes", "Yes", "Do it", id="answer.yes", on=(Place.QUESTION,), group=ANSWER)
NO = _key("n,escape", "no", "No", "Leave all as it is", id="answer.no", on=(Place.QUESTION,), group=ANSWER)
CLOSE = _key("escape,q,enter", "close", "Close", "Close this", id="answer.close", on=(Place.READING,), group=ANSWER)

# The filter line, which has the keyboard while one types.
FILTER_KEEP = _key(
    "enter,down,tab", "keep", "Keep", "Back to the list, filtered", id="filter.keep", on=(Place.FILTERING,), group=LIST
)
FILTER_CLEAR = _key("escape", "clear", "Clear", "Show all again", id="filter.clear", on=(Place.FILTERING,), group=LIST)
PRESS = _key(
    "enter,space",
    "press",
    "Choose",
    "Take the answer that has the focus",
    id="answer.choose",
    on=(Place.QUESTION,),
    group=ANSWER,
    show=False,
)
NEXT = _key(
    "right",
    "app.focus_next",
    "Next",
    "To the next answer",
    id="answer.next",
    on=(Place.QUESTION,),
    group=MOVE,
    show=False,
)
PREVIOUS = _key(
    "left",
    "app.focus_previous",
    "Previous",
    "To the answer before",
    id="answer.previous",
    on=(Place.QUESTION,),
    group=MOVE,
    show=False,
)
SAVE = _key("enter", "save", "Save", "Keep what is written", id="answer.save", on=(Place.FORM,), group=ANSWER)
DISCARD = _key(
    "escape", "discard", "Discard", "Leave it as it was", id="answer.discard", on=(Place.FORM,), group=ANSWER
)

MOVING = [DOWN, UP, TOP, BOTTOM, PAGE_DOWN, PAGE_UP]
"""The bindings of anything with a cursor or a scroll."""
GLOBAL = [HELP, PALETTE, QUIT]
"""The App's own bindings."""

_TAKEN = {
    "tab": "moves between fields",
    "shift+tab": "moves between fields",
    "ctrl+c": "is the terminal's",
    "ctrl+q": "always quits",
    "ctrl+i": "is Tab to a terminal",
    "ctrl+m": "is Enter to a terminal",
    "ctrl+h": "is Backspace to a terminal",
    "ctrl+left_square_bracket": "is Escape to a terminal",
}
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "meta", "hyper"})
_NAMED = (
    {key.value for key in Keys if "+" not in key.value and not key.value.startswith("<")}
    | set(KEY_TO_UNICODE_NAME)
    | set(KEY_NAME_REPLACEMENTS.values())
    | {
        "slash",
        "comma",
        "colon",
        "semicolon",
        "apostrophe",
        "asterisk",
        "ampersand",
        "tilde",
        "equals_sign",
        "full_stop",
    }
)


def normal_key(key: str) -> str | None:
    """A key as Textual spells it (`?` → `question_mark`, `shift+a` → `A`); None when there is no such key."""
    key = key.strip()
    if len(key) == 1:
        return _character_to_key(key) if key.isprintable() and key != " " else None
    *modifiers, last = key.split("+")
    if len(last) == 1:
        if modifiers == ["shift"] and last.isalpha():
            return last.upper()
        last = _character_to_key(last)
    elif last not in _NAMED:
        return None
    if len(set(modifiers)) != len(modifiers) or not _MODIFIERS.issuperset(modifiers):
        return None
    return "+".join([*modifiers, last])


def keys_of(binding: Binding, keymap: Mapping[str, str] | None = None) -> list[str]:
    """The keys of a binding, as remapped."""
    keys = (keymap or {}).get(binding.id or "", binding.key)
    return [normal_key(key) or key.strip() for key in keys.split(",")]


def key_rank(binding: Binding) -> int:
    """Which of an action's keys this one is, so that the first is shown first; a remapped one comes before all."""
    default = next((keys_of(one) for one in ALL if one.id == binding.id), [])
    return default.index(binding.key) if binding.key in default else -1


def check_keymap(mapping: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The part of a person's keymap that can be had, and a message for each part that cannot: there the default stays.

    The mapping is id → keys, several separated by commas. Of two ids that want the same key on the same screen,
    the one written later loses; a default is never pushed out by a remapped key.
    """
    accepted: dict[str, str] = {}
    messages: list[str] = []
    for id, keys in mapping.items():
        if id not in PLACES:
            messages.append(f"keys: there is no action {id!r}{_meant(id)}")
        elif message := _fault(keys):
            messages.append(f"keys: {id}: {message}; it stays {_default(id)}")
        else:
            accepted[id] = ",".join(normal_key(key) or key for key in keys.split(","))
    while clash := _clash(accepted):
        loser, key, other, place = clash
        del accepted[loser]
        messages.append(f"keys: {loser}: {key!r} is {other} on {place} already; it stays {_default(loser)}")
    return accepted, messages


def _fault(keys: object) -> str | None:
    """What is wrong with the keys of one action, whatever else is mapped."""
    if not isinstance(keys, str) or not keys.strip():
        return "a key is wanted, or several separated by commas"
    for key in keys.split(","):
        normal = normal_key(key)
        if normal is None:
            return f"there is no key {key.strip()!r}"
        if normal in _TAKEN:
            return f"{normal!r} {_TAKEN[normal]}"
    return None


def _clash(accepted: dict[str, str]) -> tuple[str, str, str, Place] | None:
    """The last remapped id whose key is another's on the same screen: (id, key, the other id, where)."""
    effective = {binding.id: keys_of(binding, accepted) for binding in ALL if binding.id}
    for id in reversed(accepted):
        for other, keys in effective.items():
            shared = PLACES[id] & PLACES[other]
            if other != id and shared and (both := [key for key in effective[id] if key in keys]):
                return id, both[0], other, min(shared)
    return None


def _default(id: str) -> str:
    return repr(next(binding.key for binding in ALL if binding.id == id))


def _meant(id: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(id, PLACES, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
