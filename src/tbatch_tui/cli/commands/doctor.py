"""`doctor`: what keeps a submit from working here, and with `--live`, whether the API is as this app believes."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tbatch_tui.cli.doctor import facts, machine
from tbatch_tui.cli.doctor.diagnosis import Diagnosis, State
from tbatch_tui.cli.exit_codes import FAILED, OK, USAGE
from tbatch_tui.cli.output import print_json, print_message, print_result
from tbatch_tui.cli.settings.named_profile import read_settings, use_profile
from tbatch_tui.config.settings import Settings, SettingsError

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.engine.domain.catalogue import ModelInfo

_MARKS = {State.OK: "✓", State.WARNING: "!", State.PROBLEM: "✗"}
_ADVICE_INDENT = " " * 4
_POLL_EVERY = 5.0
"""Seconds between two looks at the live job."""
_PATIENCE = 3600.0
"""Seconds after which the live job is left to itself."""
_TOKENS_PER_ROW = 64
"""What a live row asks for at most, prompt included; a bound for its price."""


def doctor(arguments: argparse.Namespace) -> int:
    """Look at everything that a submit needs, and print it."""
    findings = [*machine.versions()]
    settings: Settings | None = None
    try:
        settings = read_settings(arguments)
    except SettingsError as error:
        findings.append(Diagnosis("settings", "settings", "cannot be used", State.PROBLEM, str(error)))
    no_key = ""
    if settings is not None:
        try:
            settings = use_profile(settings)
        except SettingsError as error:
            no_key = str(error)
    models: list[ModelInfo] = []
    if settings is not None:
        findings += machine.folders(settings)
        findings += machine.key(settings, no_key)
        findings += machine.variables()
        if settings.api_key:
            from tbatch_tui.cli.doctor.server import look_at_server

            found, models = asyncio.run(look_at_server(settings))
            findings += found
    findings += machine.terminal()
    is_broken = any(finding.state is State.PROBLEM for finding in findings)
    if not arguments.json:
        _print(findings)
    live: list[dict[str, Any]] | None = None
    cannot_ask = False
    if arguments.live and not is_broken:
        assert settings is not None
        model = arguments.model or _cheapest(models)
        cannot_ask = not arguments.yes and not sys.stdin.isatty()
        if _agreed(arguments, models, model):
            live = _run_live(arguments, settings, model)
    if arguments.json:
        value = {"findings": [finding.to_dict() for finding in findings]}
        print_json(value if live is None else {**value, "facts": live})
    if cannot_ask:
        return USAGE
    differs = live is not None and any(fact["state"] == "different" for fact in live)
    return FAILED if is_broken or differs else OK


def _print(findings: list[Diagnosis]) -> None:
    section = ""
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        if finding.section != section:
            if section:
                print_result("")
            section = finding.section
            print_result(section.capitalize())
        print_result(f"  {_MARKS[finding.state]} {finding.name.ljust(width)}  {finding.value}")
        if finding.advice:
            print_result(f"{_ADVICE_INDENT}{' ' * width}  → {finding.advice}")
    problems = sum(finding.state is State.PROBLEM for finding in findings)
    warnings = sum(finding.state is State.WARNING for finding in findings)
    print_result("")
    if problems:
        print_result(f"A submit will not work from here: {problems} to correct (✗).")
    else:
        print_result("A submit works from here." + (f" {warnings} to look at (!)." if warnings else ""))


def _cheapest(models: list[ModelInfo]) -> str:
    """Return the chat model with the lowest price; empty if none has one."""
    priced = [
        (model.output_price, model.id)
        for model in models
        if model.output_price and model.display_type in ("chat", "language")
    ]
    return min(priced, default=(0.0, ""))[1]


def _agreed(arguments: argparse.Namespace, models: list[ModelInfo], model: str) -> bool:
    """Say what the two lines cost, and ask whether to run them, unless that was answered by an option."""
    if not model:
        print_message("No chat model with a price is listed: name one with --model.")
        return False
    known = next((each for each in models if each.id == model), None)
    price = max(known.input_price or 0.0, known.output_price or 0.0) if known is not None else None
    bound = f"at most ${_TOKENS_PER_ROW * price / 1e6:.6f}" if price else "an amount that is not known here"
    print_message(f"Two lines will run as a batch with {model}: one is answered, one fails. That costs {bound}.")
    print_message("What is uploaded is deleted afterwards; the job stays in the account's list.")
    if arguments.yes:
        return True
    if not sys.stdin.isatty():
        print_message("Nobody can be asked here: use --yes.")
        return False
    print_message("Run them? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _run_live(arguments: argparse.Namespace, settings: Settings, model: str) -> list[dict[str, Any]]:
    """Run the two lines, and return each fact with what came of it."""
    from tbatch_tui.engine.client.live_probe import run_two_lines
    from tbatch_tui.engine.server_address import is_loopback

    is_local = settings.base_url is not None and is_loopback(settings.base_url)
    settings = replace(settings, poll_interval=0.05 if is_local else _POLL_EVERY)
    seen = run_two_lines(
        base_url=settings.base_url,
        api_key=settings.api_key or "",
        model=model,
        tell=lambda words: print_message(f"… {words}"),
        poll_every=settings.poll_interval,
        patience=_PATIENCE,
    )
    judged = facts.judge(seen)
    results = [
        {
            "id": fact.id,
            "fact": fact.words,
            "source": fact.source,
            "date": fact.date,
            "certain": fact.is_certain,
            "state": "not seen" if came is None else "different" if came else "held",
            "came": came or None,
        }
        for fact, came in judged
    ]
    if not arguments.json:
        for state, mark in (("different", "✗"), ("held", "✓"), ("not seen", "·")):
            for result in results:
                if result["state"] == state:
                    print_result(f"  {mark} {result['fact']}")
                    if came := result["came"]:
                        print_result(f"{_ADVICE_INDENT}came: {came}")
        counts = {
            state: sum(result["state"] == state for result in results) for state in ("held", "different", "not seen")
        }
        print_result("")
        print_result(f"{counts['held']} held, {counts['different']} different, {counts['not seen']} not seen.")
        if counts["different"]:
            print_result("Please report it: the output of the same command with --json has no key and no content.")
    return results
