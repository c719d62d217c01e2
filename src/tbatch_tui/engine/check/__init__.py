"""Check an input file line by line, and write a fixed copy of it where a fix needs no guess.

    report = check_file(Path("requests.jsonl"))
    for problem in report.problems: ...
    plan = plan_fixes(report)
    copy = write_fixed(plan, rules=plan.rules, reject=True)

Each name is loaded when it is first used, so that nobody who needs a limit or a rule loads the parsers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tbatch_tui.engine.check.checker import apply_catalogue, check_file
    from tbatch_tui.engine.check.fix.fixed_copy import FixedCopy, write_fixed
    from tbatch_tui.engine.check.fix.plan import FixPlan, FixStep, plan_fixes
    from tbatch_tui.engine.check.rules import RULES, Rule
    from tbatch_tui.engine.check.scan.reader import read_line

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

_MODULES = {
    "RULES": "rules",
    "FixPlan": "fix.plan",
    "FixStep": "fix.plan",
    "FixedCopy": "fix.fixed_copy",
    "Rule": "rules",
    "apply_catalogue": "checker",
    "check_file": "checker",
    "plan_fixes": "fix.plan",
    "read_line": "scan.reader",
    "write_fixed": "fix.fixed_copy",
}


def __getattr__(name: str) -> Any:
    """Load the module that defines a public name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f"{__name__}.{_MODULES[name]}", fromlist=[name])  # to load importlib takes the command 0.3 ms
    return getattr(module, name)
