"""The sandbox stands alone: it loads no screen, no SDK and nothing of the engine, and so starts at once."""

from __future__ import annotations

import subprocess
import sys

FOREIGN = ("textual", "rich", "together", "httpx", "tbatch_tui.engine", "tbatch_tui.tui")
SERVED = """
import sys
{how}
loaded = [name for name in {foreign} if name in sys.modules or any(each.startswith(name + ".") for each in sys.modules)]
print("loaded:", *loaded)
"""
HOW = (
    "import tbatch_tui.sandbox.server",
    "from tbatch_tui.sandbox.server import main; assert main(['--port', 'x']) == 2",
    "from tbatch_tui.sandbox.testing import Sandbox\n"
    "with Sandbox(speed=0, demo=True) as box: box.add_job(); box.advance(60)",
)


def test_nothing_foreign_is_loaded() -> None:
    for how in HOW:
        code = SERVED.format(how=how, foreign=FOREIGN)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == ["loaded:"], how
