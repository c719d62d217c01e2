"""One voice: the sentences that the app shows are collected from the source, and all held to the same rules.

A title names what happened, without a full stop (one is added where the hint follows on the same line). A hint says
what is safe and what to do, in sentences. `python -m tests.test_words` prints them all, to be read in one go.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.cli.output import fill_commands
from tbatch_tui.engine import errors
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parent.parent / "src" / "tbatch_tui"
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
SPEAKERS = ERRORS | {"Notice", "Confirm", "notify"}
"""Calls whose first two arguments are a title and a hint."""
WORN_WORDS = re.compile(r"(?i)\b(please|sorry|oops|successfully|unable to|an error occurred|\w+\(s\))")
STILTED = re.compile(
    r"(?i)\b(mend(s|ed|ing)?|unasked|by (itself|themselves)|(is|was|are) meant|had back|parted by|go(es)? on|went on|"
    r"(comes?|came) back|beside|is sound|faulty|what helps|not whole|likewise|all the same|over already|"
    r"a (row|line|request) a (row|line|file)|made elsewhere|these exact bytes|"
    r"(?<!there )is no (?!longer|more)|knows no|in place of|asked about|stand there|look at the file|write it so|"
    r"give (it|another|them|the)|(a|\d+) more than|problems? more|need you)\b"
)
"""What a native speaker stumbles over. Say fix, automatically, did you mean, separated by, continue, next to, valid."""

HINT_IS_ADDED = ("engine/server_files/", "engine/client/translate_errors.py")
"""Their errors need no hint: who catches them knows what is safe, and adds one."""
KEY = re.compile(r"(?:^|(?<=[ (\n]))(?<!\} )(?<!\d )(?:[b-zB-HJ-Z/]|esc|enter|[Ee]scape|[Bb]ackspace|⏎)(?=[ ),.:;]|$)")
"""A key as it would be in a sentence. A text names the action instead, as a person may have another key for it."""
ABOUT_KEYS = {"tui/keys/bindings.py", "tui/keys/keymap.py", "tui/keys/docs_page.py"}
NO_KEY = {
    "at most N",  # a number, in --help
    "send N requests first, and the rest if all of them succeed",
    "draw N rows at random",
    "print N requests, write nothing [1]",
    "Remove the escape, or write both halves",  # JSON's
}


class Message(NamedTuple):
    """A title and a hint as they are in the source; what is known only at run time is `{}`."""

    where: str
    title: str
    hint: str
    speaker: str = ""
    """The error, or the function that shows it."""


@cache
def messages() -> list[Message]:
    """Return all messages, by file and line, without the sandbox, which answers as the API does."""
    return list(_messages())


def _messages() -> Iterator[Message]:
    for path in sorted(SOURCE.rglob("*.py")):
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and called_name(node.func) in SPEAKERS:
                where = f"{path.relative_to(SOURCE)}:{node.lineno}"
                hint = next(
                    (w.value for w in node.keywords if w.arg == "hint"), node.args[1] if node.args[1:] else None
                )
                yield Message(where, text_of(node.args[0]), text_of(hint), called_name(node.func))


def called_name(function: ast.expr) -> str:
    """Return the name of the function, method or class that is called; empty for any other expression."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def text_of(node: ast.expr | None) -> str:
    """Return the text of an expression, with `{}` for what is known only at run time; empty without one."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.IfExp(body=one, orelse=other):
            return text_of(one) or text_of(other)
        case ast.BinOp(left=left, right=right):
            return text_of(left) + text_of(right)
    return "{}" if node is not None else ""


def test_there_are_messages_to_look_at() -> None:
    assert len([m for m in messages() if m.title]) > 100


def test_a_title_names_what_happened_and_has_no_full_stop() -> None:
    for where, title, *_ in messages():
        assert not title.rstrip().endswith((".", "!", ":")), (where, title)
        assert not title or title[0] in "{`$" or title[0].isupper() or title.startswith(("xdg-", "--", "tbatch")), (
            where,
            title,
        )


def test_an_error_says_what_is_safe_or_what_to_do() -> None:
    failures = ERRORS - {"OperationCancelledError"}
    without_hint = [m for m in messages() if m.speaker in failures and m.title.strip("{}") and not m.hint]
    assert [(m.where, m.title) for m in without_hint if not m.where.startswith(HINT_IS_ADDED)] == []


def test_a_hint_is_sentences() -> None:
    for where, _, hint, _ in messages():
        if hint and not hint.endswith("{}"):
            assert hint.endswith((".", "?", "…")), (where, hint)
            assert hint[0] in "{`$" or hint[0].isupper() or re.match(r"[a-z](?:\b|-)|tbatch-tui", hint), (where, hint)


def test_no_worn_words_and_no_gaps() -> None:
    for where, *texts, _ in messages():
        for text in texts:
            assert not WORN_WORDS.search(text), (where, text)
            assert "  " not in text.strip(), (where, text)


@cache
def sentences() -> list[tuple[str, str]]:
    """Return every text with a space in it that is not a docstring or SQL, and where it is."""
    return list(_sentences())


def _sentences() -> Iterator[tuple[str, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE).as_posix()
        if where.startswith(("sandbox/", "engine/journal/")) or where in ABOUT_KEYS:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in docstrings | parts:
                text = text_of(node)
                if " " in text.strip() and not re.search(r"[{%(]\w*:| {4}\w", text):
                    yield f"{where}:{node.lineno}", text


def test_no_text_is_stilted() -> None:
    texts = [(where, text) for where, text in sentences() if not where.startswith("tui/screens/create/send_choice.py")]
    assert [(where, text) for where, text in texts if STILTED.search(text)] == []
    tooltips = [binding.tooltip for binding in keys.ALL]
    assert [text for text in tooltips if STILTED.search(text)] == []


def test_no_page_for_users_is_stilted() -> None:
    root = SOURCE.parents[1]
    pages = [root / "README.md", *(page for page in (root / "docs").rglob("*.md") if page.parent.name != "dev")]
    found = [
        (str(page.relative_to(root)), number, match[0])
        for page in sorted(pages)
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        for match in STILTED.finditer(re.sub(r"`[^`]*`|\]\([^)]*\)|\"mend\"", "", line))
    ]
    assert found == []


def test_no_text_names_a_key_that_a_person_may_have_changed() -> None:
    texts = [(where, text) for where, text in sentences() if text not in NO_KEY]
    assert len(texts) > 1_000
    assert [(where, text) for where, text in texts if KEY.search(text)] == []


def test_every_action_that_is_named_exists() -> None:
    named = [(where, id_) for where, text in sentences() for id_ in re.findall(r"\{([a-z]+\.[a-z-]+)\}", text)]
    assert len(named) > 30
    assert [(where, id_) for where, id_ in named if id_ not in keys.CONTEXTS] == []


def test_a_step_is_a_key_in_the_app_and_a_command_without_it() -> None:
    for step in NextStep:
        assert step[1:-1].partition(":")[0] in keys.CONTEXTS and fill_keys(step) != step
        assert fill_commands(f"Then {step} helps.") != f"Then {step} helps."
    assert fill_commands(f"{NextStep.FETCH} continues.") == "`tbatch-tui fetch ID` continues."


if __name__ == "__main__":
    for message in messages():
        print(f"{message.where}\n    {message.title}\n    {message.hint}")  # noqa: T201
