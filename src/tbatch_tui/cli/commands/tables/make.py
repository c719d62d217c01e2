"""`make`: a table, a folder or a list becomes a checked input file. Needs neither a key nor a network."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.cli.commands.tables.recordings import recordings_of, upload_missing
from tbatch_tui.cli.commands.tables.request_options import parse_option, read_text
from tbatch_tui.cli.exit_codes import FAILED, OK
from tbatch_tui.cli.output import print_message, print_result
from tbatch_tui.engine.check.edit.request_values import read_parameters
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.tables.make import MadeFile, complete_recipe, make_input, preview_requests
from tbatch_tui.engine.tables.output_names import free_name, require_free
from tbatch_tui.engine.tables.problems import EncodingError, FaultyTableError, RowProblems
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import OWN_BODY_KEYS, Recipe
from tbatch_tui.engine.tables.recipe_file import read_recipe
from tbatch_tui.engine.tables.recipe_rules import check_schema_text, check_where, parse_range
from tbatch_tui.engine.tables.recipe_text import recipe_text
from tbatch_tui.text.escape import escape_controls
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.tables.joined.runs import AnsweredRequests
    from tbatch_tui.engine.tables.readers.source import TableSource
    from tbatch_tui.engine.tables.recipe import RecipeSource

_OVER_LIMITS = ("file-too-large", "too-many-requests")
"""Errors that a file has only as a whole: it goes into several jobs."""
_SHOWN = 20
"""Problems of the check that are printed; the rest is counted, and `check` prints it."""
_PREVIEWED = 1


def make(options: argparse.Namespace, settings: Settings) -> int:
    """Write the input file and print its path; its problems, and what it holds, to standard error."""
    gc.disable()  # rows make no cycles, and there are many
    written, base = _read_recipe(options.recipe)
    recipe = _apply_options(written, options)
    recipe.require_complete()
    if settings.api_key and settings.api_key in recipe_text(recipe):
        raise BatchError("The API key is in the request", "Nothing was written. A recipe must not contain it.")
    if options.source is None and isinstance(options.audio, str) and os.path.exists(options.audio):
        options.source, recipe = options.audio, replace(recipe, audio=True)  # `make --audio urls.txt`
    try:
        source = recordings_of(_open_source(options, written.source, base, settings), recipe, settings)
        answered = _find_answered(recipe, settings) if options.new else None
        if options.preview is not None:
            return _preview(recipe, source, options.preview, answered)
        out = _choose_name(options, source)
        upload_missing(source, options, settings)
        made = make_input(
            recipe,
            source,
            out,
            replace_files=options.force,
            keep_recipe=options.recipe,
            is_answered=None if answered is None else answered.takes,
            context=_context_of(recipe.model, settings),
        )
    except FaultyTableError as error:
        _print_problems(error)
        return FAILED
    _note_changed_source(written.source, made, options.source)
    report = _check(made.path, settings.store_address)
    links: dict[str, int] = {}
    if made.recipe.is_audio and not options.no_urls:
        from tbatch_tui.cli.check_links import look_at_links, summary_of_links

        report, links = look_at_links(report)
    _print_summary(made, report)
    _print_expected(made, report, settings)
    if links:
        print_message(summary_of_links(links)[:1].upper() + summary_of_links(links)[1:])
    if answered is not None:
        _print_saving(answered)
    _note_recipe(made, settings, source)
    print_result(str(made.path))
    return FAILED if report.errors > sum(report.counts.get(rule, 0) for rule in _OVER_LIMITS) else OK


def _context_of(model: str, settings: Settings) -> int | None:
    """Return how many tokens a model takes, by the catalogue that was kept last; None where that is not known."""
    import time

    from tbatch_tui.engine.pricing.kept_catalogue import kept
    from tbatch_tui.engine.server_address import canonical_server

    catalogue = kept(settings.data_dir, canonical_server(settings.base_url), time.time())
    known = catalogue.get(model) if catalogue is not None else None
    return known.context_length if known is not None else None


# -- the recipe ----------------------------------------------------------------------------------------


def _read_recipe(path: Path | None) -> tuple[Recipe, Path]:
    """Return the recipe of the option, and the folder that its source is relative to."""
    return (Recipe(), Path()) if path is None else (read_recipe(path), path.parent)


def _apply_options(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """Return the recipe with what the options say, which win."""
    changes: dict[str, Any] = {name: value for name in ("model", "id", "image") if (value := getattr(options, name))}
    for name, label in (("system", "-s"), ("prompt", "-p")):
        if (text := getattr(options, name)) is not None:
            changes[name] = read_text(text, label)
    if recipe.messages and ("prompt" in changes or "system" in changes):
        changes["messages"] = ()
    if options.audio is not None:
        changes["audio"] = options.audio
    if options.schema is not None:
        changes["schema"] = _read_schema(options.schema)
    changes["body"] = _body(recipe, options)
    given = ((name, getattr(options, name)) for name in ("sample", "seed", "empty"))
    rows: dict[str, Any] = {name: value for name, value in given if value is not None}
    if options.sample is not None and options.seed is None:
        rows["seed"] = None
    if options.rows is not None:
        rows["first"], rows["last"] = parse_option(parse_range, options.rows)
    if options.where:
        for text in options.where:
            parse_option(check_where, text)
        rows["where"] = tuple(options.where)
    if options.once:
        rows["once"] = True
    return replace(recipe, **changes, rows=replace(recipe.rows, **rows), source=None)


def _read_schema(text: str) -> str:
    schema = read_text(text, "--schema").strip()
    if text.startswith("@") and not schema.startswith("{"):
        raise BatchError(f"--schema: {text[1:]} is not a JSON object", "A file holds a JSON Schema.")
    try:
        check_schema_text(schema)
    except (ValueError, RecursionError) as error:
        raise BatchError(f"--schema: this is not JSON: {error}", "Check quotes and brackets.") from None
    return schema


def _body(recipe: Recipe, options: argparse.Namespace) -> dict[str, Any]:
    body = {**recipe.body, **read_parameters(options.set or (), OWN_BODY_KEYS)}
    if options.max_tokens is not None:
        body["max_tokens"] = options.max_tokens
    return body


# -- the source, and the names -------------------------------------------------------------------------


def _open_source(
    options: argparse.Namespace, written: RecipeSource | None, base: Path, settings: Settings
) -> TableSource:
    """Open the source that was named, or that of the recipe."""
    text, named = options.source, {}
    if text is None:
        if written is None:
            raise LocalFileError("No source given", "Name a table, a folder or job:ID, or a recipe that has one.")
        is_job = written.path.startswith("job:")
        text = written.path if is_job else str(base / written.path)
        if written.format == "sqlite" and written.sheet and not options.sheet:
            text, written = f"{text}:{written.sheet}", replace(written, sheet=None)
        named = {name: getattr(written, name) for name in ("encoding", "delimiter", "sheet")}
    for name in ("encoding", "delimiter", "sheet"):
        named[name] = getattr(options, name) or named.get(name)
    return open_source(text, job_results=lambda job: _find_job(job, settings), **named)


def _find_job(text: str, settings: Settings) -> tuple[str, ResultIndex]:
    """Return the id and the results of a job, or of a group, that is in the history."""
    import asyncio

    from tbatch_tui.cli.commands.tables.find_job import find_in_history

    return asyncio.run(find_in_history(text, settings))


def _find_answered(recipe: Recipe, settings: Settings) -> AnsweredRequests:
    """Read which requests of the jobs of this recipe have a good answer."""
    import asyncio

    from tbatch_tui.cli.commands.tables.find_job import read_answered

    return asyncio.run(read_answered(complete_recipe(recipe), settings))


def _choose_name(options: argparse.Namespace, source: TableSource) -> Path:
    if options.output is None:
        return free_name(source.path.parent, source.stem)
    out = Path(options.output)
    if not out.name or os.path.isdir(out):
        raise LocalFileError(f"{out} is a folder", "Name the file to write.")
    if not options.force:
        require_free(out, options.recipe)
    return out


# -- what is printed -----------------------------------------------------------------------------------


def _preview(recipe: Recipe, source: TableSource, number: int, answered: AnsweredRequests | None) -> int:
    from tbatch_tui.cli.output import JsonLines

    lines, problems = preview_requests(recipe, source, number, None if answered is None else answered.takes)
    sink = JsonLines()
    for line in lines:
        sink.write(line)
    sys.stdout.flush()
    if problems.total:
        _print_named(source.name, problems)
        return FAILED
    return OK


def _print_problems(error: FaultyTableError) -> None:
    problems = RowProblems()
    problems.named, problems.total = list(error.problems), error.total
    _print_named(error.source, problems)
    if isinstance(error, EncodingError):
        for encoding, text in error.readings:
            print_message(f"  in {encoding:<10} {text}")
    print_message(error.hint)


def _print_named(source: str, problems: RowProblems) -> None:
    for problem in problems.named:
        print_message(f"{source}: {problem}")
    if problems.unnamed:
        print_message(f"{source}: and {plural(problems.unnamed, 'more problem')}")


def _check(path: Path, store: str) -> CheckReport:
    from tbatch_tui.cli.commands.check import cores
    from tbatch_tui.engine.check import check_file

    return check_file(path, processes=2 if cores() > 1 else 1, measure=True, store=store)


def _print_summary(made: MadeFile, report: CheckReport) -> None:
    from tbatch_tui.cli.check_report import problem_line, untimed_note

    shown = [problem for problem in report.problems if problem.rule not in _OVER_LIMITS]
    name = escape_controls(made.path.name)
    for problem in shown[:_SHOWN]:
        print_message(f"{name}:{problem_line(problem)}")
    if len(shown) > _SHOWN:
        print_message(f"{name}: {plural(len(shown) - _SHOWN, 'more problem')}; tbatch-tui check prints all of them")
    print_message(f"{plural(made.rows, 'row')} · {plural(made.requests, 'request')}{_tokens(report)}")
    if note := untimed_note(report):
        print_message(f"{note}. --set response_format=verbose_json asks for them")
    for reason, number in made.left_out.items():
        print_message(f"{plural(number, 'row')} left out: {reason}")
    if made.recipe.rows.once:
        print_message(f"{plural(made.asked_once, 'row')} merged with identical rows into one request")
    elif made.repeats:
        verb = "asks" if made.repeats == 1 else "ask"
        print_message(f"{plural(made.repeats, 'row')} {verb} the same as an earlier row: --once asks only once")
    if made.jobs > 1:
        print_message(f"The file goes into {made.jobs:,} jobs: tbatch-tui submit --in-parts")


def _print_expected(made: MadeFile, report: CheckReport, settings: Settings) -> None:
    """Print what the requests are likely to cost, where earlier jobs and the catalogue that was kept last say that."""
    import time

    from tbatch_tui.config.engine_options import options_from
    from tbatch_tui.engine.domain.cost import Demand
    from tbatch_tui.engine.estimates.estimates import expected_of_made
    from tbatch_tui.engine.pricing.kept_catalogue import kept
    from tbatch_tui.engine.pricing.prices import PriceList

    options = options_from(settings, connect=False)
    if (catalogue := kept(settings.data_dir, options.server, time.time())) is None:
        return
    prices = PriceList(catalogue, options.prices, options.discounts)
    limit = made.recipe.body.get("max_tokens")
    has_limit = isinstance(limit, int) and limit > 0
    demand = Demand(
        model=made.recipe.model,
        requests=made.requests,
        prompt_tokens=report.prompt_tokens or 0,
        most_output_tokens=made.requests * limit if isinstance(limit, int) and has_limit else 0,
        unbounded=0 if has_limit else made.requests,
        attachments=made.requests if made.recipe.image else 0,
        audio=made.requests if made.recipe.is_audio else 0,
    )
    try:
        expected = expected_of_made(settings.data_dir, made.recipe, demand, prices)
    except BatchError:
        return  # it is no more than a hint
    if words := expected.expected_words:
        print_message(f"Likely cost of a batch: {words}")


def _print_saving(answered: AnsweredRequests) -> None:
    if not answered.rows:
        print_message("No row has a good answer from a job of this recipe yet: all are sent")
    elif answered.prompt_tokens:
        print_message(f"Not asked again: about {plural(answered.prompt_tokens, 'prompt token')} saved")


def _tokens(report: CheckReport) -> str:
    return f" · about {plural(report.prompt_tokens, 'prompt token')}" if report.prompt_tokens else ""


def _note_changed_source(written: RecipeSource | None, made: MadeFile, given: str | None) -> None:
    before = written.sha256 if given is None and written is not None else ""
    if before and made.recipe.source is not None and before != made.recipe.source.sha256:
        print_message("The source has changed since the recipe was written.")


def _note_recipe(made: MadeFile, settings: Settings, source: TableSource) -> None:
    """Save the recipe with the bytes of the file, so that a submit of them inherits it, and with the columns."""
    from tbatch_tui.engine.tables.history import note_recipe

    try:
        note_recipe(settings.data_dir, made.sha256, made.recipe_text, made.recipe_path, source.columns)
    except BatchError as error:
        print_message(f"The recipe was not saved in the history: {error}")
