"""What the README shows is true: its example runs, its pictures are there, its test command is the one CI takes."""

from __future__ import annotations

import re
from pathlib import Path

from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.sandbox.testing import Sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


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


def test_every_file_it_points_to_is_there():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_two_commands_stand_as_they_are_promised():
    lines = README.splitlines()
    assert "pip install . && tbatch-tui --demo" in lines
    assert "pip install -e '.[dev]' && pytest" in lines
