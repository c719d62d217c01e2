"""The SDK's published tests of batches and files, from its source distribution, and a server to run them against.

They name things that no server has (`id`, `batch_job_abc123def456`). `LivingIds` stands before the sandbox: in each
call it puts the id of something that is there in the place of such a name, and passes the rest on as it came.
"""

from __future__ import annotations

import re
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.sandbox.jobs.records import Pace
from tbatch_tui.sandbox.testing import Sandbox
from tests.helpers.between import Answer, Call, serve_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "My API Key"
"""The key that the published tests send."""
JOB, INPUT, FILE = "batch_job_abc123def456", "file-abc123def456ghi789", "id"
FILES = ("test_batches.py", "test_files.py")
CONFTEST = Path(__file__).with_name("sdk_published_conftest.py")

_UPLOADS = "/v1/files/upload"


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack the two test files and what they import into a folder, with a conftest.py of ours, and return them."""
    wanted = [f"tests/api_resources/{name}" for name in FILES]
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            inner = member.name.partition("/")[2]
            if inner in (*wanted, "tests/utils.py", "tests/__init__.py", "tests/api_resources/__init__.py"):
                member.name = inner
                tar.extract(member, folder, filter="data")
    (folder / "tests" / "conftest.py").write_bytes(CONFTEST.read_bytes())
    return [folder / name for name in wanted]


class LivingIds:
    """What the names in the published tests stand for in a sandbox, made anew for each call: tests delete and cancel.

    Attributes:
        mapped: How many names were replaced so far, by name.
    """

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.mapped = dict.fromkeys((JOB, INPUT, FILE), 0)
        self._uploaded = ""

    def path(self, method: str, path: str) -> str:
        """Return the path of a call with living ids."""
        path = self._replace(JOB, path, lambda: self._job(method))
        if path == f"/v1/files/{FILE}/content":
            return self._replace(f"/{FILE}/", path, lambda: f"/{self._uploaded}/", FILE)
        if path == f"/v1/files/{FILE}":
            return self._replace(f"/{FILE}", path, lambda: f"/{self._file()}", FILE)
        return path

    def body(self, body: bytes) -> bytes:
        """Return the body of a call with living ids."""
        return self._replace(INPUT, body.decode("latin-1"), self._file).encode("latin-1")

    def uploaded(self, answer: bytes) -> None:
        """Take note of an upload: its content is what is asked for next."""
        found = re.search(rb'"id": ?"([^"]+)"', answer)
        assert found is not None, answer
        self._uploaded = found[1].decode()

    def _replace(self, name: str, text: str, living: Callable[[], str], counted: str | None = None) -> str:
        if name not in text:
            return text
        self.mapped[counted or name] += 1
        return text.replace(name, living())

    def _file(self) -> str:
        """Return the id of a new file: one with the same bytes as another would be that one."""
        number = sum(self.mapped.values())
        return self.box.add_file(b'{"custom_id": "row-%d", "body": {"model": "m", "messages": []}}\n' % number)

    def _job(self, method: str) -> str:
        """Return the id of a job.

        Cancelling it makes it CANCELLED at once: the SDK's types do not have CANCELING, which the live API was seen to
        send, and with it its own tests of a cancel would fail.
        """
        if method == "POST":
            return self.box.add_job(pace=Pace(canceling=0))
        return self.box.add_job("IN_PROGRESS")


@contextmanager
def serve_living_ids() -> Iterator[tuple[str, LivingIds]]:
    """Serve a sandbox behind `LivingIds`, and give the base URL and the ids."""
    with Sandbox(key=KEY, speed=0) as box:
        ids = LivingIds(box)

        def answered(call: Call, answer: Answer) -> Answer:
            if call.path == _UPLOADS:
                ids.uploaded(answer.body)
            return answer

        def asked(call: Call) -> Call:
            return call._replace(path=ids.path(call.method, call.path), body=ids.body(call.body))

        with serve_between(box.base_url, asked, answered) as base_url:
            yield base_url, ids
