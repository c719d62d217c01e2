"""The sandbox stands alone: it imports no screen library, no SDK and nothing of the engine, so it starts at once."""

from __future__ import annotations

import subprocess
import sys

FOREIGN = ("textual", "rich", "together", "httpx", "tbatch_tui.engine", "tbatch_tui.tui")
PROGRAM = """
import sys
{statement}
loaded = [name for name in {foreign} if any(module == name or module.startswith(name + ".") for module in sys.modules)]
print("loaded:", *loaded)
"""
STATEMENTS = (
    "import tbatch_tui.sandbox.server",
    "from tbatch_tui.sandbox.server import main; assert main(['--port', 'x']) == 2",
    "from tbatch_tui.sandbox.testing import Sandbox\n"
    "with Sandbox(speed=0, demo=True) as box: box.add_job(); box.advance(60)",
)


def test_nothing_foreign_is_loaded() -> None:
    for statement in STATEMENTS:
        code = PROGRAM.format(statement=statement, foreign=FOREIGN)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == ["loaded:"], statement
