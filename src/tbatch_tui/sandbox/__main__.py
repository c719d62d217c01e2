"""`python -m tbatch_tui.sandbox` is `tbatch-tui sandbox`."""

import sys

from tbatch_tui.sandbox.server import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], prog="python -m tbatch_tui.sandbox"))
