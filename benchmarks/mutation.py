"""Change the code in small ways and count how many of the changes the tests notice: `python -m benchmarks.mutation`.

    python -m benchmarks.mutation [--rooms submit,journal] [--sample 60] [--seed 1] [--children 6] [--near] [--once]
        [--show]

Mutants are made and run by mutmut, in a copy of the tree. For each room a sample of its mutants is drawn with the seed
and tried against the room's tests; `--sample 0` tries all of them, which takes hours. `--near` begins
without the tests of what stands on the room. `--show` prints each change that no test noticed. A mutant that no test
runs counts as unnoticed; one that makes the tests hang, as noticed. Mutants of the journal that only write SQL, or the
name of a column, in other capitals are left out before the sample is drawn, and counted: to SQLite they are the same.

Mutmut switches a mutant on after the code was imported, so it cannot see what a change of code that runs on import
does. What went unnoticed is therefore tried once more in a fresh process, against all tests of the room; `--once`
leaves that out, where time is short.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.bars import exit_code, print_bar

ROOT = Path(__file__).parent.parent
BAR = 0.85
"""Share of the mutants of all rooms together that have to be noticed."""
COPIED = ("src", "tests", "benchmarks", "docs", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE")
# On a busy machine a socket may be closed later than a test ends: no reason to call a mutant noticed.
PYTEST = ["-n", "0", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
PYTEST += ["-p", "benchmarks.quickest_first"]
# What mutmut's exit codes of a mutant mean; every other one is a mutant that was noticed.
SURVIVED, NOT_COVERED, SKIPPED = (0,), (5, 33), (34, None)


class Room(NamedTuple):
    """Part of the code, and the tests that have to notice when it changes."""

    sources: tuple[str, ...]
    near: tuple[str, ...]
    """Its own tests."""
    far: tuple[str, ...] = ()
    """Tests of what stands on it; they take longer."""


ENGINE, TESTS = "src/tbatch_tui/engine", "tests/engine"
ROOMS = {
    "submit": Room((f"{ENGINE}/submit/*",), (f"{TESTS}/submit",), (f"{TESTS}/scenarios/test_exactly_once.py",)),
    "journal": Room(
        (f"{ENGINE}/journal/*",),
        (f"{TESTS}/journal", "tests/test_opens_0_1.py"),
        (f"{TESTS}/submit", f"{TESTS}/groups", f"{TESTS}/live"),
    ),
    "client": Room(
        (f"{ENGINE}/client/*",),
        (f"{TESTS}/client", f"{TESTS}/live", "tests/cli/doctor"),
        (f"{TESTS}/download", f"{TESTS}/scenarios/test_fault_matrix.py"),
    ),
    "download": Room((f"{ENGINE}/download/*",), (f"{TESTS}/download",), (f"{TESTS}/scenarios/test_main_job.py",)),
    "check": Room((f"{ENGINE}/check/*",), (f"{TESTS}/check",), ("tests/cli/test_check.py",)),
    "results": Room(
        (f"{ENGINE}/results/*",),
        (f"{TESTS}/results",),
        (f"{TESTS}/audio", f"{TESTS}/answers", f"{TESTS}/groups", f"{TESTS}/scenarios/test_table_and_back.py"),
    ),
    "text gate": Room(
        ("src/tbatch_tui/tui/sanitize.py", "src/tbatch_tui/text/escape.py"),
        ("tests/tui/test_sanitize.py", "tests/text"),
    ),
}


_SQL = re.compile(r"\b(SELECT|FROM|WHERE|AND|OR|ORDER BY|JOIN|UPDATE|SET|INSERT|VALUES|DELETE|PRAGMA|BEGIN|AS)\b")
_IN_SQL_CASE_COUNTS = re.compile(r"'[^']*'|:\w+")


class Outcome(NamedTuple):
    """What became of the sampled mutants of a room."""

    tried: int
    unnoticed: tuple[str, ...]
    """Names of the mutants that no test noticed."""


def try_room(name: str, room: Room, arguments: argparse.Namespace) -> Outcome:
    """Make the mutants of a room in a copy of the tree, try a sample of them, and print what came of it."""
    sample = arguments.sample
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        _copy(tree, room._replace(far=()) if arguments.near else room)
        _make_mutants(tree)
        made = set(_exit_codes(tree))
        mutants = sorted(made - _same_to_sqlite(tree, made))
        chosen = random.Random(arguments.seed).sample(mutants, sample) if 0 < sample < len(mutants) else mutants
        command = ["mutmut", "run", "--max-children", str(arguments.children), *chosen]
        ran = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
        codes = _exit_codes(tree)
        tried = [mutant for mutant in chosen if codes[mutant] not in SKIPPED]
        if not tried:
            raise SystemExit(f"{name}: no mutant was tried:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
        unnoticed = tuple(
            mutant
            for mutant in tried
            if codes[mutant] in SURVIVED + NOT_COVERED
            and (arguments.once or not _is_noticed_afresh(tree, room, mutant))
        )
        share = 1 - len(unnoticed) / len(tried)
        left_out = f" ({len(made) - len(mutants)} left out)" if len(made) > len(mutants) else ""
        print(f"{name:10} {len(mutants):5} mutants{left_out}, {len(tried):4} tried, {share:4.0%} noticed", flush=True)
        for mutant in unnoticed if arguments.show else ():
            diff = subprocess.run(["mutmut", "show", mutant], cwd=tree, capture_output=True, text=True, check=False)
            print(f"--- {mutant}{' (run by no test)' if codes[mutant] in NOT_COVERED else ''}")
            print("\n".join(line for line in diff.stdout.splitlines() if re.match(r"[-+@]", line)), flush=True)
        return Outcome(len(tried), unnoticed)


def _make_mutants(tree: Path) -> None:
    """Let mutmut write the mutants, and end it where it goes on to run every test twice."""
    with subprocess.Popen(
        ["mutmut", "run"], cwd=tree, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as making:
        assert making.stdout is not None
        for line in making.stdout:
            if b"files mutated" in line:
                break
        making.terminate()


def _same_to_sqlite(tree: Path, mutants: set[str]) -> set[str]:
    """Return those of the mutants that write only the names or keywords of SQL in other capitals.

    Nothing is lost by a name that is no name of SQL there: another mutant of it, with other letters, is kept.
    """
    same = set()
    journal = tree / "mutants/src/tbatch_tui/engine/journal"
    names = set(re.findall(r"\w+", "".join(path.read_text() for path in journal.glob("migration*.py"))))
    for path in journal.rglob("*.py"):
        functions = {
            node.name: node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.FunctionDef)
        }
        module = ".".join(path.relative_to(tree / "mutants/src").with_suffix("").parts)
        for name, mutant in functions.items():
            original = functions.get(re.sub(r"__mutmut_\d+$", "__mutmut_orig", name))
            if f"{module}.{name}" in mutants and original is not None and _differs_in_case(original, mutant, names):
                same.add(f"{module}.{name}")
    return same


def _differs_in_case(original: ast.FunctionDef, mutant: ast.FunctionDef, names: set[str]) -> bool:
    """Return whether a mutant differs in the case of SQL or of one of its names, and in nothing else."""

    def is_same(one: ast.AST, other: ast.AST) -> bool:
        if isinstance(one, ast.Constant) and isinstance(other, ast.Constant):
            text, changed = str(one.value), str(other.value)
            return one.value == other.value or (
                (text in names or _SQL.search(text) is not None)
                and text.lower() == changed.lower()
                and _IN_SQL_CASE_COUNTS.findall(text) == _IN_SQL_CASE_COUNTS.findall(changed)
            )
        below, others = list(ast.iter_child_nodes(one)), list(ast.iter_child_nodes(other))
        return type(one) is type(other) and len(below) == len(others) and all(map(is_same, below, others))

    parts, others = [original.args, *original.body], [mutant.args, *mutant.body]
    return list(map(ast.dump, parts)) != list(map(ast.dump, others)) and all(map(is_same, parts, others))


def _is_noticed_afresh(tree: Path, room: Room, mutant: str) -> bool:
    """Run the room's tests in a process of its own, in which the mutant is on from the start."""
    mutants = tree / "mutants"
    environment = {**os.environ, "MUTANT_UNDER_TEST": mutant, "PYTHONPATH": str(mutants / "src")}
    command = [sys.executable, "-m", "pytest", "-x", *PYTEST, *room.near, *room.far]
    try:
        return subprocess.run(command, cwd=mutants, env=environment, capture_output=True, timeout=600).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def _copy(tree: Path, room: Room) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, tree / name)
    settings = {
        "source_paths": ["src"],
        "only_mutate": list(room.sources),
        "pytest_add_cli_args": PYTEST,
        "pytest_add_cli_args_test_selection": [*room.near, *room.far],
        "also_copy": [name for name in COPIED if name not in ("src", "tests")],
    }
    with (tree / "pyproject.toml").open("a") as file:
        file.write("\n[tool.mutmut]\n")
        file.writelines(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())


