"""The sandbox under load: peak memory with ten large uploads at once, and small calls beside large jobs.

    python -m benchmarks.sandbox [--clients 10] [--megabytes 100] [--rows 50000]

First all clients at once upload a file as the SDK does (POST, PUT, preprocess) and download it again; the bytes are
compared by SHA-256. Then, in a new sandbox, two jobs run to their end, results included, while another client calls
`batches.list` and `whoami` in turn.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE_SIZE = 2**20
KEY = "benchmark"
HEADERS = {"Authorization": f"Bearer {KEY}"}
FORM = {**HEADERS, "Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def sandbox(*args: str) -> Iterator[tuple[str, Path]]:
    """Run a sandbox in a process of its own; yield its host and port, and the path of its `/proc` status."""
    command = [sys.executable, "-m", "tbatch_tui.sandbox", "--quiet", "--with-parent", "--key", KEY, *args]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().partition("=")[2]
        process.stdout.readline()
        process.stdout.readline()
        try:
            yield urlsplit(url).netloc, Path("/proc", str(process.pid), "status")
        finally:
            process.terminate()


def read_megabytes(status: Path, field: str) -> float:
    """Return `VmHWM` (the peak) or `VmRSS` (now) of a process, in MB."""
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def call(client: http.client.HTTPConnection, method: str, path: str, **more: Any) -> tuple[int, Any, bytes]:
    """Make a call; return status, headers and body."""
    client.request(method, path, headers=more.pop("headers", HEADERS), **more)
    response = client.getresponse()
    return response.status, response.headers, response.read()


def upload(netloc: str, name: str, pieces: Callable[[], Iterator[bytes]]) -> str:
    """Upload a file as the SDK does, and return its id."""
    client = http.client.HTTPConnection(netloc, timeout=300)
    form = f"purpose=batch-api&file_name={name}&file_type=jsonl"
    status, headers, _ = call(client, "POST", "/v1/files", body=form, headers=FORM)
    assert status == 302, status
    size = sum(len(piece) for piece in pieces())
    url = urlsplit(headers["Location"])
    length = {"Content-Length": str(size)}
    status, _, _ = call(client, "PUT", f"{url.path}?{url.query}", body=pieces(), headers=length)
    assert status == 200, status
    file_id = headers["X-Together-File-Id"]
    status, _, body = call(client, "POST", f"/v1/files/{file_id}/preprocess")
    assert (status, json.loads(body)["bytes"]) == (200, size)
    client.close()
    return str(file_id)


def upload_and_download(netloc: str, number: int, megabytes: int) -> None:
    """Upload a file of this size, download it, and compare."""

    def pieces() -> Iterator[bytes]:
        for n in range(megabytes):
            yield f"{number}/{n}\n".encode().ljust(PIECE_SIZE, b".")

    sent, received = hashlib.sha256(), hashlib.sha256()
    for piece in pieces():
        sent.update(piece)
    file_id = upload(netloc, f"{number}.jsonl", pieces)
    client = http.client.HTTPConnection(netloc, timeout=300)
    client.request("GET", f"/v1/files/{file_id}/content", headers=HEADERS)
    response = client.getresponse()
    while piece := response.read(PIECE_SIZE):
        received.update(piece)
    client.close()
    assert received.digest() == sent.digest(), f"file {number} came back otherwise"


def measure_uploads(clients: int, megabytes: int) -> None:
    """Measure uploads and downloads of several clients at once."""
    with sandbox() as (netloc, status):
        call(http.client.HTTPConnection(netloc), "GET", "/v1/batches")
        before = read_megabytes(status, "VmRSS")
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as threads:
            for transfer in [threads.submit(upload_and_download, netloc, n, megabytes) for n in range(clients)]:
                transfer.result()
        seconds, peak = time.perf_counter() - began, read_megabytes(status, "VmHWM")
    print(f"{clients} clients at once, {megabytes} MB there and back each: {seconds:.1f} s")
    print(f"  resident: {before:.0f} MB before, {peak:.0f} MB at the peak")


def input_file(count: int, job: int) -> Iterator[bytes]:
    """Yield a chat input file in pieces of 1,000 lines."""
    model = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
    for start in range(0, count, 1000):
        lines = []
        for n in range(start, min(count, start + 1000)):
            messages = [{"role": "user", "content": f"Classify review {n} of file {job}: " + "the kettle leaks. " * 10}]
            lines.append(json.dumps({"custom_id": f"row-{n}", "body": {"model": model, "messages": messages}}))
        yield ("\n".join(lines) + "\n").encode()


def measure_small_calls(count: int) -> None:
    """Measure small calls while two jobs are validated, answered and written."""
    with sandbox("--speed", "300") as (netloc, status):
        client = http.client.HTTPConnection(netloc, timeout=60)
        files = [upload(netloc, f"{job}.jsonl", partial(input_file, count, job)) for job in range(2)]
        print("small calls, alone:")
        report(*time_calls(client, lambda: False, least=300))
        began = time.perf_counter()
        with ThreadPoolExecutor(2) as threads:
            jobs = [threads.submit(run_job, netloc, file) for file in files]
            times = time_calls(client, lambda: not all(job.done() for job in jobs), least=1)
        seconds, peak = time.perf_counter() - began, read_megabytes(status, "VmHWM")
        assert sum(job.result() for job in jobs) == 2 * count
    print(f"small calls, beside two jobs of {count} rows from create to results on disk, {seconds:.1f} s:")
    report(*times)
    print(f"  resident: {peak:.0f} MB at the peak")


def run_job(netloc: str, file_id: str) -> int:
    """Create a job, wait for its end, and return the rows of its results. The download waits until they are written."""
    client = http.client.HTTPConnection(netloc, timeout=300)
    request = json.dumps({"input_file_id": file_id, "endpoint": "/v1/chat/completions"})
    job = json.loads(call(client, "POST", "/v1/batches", body=request)[2])["job"]
    while job["status"] in ("VALIDATING", "IN_PROGRESS"):
        time.sleep(0.2)
        job = json.loads(call(client, "GET", f"/v1/batches/{job['id']}")[2])
    assert job["status"] == "COMPLETED", job
    file_ids = [job[key] for key in ("output_file_id", "error_file_id") if key in job]
    return sum(call(client, "GET", f"/v1/files/{file_id}/content")[2].count(b"\n") for file_id in file_ids)


def time_calls(
    client: http.client.HTTPConnection, is_running: Callable[[], bool], least: int
) -> tuple[list[float], list[float]]:
    """Call `batches.list` and `whoami` in turn; return the seconds of each."""
    times: tuple[list[float], list[float]] = ([], [])
    while len(times[0]) < least or is_running():
        for path, seconds in zip(("/v1/batches", "/v3/whoami"), times, strict=True):
            began = time.perf_counter()
            assert call(client, "GET", path)[0] == 200
            seconds.append(time.perf_counter() - began)
    return times


def report(*times: list[float]) -> None:
    """Print median, 99th percentile and worst, in milliseconds."""
    for name, seconds in zip(("batches.list", "whoami"), times, strict=True):
        late = sorted(seconds)[int(len(seconds) * 0.99)]
        median = statistics.median(seconds)
        print(
            f"  {name:<12} median {median * 1e3:.1f} ms, 99 % {late * 1e3:.1f} ms, worst {max(seconds) * 1e3:.1f} ms"
            f" ({len(seconds)} calls)"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rows", type=int, default=50_000)
    args = parser.parse_args()
    measure_uploads(args.clients, args.megabytes)
    measure_small_calls(args.rows)


if __name__ == "__main__":
    main()
