"""Several files that `submit` sends as one group: which are meant, and why they cannot be one."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.cli.check_report import problem_line
from tbatch_tui.cli.output import print_message
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.check.together import Together
    from tbatch_tui.engine.domain.check_report import CheckReport

_MOST_PROBLEMS = 20


def input_paths(texts: Sequence[str]) -> list[Path]:
    """Return the files that are meant, those of a pattern sorted by name as a shell does.

    Raises LocalFileError where nothing has the name or matches the pattern.
    """
    paths: list[Path] = []
    for text in texts:
        if os.path.exists(text) or not glob.has_magic(text):
            paths.append(Path(text))
            continue
        found = [path for path in map(Path, sorted(glob.glob(text, recursive=True))) if os.path.isfile(path)]  # noqa: PTH207 (may begin with /)
        if not found:
            raise LocalFileError(f"No file matches {text}", "Nothing was submitted.")
        paths += found
    return paths


def have_one_endpoint(reports: Sequence[CheckReport]) -> bool:
    """Return whether the files are all for one endpoint, and print which are not."""
    other = next((report for report in reports if report.endpoint is not reports[0].endpoint), None)
    if other is None:
        return True
    print_message(
        f"{other.path} is for {other.endpoint}, {reports[0].path} for {reports[0].endpoint}: a group has one endpoint. "
        "Nothing was submitted."
    )
    return False


def print_errors(together: Together, reports: Sequence[CheckReport]) -> None:
    """Print what is wrong only in the files together, by file and line."""
    left = _MOST_PROBLEMS
    for report, problems in zip(reports, together.problems, strict=True):
        for problem in problems[:left]:
            print_message(f"{report.path}:{problem_line(problem)}")
        left -= len(problems[:left])
    print_message(
        f"{plural(together.errors, 'error')} in the {len(reports):,} files together. Nothing was submitted: answers "
        "are joined with their requests by custom_id, so no two files of a group may have one in common."
    )
