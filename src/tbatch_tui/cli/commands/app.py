"""From settings to a running app: opens the history first, so that the first frame has rows."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.options import EngineOptions

if TYPE_CHECKING:
    from tbatch_tui.config.settings import Settings

_FIRST_ROWS = 60


def launch(settings: Settings) -> int:
    """Run the app until it is left; the exit code. The person may go over to the demo and back."""
    # Nothing allocated until the first frame is garbage: collecting it would only cost time (on again when painted).
    gc.disable()
    # At TOGETHER_LOG=debug the SDK writes to the terminal that is painted on.
    os.environ.pop("TOGETHER_LOG", None)
    from tbatch_tui.tui.app import TbatchApp

    while True:
        demo = None
        if settings.demo:
            from tbatch_tui.demo import DEMO_KEY, SERVER_NAME, DemoServer

            demo = DemoServer(settings.data_dir)
            options = EngineOptions(
                data_dir=demo.folder,
                output_dir=settings.output_dir,
                api_key=DEMO_KEY,
                server_name=SERVER_NAME,
                poll_interval=settings.poll_interval,
                prices=settings.prices,
                discounts=settings.discounts,
            )
        else:
            options = EngineOptions(
                data_dir=settings.data_dir,
                output_dir=settings.output_dir,
                base_url=settings.base_url,
                api_key=settings.api_key,
                login=settings.login,
                poll_interval=settings.poll_interval,
                prices=settings.prices,
                discounts=settings.discounts,
            )
        app = TbatchApp(settings, partial(BatchEngine, options), demo)
        try:
            app.load_first_rows(_FIRST_ROWS)
        except BatchError as error:
            sys.stderr.write(f"tbatch-tui: {error.title}.\n{error.hint}\n")
            return 1
        app.run(mouse=settings.mouse)
        if app.return_value != "demo":
            return app.return_code or 0
        from tbatch_tui.config.settings import DEMO_POLL_INTERVAL

        settings = replace(settings, demo=True, poll_interval=DEMO_POLL_INTERVAL, file=None)
