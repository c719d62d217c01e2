"""`config`: what is set, and labels for a colleague."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def config(arguments: argparse.Namespace) -> int:
    """Run one action. Raises BatchError."""
    if arguments.action == "export-labels":
        from tbatch_tui.cli.settings.labels import export

        return export(arguments)
    if arguments.action == "import-labels":
        from tbatch_tui.cli.settings.labels import take_over

        return take_over(arguments)
    from tbatch_tui.cli.settings import show

    return {"path": show.print_path, "show": show.show, "check": show.check}[arguments.action](arguments)
