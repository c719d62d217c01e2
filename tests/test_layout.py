"""The measures of the house: what keeps a folder, a file and a function small enough to be read in one go."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from pathlib import Path

import tbatch_tui

SOURCE = Path(tbatch_tui.__file__).parent
FILES = {path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
MODULES_A_FOLDER, LINES_A_FILE, LINES_A_FUNCTION, EQUAL_LINES = 13, 400, 60, 10
RAISING = {"exists", "is_file", "is_dir", "is_symlink", "samefile", "expanduser", "cwd"}
"""Methods of Path that raise for a folder that cannot be searched, a long name, ~nobody, or a folder that is gone."""
MAY_RAISE = {"text/paths.py", "engine/tables/readers/folder.py", "tui/screens/pick/folder.py"}
"""Where what they raise is caught, or they are those of an entry in a folder that is being read."""


def test_a_folder_is_no_list_of_files() -> None:
    modules = Counter(Path(name).parent.as_posix() for name in FILES if not name.endswith("__init__.py"))
    assert {folder: count for folder, count in modules.items() if count > MODULES_A_FOLDER} == {}


def test_a_file_has_one_subject() -> None:
    lines = {name: text.count("\n") for name, text in FILES.items()}
    assert {name: count for name, count in lines.items() if count > LINES_A_FILE} == {}


def test_a_function_can_be_seen_whole() -> None:
    long = [
        (name, node.name)
        for name, text in FILES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LINES_A_FUNCTION
    ]
    assert long == []


def test_a_class_name_means_one_thing() -> None:
    homes = defaultdict(list)
    for name, text in FILES.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


def test_nothing_of_ten_lines_stands_twice() -> None:
    """Imports, blank lines, comments and lone brackets do not count."""
    places: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for name, text in FILES.items():
        lines = code_lines(text)
        for start in range(len(lines) - EQUAL_LINES + 1):
            run = lines[start : start + EQUAL_LINES]
            places[tuple(line for _, line in run)].add(f"{name}:{run[0][0]}")
    assert [where for where in places.values() if len(where) > 1] == []


def code_lines(text: str) -> list[tuple[int, str]]:
    """Number and text of the lines that say something."""
    in_import = {
        number
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    numbered = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return [
        (number, line)
        for number, line in numbered
        if number not in in_import and not line.startswith("#") and any(character.isalnum() for character in line)
    ]


def test_nothing_asks_the_disk_with_what_raises() -> None:
    asked = [
        f"{name}:{node.lineno}: .{node.attr}"
        for name, text in FILES.items()
        if name not in MAY_RAISE
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and node.attr in RAISING and ast.unparse(node.value) != "os.path"
    ]
    assert asked == []
