"""`python -m tbatch_tui` is `tbatch-tui`."""

import sys

from tbatch_tui.cli.dispatch import main

if __name__ == "__main__":
    sys.exit(main())
