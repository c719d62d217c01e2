"""Which folder this is, as far as a file system tells: a copy of it, or a backup that was restored, is another one.

A small file in the folder is written once and never again. Where it is found later, its inode, its time of change, and
the machine and path tell the folder from a copy: two of the three hold for the same folder, and at most one for a copy.
Machine and path differ for a home that several machines mount, or a volume of a container. The inode differs where the
file system numbers its files anew each time it is mounted. The time of change differs after a `chmod`. No copy keeps
inode and time of change, whichever tool makes it, but for one of the whole disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_SLACK = 2.0
"""Seconds by which a time may differ: some file systems keep no finer ones."""
_WITNESSES = 2


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A folder with a history in it, as it was found at some time."""

    mark: str
    """The text of the file that is written once."""
    inode: int
    """Of that file."""
    changed: float
    """When its inode was changed last, in seconds since the epoch: when it was made. In a copy, when that was made."""
    modified: float
    """When it was written, likewise. A copy may say what the original said."""
    history: int
    """The inode of the history."""
    machine: str
    """A hash of what the system calls this machine; empty where it calls it nothing."""
    path: str
    """The folder, without links."""
    host: str
    """The name of the machine, for people."""

    @property
    def words(self) -> str:
        """Where it is: `gpu-3:/home/ada/.local/share/tbatch-tui`; what is no UTF-8 as U+FFFD."""
        return f"{self.host}:{self.path}".encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def is_copied_from(self, other: FolderPlace) -> bool:
        """Return whether this is not surely the folder that `other` describes, but a copy of it, or restored."""
        is_here = (self.machine, self.path) == (other.machine, other.path)
        if self.mark != other.mark:  # the file was lost, if nothing else has changed
            return not (is_here and self.history == other.history)
        if abs(self.modified - other.modified) > _SLACK:  # it was written over, with what a copy had
            return True
        is_same_file = self.inode == other.inode
        if is_same_file and self.history != other.history:  # another history was put in its place
            return True
        return sum((is_same_file, abs(self.changed - other.changed) <= _SLACK, is_here)) < _WITNESSES

    def to_json(self) -> str:
        """Return it as text, for `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> FolderPlace | None:
        """Return what `to_json` was called on; None for a text that another version wrote in another way."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None


def find_place(history: Path) -> FolderPlace:
    """Return where a history is now; write the file that tells, if it is not there yet. Raises OSError."""
    path = history.with_name(f"{history.name}.place")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(os.urandom(16).hex())
    status = path.stat()
    return FolderPlace(
        mark=path.read_text(encoding="ascii", errors="replace"),
        inode=status.st_ino,
        changed=status.st_ctime,
        modified=status.st_mtime,
        history=history.stat().st_ino,
        machine=_machine(),
        path=str(history.parent.resolve()),
        host=socket.gethostname(),
    )


def _machine() -> str:
    for path in _MACHINE_IDS:
        try:
            text = path.read_bytes().strip()
        except OSError:
            continue
        if text:
            return hashlib.sha256(b"tbatch-tui " + text).hexdigest()[:16]
    return ""
