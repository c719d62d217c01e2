"""The arguments of `config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

ACTIONS = ("path", "show", "check", "export-labels", "import-labels")
WITH_FILE = ACTIONS[3:]


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `config`."""
    parser.add_argument(
        "action",
        choices=ACTIONS,
        help="where config.toml is; which settings are in force, and where each comes from; what cannot be used in it; "
        "write the labels and notes of jobs to FILE; take them over from FILE",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="of export-labels and import-labels; - is the standard")
    parser.add_argument(
        "--all", action="store_true", help="with export-labels: of all accounts, not only the one in use"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="with export-labels: replace FILE; with import-labels: take what is older than your own, too",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
