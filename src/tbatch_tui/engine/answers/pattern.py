"""Fields that a regular expression takes out of answers: one for each of its named groups.

A pattern can take for ever on some texts, and Python's `re` cannot be stopped. So it runs in a process of its own,
which is ended when a batch of texts takes too long.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from tbatch_tui.engine.answers.columns import ColumnBuilder
from tbatch_tui.engine.answers.compare import field_text
from tbatch_tui.engine.answers.reading import read_answers
from tbatch_tui.engine.errors import BatchError, OperationCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.answers.fields import Field
    from tbatch_tui.engine.results.index.index import ResultIndex

SECONDS = 2.0
"""Time that a batch of texts may take, and the pattern to be compiled."""
_BATCH, _BATCH_CHARACTERS = 500, 1 << 20
_MEMORY = 1 << 30
"""Bytes that the process may use."""
_CHILD = f"""
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({_MEMORY}, {_MEMORY}))
try:
    pattern = re.compile(json.loads(sys.stdin.readline()))
except (re.error, OverflowError, RecursionError, MemoryError) as error:
    print(json.dumps({{"error": str(error) or "it is too large"}}), flush=True)
    sys.exit()
names = sorted(pattern.groupindex, key=pattern.groupindex.get)
print(json.dumps({{"names": names}}), flush=True)
for line in sys.stdin:
    found = map(pattern.search, json.loads(line))
    print(json.dumps([match and [match[name] for name in names] for match in found]), flush=True)
"""


class PatternError(BatchError):
    """The pattern is none, has no named group, or takes too long."""


def read_by_pattern(
    index: ResultIndex,
    rows: Sequence[int],
    field: Field,
    pattern: str,
    *,
    seconds: float = SECONDS,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[ValueColumn]:
    """Return a column for each named group of a pattern, searched for in a field of these rows' answers.

    A row in which the pattern is not found has no such field. Run it in a thread.

    Raises PatternError, LocalFileError, and OperationCancelledError when `cancelled()`.

    Args:
        index: The results, built.
        rows: The numbers of rows.
        field: What is searched.
        pattern: A regular expression of Python's.
        seconds: Time that a batch of texts may take.
        cancelled: Ends it early.
    """
    with _child(pattern, seconds) as (names, search):
        builders = [ColumnBuilder(name, len(rows)) for name in names]
        places: list[int] = []
        texts: list[str] = []

        def flush() -> None:
            for at, groups in zip(places, search(texts), strict=True):
                for builder, text in zip(builders, groups or (), strict=False):
                    builder.put(at, text)
            places.clear()
            texts.clear()

        size = 0
        for at, answer in read_answers(index, rows, cancelled):
            texts.append(text := field_text(field, answer))
            places.append(at)
            size += len(text)
            if len(texts) == _BATCH or size > _BATCH_CHARACTERS:
                if cancelled():
                    raise OperationCancelledError("The pattern was stopped")
                flush()
                size = 0
        if texts:
            flush()
    return [builder.finish() for builder in builders]


@contextmanager
def _child(pattern: str, seconds: float) -> Iterator[tuple[list[str], Callable[[list[str]], list[Any]]]]:
    """Start the process, and give the names of the groups and what searches texts. Raises PatternError."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    reading, writing = process.stdout, process.stdin

    def ask(value: Any) -> Any:
        return _ask(process, writing, reading, value, seconds)

    try:
        told = ask(pattern)
        if "error" in told:
            raise PatternError(f"The pattern is not a regular expression: {told['error']}", "Correct it.")
        if not told["names"]:
            raise PatternError("The pattern has no named group", "Name what is taken out, as in (?P<label>yes|no).")
        yield told["names"], ask
    finally:
        process.kill()
        process.wait()
        reading.close()
        try:
            writing.close()
        except OSError:  # it was ended while texts were on their way
            pass


def _ask(process: subprocess.Popen[bytes], writing: IO[bytes], reading: IO[bytes], value: Any, seconds: float) -> Any:
    """Send a value and return the answer. Raises PatternError when there is none in time."""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        writing.write(json.dumps(value).encode() + b"\n")
        writing.flush()
        line = reading.readline()
    except OSError:
        line = b""
    finally:
        timer.cancel()
    if not line:
        raise PatternError(
            f"The pattern takes more than {seconds:g} s on some answers", "Use one without nested repetitions."
        )
    return json.loads(line)
