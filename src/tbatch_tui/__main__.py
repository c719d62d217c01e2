"""Run `tbatch-tui` by `python -m tbatch_tui`."""

import sys

from tbatch_tui.cli.dispatch import main

if __name__ == "__main__":
    sys.exit(main())
