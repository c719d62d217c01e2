"""A server with a list of jobs that changes with each request, for `benchmarks.jobs`.

python -m benchmarks.job_server COUNT ACTIVE CHANGING
"""

from __future__ import annotations

import contextlib
import http.server
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHANGED = 20
"""Jobs that differ from one response to the next."""


def job_bytes(n: int, now: float, progress: int | None = None) -> bytes:
    """Return a job as JSON; one with a `progress` is running."""
    model = ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "openai/gpt-oss-120b", "Qwen/Qwen3-235B-A22B")[n % 3]
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - n * 60))
    outcome = (
        f'"completed_at":"{created}","output_file_id":"file-out-{n}","progress":100,"status":'
        f'"{"FAILED" if n % 97 == 0 else "COMPLETED"}"'
        if progress is None
        else f'"progress":{progress},"status":"IN_PROGRESS"'
    )
    return (
        f'{{"id":"{n:08x}-0000-4000-8000-000000000000","model_id":"{model}","endpoint":"/v1/chat/completions",'
        f'"input_file_id":"file-in-{n % 500}","file_size_bytes":{n * 1000},"created_at":"{created}",'
        f'"job_deadline":"{created}","user_id":"user","error":null,{outcome}}}'
    ).encode()


class JobList:
    """The list of jobs: the newest are running, and `CHANGED` of them differ in each response."""

    def __init__(self, count: int, active: int, changing: bool) -> None:
        self.now = time.time()
        self.jobs = [job_bytes(n, self.now, 10 if n < active else None) for n in range(count)]
        self.active, self.changing = active, changing
        self.requests = 0
        self.body = self._body()

    def _body(self) -> bytes:
        return b"[" + b",".join(self.jobs) + b"]"

    def next_body(self) -> bytes:
        """Return the body of the next response."""
        self.requests += 1
        if self.changing:
            for n in range(min(CHANGED, self.active)):
                self.jobs[n] = job_bytes(n, self.now, self.requests % 99 + 1)
            self.body = self._body()
        return self.body


def serve(count: int, active: int, changing: bool) -> None:
    """Serve until standard input closes."""
    jobs = JobList(count, active, changing)
    names = ",".join(f'{{"id":"file-in-{n}","filename":"reviews-{n}.jsonl"}}' for n in range(500))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer a list of jobs or of files."""
            bodies: dict[str, Callable[[], bytes]] = {
                "/v1/batches": jobs.next_body,
                "/v1/files": lambda: b'{"data":[' + names.encode() + b"]}",
            }
            make = bodies.get(self.path.partition("?")[0])
            body = make() if make else b'{"error":"no such thing"}'
            self.send_response(200 if make else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Print nothing: standard output has the address."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


@contextlib.contextmanager
def serving(count: int, active: int, *, changing: bool) -> Iterator[str]:
    """Run the server in a process of its own; yield its URL."""
    command = [sys.executable, "-m", "benchmarks.job_server", str(count), str(active), str(int(changing))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout
        yield child.stdout.readline().strip()
        child.stdin.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]), bool(int(sys.argv[3])))
