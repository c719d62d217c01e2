"""Which rules each mend belongs to: a mend is made where the rule is among those that are to be fixed."""

from __future__ import annotations

from tbatch_tui.engine.check.rules import FIXABLE_IN_SOME_FORMS, RULES

LAYOUT_RULES = frozenset({"not-jsonl", "json-array", "pretty-printed"})
"""The file as a whole is not JSON Lines: each request gets a line of its own."""
SEPARATION_RULES = frozenset({"trailing-comma", "several-objects", "double-encoded"})
"""A line is not one object: a comma after it, several of them, a list of them, or a string that holds them."""
BODY_RULES = frozenset({"anthropic-params", "body-flat"})
"""The request stands in `params`, or beside `custom_id`."""
TOOL_RULES = frozenset({"tool-flat", "tool-function"})
"""A tool of another API."""
CHOICE_RULES = TOOL_RULES | {"tool-choice"}
"""A tool choice of another API: it is mended with the tools, too."""
METHOD_RULES = frozenset({"method-file", "method-chat", "openai-envelope"})
"""`method` is FILE on a chat request."""
ID_RULES = frozenset(
    {"custom-id-missing", "custom-id-empty", "custom-id-type", "custom-id-long", "duplicate-custom-id"}
)

OPENING_RULES = LAYOUT_RULES | SEPARATION_RULES | BODY_RULES | {"body-type"}
"""After one of these mends a request can be read, and only then it shows what else is wrong with it."""
FIXABLE = frozenset(rule.id for rule in RULES.values() if rule.is_fixable) | FIXABLE_IN_SOME_FORMS
"""Every rule that has a mend."""
