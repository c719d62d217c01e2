"""A 500 MB result file over loopback, beside curl and `tg batches download`.

`python -m benchmarks.download [MB] [TIMES]`. Each runs in its own process against the same server, which sends a
file from memory with its length. Ours is the whole downloader: stream, verify, sync, rename.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bars import exit_code, print_bar

_SERVER_PROGRAM = """
import asyncio, sys
size = int(sys.argv[1]) * 1_000_000
row = b'{"custom_id": "request-%09d", "response": {"status_code": 200, "body": {"choices": [{"message": ' \\
      + b'{"content": "' + b"word " * 160 + b'"}}]}}}\\n'
body = b"".join(row % n for n in range(size // len(row % 0)))
job = b'{"id":"0b5e-bench","status":"COMPLETED","output_file_id":"file-bench","input_file_id":"file-in",' \\
      b'"endpoint":"/v1/chat/completions","progress":100,"user_id":"u","file_size_bytes":1,' \\
      b'"created_at":"2026-01-01T00:00:00Z","job_deadline":"2026-01-02T00:00:00Z"}'

async def serve(reader, writer):
    while True:
        try:
            head = (await reader.readuntil(b"\\r\\n\\r\\n")).decode()
        except (asyncio.IncompleteReadError, ConnectionError):
            return writer.close()
        path = head.split()[1].partition("?")[0]
        answer, kind = b'{"data": []}', "application/json"
        if path.endswith("/content"):
            answer, kind = body, "application/octet-stream"
        elif path.endswith("/batches"):
            answer = b"[" + job + b"]"
        elif "/batches/" in path:
            answer = job
        writer.write(f'HTTP/1.1 200 OK\\r\\nContent-Type: {kind}\\r\\nETag: "bench"\\r\\n'
                     f"Content-Length: {len(answer)}\\r\\n\\r\\n".encode())
        for start in range(0, len(answer), 1 << 20):
            writer.write(answer[start : start + (1 << 20)])
            await writer.drain()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], len(body), flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def main(megabytes: int = 500, times: int = 3) -> int:
    """Measure and print."""
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER_PROGRAM, str(megabytes)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    port, size = map(int, server.stdout.readline().split())
    url = f"http://127.0.0.1:{port}"
    programs = {"ours": _by_app, "curl": _by_curl, "curl, then sync": _by_curl_synced, "tg batches download": _by_tg}
    times_of: dict[str, list[float]] = {name: [] for name in programs}
    peaks: list[int] = []
    try:
        for _ in range(times):
            for name, download in programs.items():
                with tempfile.TemporaryDirectory() as folder:
                    elapsed, peak = download(url, Path(folder))
                    received = max(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())
                    assert received == size, f"{name}: {received:,} of {size:,} bytes"
                times_of[name].append(elapsed)
                if peak:
                    peaks.append(peak)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    best = {name: min(seconds) for name, seconds in times_of.items()}
    for name, seconds in times_of.items():
        rate = size / best[name] / 1e6
        print(f"{name:<20} best {best[name]:6.2f} s  median {statistics.median(seconds):6.2f} s  {rate:8,.0f} MB/s")
    for peer, bar in (("curl", 0.85), ("curl, then sync", 0.9)):
        pace = best[peer] / best["ours"]
        print_bar(f"ours beside {peer}: {pace:.2f} × (bar {bar})", pace >= bar)
    beside_tg = best["tg batches download"] / best["ours"]
    print_bar(f"ours beside tg:   {beside_tg:.2f} × (bar 1)", beside_tg >= 1)
    print(f"ours, memory above what the engine takes without a download: {max(peaks) / 1024:,.0f} MB at most")
    return exit_code()


def _by_app(url: str, folder: Path) -> tuple[float, int]:
    command = [sys.executable, "-m", "benchmarks.download", "--child", url, str(folder)]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return result["seconds"], result["peak_kb"]


async def _fetch(url: str, folder: Path) -> None:
    from tbatch_tui.engine.domain.transfer import TransferState
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.options import EngineOptions

    options = EngineOptions(
        data_dir=folder / "data", output_dir=folder / "out", base_url=url, api_key="benchmark-key-0000"
    )
    async with BatchEngine(options) as engine:
        record = await engine.wait_until("0b5e-bench", lambda r: r.job is not None)
        # Wait for the worker lock, and thus for late imports: a person's app has been open for a while.
        while engine._runtime._lock is None or not engine._runtime._lock.is_ours:
            await asyncio.sleep(0.01)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        await engine.download(record.key)
        await engine.wait_until(record.key, lambda r: r.output is not None and r.output.state is TransferState.FETCHED)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": seconds, "peak_kb": peak}))


def _by_curl(url: str, folder: Path) -> tuple[float, int]:
    curl = shutil.which("curl")
    assert curl is not None, "curl is not installed"
    began = time.perf_counter()
    subprocess.run([curl, "-sS", "-o", str(folder / "out.jsonl"), f"{url}/v1/files/file-bench/content"], check=True)
    return time.perf_counter() - began, 0


def _by_curl_synced(url: str, folder: Path) -> tuple[float, int]:
    seconds, _ = _by_curl(url, folder)
    began = time.perf_counter()
    descriptor = os.open(folder / "out.jsonl", os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return seconds + time.perf_counter() - began, 0


_TG_PROGRAM = """
import sys, time
from together.lib.cli import main
began = time.perf_counter()
sys.argv = ["tg", "batches", "download", *sys.argv[1:]]
try:
    main()
except SystemExit as left:
    code = left.code
print(time.perf_counter() - began, file=sys.stderr)
"""


def _by_tg(url: str, folder: Path) -> tuple[float, int]:
    """Run the SDK's command, timed after its imports, as ours is."""
    environment = os.environ | {"TOGETHER_BASE_URL": url, "TOGETHER_API_KEY": "benchmark-key-0000"}
    done = subprocess.run(
        [sys.executable, "-c", _TG_PROGRAM, "0b5e-bench", "--output", str(folder / "out.jsonl")],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return float(done.stderr.split()[-1]), 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        asyncio.run(_fetch(sys.argv[2], Path(sys.argv[3])))
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
