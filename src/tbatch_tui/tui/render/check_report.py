"""A check report as text: the verdict in one line, and what is in the file. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.errors import LocalFileError
    from tbatch_tui.tui.render.styled import StyledText

CLEAN = "No problems"
_MODELS_NAMED = 8
_MODELS_IN_LINE = 2


def format_verdict(report: CheckReport) -> StyledText:
    """Return `✗ 3 errors · ! 41 warnings`, and whether the file can be submitted."""
    if not (report.errors or report.warnings):
        notes = f", {fmt.plural(report.notes, 'note')}" if report.notes else ""
        clean: StyledText = [(f"✓ {CLEAN}", "bold $status-ok")]
        clean.append((f" in {fmt.plural(report.lines, 'line')}{notes}.", "$status-ok"))
        return [*clean, (f" {_in_jobs(report)}", "$status-quiet")] if report.can_be_split else clean
    text: StyledText = []
    for number, noun, glyph, style in (
        (report.errors, "error", "✗", "bold $status-failed"),
        (report.warnings, "warning", "!", "bold $status-attention"),
        (report.notes, "note", "", ""),
    ):
        if number:
            text += [(" · " if text else "", "$rule"), (f"{glyph} {fmt.plural(number, noun)}".lstrip(), style)]
    conclusion = "You can submit it anyway." if report.is_ok else "Fix these errors before submitting."
    if report.can_be_split:
        conclusion = _in_jobs(report)
    text.append((f"  {conclusion}", "$status-quiet"))
    return text


def _in_jobs(report: CheckReport) -> str:
    return f"It goes as {report.jobs:,} jobs."


def format_next_step(report: CheckReport) -> str:
    """Return what the Check screen adds to the verdict: the way on, or that the list is cut."""
    if not report.problems:
        return fill_keys(" {go.on} to continue.")
    is_cut = MAX_PROBLEMS <= len(report.problems) < report.errors + report.warnings + report.notes
    return f" The first {len(report.problems):,} problems are listed." if is_cut else ""


def format_no_report(error: LocalFileError) -> StyledText:
    """Return why there is no report, and what can be done."""
    text: StyledText = [("✗ ", "bold $status-failed"), (line(error.title), "bold $status-failed")]
    if error.hint:
        text.append((f"\n\n  {line(error.hint)}", ""))
    return [*text, (fill_keys("\n\n  {check.again} to try again, {go.back} to go back."), "$status-quiet")]


def format_summary(report: CheckReport) -> StyledText:
    """Return what is in the file, in a line or two: endpoint, models, tokens, longest line."""
    models = list(report.models)
    named = ", ".join(
        line(fmt.short_model(name)) + (f" ({report.models[name]:,})" if len(models) > 1 else "")
        for name in models[:_MODELS_IN_LINE]
    )
    if len(models) > _MODELS_IN_LINE:
        named += f" and {len(models) - _MODELS_IN_LINE:,} more"
    text = [(_endpoint(report, "Endpoint unknown"), ""), (f" ({line(report.endpoint_why)})", "$status-quiet")]
    text += [(" · ", "$rule"), (named or "no model", "")]
    return [*text, ("".join(f" · {part}" for part in (_tokens(report), _longest(report)) if part), "$status-quiet")]


def _tokens(report: CheckReport) -> str:
    """Return the estimate of tokens to two digits; empty without one."""
    number = report.prompt_tokens
    return f"about {round(number, 2 - len(str(number))):,} tokens" if number else ""


def _longest(report: CheckReport) -> str:
    return f"longest line {fmt.size(report.longest_line)}"


def _endpoint(report: CheckReport, unknown: str) -> str:
    """Return the endpoint the file is for."""
    return report.endpoint.words if report.endpoint is not None else unknown


def report_facts(report: CheckReport, *, models_named: int | None = None) -> list[tuple[str, StyledText]]:
    """Return what is in the file, fact by fact.

    Args:
        models_named: How many models have a line each.
    """
    facts: list[tuple[str, StyledText]] = [
        ("Requests", [(fmt.count(report.requests), "")]),
        ("Size", [(fmt.size(report.size), ""), (f" · {_longest(report)}", "$status-quiet")]),
        ("Endpoint", [(_endpoint(report, "Unknown"), ""), (f" · {line(report.endpoint_why)}", "$status-quiet")]),
    ]
    if tokens := _tokens(report):
        facts.insert(2, ("Prompts", [(tokens, "")]))
    return facts + model_facts(report, models_named or _MODELS_NAMED)


def model_facts(report: CheckReport, most: int = _MODELS_NAMED) -> list[tuple[str, StyledText]]:
    """Return each model with its number of requests; of more than `most` only the most used."""
    named = list(report.models.items())
    facts: list[tuple[str, StyledText]] = []
    for index, (name, number) in enumerate(named[:most]):
        many: StyledText = [(f" · {fmt.plural(number, 'request')}", "$status-quiet")] if len(named) > 1 else []
        title = "" if index else "Models" if len(named) > 1 else "Model"
        facts.append((title, [(line(name), ""), *many]))
    if len(named) > most:
        facts.append(("", [(f"and {len(named) - most:,} more", "$status-quiet")]))
    return facts or [("Model", [("none is named", "$status-quiet")])]