def _exit_codes(tree: Path) -> dict[str, int | None]:
    """Return the exit code of each mutant's tests by its name; None if it has not been tried."""
    codes: dict[str, int | None] = {}
    for meta in tree.glob("mutants/src/**/*.meta"):
        codes |= json.loads(meta.read_text())["exit_code_by_key"]
    return codes


def main() -> int:
    """Try the rooms that are asked for, and print each room's share and that of all together."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rooms", default=",".join(ROOMS), help=f"of {', '.join(ROOMS)}")
    parser.add_argument("--sample", type=int, default=60, help="mutants of each room; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--children", type=int, default=6, help="mutants at once: the tests mostly wait, for a server")
    parser.add_argument("--near", action="store_true", help="begin with a room's own tests only, which are quicker")
    parser.add_argument("--once", action="store_true", help="do not try again, in a fresh process, what went unnoticed")
    parser.add_argument("--show", action="store_true", help="print each change that no test noticed")
    arguments = parser.parse_args()
    names = [name.strip() for name in arguments.rooms.split(",")]
    outcomes = [try_room(n, ROOMS[n], arguments) for n in names]
    tried = sum(outcome.tried for outcome in outcomes)
    share = 1 - sum(len(outcome.unnoticed) for outcome in outcomes) / tried
    print_bar(f"all        {tried} tried, {share:.0%} noticed (bar {BAR:.0%})", share >= BAR)
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
