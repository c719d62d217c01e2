"""Write `docs/reference/keys.md` from the bindings.

The command is `python -m tbatch_tui.tui.keys.docs_page > docs/reference/keys.md`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from textual.keys import format_key

from tbatch_tui.tui.keys.bindings import ALL, CONTEXTS, SCREENS, KeyContext
from tbatch_tui.tui.keys.keymap import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import Binding

_HEAD = """# Keys

Generated from the program's own bindings by `python -m tbatch_tui.tui.keys.docs_page > docs/reference/keys.md`; a test
keeps it true.

`?` in the app shows those of the screen one is on, as they are mapped, and `ctrl+p` finds each by name. Nothing needs a
mouse, a function key, `ctrl+q` or `ctrl+s`.

With the mouse, dragging over a text selects it: a record, a job's facts, steps and files, an error, what a dialog says.
A double click takes all of it. `ctrl+c` copies what is selected, over ssh too (OSC 52), and says how much that was;
`escape` or a click elsewhere gives it up. What is copied is the text as it was written: breaks and indents that are the
screen's alone stay behind, and a control character becomes its picture. In a table a click moves the cursor; `y` and
`Y` copy what stands there. For the terminal's own selection hold shift (option or fn in some terminals on a Mac), or
start with `--no-mouse`.

An id is what `config.toml` calls an action. Keys are remapped there, several parted by commas:

```toml
[keys]
"job.cancel" = "C"
"list.down" = "j,down,ctrl+n"
```

At the start every line of it is looked at. An id that does not exist, a key that does not exist or belongs to the
terminal, one that something else on the same screen has, and a character for what works while one types, are each told
in a message, and the default stays. Every text that names a key names yours. A key that can do nothing just now says
why.
"""
_NAMES = {"escape": "esc", "enter": "enter"}


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for group in dict.fromkeys(binding.group.description for binding in ALL if binding.group is not None):
        parts.append(f"\n## {group}\n\n| key | id | where | does |\n|---|---|---|---|\n")
        of_group = [binding for binding in ALL if binding.group is not None and binding.group.description == group]
        known: dict[str, list[Binding]] = {}
        for binding in of_group:
            known.setdefault(binding.id or "", []).append(binding)
        parts += [_row(id, bindings) for id, bindings in known.items()]
    return "".join(parts)


def _row(id: str, bindings: list[Binding]) -> str:
    keys = dict.fromkeys(_shown(key) for binding in bindings for key in keys_of(binding))
    told = " / ".join(dict.fromkeys(binding.tooltip.rstrip(".") for binding in bindings))
    return f"| {' '.join(keys)} | `{id}` | {_where(CONTEXTS[id])} | {told} |\n"


def _shown(key: str) -> str:
    return f"`{_NAMES.get(key, format_key(key))}`"


def _where(places: Iterable[KeyContext]) -> str:
    places = set(places)
    if places >= SCREENS:
        return "every screen"
    return ", ".join(place.value for place in KeyContext if place in places)


if __name__ == "__main__":
    sys.stdout.write(page())
