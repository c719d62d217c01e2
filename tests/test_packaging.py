"""What surrounds the code is true: the README, the links of the docs, the dependencies and the screenshots."""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from screenshots.make import SESSIONS, make

if TYPE_CHECKING:
    from collections.abc import Iterator


ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
DEPENDENCIES = [
    *PROJECT["dependencies"],
    *(one for extra in PROJECT["optional-dependencies"].values() for one in extra),
]

SHOWN_ON_SCREENSHOT = {
    "jobs": "Jobs",
    "job": "Job",
    "results": "Results",
    "results-errors": "Results",
    "keys": "Keys",
    "files": "Files",
    "values": "Values",
    "compare": "Compare",
    "models": "Models",
    "spend": "Spend",
    "fix": "Drop",
    "pick": "Pick",
    "compose": "Compose",
    "check-faults": "Check",
    "check-clean": "Check",
    "check-files": "support-tickets",
    "create": "Create",
    "rest": "billed",
}
"""A word of each screenshot, by its name."""


# -- the README and the docs


def test_the_two_commands_are_as_promised() -> None:
    lines = README.splitlines()
    assert "pip install . && tbatch-tui --demo" in lines
    assert "pip install -e '.[dev]' && pytest" in lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", without_code(page)):
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target}: no such file"
        assert not anchor or anchor in anchors(file), f"{target}: no such heading"


def test_every_page_is_in_the_list_of_pages() -> None:
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in listed


def test_every_file_that_the_architecture_names_exists() -> None:
    page = (ROOT / "docs" / "dev" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:cli|config|engine|tui|text|sandbox)/[\w/.]+)`", page))
    missing = {path for path in named if not (ROOT / "src" / "tbatch_tui" / path).exists()}
    assert named and missing == set()


def anchors(page: Path) -> set[str]:
    """Return what a link may name on a page: its headings, spelled as GitHub spells them."""
    numbers: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        names.add(f"{name}-{numbers[name]}" if numbers[name] else name)
        numbers[name] += 1
    return names


def without_code(page: Path) -> str:
    """Return the text of a page without its code blocks: what they hold is neither a link nor a heading."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


# -- the dependencies


def test_the_dev_group_is_the_dev_extra() -> None:
    groups = tomllib.loads(PYPROJECT)["dependency-groups"]
    assert groups["dev"] == PROJECT["optional-dependencies"]["dev"]


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_each_dependency_has_a_lower_and_an_upper_bound_and_a_reason(dependency: str) -> None:
    assert re.fullmatch(r"[\w-]+(\[[\w,]+\])?>=[\d.]+,<[\d.]+", dependency)
    assert re.search(rf'"{re.escape(dependency)}"\]?,? # \S+ \S+', PYPROJECT)


# -- the screenshots


@pytest.fixture
def time_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take back the HOME and the TZ that `make` sets."""
    monkeypatch.setenv("HOME", os.environ["HOME"])
    monkeypatch.setenv("TZ", "UTC")
    yield
    monkeypatch.undo()
    os.environ.pop("TZ", None)
    time.tzset()


@pytest.mark.usefixtures("time_zone")
async def test_a_screenshot_of_every_screen_can_be_made(tmp_path: Path) -> None:
    made = await make(tmp_path, SESSIONS[:1])
    assert {path.stem for path in made} == set(SHOWN_ON_SCREENSHOT)
    for path in made:
        svg = path.read_text(encoding="utf-8")
        assert SHOWN_ON_SCREENSHOT[path.stem] in svg
        assert "Traceback" not in svg


def test_every_screenshot_exists() -> None:
    folder = ROOT / "screenshots"
    for name in SHOWN_ON_SCREENSHOT:
        for ending, *_ in SESSIONS:
            assert (folder / f"{name}{ending}.svg").exists(), f"{name}{ending}: python -m screenshots.make"
