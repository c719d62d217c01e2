"""Opens the history and runs the app, so that its first frame has rows."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import FAILED
from tbatch_tui.config.engine_options import options_from
from tbatch_tui.config.settings import DEFAULT_OUTPUT_DIR, DEMO_POLL_INTERVAL
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.config.settings import Settings

_FIRST_ROWS = 60
"""Rows read before the first frame; the others follow in a thread."""


def launch(settings: Settings, settings_of: Callable[[str], Settings] | None = None) -> int:
    """Run the app until the person leaves it, and return the exit code.

    It may end to be opened again as the demo. `settings_of` returns the settings with another profile.
    """
    # With TOGETHER_LOG=debug the SDK writes to the terminal that the app paints on.
    os.environ.pop("TOGETHER_LOG", None)
    from tbatch_tui.tui.app import TbatchApp

    while True:
        demo = None
        options = options_from(settings)
        if settings.demo:
            from tbatch_tui.demo import DemoServer

            try:
                demo = DemoServer(settings.data_dir)
            except OSError as error:
                sys.stderr.write(f"tbatch-tui: the demo found no folder it can write to: {error}\n")
                return FAILED
            is_default = settings.output_dir == DEFAULT_OUTPUT_DIR
            options = demo.options_from(options, None if is_default else settings.output_dir)
        app = TbatchApp(settings, partial(BatchEngine, options), demo, settings_of)
        try:
            app.load_first_rows(_FIRST_ROWS)
        except BatchError as error:
            sys.stderr.write(f"tbatch-tui: {error.title}.\n{error.hint}\n")
            return FAILED
        app.run(mouse=settings.mouse)
        if app.return_value != "demo":
            return app.return_code or 0
        settings = replace(
            settings,
            demo=True,
            profile=None,
            poll_interval=DEMO_POLL_INTERVAL,
            output_dir=DEFAULT_OUTPUT_DIR,
            file=None,
            more_files=(),
        )
