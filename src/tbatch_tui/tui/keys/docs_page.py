"""Write `docs/reference/keys.md` from the bindings.

The command is `python -m tbatch_tui.tui.keys.docs_page > docs/reference/keys.md`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from textual.keys import format_key

from tbatch_tui.tui.keys.bindings import ALL, CONTEXTS, SCREENS, KeyContext
from tbatch_tui.tui.keys.keymap import binding_keys

if TYPE_CHECKING:
    from textual.binding import Binding

_HEAD = """# Keys

Generated from the program's own bindings by `python -m tbatch_tui.tui.keys.docs_page > docs/reference/keys.md`; a test
keeps it true.

`?` in the app shows those of the current screen, as you mapped them, and `ctrl+p` finds each by name. Nothing needs a
mouse, a function key, `ctrl+q` or `ctrl+s`.

With the mouse, dragging over a text selects it: a record, a job's facts, steps and files, an error, what a dialog says.
A double click takes all of it. `ctrl+c` copies what is selected, over ssh too (OSC 52), and says how much that was;
`escape` or a click elsewhere gives it up. What is copied is the text as it was written: breaks and indents that are the
screen's alone stay behind, and a control character becomes its picture. In a table a click moves the cursor; `y` and
`Y` copy what stands there. For the terminal's own selection hold shift (option or fn in some terminals on a Mac), or
start with `--no-mouse`.

An id is what `config.toml` calls an action. Remap keys there, separated by commas:

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
    """Return the whole page as Markdown."""
    parts = [_HEAD]
    for group in dict.fromkeys(binding.group.description for binding in ALL if binding.group is not None):
        parts.append(f"\n## {group}\n\n| key | id | where | does |\n|---|---|---|---|\n")
        actions: dict[str, list[Binding]] = {}
        for binding in ALL:
            if binding.group is not None and binding.group.description == group:
                actions.setdefault(binding.id or "", []).append(binding)
        parts += [_row(action_id, bindings) for action_id, bindings in actions.items()]
    return "".join(parts)


def _row(action_id: str, bindings: list[Binding]) -> str:
    """Return the row of an action, which may have several bindings: one a context."""
    keys = dict.fromkeys(_format_key(key) for binding in bindings for key in binding_keys(binding))
    tooltips = " / ".join(dict.fromkeys(binding.tooltip.rstrip(".") for binding in bindings))
    return f"| {' '.join(keys)} | `{action_id}` | {_format_contexts(CONTEXTS[action_id])} | {tooltips} |\n"


def _format_key(key: str) -> str:
    return f"`{_NAMES.get(key, format_key(key))}`"


def _format_contexts(contexts: frozenset[KeyContext]) -> str:
    if contexts >= SCREENS:
        return "every screen"
    return ", ".join(context.value for context in KeyContext if context in contexts)


if __name__ == "__main__":
    sys.stdout.write(page())
