"""What a check found, in words: the verdict in one line, and what is in the file. Pure."""

from __future__ import annotations

from tbatch_tui.engine.findings import CheckReport
from tbatch_tui.tui import format as fmt
from tbatch_tui.tui.text import line
from tbatch_tui.tui.widgets.one_line import Pieces

CLEAN = "No problems"
_MODELS_NAMED = 8
_MODELS_IN_LINE = 2


def verdict(report: CheckReport) -> Pieces:
    """`✗ 3 errors · ! 41 warnings`, and what follows from that."""
    if not (report.errors or report.warnings):
        notes = f", {fmt.plural(report.notes, 'note')}" if report.notes else ""
        return [(f"✓ {CLEAN}", "bold $status-ok"), (f" in {fmt.plural(report.lines, 'line')}{notes}.", "$status-ok")]
    said: Pieces = []
    for number, noun, glyph, style in (
        (report.errors, "error", "✗", "bold $status-failed"),
        (report.warnings, "warning", "!", "bold $status-attention"),
        (report.notes, "note", "·", ""),
    ):
        if number:
            said += [(" · " if said else "", "$rule"), (f"{glyph} {fmt.plural(number, noun)}", style)]
    if report.is_ok:
        said.append(("  It can be submitted as it is.", "$status-quiet"))
    else:
        said.append(("  Mend the errors to submit it.", "$status-quiet"))
    return said


def summary(report: CheckReport) -> Pieces:
    """What is in the file, in a line."""
    models = list(report.models)
    named = ", ".join(line(fmt.short_model(name)) for name in models[:_MODELS_IN_LINE])
    if len(models) > _MODELS_IN_LINE:
        named += f" and {len(models) - _MODELS_IN_LINE:,} more"
    return [
        (endpoint_words(report), ""),
        (f" ({line(report.endpoint_why)})", "$status-quiet"),
        (" · ", "$rule"),
        (named or "no model", ""),
    ]


def endpoint_words(report: CheckReport) -> str:
    """What the file is for."""
    return report.endpoint.words if report.endpoint is not None else "Endpoint unknown"


def facts(report: CheckReport) -> list[tuple[str, Pieces]]:
    """What is in the file, fact by fact."""
    longest = f" · longest line {fmt.size(report.longest_line)}"
    told: list[tuple[str, Pieces]] = [
        ("Requests", [(fmt.count(report.requests), "")]),
        ("Size", [(fmt.size(report.size), ""), (longest, "$status-quiet")]),
        ("Endpoint", [(endpoint_words(report), ""), (f" · {line(report.endpoint_why)}", "$status-quiet")]),
    ]
    return told + models(report)


def models(report: CheckReport) -> list[tuple[str, Pieces]]:
    """Each model with its requests, a line each; of very many only the most used."""
    named = list(report.models.items())
    told: list[tuple[str, Pieces]] = []
    for index, (name, number) in enumerate(named[:_MODELS_NAMED]):
        many: Pieces = [(f" · {fmt.plural(number, 'request')}", "$status-quiet")] if len(named) > 1 else []
        title = "" if index else "Models" if len(named) > 1 else "Model"
        told.append((title, [(line(name), ""), *many]))
    if len(named) > _MODELS_NAMED:
        told.append(("", [(f"and {len(named) - _MODELS_NAMED:,} more", "$status-quiet")]))
    return told or [("Model", [("none is named", "$status-quiet")])]
