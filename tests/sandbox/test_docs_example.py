"""The pytest example of `docs/sandbox.md` works when pasted into an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import tbatch_tui

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
HEADING = "## In tests"


def test_it_works_when_pasted(tmp_path: Path) -> None:
    _, heading, rest = PAGE.read_text(encoding="utf-8").partition(f"\n{HEADING}\n")
    assert heading, f"docs/sandbox.md has no section '{HEADING}'"
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    examples = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(examples) == 1, f"'{HEADING}' has {len(examples)} Python examples; one is pasted here"
    (tmp_path / "test_pasted.py").write_text(examples[0], encoding="utf-8")
    # As for somebody who has installed the package: importable anywhere, and nothing else set up.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "TOGETHER"))}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    env["PYTHONPATH"] = str(Path(tbatch_tui.__file__).parents[1])
    # With its own folder for temporary files, it does not delete those of earlier runs of this suite.
    options = ["-p", "no:cacheprovider", "--basetemp", str(tmp_path / "temporary")]
    command = [sys.executable, "-m", "pytest", "-q", *options]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout
