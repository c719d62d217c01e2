"""`edit`: the same input file with another model, parameters or system prompt, or a part of it. Asks nobody."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.cli.commands.tables.request_options import parse_option, read_text
from tbatch_tui.cli.exit_codes import FAILED, OK
from tbatch_tui.cli.output import JsonLines, print_message, print_result
from tbatch_tui.engine.check.edit.edited_copy import (
    SEED_MAX,
    EditSums,
    FaultyLinesError,
    LineChoice,
    edited_path,
    preview_edited,
    write_edited,
)
from tbatch_tui.engine.check.edit.request_values import make_changes, read_parameters
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.tables.recipe_rules import parse_range
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.check.edit.line_changes import LineChanges

_OWN_KEYS = {
    "model": "Use -m MODEL.",
    "messages": "-s changes the system prompt. Other messages are made by `tbatch-tui make`.",
    "file": "A recording is what a request is about: `tbatch-tui make --audio` makes requests for others.",
}
"""Keys of a body that --set does not take, and what does."""


def edit(options: argparse.Namespace, settings: Settings) -> int:
    """Write the edited copy and print its path; to standard error, how many lines were copied and changed."""
    path = Path(options.file)
    changes, choice = _read_changes(options), _read_choice(options)
    if os.path.isdir(path):
        raise LocalFileError(f"{path} is a folder", "Choose the JSONL file inside it.")
    if changes.is_nothing and choice.is_everything:
        raise LocalFileError(
            "Nothing to change", "Use -m, -s, --set, --drop, --max-tokens, --rows or --sample: see --help."
        )
    if settings.api_key and any(settings.api_key in text for text in _texts(changes)):
        raise BatchError("The API key is in the request", "Nothing was written.")
    try:
        if options.preview is not None:
            return _preview(path, changes, choice, options.preview)
        out = edited_path(path) if options.output is None else Path(options.output)
        if os.path.isdir(out):
            raise LocalFileError(f"{out} is a folder", "Name the file to write.")
        if not options.force and (os.path.lexists(out)):
            raise LocalFileError(f"There is a file {out} already", "Nothing was written. --force replaces it.")
        sums = write_edited(path, out, changes, choice, replace=options.force)
    except FaultyLinesError as error:
        for number, message in error.problems:
            print_message(f"{path}:{number}: {message}")
        if error.total > len(error.problems):
            print_message(f"{path}: and {plural(error.total - len(error.problems), 'line')} more")
        print_message(error.hint)
        return FAILED
    _inherit_recipe(path, out, settings)
    _print_summary(sums, choice, options)
    print_result(str(out))
    return OK


def _read_changes(options: argparse.Namespace) -> LineChanges:
    """Return the changes that the options ask for. Raises LocalFileError for what makes no sense."""
    system = options.system
    if system is not None:
        system = read_text(system, "-s")
        if "{{" in system:
            print_message("The system prompt has {{ … }}, which is sent as it is: only `make` knows columns.")
    return make_changes(
        model=options.model,
        system=system,
        parameters=read_parameters(options.set or (), _OWN_KEYS),
        dropped=options.drop or (),
        max_tokens=options.max_tokens,
        own_keys=_OWN_KEYS,
    )


def _read_choice(options: argparse.Namespace) -> LineChoice:
    first = last = None
    if options.rows is not None:
        first, last = parse_option(parse_range, options.rows)
    if options.seed is not None and options.sample is None:
        raise LocalFileError("--seed is that of --sample", "Use it with --sample.")
    seed = options.seed
    if options.sample is not None and seed is None:
        seed = secrets.randbelow(SEED_MAX)
    return LineChoice(first, last, options.sample, seed or 0)


def _texts(changes: LineChanges) -> tuple[str, ...]:
    return (changes.model or "", changes.system or "", str(dict(changes.parameters)))


def _preview(path: Path, changes: LineChanges, choice: LineChoice, number: int) -> int:
    sink = JsonLines()
    for line in preview_edited(path, changes, choice, number=number):
        sink.write(line.after + b"\n")
    sys.stdout.flush()
    return OK


def _print_summary(sums: EditSums, choice: LineChoice, options: argparse.Namespace) -> None:
    print_message(f"{plural(sums.copied, 'line')} of {sums.lines:,} · {sums.changed:,} changed")
    if choice.sample is not None and options.seed is None:
        print_message(f"The sample was drawn with --seed {choice.seed}")
    if choice.sample is not None and choice.sample > sums.copied:
        print_message(f"There are only {plural(sums.copied, 'line')} to draw from")


def _inherit_recipe(path: Path, out: Path, settings: Settings) -> None:
    """Save that the copy was made of a file that may have been made from a table."""
    from tbatch_tui.engine.tables.history import inherit_recipe

    inherit_recipe(settings.data_dir, path, out)
