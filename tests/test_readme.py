"""What the README shows is true: its example and its two commands. The links of every page lead somewhere."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from tbatch_tui.engine.options import EngineOptions

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

COMING = {
    "engine/token_estimate.py",
    "tui/screens/jobs/feed.py",
    "tui/textual_private.py",
    "tui/widgets/table/cursor.py",
}
"""Files that the architecture names before they are written. Empty this once they are."""


async def test_the_example_runs_against_the_sandbox(sandbox: Sandbox, tmp_path: Path, chat_file: Path):
    [block] = re.findall(r"```python\n(.*?)```", README.partition("## From a script")[2], re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    options = EngineOptions(
        data_dir=tmp_path / "data",
        output_dir=tmp_path / "results",
        base_url=sandbox.base_url,
        api_key=sandbox.key,
        poll_interval=0.2,
    )
    [path] = await names["run"](chat_file, options)  # type: ignore[operator]
    assert path.read_bytes() == sandbox.file_bytes(sandbox.jobs[0]["output_file_id"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", without_code(page)):
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target}: no such file"
        assert not anchor or anchor in anchors(file), f"{target}: no such heading"


def test_every_page_is_in_the_list_of_pages():
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").as_posix() in listed


def test_every_file_that_the_architecture_names_is_there():
    page = (ROOT / "docs" / "dev" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:cli|config|engine|tui|text|sandbox)/[\w/.]+)`", page))
    missing = {path for path in named if not (ROOT / "src" / "tbatch_tui" / path).exists()}
    assert named and missing <= COMING


def anchors(page: Path) -> set[str]:
    """Return what a link may name on a page: its headings, spelled as GitHub spells them."""
    seen: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        names.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def without_code(page: Path) -> str:
    """Return the text of a page without its code blocks: what they hold is neither a link nor a heading."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def test_the_two_commands_stand_as_they_are_promised():
    lines = README.splitlines()
    assert "pip install . && tbatch-tui --demo" in lines
    assert "pip install -e '.[dev]' && pytest" in lines
