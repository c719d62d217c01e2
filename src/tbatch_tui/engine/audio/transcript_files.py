"""Transcripts as files: one for each recording, in the folders of its path.

wrote = write_transcripts(index, range(len(index)), Path("calls.srt"), TranscriptFormat.SRT)
print(wrote.files)
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.audio import subtitles
from tbatch_tui.engine.audio.file_names import FileNames, recording_path
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.local_files.rights import PRIVATE, create_file, rights_of
from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path, PurePosixPath

    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.results.record import ResultRecord
    from tbatch_tui.engine.results.recordings.transcript import Segment, Transcription

_CHECK_EVERY = 64
"""Rows between two calls of `cancelled` and `progress`."""
NO_TIMES = "asked without verbose_json"
"""Why a recording has no subtitles: its answer says nothing of when anything is said."""
NO_TRANSCRIPT = "no transcript"
"""Why one has no file, where a request was answered with something else."""


class TranscriptFormat(StrEnum):
    """The formats of the files."""

    SRT = "srt"
    VTT = "vtt"
    TXT = "txt"
    JSON = "json"

    @property
    def suffix(self) -> str:
        """The ending of the files, and of the folder that is offered for them."""
        return f".{self.value}"

    @property
    def needs_times(self) -> bool:
        """Whether it cannot be written of a text alone."""
        return self in (TranscriptFormat.SRT, TranscriptFormat.VTT)


@dataclass(slots=True)
class WrittenTranscripts:
    """What `write_transcripts` wrote, and what it could not write."""

    files: int = 0
    without: Counter[str] = field(default_factory=Counter)
    """Rows without a file, by the reason: `NO_TIMES`, or what became of the request."""

    @property
    def without_words(self) -> str:
        """`2 without a file: error 1, asked without verbose_json 1`; empty where every row has one."""
        if not self.without:
            return ""
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in self.without.items())
        return f"{self.without.total():,} without a file: {reasons}"


def write_transcripts(
    index: ResultIndex,
    rows: Sequence[int],
    folder: Path,
    form: TranscriptFormat,
    *,
    replace: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> WrittenTranscripts:
    """Write a file for each row that has a transcript into a folder. For a thread.

    A new folder gets its name when all files are written; after an error nothing is left behind. Raises
    LocalFileError, also if the folder exists and `replace` is False, OperationCancelledError, and BatchError where not
    one file could be written.

    Args:
        index: The results, built.
        rows: Their numbers, in the order in which names are given.
        folder: The folder.
        form: The format.
        replace: Write into a folder that exists, over files of these names; its other files stay.
        cancelled: Asked again and again whether to stop.
        progress: Called with the rows written and the rows in all.
    """
    wrote, names = WrittenTranscripts(), FileNames(form.suffix)
    rights = rights_of(*index.paths())
    with _new_folder(folder, replace=replace, rights=rights) as place:
        for done, row in enumerate(rows):
            if done % _CHECK_EVERY == 0:
                if cancelled():
                    raise OperationCancelledError("The export was stopped")
                progress(done, len(rows))
            record = index.record(row)
            transcription = record.transcription
            if transcription is None or record.row.outcome not in (Outcome.OK, Outcome.CUT_SHORT):
                words = record.row.outcome.words
                wrote.without[words if record.row.outcome is not Outcome.OK else NO_TRANSCRIPT] += 1
            elif form.needs_times and transcription.segments is None:
                wrote.without[NO_TIMES] += 1
            else:
                path = names.name(recording_path(recording_url(record), record.row.custom_id))
                _write(place, path, _text(record, transcription, form), rights)
                wrote.files += 1
        if not wrote.files:
            raise _nothing_to_write(wrote, form)
    progress(len(rows), len(rows))
    return wrote


def is_audio(index: ResultIndex, endpoint: str | None) -> bool:
    """Return whether rows are about recordings: by the job's endpoint, else by what came back."""
    if endpoint is not None:
        return endpoint in {Endpoint.TRANSCRIPTION, Endpoint.TRANSLATION}
    return any(seconds >= 0 for seconds in index.responses.seconds)


def recording_url(record: ResultRecord) -> str | None:
    """Return where the recording of a row is, as its request says; None where that is not known."""
    line = loads(record.raw_request or b"")
    body = line.get("body") if isinstance(line, dict) else None
    file = body.get("file") if isinstance(body, dict) else None
    return file if isinstance(file, str) else None


def _text(record: ResultRecord, transcription: Transcription, form: TranscriptFormat) -> str:
    segments = transcription.segments or ()
    match form:
        case TranscriptFormat.SRT:
            return subtitles.srt(segments)
        case TranscriptFormat.VTT:
            return subtitles.vtt(segments)
        case TranscriptFormat.TXT:
            return subtitles.plain_text(transcription.text, segments)
        case TranscriptFormat.JSON:
            value: dict[str, Any] = {
                "custom_id": record.row.custom_id,
                "file": recording_url(record),
                "language": transcription.language,
                "duration": transcription.seconds,
                "text": transcription.text,
                "segments": None if transcription.segments is None else [*map(_segment_as_data, segments)],
            }
            return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _segment_as_data(segment: Segment) -> dict[str, Any]:
    data: dict[str, Any] = {"start": segment.start, "end": segment.end, "text": segment.text}
    if segment.speaker:
        data["speaker"] = segment.speaker
    if segment.words:
        data["words"] = [{"start": word.start, "end": word.end, "word": word.text} for word in segment.words]
    return data


def _nothing_to_write(wrote: WrittenTranscripts, form: TranscriptFormat) -> BatchError:
    if set(wrote.without) == {NO_TIMES}:
        return BatchError(
            f"No row has times for .{form.value}: {NO_TIMES}",
            "Write txt instead, or ask again with response_format verbose_json.",
        )
    return BatchError("No row has a transcript to write", wrote.without_words or "There are no rows.")


# -- the folder ----------------------------------------------------------------------------------------


@contextmanager
def _new_folder(folder: Path, *, replace: bool, rights: int) -> Iterator[Path]:
    """Yield a folder to write into: a new one that gets its name at the end, or the one that is there."""
    mode = 0o777 if rights != PRIVATE else 0o700
    part = folder.with_name(f".{token_hex(8)}.part")
    try:
        if os.path.isdir(folder) and replace:
            yield folder
            return
        if os.path.lexists(folder):
            raise LocalFileError(f"{folder.name} already exists", "It was not changed; choose another name.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir(mode=mode)
        yield part
        if os.path.lexists(folder):
            raise LocalFileError(f"{folder.name} already exists", "It was not changed; choose another name.")
        part.rename(folder)
    except OSError as error:
        raise LocalFileError(
            f"{folder} cannot be written: {error.strerror or error}", "No files were left behind; try another folder."
        ) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(part)


def _write(place: Path, path: PurePosixPath, text: str, rights: int) -> None:
    """Write one file, over one of its name. A link in the place of a folder could lead to another: it is refused."""
    folder = place
    for part in path.parts[:-1]:
        folder = folder / part
        if os.path.islink(folder):
            raise LocalFileError(f"{folder} is a link", "Nothing is written through it; choose another folder.")
        folder.mkdir(exist_ok=True, mode=0o777 if rights != PRIVATE else 0o700)
    whole = folder / f".{token_hex(8)}.part"
    try:
        with create_file(whole, rights) as file:
            file.write(text.encode("utf-8", "replace"))
        whole.replace(folder / path.name)
    finally:
        whole.unlink(missing_ok=True)
