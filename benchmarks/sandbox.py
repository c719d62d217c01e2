"""The sandbox under load: peak memory with ten large uploads at once, and small calls beside large jobs.

    python -m benchmarks.sandbox [--clients 10] [--megabytes 100] [--rows 50000]

First the clients, all at once, upload a file each as the SDK does (announce, PUT, preprocess) and read it back; every
byte is compared by SHA-256. Then, in a fresh sandbox, two jobs run to their end, results written, while `batches.list`
and `whoami` are asked for one after the other.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE = 2**20
KEY = "benchmark"
HEADERS = {"Authorization": f"Bearer {KEY}"}
FORM = {**HEADERS, "Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def sandbox(*args: str) -> Iterator[tuple[str, Path]]:
    """A sandbox in a process of its own: where it listens, and where the system tells of it."""
    command = [sys.executable, "-m", "tbatch_tui.sandbox", "--quiet", "--with-parent", "--key", KEY, *args]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().partition("=")[2]
        process.stdout.readline()
        try:
            yield urlsplit(url).netloc, Path("/proc", str(process.pid), "status")
        finally:
            process.terminate()


def megabytes_of(status: Path, field: str) -> float:
    """`VmHWM` (the peak) or `VmRSS` (now) of a process."""
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def ask(client: http.client.HTTPConnection, method: str, path: str, **more: Any) -> tuple[int, Any, bytes]:
    """One call: status, headers, body."""
    client.request(method, path, headers=more.pop("headers", HEADERS), **more)
    answer = client.getresponse()
    return answer.status, answer.headers, answer.read()


def upload(netloc: str, name: str, pieces: Callable[[], Iterator[bytes]]) -> str:
    """Upload as the SDK does it, and give the file's id."""
    client = http.client.HTTPConnection(netloc, timeout=300)
    form = f"purpose=batch-api&file_name={name}&file_type=jsonl"
    status, headers, _ = ask(client, "POST", "/v1/files", body=form, headers=FORM)
    assert status == 302, status
    size = sum(len(piece) for piece in pieces())
    place = urlsplit(headers["Location"])
    length = {"Content-Length": str(size)}
    status, _, _ = ask(client, "PUT", f"{place.path}?{place.query}", body=pieces(), headers=length)
    assert status == 200, status
    file_id = headers["X-Together-File-Id"]
    status, _, body = ask(client, "POST", f"/v1/files/{file_id}/preprocess")
    assert (status, json.loads(body)["bytes"]) == (200, size)
    client.close()
    return str(file_id)


def there_and_back(netloc: str, number: int, megabytes: int) -> None:
    """Upload a file of that size and read it back whole."""

    def pieces() -> Iterator[bytes]:
        for n in range(megabytes):
            yield f"{number}/{n}\n".encode().ljust(PIECE, b".")

    sent, got = hashlib.sha256(), hashlib.sha256()
    for piece in pieces():
        sent.update(piece)
    file_id = upload(netloc, f"{number}.jsonl", pieces)
    client = http.client.HTTPConnection(netloc, timeout=300)
    client.request("GET", f"/v1/files/{file_id}/content", headers=HEADERS)
    answer = client.getresponse()
    while piece := answer.read(PIECE):
        got.update(piece)
    client.close()
    assert got.digest() == sent.digest(), f"file {number} came back otherwise"


def many_at_once(clients: int, megabytes: int) -> None:
    """Ten clients with 100 MB each."""
    with sandbox() as (netloc, status):
        ask(http.client.HTTPConnection(netloc), "GET", "/v1/batches")
        before = megabytes_of(status, "VmRSS")
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as threads:
            for each in [threads.submit(there_and_back, netloc, n, megabytes) for n in range(clients)]:
                each.result()
        took, peak = time.perf_counter() - began, megabytes_of(status, "VmHWM")
    print(f"{clients} clients at once, {megabytes} MB there and back each: {took:.1f} s")
    print(f"  resident: {before:.0f} MB before, {peak:.0f} MB at the peak")


def rows(count: int, job: int) -> Iterator[bytes]:
    """A chat input file, in pieces of a thousand lines."""
    model = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
    for start in range(0, count, 1000):
        lines = []
        for n in range(start, min(count, start + 1000)):
            said = [{"role": "user", "content": f"Classify review {n} of file {job}: " + "the kettle leaks. " * 10}]
            lines.append(json.dumps({"custom_id": f"row-{n}", "body": {"model": model, "messages": said}}))
        yield ("\n".join(lines) + "\n").encode()


def small_beside_large(count: int) -> None:
    """Small calls while two jobs are judged, answered and written."""
    with sandbox("--speed", "300") as (netloc, status):
        client = http.client.HTTPConnection(netloc, timeout=60)
        files = [upload(netloc, f"{job}.jsonl", lambda job=job: rows(count, job)) for job in range(2)]
        print("small calls, alone:")
        report(*calls(client, lambda: False, least=300))
        began = time.perf_counter()
        with ThreadPoolExecutor(2) as threads:
            ends = [threads.submit(whole_life, netloc, file) for file in files]

            found = calls(client, lambda: not all(end.done() for end in ends), least=1)
        took, peak = time.perf_counter() - began, megabytes_of(status, "VmHWM")
        assert sum(end.result() for end in ends) == 2 * count
    print(f"small calls, beside two jobs of {count} rows from create to results on disk, {took:.1f} s:")
    report(*found)
    print(f"  resident: {peak:.0f} MB at the peak")


def whole_life(netloc: str, file_id: str) -> int:
    """Create a job, wait for its end, and count the rows of its results, whose download waits for the writing."""
    client = http.client.HTTPConnection(netloc, timeout=300)
    asked = json.dumps({"input_file_id": file_id, "endpoint": "/v1/chat/completions"})
    job = json.loads(ask(client, "POST", "/v1/batches", body=asked)[2])["job"]
    while job["status"] in ("VALIDATING", "IN_PROGRESS"):
        time.sleep(0.2)
        job = json.loads(ask(client, "GET", f"/v1/batches/{job['id']}")[2])
    assert job["status"] == "COMPLETED", job
    ids = [job[key] for key in ("output_file_id", "error_file_id") if key in job]
    return sum(ask(client, "GET", f"/v1/files/{each}/content")[2].count(b"\n") for each in ids)


def calls(client: http.client.HTTPConnection, go_on: Callable[[], bool], least: int) -> tuple[list[float], list[float]]:
    """Ask for the list and for whoami in turn; seconds of each."""
    took: tuple[list[float], list[float]] = ([], [])
    while len(took[0]) < least or go_on():
        for path, into in zip(("/v1/batches", "/v3/whoami"), took, strict=True):
            began = time.perf_counter()
            assert ask(client, "GET", path)[0] == 200
            into.append(time.perf_counter() - began)
    return took


def report(*took: list[float]) -> None:
    """Median, 99th of 100, and worst, in milliseconds."""
    for name, each in zip(("batches.list", "whoami"), took, strict=True):
        late = sorted(each)[int(len(each) * 0.99)]
        median = statistics.median(each)
        print(
            f"  {name:<12} median {median * 1e3:.1f} ms, 99 % {late * 1e3:.1f} ms, worst {max(each) * 1e3:.1f} ms"
            f" ({len(each)} calls)"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rows", type=int, default=50_000)
    args = parser.parse_args()
    many_at_once(args.clients, args.megabytes)
    small_beside_large(args.rows)


if __name__ == "__main__":
    main()
