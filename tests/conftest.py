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
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.sandbox.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHAT_MODEL = "meta-llama/Llama-3.3-70B-Instruct-Turbo"

sys.dont_write_bytecode = False
"""Without stored bytecode each worker rewrites and compiles all tests again: 7 of the 11 s of CPU of its start."""

_number = itertools.count()


def pytest_xdist_auto_num_workers() -> int:
    """Return five workers for two processors: for half of its time a worker waits for clocks, servers and commands."""
    return 5 * (os.cpu_count() or 1) // 2


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Say how much hypothesis tries. It is imported here, once its bytecode is stored too."""
    from hypothesis import settings

    settings.register_profile("suite", max_examples=60, deadline=None)
    settings.register_profile("thorough", max_examples=2000, deadline=None)
    settings.load_profile("suite")


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


async def until(condition: Callable[[], object], *, what: str = "", within: float = 20.0) -> None:
    """Wait until the condition holds, and fail the test after `within` seconds. `what` is named in that error."""
    end = asyncio.get_running_loop().time() + within
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"did not happen within {within:g} s: {what or condition}"
        await asyncio.sleep(0.03)
