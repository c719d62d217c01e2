"""One voice: every sentence the app says of what happened, collected from the source and held to the same rules.

A title says what happened, without a full stop (one is put behind it where the hint follows on the same line). A hint
says what is safe and what to do, in sentences. `python -m tests.test_words` prints them all, to be read in one go.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.cli.output import fill_commands
from tbatch_tui.engine import errors
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.tui.keys import bindings as keys

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parent.parent / "src" / "tbatch_tui"
ERRORS = {name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, Exception)}
SAYING = ERRORS | {"Notice", "Confirm", "notify"}
WORN = re.compile(r"(?i)\b(please|sorry|oops|successfully|unable to|an error occurred|invalid|\w+\(s\))")


TOLD_WITH_MORE = ("engine/server_files/", "engine/client/translate_errors.py")
"""Whose errors are told by somebody who knows what is safe."""
KEY = re.compile(r"(?:^|(?<=[ (\n]))(?<!\} )(?<!\d )(?:[b-zB-HJ-Z/]|esc|enter|[Ee]scape|[Bb]ackspace|⏎)(?=[ ),.:;]|$)")
"""A key as it would stand in a sentence. A text names the action instead: whoever tells it knows the key."""
TELLS_OF_KEYS = {"tui/keys/bindings.py", "tui/keys/keymap.py", "tui/keys/docs_page.py"}
NO_KEY = {
    "the first N only",  # a number, in --help
    "Remove the escape, or write both halves",  # JSON's
}


class Message(NamedTuple):
    """Title and hint as they stand in the source; what is only known when it is said is `{}`."""

    where: str
    title: str
    hint: str
    said_by: str = ""
    """The kind of error, or who says it."""


def messages() -> Iterator[Message]:
    """All of them, by file and line. The sandbox speaks as the API does, and is not among them."""
    for path in sorted(SOURCE.rglob("*.py")):
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in SAYING | {"print_message"}:
                where = f"{path.relative_to(SOURCE)}:{node.lineno}"
                hint = next(
                    (w.value for w in node.keywords if w.arg == "hint"), node.args[1] if node.args[1:] else None
                )
                yield Message(where, _text(node.args[0]), _text(hint), _name(node.func))


def _name(function: ast.expr) -> str:
    """Of a command's `print_message`, which is one whole sentence, nothing: it has no title."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) and function.id in SAYING else ""


def _text(node: ast.expr | None) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.IfExp(body=one, orelse=other):
            return _text(one) or _text(other)
        case ast.BinOp(left=left, right=right):
            return _text(left) + _text(right)
    return "{}" if node is not None else ""


def test_there_are_messages_to_look_at() -> None:
    assert len([m for m in messages() if m.title]) > 100


def test_a_title_says_what_happened_and_has_no_full_stop() -> None:
    for where, title, *_ in messages():
        assert not title.rstrip().endswith((".", "!", ":")), (where, title)
        assert not title or title[0] in "{`$" or title[0].isupper() or title.startswith(("xdg-", "--", "tbatch")), (
            where,
            title,
        )


def test_what_went_wrong_says_what_is_safe_or_what_to_do() -> None:
    failures = ERRORS - {"OperationCancelledError"}
    alone = [m for m in messages() if m.said_by in failures and m.title.strip("{}") and not m.hint]
    assert [(m.where, m.title) for m in alone if not m.where.startswith(TOLD_WITH_MORE)] == []


def test_a_hint_is_sentences() -> None:
    for where, _, hint, _ in messages():
        if hint and not hint.endswith("{}"):
            assert hint.endswith((".", "?", "…")), (where, hint)
            assert hint[0] in "{`$" or hint[0].isupper() or re.match(r"[a-z](?:\b|-)|tbatch-tui", hint), (where, hint)


def test_nothing_is_worn_out_or_a_formula() -> None:
    for where, *said, _ in messages():
        for text in said:
            assert not WORN.search(text), (where, text)
            assert "  " not in text.strip(), (where, text)


def sentences() -> Iterator[tuple[str, str]]:
    """Every text with a space in it that is not a docstring or SQL, and where it stands."""
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE).as_posix()
        if where.startswith(("sandbox/", "engine/journal/")) or where in TELLS_OF_KEYS:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in alone | parts:
                text = _text(node)
                if " " in text.strip() and not re.search(r"[{%(]\w*:| {4}\w", text):
                    yield f"{where}:{node.lineno}", text


def test_no_text_says_a_key_that_a_person_may_have_elsewhere() -> None:
    told = [(where, text) for where, text in sentences() if text not in NO_KEY]
    assert len(told) > 1_000
    assert [(where, text) for where, text in told if KEY.search(text)] == []


def test_an_action_that_is_named_is_one() -> None:
    named = [(where, id) for where, text in sentences() for id in re.findall(r"\{([a-z]+\.[a-z-]+)\}", text)]
    assert len(named) > 30
    assert [(where, id) for where, id in named if id not in keys.PLACES] == []


def test_a_step_is_a_key_in_the_app_and_a_command_without_it() -> None:
    for step in NextStep:
        assert step[1:-1] in keys.PLACES
        assert fill_commands(f"Then {step} helps.") != f"Then {step} helps."
    assert fill_commands(f"{NextStep.FETCH} goes on.") == "`tbatch-tui fetch ID` goes on."


if __name__ == "__main__":
    for message in messages():
        print(f"{message.where}\n    {message.title}\n    {message.hint}")  # noqa: T201
