"""`config export-labels` and `import-labels`: labels and notes as lines of JSON, for a colleague's history."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.cli.exit_codes import OK
from tbatch_tui.cli.output import print_json, print_message
from tbatch_tui.cli.settings.named_profile import read_settings
from tbatch_tui.config.engine_options import options_from
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.journal.tables.labels import ImportedLabel, JobLabel, Taken
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

_TEXTS = ("job", "server", "label", "note")
_LONGEST = 10_000
"""Characters of a text at most; a longer one is not a label."""


def export(arguments: argparse.Namespace) -> int:
    """Write the labels and notes of jobs. Raises BatchError."""
    options = options_from(read_settings(arguments), connect=False)
    with _open(options.data_dir) as journal:
        # Without a key it is the account that was used last with the server, or with the profile.
        account = journal.accounts.at_start(options.server, options.key_tail, options.now(), options.profile_tail)
        labels = journal.labels.all(None if arguments.all else account.id)
    data = "".join(_line_of(label) for label in labels).encode()
    if arguments.file == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        with atomic_write(Path(arguments.file), replace=arguments.force) as file:
            file.write(data)
    if arguments.json and arguments.file != "-":
        print_json({"path": arguments.file, "labels": len(labels)})
    print_message(f"{plural(len(labels), 'job')} with a label or a note, and no key")
    return OK


def take_over(arguments: argparse.Namespace) -> int:
    """Take labels and notes over from a file. Raises BatchError."""
    labels = list(_read(arguments.file))
    with _open(read_settings(arguments).data_dir) as journal:
        imported = journal.labels.take_over(labels, force=arguments.force)
    for each in imported:
        if each.taken in (Taken.REPLACED, Taken.KEPT) and each.own is not None:
            print_message(_description(each, each.own))
    counts = Counter(each.taken for each in imported)
    if arguments.json:
        print_json({taken.value.replace(" ", "_"): counts[taken] for taken in Taken})
    words = {
        Taken.NEW: "new",
        Taken.REPLACED: "replaced",
        Taken.SAME: "the same already",
        Taken.KEPT: "kept, because yours are newer (--force takes the others)",
        Taken.NO_JOB: "of jobs that are not in this history",
    }
    told = ", ".join(f"{counts[taken]:,} {text}" for taken, text in words.items() if counts[taken])
    print_message(f"{plural(len(labels), 'label')}: {told}" if labels else "There are no labels in it")
    if counts[Taken.NO_JOB]:
        print_message("Jobs come into the history when `tbatch-tui ls` lists them with a key of their account.")
    return OK


@contextmanager
def _open(data_dir: Path) -> Iterator[Journal]:
    """Open the history. Raises LocalFileError, and JournalError for one that is locked."""
    journal = Journal(data_dir / "history.db")
    try:
        with journal.database.translate_errors():
            yield journal
    finally:
        journal.close()


def _description(each: ImportedLabel, own: JobLabel) -> str:
    """Return what was replaced, or kept, for a person."""
    if each.taken is Taken.KEPT:
        return f"{own.job}: kept {_words(own)}, which is newer than {_words(each.given)}"
    return f"{own.job}: {_words(own)} is now {_words(each.given)}"


def _words(label: JobLabel) -> str:
    return repr(label.label or label.note) if label.label or label.note else "no label"


def _line_of(label: JobLabel) -> str:
    value = label._asdict() | {"changed_at": datetime.fromtimestamp(label.changed_at, UTC).isoformat()}
    return json.dumps(value) + "\n"


def _read(name: str) -> Iterable[JobLabel]:
    """Yield the labels of a file. Raises LocalFileError, which names the line."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise LocalFileError(f"{name} cannot be read: {error.strerror}", "Nothing was imported.") from error
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            yield _label_of(line, f"{name}:{number}")


def _label_of(line: bytes, where: str) -> JobLabel:
    try:
        value: Any = json.loads(line)
        texts = {key: value.get(key, "") for key in _TEXTS}
        owner = {key: value.get(key) for key in ("organization", "project")}
        changed_at = datetime.fromisoformat(value["changed_at"])
        if changed_at.tzinfo is None:
            changed_at = changed_at.replace(tzinfo=UTC)
        moment = changed_at.timestamp()
    except (ValueError, AttributeError, KeyError, TypeError, OverflowError, RecursionError):
        raise _not_a_label(where) from None
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts.values()):
        raise _not_a_label(where)
    if not texts["job"] or not texts["server"] or not all(isinstance(each, str | None) for each in owner.values()):
        raise _not_a_label(where)
    return JobLabel(**texts, **owner, changed_at=moment)


def _not_a_label(where: str) -> LocalFileError:
    return LocalFileError(
        f"{where} is not a label that `config export-labels` wrote",
        "Nothing was imported. A line has job, server, organization, project, label, note and changed_at.",
    )
