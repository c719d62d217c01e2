"""Fixtures for every test: a sandbox on loopback, sample files, and an empty home folder."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import itertools
import json
import os
import re
import signal
import sys
import warnings
from typing import TYPE_CHECKING, TypeVar

import pytest

from tbatch_tui.sandbox.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

CHAT_MODEL = "meta-llama/Llama-3.3-70B-Instruct-Turbo"

sys.dont_write_bytecode = False
"""Without stored bytecode each worker rewrites and compiles all tests again: 7 of the 11 s of CPU of its start."""

_number = itertools.count()


WAITS = (
    "tests/cli/",
    "tests/engine/scenarios/",
    "tests/engine/download/",
    "tests/engine/runtime/",
    "tests/sandbox/test_clients.py",
    "tests/sandbox/test_fuzz.py",
    "tests/sandbox/test_host.py",
    "tests/sandbox/test_openapi.py",
    "tests/test_packaging.py",
    "tests/tui/scenarios/",
    "tests/tui/terminal/test_stop.py",
    "tests/tui/terminal/test_tmux.py",
)
"""Where tests are that wait for commands, servers and terminals rather than compute. The longest are there too."""


def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for each processor: for half of its time or more a worker waits. Each takes 0.7 GB."""
    processors = os.cpu_count() or 1
    if not hasattr(os, "sysconf"):
        return 2 * processors
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(processors, min(3 * processors, memory // 10**9))


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Say how much hypothesis tries, imported once its bytecode is stored too, and let ctrl-c end what tests start."""
    from hypothesis import settings

    settings.register_profile("suite", max_examples=60, deadline=None)
    settings.register_profile("thorough", max_examples=2000, deadline=None)
    settings.load_profile("suite")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job that a script has begun in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # what tests start would ignore it as well


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Do not look for garbage while tests are collected, as nearly all stays, and share the compiling of new tests."""
    gc.disable()
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        import_tests(session.config, int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))


def import_tests(config: pytest.Config, worker: int, workers: int) -> None:
    """Import the modules that will be collected, each worker from another one on.

    In a fresh checkout no test is compiled yet. In the same order, all workers would rewrite and compile all of them at
    the same time; like this each does its share, and finds what the others stored. A module that fails here fails again
    when it is collected, which is reported.
    """
    given = [config.rootpath / name.partition("::")[0] for name in config.args]
    paths = [path for at in given for path in (sorted(at.rglob("test_*.py")) if at.is_dir() else [at])]
    first = len(paths) * worker // workers
    for path in paths[first:] + paths[:first]:
        if path.is_relative_to(config.rootpath):
            name = ".".join(path.relative_to(config.rootpath).with_suffix("").parts)
            with contextlib.suppress(Exception, pytest.skip.Exception), warnings.catch_warnings():
                warnings.simplefilter("error")
                importlib.import_module(name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what waits early, and among what computes.

    Each worker begins with the next part of what was collected; what is at its end may be taken over by others. So no
    long wait is the last, and while one worker waits others compute.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        order = spread(items, lambda item: item.nodeid.partition("::")[0], workers)
        assert len(order) == len(items)
        items[:] = order


def spread(items: list[T], module_of: Callable[[T], str], workers: int) -> list[T]:
    """Return the tests in an order for this many workers. Those of a module that waits stay together."""
    waiting: dict[str, list[T]] = {}
    computing: list[T] = []
    for item in items:
        module = module_of(item)
        (waiting.setdefault(module, []) if module.startswith(WAITS) else computing).append(item)
    shares: list[list[T]] = [[] for _ in range(workers)]
    for module in sorted(waiting, key=lambda name: -len(waiting[name])):
        min(shares, key=len).extend(waiting[module])
    order: list[T] = []
    for number, share in enumerate(shares):
        left = workers - number
        size = max(0, (len(items) - len(order)) // left - len(share))
        own, computing = computing[:size], computing[size:]
        first = len(own) // 4 if number % 2 else 0
        order += own[:first] + share + own[first:]
    return order + computing


def pytest_collection_finish() -> None:
    """Keep what was collected out of the garbage collector, which would go through all of it again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of this run, or of this worker of it."""
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, session_folder: Path) -> Path:
    """Return an empty folder, as pytest's own does, in one a module.

    pytest has one folder for all tests, and reads it whole for each: of some thousand tests, that is 5 ms a test.
    """
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder: Path = session_folder / request.node.path.stem / f"{name}{next(_number)}"
    folder.parent.mkdir(exist_ok=True)
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(autouse=True)
def empty_home(session_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test away from the home folder and the key of whoever runs it."""
    home = session_folder / "homes" / str(next(_number))
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("TOGETHER_API_KEY", "TOGETHER_BASE_URL", "TOGETHER_PROJECT_ID", "TOGETHER_CREDENTIALS_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def keep_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the programs that tests start store their bytecode: otherwise each compiles all our modules again."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox whose clock is fast: a small job takes about half a second."""
    with Sandbox(speed=40) as box:
        yield box


@pytest.fixture
def still_sandbox() -> Iterator[Sandbox]:
    """Run a sandbox whose clock only the test moves."""
    with Sandbox(speed=0) as box:
        yield box


@pytest.fixture
def chat_file(tmp_path: Path) -> Path:
    """Write the chat sample, which has two requests."""
    return write_chat(tmp_path / "batch_input.jsonl", ["Hello, world!", "Explain quantum computing."])


@pytest.fixture
def audio_file(tmp_path: Path) -> Path:
    """Write the audio sample, which has two transcriptions."""
    path = tmp_path / "audio_batch.jsonl"
    rows = [
        {
            "custom_id": f"transcription-{n}",
            "method": "FILE",
            "body": {"file": f"https://example.com/clip-{n}.wav", "model": "openai/whisper-large-v3"},
        }
        for n in (1, 2)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_chat(path: Path, prompts: list[str]) -> Path:
    """Write a chat input file with one request for each prompt, called request-1, request-2, …"""
    rows = [
        {
            "custom_id": f"request-{n}",
            "body": {"model": CHAT_MODEL, "messages": [{"role": "user", "content": prompt}], "max_tokens": 200},
        }
        for n, prompt in enumerate(prompts, start=1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


async def until(condition: Callable[[], object], *, what: str = "", within: float = 40.0) -> None:
    """Wait until the condition holds, and fail the test after `within` seconds. `what` is named in that error.

    What it asks for may not be on the screen yet: that is no error before the time is up.
    """
    from textual.css.query import NoMatches

    def holds() -> object:
        with contextlib.suppress(NoMatches):
            return condition()
        return False

    end = asyncio.get_running_loop().time() + within
    while not holds():
        assert asyncio.get_running_loop().time() < end, f"did not happen within {within:g} s: {what or condition}"
        await asyncio.sleep(0.03)
