"""Dialogs that show texts of a file or a server, and the facts of a job, with every hostile string."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.progress.history import JobHistory
from tbatch_tui.engine.results import DEFAULT_COLUMNS, ErrorGroup, ExportFormat
from tbatch_tui.engine.tables.join_back import KnownSource
from tbatch_tui.engine.tables.recipe import Recipe
from tbatch_tui.tui.render import pace
from tbatch_tui.tui.render.cost import format_unpriced
from tbatch_tui.tui.render.error_hints import error_hint
from tbatch_tui.tui.render.job import details_lines
from tbatch_tui.tui.render.timeline import timeline_steps
from tbatch_tui.tui.screens.check.fix_dialog import FixDialog, FixOffer, RuleFix
from tbatch_tui.tui.screens.check.line_diff import change_pieces, diff_lines
from tbatch_tui.tui.screens.job import facts as job_facts
from tbatch_tui.tui.screens.job.file_dialog import ChooseFile, JobFile
from tbatch_tui.tui.screens.jobs.dialogs.uncertain import UncertainDialog
from tbatch_tui.tui.screens.pick.peek import peek
from tbatch_tui.tui.screens.results.exporting.choice import ExportPreferences
from tbatch_tui.tui.screens.results.exporting.dialog import ComparedWith, ExportDialog
from tbatch_tui.tui.screens.results.reading.error_groups import group_columns
from tbatch_tui.tui.screens.results.retry_dialog import RetryDialog, RetryOffer
from tbatch_tui.tui.widgets.fact_list import FactList
from tbatch_tui.tui.widgets.table.table import RecordTable
from tests.helpers.drawn import Bare, check_screen, is_harmless
from tests.helpers.hostile_text import HUGE, NASTY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult

    from tbatch_tui.tui.dialogs.base import Dialog

NOW = 1_772_802_120.0
EVERY = [*NASTY, *HUGE]


def record_of(nasty: str, *, made_here: bool = True) -> JobRecord:
    """Return a record with this text in every field from outside.

    The engine lets in no more than 10,000 characters, and no lone surrogates.
    """
    text = nasty[:10_000].encode("utf-8", "replace").decode()
    job = Job(
        text or "x", text or "UNKNOWN", error=text, model=text, endpoint=text, created_at=NOW, output_file_id=text
    )
    submission = Submission(
        *(1, Path("/") / (text.replace("\0", "")[:100] or "x"), 1, "", Endpoint.CHAT, text, 2, NOW),
        error=text,
        hint=text,
        warning=text,
        parent=text,
        state=SubmissionState.UNCERTAIN,
        uncertain_since=NOW,
    )
    failed = Transfer(FileKind.OUTPUT, text, TransferState.FAILED, message=text)
    record_submission = submission if made_here else None
    return JobRecord(text or "x", job, record_submission, label=text, note=text, input_name=text, output=failed)


async def no_answer(_kind: str) -> None:
    return None


def dialogs(nasty: str) -> Iterator[Dialog[Any]]:
    record = record_of(nasty)
    path = Path("/") / (nasty.replace("\0", "")[:200] or "x")
    assert record.job is not None
    yield UncertainDialog(record, [record.job, record.job], NOW)
    groups = tuple(ErrorGroup(text, 3, 0) for text in (nasty, f"{nasty} again"))
    yield RetryDialog(RetryOffer(nasty, groups, 1, 1, 1, model=nasty, max_tokens=7))
    fixes = [
        RuleFix(rule, 2, 1, diff_lines(rule, nasty, f"{nasty[:9]}{nasty}"))
        for rule in ("stream", "crlf", "method-file")
    ]
    yield FixDialog(FixOffer(path, tuple(fixes), 3))
    source = KnownSource(Recipe(model=nasty, prompt="p"), nasty or "x")
    last = ExportPreferences(ExportFormat.HTML, DEFAULT_COLUMNS, False, path.parent, other="a", gold=nasty or "x")
    others = ComparedWith(no_answer, {"a": nasty}, has_source=True)
    yield ExportDialog(
        nasty, path.name[:80], path.parent, count=3, shown=2, label=nasty, source=source, last=last, compared=others
    )
    yield ChooseFile(nasty, [JobFile(str(number), path, 7) for number in range(2)])


async def test_dialogs() -> None:
    """Each dialog with some of the texts: all dialogs with all texts would take two minutes."""
    app = Bare()
    async with app.run_test(size=(60, 20)) as pilot:
        for number, nasty in enumerate(EVERY[::4]):
            dialog = list(dialogs(nasty))[number % 5]
            app.push_screen(dialog)
            await pilot.pause()
            check_screen(app)
            app.pop_screen()


class Facts(Bare):
    def compose(self) -> ComposeResult:
        yield FactList()
        yield RecordTable(group_columns())


async def test_facts_of_a_job() -> None:
    """Every piece of text is safe, before it is drawn and after."""
    app = Facts()
    async with app.run_test(size=(60, 30)) as pilot:
        for number, nasty in enumerate(NASTY[::3]):
            record = record_of(nasty, made_here=number % 2 == 0)
            history = JobHistory()
            facts = [
                *job_facts.status_facts(record, history, None, NOW, {}),
                *job_facts.file_facts(record, {}, None),
                *job_facts.about_facts(record, [record], [], NOW),
                *pace.pace_facts(record, history, None, NOW),
            ]
            pieces = [piece for _, value in facts for piece in value]
            pieces += [piece for line in details_lines(record, NOW) for piece in line]
            pieces += [piece for made in change_pieces(diff_lines("stream", nasty, "x"), 60) for piece in made]
            words = [text for text, _ in pieces if "\n" not in text]
            words += [step.glyph for step in timeline_steps(record, NOW, history)]
            words += [error_hint(nasty)]
            assert all(is_harmless(text) for text in words), [text for text in words if not is_harmless(text)]
            app.query_one(FactList).show(facts)
            app.query_one(RecordTable).set_rows([("a", ErrorGroup(nasty, 2, 0))])
            await pilot.pause()
            check_screen(app)


def test_a_hint_and_a_price_for_any_name() -> None:
    for nasty in EVERY:
        error_hint(nasty)
        assert is_harmless(format_unpriced([nasty[:1_000]], NOW).replace(nasty[:1_000], ""))


def test_a_file_with_any_name_can_be_peeked_at(tmp_path: Path) -> None:
    for nasty in NASTY:
        name = nasty.replace("/", "").replace("\0", "").encode("utf-8", "replace")[:100].decode("utf-8", "ignore")
        path = tmp_path / f"a{name}.jsonl"
        path.write_bytes(nasty.encode("utf-8", "surrogatepass"))
        assert peek(path).size == path.stat().st_size
