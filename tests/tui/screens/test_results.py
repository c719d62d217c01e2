"""The Results screen: rows, record, filters, search, retry and export, at every size and with hostile text."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.answers.search import Query, SearchField
from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.events import ResultsDownloaded
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.options import AudioStore, EngineOptions
from tbatch_tui.engine.results import Outcome, ResultIndex, Sources, export_rows
from tbatch_tui.tui.bridge import Bridge
from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.screens.results.exporting import exporter
from tbatch_tui.tui.screens.results.exporting.dialog import ExportDialog
from tbatch_tui.tui.screens.results.retry_dialog import RetryDialog
from tbatch_tui.tui.screens.results.screen import ResultsScreen
from tbatch_tui.tui.screens.results.session import ResultsSession
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.reader.view import RecordView
from tests.conftest import until
from tests.helpers.drawn import Bare, check_screen, screen_lines, screen_opened, screen_text
from tests.helpers.hostile_text import NASTY
from tests.helpers.result_rows import answer_row, error_row, request_row, response_row, write_rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from textual.pilot import Pilot
    from textual.widget import Widget

    from tbatch_tui.tui.messages import CheckFile, GoBack, OpenModels

NOW = 1_750_000_000.0
SIZES = [(60, 20), (80, 24), (140, 40)]
JOB = Job("8f3a12c4-0000-4000-8000-000000000000", "COMPLETED", created_at=NOW, output_file_id="o", error_file_id="e")

INPUT = [request_row(f"case-{number}", f"Question {number}?") for number in range(1, 6)]
OUTPUT = [
    answer_row("case-4", "", reason="length", tokens=64, reasoning="First, consider the moon."),
    answer_row("case-1", 'It says "[/bad]" and\nmore.', tokens=412),
    answer_row("case-5", '{"label":"safe","price":1.10}'),
]
ERRORS = [error_row("case-2", "Request timeout [bold]")]


class Host(Bare):
    """An app with nothing but the screen under test."""

    def __init__(self, folder: Path, **more: Any) -> None:
        super().__init__()
        self.bridge = Bridge(self)
        self.engine = BatchEngine(EngineOptions(folder / "data", folder / "results", **more), self.bridge.emit)
        self.went_back = 0
        self.to_check: list[Path] = []
        self.models: list[OpenModels] = []

    def on_check_file(self, message: CheckFile) -> None:
        self.to_check.append(message.path)

    def on_open_models(self, message: OpenModels) -> None:
        self.models.append(message)

    def on_mount(self) -> None:
        self.push_screen(ResultsScreen(self.engine, self.bridge, JOB.id))

    def on_go_back(self, _: GoBack) -> None:
        self.went_back += 1


def save_job(
    folder: Path,
    *,
    requests: list[Any] | None = INPUT,
    output: list[Any] | None = OUTPUT,
    errors: list[Any] | None = ERRORS,
    job: Job = JOB,
    endpoint: Endpoint = Endpoint.CHAT,
) -> None:
    """Write the files of a job, and a history with that job; a file that is None is not in the history."""
    journal = Journal(folder / "data" / "history.db")
    account = journal.accounts.at_start("together", "", NOW).id
    if requests is not None:
        path = write_rows(folder / "safety-eval.jsonl", requests)
        record = journal.submissions.add(
            account,
            path=path,
            size=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            endpoint=endpoint,
            label="safety-eval",
            requests=len(requests),
            now=NOW,
        )
        assert record.submission is not None
        journal.submissions.attach_job(account, record.submission, job, NOW)
    else:
        journal.jobs.apply(account, [job], NOW, lambda _: False)
    for kind, rows in ((FileKind.OUTPUT, output), (FileKind.ERRORS, errors)):
        if rows is not None:
            path = write_rows(folder / f"{kind.value}.jsonl", rows)
            journal.transfers.save(account, job.id, Transfer(kind, "f", TransferState.FETCHED, path, rows=len(rows)))
    journal.close()


@asynccontextmanager
async def open_results(
    folder: Path, size: tuple[int, int] = (120, 30), **more: Any
) -> AsyncIterator[tuple[Host, Pilot[object]]]:
    """Open the screen, and wait until all files are read."""
    host = Host(folder, **more)
    async with host.engine:
        await host.engine.records()
        async with host.run_test(size=size) as pilot:
            await wait_until_idle(host, pilot)
            yield host, pilot


def screen_of(host: Host) -> ResultsScreen:
    assert isinstance(host.screen, ResultsScreen)
    return host.screen


async def wait_until_idle(host: Host, pilot: Pilot[object]) -> None:
    """Wait until no worker runs any more. A question is asked by a worker, too: then this fails after a minute."""
    async with asyncio.timeout(60):
        await pilot.pause()
        await host.workers.wait_for_complete()
        await pilot.pause()
        await host.workers.wait_for_complete()
        await pilot.pause()


async def press(host: Host, pilot: Pilot[object], *keys: str) -> None:
    await pilot.press(*keys)
    await wait_until_idle(host, pilot)


def focused(host: Host) -> Widget | None:
    """Return the widget with the focus; a function, because mypy takes `host.focused` to stay what it was."""
    return host.focused


def custom_ids(host: Host) -> list[str]:
    table = screen_of(host).table
    return [table.source.row(number).custom_id for number in range(table.row_count)]


@pytest.mark.parametrize("size", SIZES)
async def test_every_row_is_accounted_for(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path, size) as (host, _):
        check_screen(host)
        text = screen_text(host)
        assert "Results" in text and "safety-eval" in text
        assert "5 in = 2 ok + 1 cut short + 1 error + 1 missing" in text
        assert custom_ids(host) == [f"case-{number}" for number in range(1, 6)]
        for word in ("✓ ok", "✗ error", "✂ cut short", "? missing"):
            assert word in text
        assert "Request time" in next(line for line in screen_lines(host) if "case-2" in line)
        assert ("First, consider the moon." in text) is False
        assert ("user" in text) is (size[0] >= 100)


async def test_the_record_shows_request_and_response(tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path, (140, 40)) as (host, pilot):
        text = screen_text(host)
        for words in ("user", "Question 1?", "3 in → 412 out tokens", 'It says "[/bad]" and', "m/chat"):
            assert words in text, words
        await press(host, pilot, "j")
        assert "✗ error · batch_client_error" in screen_text(host)
        await press(host, pilot, "j")
        assert "No row for this request" in screen_text(host).replace("\n", " ")
        await press(host, pilot, "j")
        text = screen_text(host)
        assert "▾ reasoning" in text and "First, consider the moon." in text and "output file, line 1" in text
        await press(host, pilot, "G")
        assert '"price": 1.10' in screen_text(host)
        await press(host, pilot, "g")
        assert screen_of(host).table.cursor_index == 0
        await press(host, pilot, "down", "up", "k")
        assert screen_of(host).table.cursor_index == 0


@pytest.mark.parametrize("size", SIZES[:2])
async def test_in_a_narrow_terminal_enter_opens_the_record(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path, size) as (host, pilot):
        assert "Question 1?" not in screen_text(host)
        await press(host, pilot, "enter")
        check_screen(host)
        assert "Question 1?" in screen_text(host)
        assert "✗ error" not in screen_text(host)
        await press(host, pilot, "escape")
        assert "Question 1?" not in screen_text(host)
        assert host.went_back == 0
        await press(host, pilot, "escape")
        assert host.went_back == 1


async def test_in_a_wide_terminal_enter_focuses_the_record(tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path) as (host, pilot):
        await press(host, pilot, "enter")
        assert isinstance(focused(host), RecordView)
        await press(host, pilot, "escape")
        assert focused(host) is screen_of(host).table
        assert host.went_back == 0


async def test_f_goes_through_the_outcomes(tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path) as (host, pilot):
        seen = []
        for _ in range(5):
            await press(host, pilot, "f")
            seen.append(custom_ids(host))
            check_screen(host)
        every = [f"case-{number}" for number in range(1, 6)]
        assert seen == [["case-1", "case-5"], ["case-4"], ["case-2"], ["case-3"], every]


@pytest.mark.parametrize("size", SIZES)
async def test_the_header_shows_the_cost_of_all_and_of_the_shown_rows(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path)
    dollar = {"m/chat": {"input": 10_000, "output": 10_000}}  # a cent a token
    async with open_results(tmp_path, size, prices=dollar, discounts={"m/chat": 50}) as (host, pilot):
        whole = f"${(3 * 3 + 412 + 64 + 7) * 0.005:.2f}"
        for shown_cost in (f"${(2 * 3 + 412 + 7) * 0.005:.2f} of {whole}", f"$0.34 of {whole}", f"$0.00 of {whole}"):
            assert screen_lines(host)[0].rstrip().endswith(whole)
            assert ("your prices from config.toml · 50 % batch discount" in screen_text(host)) is (size[0] == 140)
            await press(host, pilot, "f")
            assert screen_lines(host)[0].rstrip().endswith(shown_cost)
            check_screen(host)
    async with open_results(tmp_path, size) as (host, pilot):
        assert "$" not in screen_lines(host)[0], "no price is known"


async def test_an_empty_list_names_the_kind_of_row(tmp_path: Path) -> None:
    save_job(tmp_path, requests=INPUT[:1], output=[answer_row("case-1")], errors=[])
    async with open_results(tmp_path, (80, 24)) as (host, pilot):
        seen = []
        for _ in range(2):  # outcomes without rows are passed over
            await press(host, pilot, "f")
            seen.append(screen_of(host).row_filter.kind)
        assert seen == ["ok", "all"]
        for kind, text in (("errors", "No errors."), ("invalid", "No answer is invalid."), ("missing", "Nothing is")):
            screen_of(host).row_filter.kind = kind  # a search leaves a kind without rows, and so does reading again
            screen_of(host)._show_rows()
            await wait_until_idle(host, pilot)
            assert text in screen_text(host)


async def test_slash_finds_any_text_and_escape_shows_all_again(tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path) as (host, pilot):
        await press(host, pilot, "slash", *"any:UESTION")
        assert custom_ids(host) == [f"case-{number}" for number in range(1, 6)]
        await press(host, pilot, *(" 2"), "enter")
        assert custom_ids(host) == ["case-2"]
        assert "“UESTION 2” in request and response · 1 hit" in screen_text(host)
        await press(host, pilot, "f")
        assert "No hit among “ok” for “UESTION 2” in request and response" in screen_text(host)
        await press(host, pilot, "f", "f")
        assert custom_ids(host) == ["case-2"]
        await press(host, pilot, "escape")
        assert host.went_back == 0
        await press(host, pilot, "f", "f")
        assert len(custom_ids(host)) == 5
        await press(host, pilot, "slash", *"any:moon")
        assert custom_ids(host) == ["case-4"]
        await press(host, pilot, "escape")
        assert not host.screen.query_one(FilterLine).is_open
        assert len(custom_ids(host)) == 5
        assert host.focused is screen_of(host).table


async def test_y_copies_the_id(tmp_path: Path) -> None:
    save_job(tmp_path, requests=[request_row("a\ud800\x1b[2Jb")], output=None, errors=[])
    async with open_results(tmp_path) as (host, pilot):
        await press(host, pilot, "y")
        assert "[2Jb" in host.clipboard and "\x1b" not in host.clipboard
        check_screen(host)


async def test_odd_rows_are_shown_below_the_requests(tmp_path: Path) -> None:
    rows = [
        answer_row("stranger"),
        answer_row("case-1"),
        answer_row("case-1", "again"),
        b'{"resp',
        b'{"custom_id": "case-1", "resp',
    ]
    save_job(tmp_path, requests=INPUT[:1], output=rows, errors=[])
    async with open_results(tmp_path, (140, 40)) as (host, pilot):
        text = screen_text(host)
        assert "1 in = 1 ok + 0 missing" in text
        assert "1 unknown id · 1 duplicate · 2 unreadable" in text
        assert custom_ids(host) == ["case-1", "stranger", "case-1", "", "case-1"]
        await press(host, pilot, "G")
        assert '{"custom_id": "case-1", "resp' in screen_text(host)
        assert "can't be matched to a request" in screen_text(host)
        await press(host, pilot, "k", "k")
        assert "Duplicate row for this request" in screen_text(host)
        for _ in range(2):
            await press(host, pilot, "f")
        assert custom_ids(host) == ["stranger", "case-1", "", "case-1"]


async def test_an_audio_row_shows_its_transcript(tmp_path: Path) -> None:
    line = {"custom_id": "clip", "method": "FILE", "body": {"file": "https://example.com/a.wav", "model": "w"}}
    heard = response_row("clip", {"text": "Guten Tag.", "language": "de", "duration": 75})
    save_job(tmp_path, requests=[line], output=[heard], errors=None, job=JOB)
    async with open_results(tmp_path, (140, 40)) as (host, _):
        text = screen_text(host)
        assert "transcript · de · 1 m audio" in text
        assert "[audio: https://example.com/a.wav]" in text
        assert "error file not downloaded yet" in text


async def test_without_the_input_file_responses_are_shown(tmp_path: Path) -> None:
    save_job(tmp_path)
    (tmp_path / "safety-eval.jsonl").unlink()
    async with open_results(tmp_path, (140, 40)) as (host, _):
        assert custom_ids(host) == ["case-4", "case-1", "case-5", "case-2"]
        assert "4 returned = 2 ok + 1 cut short + 1 error" in screen_text(host)
        assert "the input file cannot be read: No such file" in screen_text(host)


async def test_a_changed_input_file_is_reported(tmp_path: Path) -> None:
    save_job(tmp_path)
    write_rows(tmp_path / "safety-eval.jsonl", INPUT[:4])
    async with open_results(tmp_path, (140, 40)) as (host, _):
        assert "4 returned = 2 ok + 1 cut short + 1 error" in screen_text(host)
        assert "the input file has changed since it was submitted" in screen_text(host)
        assert custom_ids(host) == ["case-4", "case-1", "case-5", "case-2"]


@pytest.mark.parametrize("size", SIZES)
async def test_without_result_files_the_screen_names_the_next_step(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path, output=None, errors=None)
    async with open_results(tmp_path, size) as (host, pilot):
        assert "press esc, then d on the job" in screen_text(host).lower().replace("\n", " ")
        check_screen(host)
        await press(host, pilot, "f", "y", "enter", "j", "G", "slash", "x", "escape", "escape")
        assert host.went_back == 1


async def test_result_files_that_were_deleted_are_not_called_missing_rows(tmp_path: Path) -> None:
    save_job(tmp_path, errors=None)
    (tmp_path / "output.jsonl").unlink()
    async with open_results(tmp_path) as (host, _):
        assert "The output file cannot be read: No such file" in screen_text(host)
        assert not custom_ids(host)


async def test_a_job_that_is_gone_and_one_without_files(tmp_path: Path) -> None:
    async with open_results(tmp_path) as (host, _):
        assert "no longer in the history" in screen_text(host)
    save_job(tmp_path, output=None, errors=None, job=Job(JOB.id, "FAILED", error="Line 2: [/bad]"))
    async with open_results(tmp_path) as (host, _):
        assert "This job has ended without result files." in screen_text(host)
        assert "Line 2: [/bad]" in screen_text(host)


async def test_downloaded_files_are_read(tmp_path: Path) -> None:
    save_job(tmp_path, errors=None)
    async with open_results(tmp_path) as (host, pilot):
        assert screen_of(host).table.source.row(1).outcome is Outcome.MISSING
        path = write_rows(tmp_path / "errors.jsonl", ERRORS)
        record = await host.engine._store.save_transfer(
            JOB.id, Transfer(FileKind.ERRORS, "e", TransferState.FETCHED, path)
        )
        assert record is not None
        host.engine._runtime.counter.request(record.key)
        host.engine._emit(ResultsDownloaded(record))
        await wait_until_idle(host, pilot)
        assert screen_of(host).table.source.row(1).outcome is Outcome.ERROR


MANY_ERRORS = [
    error_row("case-1", "Request timed out after 30 s"),
    error_row("case-2", "Input validation error: `stop` has a wrong type"),
    error_row("case-5", "Request timed out after 31 s"),
]


@pytest.mark.parametrize("size", SIZES)
async def test_errors_are_shown_by_cause_and_enter_shows_the_rows_of_one(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path, output=OUTPUT[:1], errors=MANY_ERRORS)
    async with open_results(tmp_path, size) as (host, pilot):
        await press(host, pilot, "E")
        check_screen(host)
        text = screen_text(host)
        assert "errors by cause" in text
        assert "2  ↻ retryable  Request timed out after <n> s" in text
        assert "1  ! fix first" in text
        assert "A retry usually succeeds" in text
        await press(host, pilot, "j")
        assert "fix these lines" in screen_text(host).replace("\n", " ")
        await press(host, pilot, "k", "enter")
        assert custom_ids(host) == ["case-1", "case-5"]
        assert host.focused is screen_of(host).table
        await press(host, pilot, "escape")
        assert "errors by cause" in screen_text(host)
        await press(host, pilot, "E")
        assert len(custom_ids(host)) == 5
        assert host.went_back == 0


async def test_v_shows_both_lines_as_they_are_in_the_files(tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path, (140, 40)) as (host, pilot):
        await press(host, pilot, "v")
        text = screen_text(host)
        for words in ("request · input file, line 1", '"custom_id": "case-1",', "response · output file, line 2"):
            assert words in text, words
        assert '"finish_reason": "stop"' in text
        await press(host, pilot, "j", "j")
        assert "response · none is here" in screen_text(host)
        await press(host, pilot, "v")
        assert "No row for this request" in screen_text(host).replace("\n", " ")
    async with open_results(tmp_path, (60, 20)) as (host, pilot):
        await press(host, pilot, "v")
        assert '"custom_id": "case-1",' in screen_text(host)
        check_screen(host)


async def test_reasoning_is_folded_unless_unfolded_or_searched_for(tmp_path: Path) -> None:
    thoughtful = answer_row("case-1", "Yes.", reasoning="First, the moon. " * 5)
    thoughtful["response"]["body"]["usage"]["completion_tokens_details"] = {"reasoning_tokens": 1204}
    save_job(tmp_path, output=[thoughtful, *OUTPUT[2:]])
    async with open_results(tmp_path, (140, 40)) as (host, pilot):
        assert "▸ reasoning (1,204 tokens)" in screen_text(host)
        assert "First, the moon." not in screen_text(host)
        await press(host, pilot, "z")
        assert "▾ reasoning" in screen_text(host) and "First, the moon." in screen_text(host)
        await press(host, pilot, "z", "slash", *"any:the moon", "enter")
        assert "First, the moon." in screen_text(host)


async def test_n_goes_through_the_hits_and_on_to_the_next_row(tmp_path: Path) -> None:
    long = "\n".join(f"line {number}" for number in range(90))
    first = answer_row("case-1", f"{long}\nA Needle here.\n{long}\nneedle")
    save_job(tmp_path, output=[first, answer_row("case-4", "needle")])
    async with open_results(tmp_path, (120, 30)) as (host, pilot):
        assert not host.screen.active_bindings.get("n")
        await press(host, pilot, "slash", *"needle", "enter")
        view = screen_of(host).query_one(RecordView)
        seen = []
        for key in ("n", "n", "n", "N"):
            await press(host, pilot, key)
            seen.append((screen_of(host).table.cursor_key, round(view.scroll_y)))
            check_screen(host)
        (first, second, third, last) = seen
        assert first[0] == second[0] == last[0] == "0" and third[0] == "3"
        assert 80 < first[1] < second[1]
        assert last[1] == first[1]
        assert "2 hits" in screen_text(host)


@pytest.mark.parametrize("size", SIZES)
async def test_a_retry_is_chosen_written_and_checked(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path, output=OUTPUT[:1], errors=MANY_ERRORS)
    async with open_results(tmp_path, size) as (host, pilot):
        await pilot.press("R")
        await screen_opened(host, RetryDialog)
        await pilot.pause()
        check_screen(host)
        text = screen_text(host)
        for words in (
            "[x]       2  ↻ retryable",
            "[ ]       1  ! fix first",
            "[x]       1  ? missing",
            "3 requests in",
        ):
            assert words in text, words
        await pilot.press("space", "down", "down", "space", "enter")
        assert isinstance(host.screen, RetryDialog), "nothing is chosen"
        assert "Nothing is selected." in screen_text(host)
        await pilot.press("down", "space", "down", *"x")
        assert "max_tokens must be a whole number" in screen_text(host)
        await pilot.press("backspace", *"128", "down", *"m/other", "enter")
        await until(lambda: host.models, what="Enter on the model goes to Models")
        assert host.models[0].chosen == "m/other" and host.models[0].take is not None
        assert "⏎ Models" in screen_text(host)
        host.models[0].take("m/another")
        await until(lambda: "⏎ Write and check" in screen_text(host), what="the next field has the keyboard")
        await pilot.press("enter")
        await until(lambda: host.to_check, what="the file goes to Check")
        [path] = host.to_check
        assert path == tmp_path / "safety-eval.retry1.jsonl"
        [row] = [json.loads(line) for line in path.read_text().splitlines()]
        assert row["custom_id"] == "case-4"
        assert row["body"]["max_tokens"] == 128 and row["body"]["model"] == "m/another"


@pytest.mark.parametrize("size", SIZES)
async def test_shown_rows_are_exported_and_no_file_is_overwritten_unasked(
    size: tuple[int, int], tmp_path: Path
) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path, size) as (host, pilot):
        target = tmp_path / "results" / "safety-eval-8f3a12c4.csv"
        for answer in ("", "n", "y"):
            await press(host, pilot, "f")
            await pilot.press("x")
            await screen_opened(host, ExportDialog)
            await pilot.pause()
            await pilot.press("down", "down", "space")
            await pilot.pause()
            check_screen(host)
            assert "(•) CSV" in screen_text(host)
            await pilot.press("enter")
            if answer:
                await screen_opened(host, Confirm)
                target.write_text("mine")
                await pilot.press(answer)
            await wait_until_idle(host, pilot)
            if answer == "n":
                assert target.read_text() == "mine"
        assert target.read_text().splitlines()[1].startswith("2,case-2,error,,")
        assert "exporting" not in screen_text(host)


STORE_KEYS = (("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", "secret-of-the-store"))


async def test_recordings_are_read_with_their_times_and_written_as_subtitles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = {"text": "Good morning.", "language": "en", "duration": 2.5}
    times = [
        {"id": n, "start": 0.5 + n, "end": 2.0 + n, "text": "Good morning.", "speaker_id": f"SPEAKER_0{n}", "words": []}
        for n in range(2)
    ]
    save_job(
        tmp_path,
        requests=[
            {"custom_id": name, "method": "FILE", "body": {"model": "m", "file": f"{place}/calls/{name}.mp3"}}
            for name, place in (("a", "https://h"), ("b", "s3://talks"))
        ],
        output=[response_row("a", spoken | {"segments": [], "speaker_segments": times}), response_row("b", spoken)],
        errors=[],
        endpoint=Endpoint.TRANSCRIPTION,
    )
    monkeypatch.setenv("SSH_TTY", "/dev/pts/1")
    async with open_results(tmp_path, (120, 24)) as (host, pilot):
        shown = screen_text(host)
        assert "2 speakers" in shown and "0:00 Good morning." in shown and "SPEAKER_01" in shown
        await pilot.press("P")
        await wait_until_idle(host, pilot)
        assert "no desktop over ssh" in " ".join(toast.message for toast in host._notifications)
        await pilot.press("down", "P")  # in a store that is set no more
        await wait_until_idle(host, pilot)
        assert "No store for recordings is set" in " ".join(toast.message for toast in host._notifications)
    (tmp_path / "bin").mkdir()
    for opener in (tmp_path / "bin" / "xdg-open", tmp_path / "bin" / "open"):
        opener.write_text(f'#!/bin/sh\nprintf %s "$1" > "{tmp_path}/opened"\n')
        opener.chmod(0o755)
    for name, value in (("PATH", f"{tmp_path}/bin:/usr/bin:/bin"), ("DISPLAY", ":0"), *STORE_KEYS):
        monkeypatch.setenv(name, value)
    for name in ("SSH_TTY", "SSH_CONNECTION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    async with open_results(tmp_path, (80, 24), audio_store=AudioStore("s3://talks", "https://h")) as (host, pilot):
        await pilot.press("down", "P")
        await wait_until_idle(host, pilot)
        opened = (tmp_path / "opened").read_text()
        assert opened.startswith("https://h/talks/calls/b.mp3?") and "X-Amz-Signature=" in opened
        for again in (False, True):
            await pilot.press("x")
            await screen_opened(host, ExportDialog)
            await pilot.pause()
            if not again:
                await pilot.press(*["down"] * 6, "space")
            await pilot.pause()
            check_screen(host)
            assert "(•) Subtitles, srt" in screen_text(host), "and it is offered again"
            await pilot.press("enter")
            if again:
                await screen_opened(host, Confirm)
                assert "its others stay" in screen_text(host)
                await pilot.press("y")
            await wait_until_idle(host, pilot)
        folder = tmp_path / "results" / "safety-eval-8f3a12c4.srt"
        assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.srt")] == ["calls/a.srt"]
        assert "asked without verbose_json 1" in " ".join(toast.message for toast in host._notifications)


async def test_merged_rows_name_their_job(tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path, (80, 24)) as (host, pilot):
        await pilot.press("x")
        await screen_opened(host, ExportDialog)
        await pilot.pause()
        await press(host, pilot, "enter")
    merged = (tmp_path / "results" / "safety-eval-8f3a12c4.merged.jsonl").read_text().splitlines()
    assert [json.loads(row)["custom_id"] for row in merged] == [f"case-{number}" for number in range(1, 6)]
    assert {json.loads(row)["job"] for row in merged} == {JOB.id}


async def test_x_stops_an_export_and_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_job(tmp_path, output=[answer_row(f"case-{number}", "word " * 400) for number in range(1, 2_000)])

    def export_until_stopped(
        *args: Any, cancelled: Callable[[], bool], progress: Callable[[int, int], object], **options: Any
    ) -> None:
        """Export, but wait after the first rows until somebody stops it, however fast the machine is."""

        def report_and_wait(done: int, total: int) -> None:
            progress(done, total)
            while done and not cancelled():
                time.sleep(0.01)

        export_rows(*args, cancelled=cancelled, progress=report_and_wait, **options)

    monkeypatch.setattr(exporter, "export_rows", export_until_stopped)
    async with open_results(tmp_path, (80, 24)) as (host, pilot):
        await pilot.press("x")
        await screen_opened(host, ExportDialog)
        await pilot.pause()
        await pilot.press(*["down"] * 4, "space")  # Markdown
        host.simulate_key("enter")  # Pilot would wait until all is written
        await until(lambda: rows_written(host) > 0, what="it is under way")
        assert list((tmp_path / "results").iterdir()), "a part is written"
        host.simulate_key("x")
        await until(lambda: screen_of(host).exporter.progress is None, what="it has stopped")
        await until(lambda: not list((tmp_path / "results").iterdir()), what="nothing is left")
        assert "The export was stopped" in " ".join(f"{toast.title} {toast.message}" for toast in host._notifications)


def rows_written(host: Host) -> int:
    progress = host.screen.exporter.progress if isinstance(host.screen, ResultsScreen) else None
    return progress[0] if progress is not None else 0


async def test_a_retry_without_the_lines_or_without_need_is_refused_with_a_reason(tmp_path: Path) -> None:
    save_job(tmp_path, requests=INPUT[:1], output=[answer_row("case-1")], errors=[])
    async with open_results(tmp_path) as (host, pilot):
        await press(host, pilot, "R")
        assert "Every request has a complete answer" in " ".join(toast.message for toast in host._notifications)
        await press(host, pilot, "slash", *"hi", "escape")
    write_rows(tmp_path / "safety-eval.jsonl", INPUT[:2])
    async with open_results(tmp_path) as (host, pilot):
        await press(host, pilot, "R")
        assert "The input file has changed since" in " ".join(
            f"{toast.title} {toast.message}" for toast in host._notifications
        )


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_stays_in_its_cell(size: tuple[int, int], tmp_path: Path) -> None:
    named = [f"{number} {text}" for number, text in enumerate(NASTY)]
    every = request_row("every")
    every["body"]["messages"] = [{"role": text, "content": text[:800]} for text in NASTY]
    save_job(
        tmp_path,
        requests=[every, *(request_row(name, name) for name in named)],
        output=[answer_row(name, name, reasoning=name) for name in named[::2]],
        errors=[error_row(name, name) for name in named[1::2]],
    )
    async with open_results(tmp_path, size) as (host, pilot):
        assert custom_ids(host) == ["every", *named]
        await press(host, pilot, "enter")
        for _ in range(8):
            check_screen(host)
            await pilot.press("pagedown")
        await press(host, pilot, "escape")
        for _ in range(-(-len(named) // (size[1] - 6))):
            await press(host, pilot, "pagedown")
            check_screen(host)
        await press(host, pilot, "enter")
        check_screen(host)
        await press(host, pilot, "v")
        for _ in range(3):
            check_screen(host)
            await pilot.press("pagedown")
        await press(host, pilot, "escape", "E")
        for _ in range(len(named) // 2 // (size[1] // 2 - 6) + 1):
            check_screen(host)
            await press(host, pilot, "pagedown")
        await press(host, pilot, "enter")
        check_screen(host)


async def test_reading_and_searching_can_be_stopped(tmp_path: Path) -> None:
    rows = [answer_row(str(number), "x" * 2_000) for number in range(9_000)]
    sources = Sources(output=write_rows(tmp_path / "out.jsonl", rows))
    session = ResultsSession()
    works: list[Callable[[], Coroutine[Any, Any, bool]]] = [
        lambda: session.read(ResultIndex(sources)),
        lambda: session.search(Query("y", SearchField.ANY)),
    ]
    for work in works:
        stopped = asyncio.create_task(work())
        await asyncio.sleep(0)
        session.stop()
        assert not await stopped
        assert await session.read(ResultIndex(sources))


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_a_line_of_five_megabytes_is_shown_without_a_wait(size: tuple[int, int], tmp_path: Path) -> None:
    save_job(tmp_path, requests=INPUT[:1], output=[answer_row("case-1", "word " * 1_000_000)], errors=[])
    async with open_results(tmp_path, size) as (host, pilot):
        began = time.thread_time()  # of the event loop: other threads may read
        await press(host, pilot, "enter")
        assert time.thread_time() - began < 2
        assert "word word" in screen_text(host)
        check_screen(host)


async def test_typing_more_searches_again_and_only_the_last_text_counts(tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path) as (host, pilot):
        await pilot.press("slash", *"any:moon")
        await until(lambda: custom_ids(host) == ["case-4"], what="the row is found")
        await pilot.press(*["backspace"] * 4, *"timeout")
        await until(lambda: custom_ids(host) == ["case-2"], what="the other row is found")
