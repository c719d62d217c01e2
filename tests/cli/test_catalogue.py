"""What `check` and `submit` say of models: by a kept catalogue, or by the server's own where that is asked for."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.pricing.kept_catalogue import MAX_AGE, keep, kept
from tests.conftest import CHAT_MODEL
from tests.helpers.check_lines import chat, dumped, saved
from tests.helpers.commands import run_command

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run

MODELS = "/v2/supported-models"
WARNING = "1:1: warning unknown-model:"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file whose model is spelled wrong."""
    return saved(tmp_path, dumped(chat("a", model=CHAT_MODEL.lower()), chat("b", model=CHAT_MODEL.lower())))


@pytest.fixture
def check(tmp_path: Path, sandbox: Sandbox) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs `check` with a home of its own, and the sandbox's key unless another is given."""

    def run(*arguments: object, key: str = sandbox.key, **env: str) -> subprocess.CompletedProcess[str]:
        folders = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "DATA")}
        settings = {**os.environ, **folders, "TOGETHER_API_KEY": key, "TOGETHER_BASE_URL": sandbox.base_url, **env}
        return run_command(["check", *map(str, arguments)], tmp_path, settings, timeout=60)

    return run


def test_the_server_is_asked_only_where_that_is_wanted(
    check: Callable[..., subprocess.CompletedProcess[str]], sandbox: Sandbox, path: Path
) -> None:
    assert check(path).stdout == ""
    assert sandbox.requests == []
    done = check("--catalogue", path)
    assert (done.returncode, done.stderr.count("1 warning")) == (0, 1)
    assert f'{WARNING} "{CHAT_MODEL.lower()}" is not in the catalogue; did you mean "{CHAT_MODEL}"?' in done.stdout
    asked = [request.path for request in sandbox.requests]
    assert asked == [MODELS]
    assert WARNING in check(path).stdout
    assert len(sandbox.requests) == 1


def test_a_key_is_needed_to_ask_and_the_check_goes_on_without(
    check: Callable[..., subprocess.CompletedProcess[str]], sandbox: Sandbox, path: Path
) -> None:
    done = check("--catalogue", path, key="")
    assert done.returncode == 1
    assert "Could not get the catalogue: There is no API key" in done.stderr
    assert "no problems · 2 requests" in done.stderr
    assert sandbox.requests == []
    refused = check("--catalogue", path, key="tgp_v1_wrong")
    assert refused.returncode == 1
    assert "Could not get the catalogue: " in refused.stderr and "Traceback" not in refused.stderr
    assert check("--catalogue", path, TOGETHER_BASE_URL="http://127.0.0.1:1").returncode == 3
    assert check("--catalogue", path, TOGETHER_BASE_URL="http://example.com").returncode == 2


def test_a_catalogue_of_another_server_or_of_last_week_judges_nothing(
    check: Callable[..., subprocess.CompletedProcess[str]], path: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    data_dir = tmp_path / "DATA" / "tbatch-tui"
    server = sandbox.base_url.removesuffix("/v1")
    others = {"other/model": ModelInfo("other/model")}
    keep(data_dir, server, Catalogue(others, time.time() - MAX_AGE - 1))
    assert check(path).stdout == ""
    keep(data_dir, server, Catalogue(others, time.time() - MAX_AGE + 60))
    assert WARNING in check(path).stdout
    assert check(path, TOGETHER_BASE_URL="https://api.example.com").stdout == ""
    assert WARNING in check("--data-dir", data_dir, path, XDG_DATA_HOME=str(tmp_path)).stdout
    (tmp_path / "CONFIG" / "tbatch-tui").mkdir(parents=True)
    (tmp_path / "CONFIG" / "tbatch-tui" / "config.toml").write_text("poll_interval = 'x'")
    assert check(path).returncode == 0


def test_what_is_kept_can_be_broken(tmp_path: Path) -> None:
    keep(tmp_path, "together", Catalogue({"a/b": ModelInfo("a/b", 5)}, 100.0))
    assert dict(kept(tmp_path, "together", 200.0) or {}) == {"a/b": ModelInfo("a/b", 5)}
    assert kept(tmp_path, "together", 50.0) is None, "of the future"
    [file] = (tmp_path / "catalogues").iterdir()
    file.write_bytes(b'{"fetched_at": 1, "models": \xff}')
    assert kept(tmp_path, "together", 200.0) is None


def test_submit_warns_of_models_and_goes_on(run: Run, path: Path, sandbox: Sandbox) -> None:
    path.write_bytes(dumped(chat("a", model="no/such-model"), chat("b", model="no/such-model", max_tokens=None)))
    done = run("submit", str(path))
    assert done.returncode == 0
    assert f'{path}:{WARNING} "no/such-model" is not in the catalogue' in done.stderr
    assert f"{path}:2:1: warning no-max-tokens: " in done.stderr
    assert done.stdout.split() == [sandbox.jobs[0]["id"]]
    assert sandbox.count("GET", MODELS) == 1
