"""The check of an input file: every faulty line with its place and its mend, and a fix for what needs no guess.

report = check_file(Path("requests.jsonl"))
for problem in report.problems: ...
plan = plan_fixes(report)
copy = write_fixed(plan, rules=plan.rules, reject=True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.check.checker import apply_catalogue, check_file
from tbatch_tui.engine.check.rules import RULES, Rule
from tbatch_tui.engine.check.scan.reader import read_line

if TYPE_CHECKING:
    from tbatch_tui.engine.check.fix.fixed_copy import FixedCopy, FixPlan, FixStep, plan_fixes, write_fixed

__all__ = [
    "RULES",
    "FixPlan",
    "FixStep",
    "FixedCopy",
    "Rule",
    "apply_catalogue",
    "check_file",
    "plan_fixes",
    "read_line",
    "write_fixed",
]


def __getattr__(name: str) -> Any:
    """Load the fix when it is first asked for: most checks end without one."""
    if name in ("FixPlan", "FixStep", "FixedCopy", "plan_fixes", "write_fixed"):
        from tbatch_tui.engine.check.fix import fixed_copy as fix

        return getattr(fix, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
