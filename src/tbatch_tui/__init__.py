"""Submit Together AI batches exactly once, watch them, and get every row back.

    async with tbatch_tui.connect(output_dir="results") as engine:
        job = await engine.wait(await engine.submit("reviews.jsonl"))
        for row in engine.results(job):
            print(row.custom_id, row.outcome.words, row.preview)

See docs/library.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui._lazy import lazy_names
from tbatch_tui._version import __version__

if TYPE_CHECKING:
    from tbatch_tui._api import connect
    from tbatch_tui.engine.check.checker import check_file
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.errors import BatchError
    from tbatch_tui.engine.options import EngineOptions

__all__ = ["BatchEngine", "BatchError", "Endpoint", "EngineOptions", "__version__", "check_file", "connect"]

__getattr__ = lazy_names(
    __name__,
    {
        "_api": ("connect",),
        "engine.check.checker": ("check_file",),
        "engine.endpoint": ("Endpoint",),
        "engine.engine": ("BatchEngine",),
        "engine.errors": ("BatchError",),
        "engine.options": ("EngineOptions",),
    },
)
