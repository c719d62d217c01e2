"""Transcripts as files: each its own, in the folders of its recording's path, and never outside of the folder."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.audio.file_names import FileNames, recording_path
from tbatch_tui.engine.audio.transcript_files import NO_TIMES, TranscriptFormat, write_transcripts
from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tests.helpers.hostile_text import NASTY
from tests.helpers.result_rows import build_index, error_row, response_row

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.results import ResultIndex

SEGMENTS = [{"id": 0, "start": 0.5, "end": 2.0, "text": "Good morning."}]


def recording(custom_id: str, url: str) -> dict[str, Any]:
    return {"custom_id": custom_id, "method": "FILE", "body": {"model": "m", "file": url}}


def answer(custom_id: str, *, verbose: bool = True, text: str = "Good morning.") -> dict[str, Any]:
    body = {"text": text, "language": "en", "duration": 2.5, **({"segments": SEGMENTS} if verbose else {})}
    return response_row(custom_id, body)


def index_of(folder: Path, urls: list[str], **more: Any) -> ResultIndex:
    ids = [str(number) for number in range(len(urls))]
    return build_index(
        folder, requests=[*map(recording, ids, urls)], output=[answer(one, **more) for one in ids], errors=[]
    )


def written(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


URLS = [
    "https://cdn.example.com/calls/a%20b.mp3",
    "https://cdn.example.com/other/a%20b.mp3?X-Amz-Signature=1",
    "https://cdn.example.com/calls/a%20b.wav",
    "https://cdn.example.com/calls/A%20B.flac",
    "https://cdn.example.com/calls/Gr%C3%BC%C3%9Fe.ogg",
    "https://cdn.example.com/../..%2f..%2fetc/%2e%2e/passwd",
    "https://cdn.example.com/a%00b%1b%5b31m%0a.mp3",
    "https://cdn.example.com/" + "x" * 300 + ".mp3",
    "https://cdn.example.com/" + "x" * 301 + ".mp3",
    "https://cdn.example.com/calls",
    "https://cdn.example.com/calls.srt/deep.mp3",
    "https://cdn.example.com/",
]


def test_each_recording_has_a_file_in_the_folders_of_its_path(tmp_path: Path) -> None:
    out = tmp_path / "out"
    wrote = write_transcripts(index_of(tmp_path / "job", URLS), range(len(URLS)), out, TranscriptFormat.SRT)
    assert (wrote.files, wrote.without_words) == (len(URLS), "")
    names = written(out)
    assert names == sorted([
        "calls/a b.srt", "other/a b.srt", "calls/a b_2.srt", "calls/A B_3.srt", "calls/Grüße.srt",
        "_.._etc/passwd.srt", "a_b_[31m_.srt", f"{'x' * 200}.srt", f"{'x' * 200}_2.srt", "calls.srt",
        "calls.srt_2/deep.srt", "11.srt",
    ])  # fmt: skip
    assert (out / "calls/a b.srt").read_text() == "1\n00:00:00,500 --> 00:00:02,000\nGood morning.\n\n"


@given(
    st.lists(st.sampled_from(NASTY) | st.text(max_size=12) | st.sampled_from(["..", "a/../b", "a", "A"]), max_size=8)
)
def test_no_name_leads_outside_or_is_given_twice(texts: list[str]) -> None:
    names = FileNames(".srt")
    paths = [names.name(recording_path(text, text)) for text in texts]
    paths += [names.name(recording_path(f"https://h/{text}", "x")) for text in texts]
    assert len({str(path).casefold() for path in paths}) == len(paths)
    for path in paths:
        assert not path.is_absolute() and ".." not in path.parts
        assert all(len(part.encode()) <= 255 and not part.startswith(".") for part in path.parts)
        assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, str(path)))


def test_rows_without_a_transcript_or_times_are_counted(tmp_path: Path) -> None:
    index = build_index(
        tmp_path / "job",
        requests=[recording(one, f"https://h/{one}.mp3") for one in "abcd"],
        output=[answer("a"), answer("b", verbose=False)],
        errors=[error_row("c")],
    )
    wrote = write_transcripts(index, range(4), tmp_path / "srt", TranscriptFormat.SRT)
    assert wrote.files == 1 and wrote.without_words == f"3 without a file: {NO_TIMES} 1, error 1, missing 1"
    wrote = write_transcripts(index, range(4), tmp_path / "txt", TranscriptFormat.TXT)
    assert (
        written(tmp_path / "txt") == ["a.txt", "b.txt"]
        and wrote.without_words == "2 without a file: error 1, missing 1"
    )
    with pytest.raises(BatchError, match=NO_TIMES):
        write_transcripts(index, [1], tmp_path / "none", TranscriptFormat.VTT)
    with pytest.raises(BatchError, match="No row has a transcript"):
        write_transcripts(index, [2, 3], tmp_path / "none", TranscriptFormat.TXT)
    assert not (tmp_path / "none").exists()


def test_json_has_the_segments(tmp_path: Path) -> None:
    write_transcripts(index_of(tmp_path / "job", ["https://h/a.mp3"]), range(1), tmp_path / "o", TranscriptFormat.JSON)
    value = json.loads((tmp_path / "o/a.json").read_text())
    assert value == {
        "custom_id": "0", "file": "https://h/a.mp3", "language": "en", "duration": 2.5, "text": "Good morning.",
        "segments": [{"start": 0.5, "end": 2.0, "text": "Good morning."}],
    }  # fmt: skip


def test_a_folder_is_whole_or_not_there_and_another_is_only_added_to_when_asked(tmp_path: Path) -> None:
    index = index_of(tmp_path / "job", [f"https://h/d/{n}.mp3" for n in range(100)])
    out = tmp_path / "out"
    with pytest.raises(OperationCancelledError):
        write_transcripts(index, range(100), out, TranscriptFormat.TXT, cancelled=iter([False, True]).__next__)
    assert [path.name for path in tmp_path.iterdir()] == ["job"]
    out.mkdir()
    (out / "mine").write_text("mine")
    with pytest.raises(LocalFileError, match="already exists"):
        write_transcripts(index, range(2), out, TranscriptFormat.TXT)
    for _ in range(2):
        assert write_transcripts(index, range(2), out, TranscriptFormat.TXT, replace=True).files == 2
    assert written(out) == ["d/0.txt", "d/1.txt", "mine"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    index = index_of(tmp_path / "job", ["https://h/d/a.mp3", "https://h/b.mp3"])
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (elsewhere / "b").write_text("theirs")
    (out / "d").symlink_to(elsewhere)
    (out / "b.txt").symlink_to(elsewhere / "b")
    with pytest.raises(LocalFileError, match="is a link"):
        write_transcripts(index, range(1), out, TranscriptFormat.TXT, replace=True)
    write_transcripts(index, [1], out, TranscriptFormat.TXT, replace=True)
    assert written(elsewhere) == ["b"] and (elsewhere / "b").read_text() == "theirs"
    assert (out / "b.txt").read_text() == "Good morning.\n" and not (out / "b.txt").is_symlink()


def test_what_only_the_owner_may_read_stays_so(tmp_path: Path) -> None:
    index = index_of(tmp_path / "job", ["https://h/d/a.mp3"])
    for path in index.paths():
        path.chmod(0o600)
    write_transcripts(index, range(1), tmp_path / "out", TranscriptFormat.TXT)
    modes = [(tmp_path / "out" / name).stat().st_mode & 0o777 for name in (".", "d", "d/a.txt")]
    assert modes == [0o700, 0o700, 0o600] and written(tmp_path / "out") == ["d/a.txt"]
