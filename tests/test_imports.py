"""What each way in loads: nobody pays for what they do not use, and no module waits for itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tbatch_tui

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(tbatch_tui.__file__).parent
HEAVY = {"msgspec", "textual", "rich", "httpx", "together"}


def loaded_by(code: str) -> set[str]:
    """Every module that a fresh Python has loaded after this code."""
    program = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def top_level(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_the_package_itself_loads_next_to_nothing() -> None:
    modules = loaded_by("import tbatch_tui")
    assert not top_level(modules) & HEAVY
    assert len({name for name in modules if name.startswith("tbatch_tui")}) <= 3


def test_the_app_is_loaded_without_the_sdk_and_the_parsers() -> None:
    modules = loaded_by("import tbatch_tui.tui.app, tbatch_tui.tui.screens.jobs.screen")
    assert not top_level(modules) & {"msgspec", "simdjson", "together", "httpx"}
    own = {name for name in modules if name.startswith("tbatch_tui.")}
    assert len(own) <= OWN_MODULES_AT_FIRST, sorted(own)


OWN_MODULES_AT_FIRST = 67
"""Modules of ours that the screen of the first frame may load: each costs it about 0.1 ms."""


def test_the_first_frame_loads_nothing_that_is_not_on_it(tmp_path: Path) -> None:
    """With the engine and a history without jobs, as `launch` reads it."""
    modules = loaded_by(f"""
from pathlib import Path
from tbatch_tui.cli import dispatch, parser
from tbatch_tui.config import resolve
from tbatch_tui.cli.commands import app
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.tui.app import TbatchApp

data_dir = Path({str(tmp_path)!r})
settings = resolve.Settings(data_dir=data_dir, output_dir=data_dir)
app = TbatchApp(settings, lambda emit: app.BatchEngine(EngineOptions(data_dir, data_dir), emit))
app.load_first_rows(60)
""")
    own = {name.removeprefix("tbatch_tui.") for name in modules if name.startswith("tbatch_tui.")}
    assert not own & {"engine.groups.groups", "engine.domain.cost", "engine.domain.counts", "engine.domain.catalogue"}
    assert len(own) <= OWN_MODULES_OF_A_LAUNCH, sorted(own)


OWN_MODULES_OF_A_LAUNCH = 134
"""The same, with all that is loaded before the first frame."""


def test_a_check_from_a_script_loads_no_screen_and_no_client() -> None:
    modules = loaded_by("from tbatch_tui import check_file; check_file")
    assert not top_level(modules) & {"textual", "rich", "together", "httpx", "asyncio", "dataclasses"}


# -- no circle -----------------------------------------------------------------------------------------


@cache
def imports() -> dict[str, set[str]]:
    """Which of our modules each of them imports when it runs, inside functions too; not what is for types alone."""
    paths = {module_name(path): path for path in SOURCE.rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for_types = {
            id(node)
            for branch in ast.walk(tree)
            if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
            for node in ast.walk(branch)
        }
        graph[name] = {
            f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in paths else str(node.module)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and id(node) not in for_types
            for alias in node.names
            if str(node.module).startswith("tbatch_tui")
        } - {name}
    return graph


def module_name(path: Path) -> str:
    parts = ("tbatch_tui", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Modules that import each other, by way of however many others."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        waiting = [*graph[start]]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += graph.get(name, ())
        reached[start] = seen
    for name, others in reached.items():
        if name in others:
            yield sorted(other for other in others if name in reached.get(other, ()))


def test_no_module_waits_for_itself() -> None:
    assert list(circles(imports())) == []


def test_no_module_imports_from_the_package_it_is_in() -> None:
    packages = {module_name(path) for path in SOURCE.rglob("__init__.py")}
    wrong = [
        (name, other)
        for name, others in imports().items()
        for other in others
        if other in packages and name.startswith(other + ".")
    ]
    assert wrong == []


@pytest.mark.parametrize("graph", [{"a": {"b"}, "b": {"c"}, "c": {"a"}}, {"a": {"b"}, "b": {"a"}, "c": {"a"}}])
def test_a_circle_is_noticed(graph: dict[str, set[str]]) -> None:
    assert list(circles(graph))
