"""The public face: what the packages name, what docs/library.md shows of it, and the tour there, run for real."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tbatch_tui
import tbatch_tui.engine
from tests.conftest import write_chat

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = [(package, name) for package in (tbatch_tui, tbatch_tui.engine) for name in package.__all__]


def code_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(("package", "name"), NAMES, ids=[f"{p.__name__}.{n}" for p, n in NAMES])
def test_a_public_name_says_where_to_import_it_from(package: Any, name: str) -> None:
    value = getattr(package, name)
    if name != "__version__":
        assert value.__module__ in ("tbatch_tui", "tbatch_tui.engine")


def test_the_page_lists_every_public_name_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)`(?:, `(\w+)`)*.*\|", PAGE, re.MULTILINE)
    assert rows
    listed = {
        name
        for row in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", PAGE, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert listed == {name for _, name in NAMES}


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    for package in (tbatch_tui, tbatch_tui.engine):
        with pytest.raises(AttributeError, match="no attribute 'Controller'"):
            _ = package.Controller


@pytest.mark.parametrize("text", [PAGE, README.partition("## From a script")[2]], ids=["library.md", "README.md"])
def test_the_tour_runs(
    text: str,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOGETHER_API_KEY", sandbox.key)
    monkeypatch.setenv("TOGETHER_BASE_URL", sandbox.base_url)
    (tmp_path / "config.toml").write_text("poll_interval = 0.2\n")
    monkeypatch.setattr("tbatch_tui.config.paths.config_file", lambda: tmp_path / "config.toml")
    write_chat(tmp_path / "reviews.jsonl", ["Good.", "Bad.", "Fine."])
    exec(compile(code_blocks(text)[0], "tour", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()] == ["request-1", "request-2", "request-3"]
    assert len(sandbox.jobs) == 1
    assert list((tmp_path / "results").glob("reviews-*.output.jsonl"))
