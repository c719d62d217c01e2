"""The SDK's published tests for batches and files, run against the sandbox.

They are in the SDK's source distribution only, and not in this repository. TBATCH_SDK_SOURCE names the archive, as
`pip download --no-deps --no-binary together together==VERSION` leaves it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import together

from tests.helpers.sdk_published import FILE, INPUT, JOB, serve_living_ids, unpack

HOW_TO = (
    f"pip download --no-deps --no-binary together together=={together.__version__}"
    f" && export TBATCH_SDK_SOURCE=$PWD/together-{together.__version__}.tar.gz"
)
PYTEST = ["-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:randomly", "-q", "-rs", "--tb=short", "-W", "error"]
SESSION = ["asyncio_mode=auto", "asyncio_default_fixture_loop_scope=session", "asyncio_default_test_loop_scope=session"]
ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "PYTHONPATH")

COUNTED = "3.1.1"
EXPECTED = {  # of its 150 tests, with aiohttp and without: passed, skipped, and how often each name was replaced
    True: ({"passed": 147, "skipped": 3}, {JOB: 30, INPUT: 20, FILE: 42}),  # the three are skipped by the SDK too
    False: ({"passed": 120, "skipped": 30}, {JOB: 24, INPUT: 16, FILE: 36}),
}


@pytest.mark.skipif("TBATCH_SDK_SOURCE" not in os.environ, reason=f"the SDK's tests are not here: {HOW_TO}")
def test_batches_and_files(tmp_path: Path) -> None:
    archive = Path(os.environ["TBATCH_SDK_SOURCE"])
    assert archive.name == f"together-{together.__version__}.tar.gz", "the tests of the SDK that is installed"
    files = unpack(archive, tmp_path)
    settings = [part for setting in SESSION for part in ("-o", setting)]
    command = [sys.executable, "-m", "pytest", *PYTEST, *settings, "--rootdir", str(tmp_path), *map(str, files)]
    env = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    env |= {"TOGETHER_CREDENTIALS_PATH": str(tmp_path / "credentials.json")}
    with serve_living_ids() as (base_url, ids):
        env["TEST_API_BASE_URL"] = base_url
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = {word: int(number) for number, word in re.findall(r"(\d+) (passed|skipped|failed|error)", done.stdout)}
    assert counted.keys() <= {"passed", "skipped"} and all(ids.mapped.values())
    if together.__version__ == COUNTED:  # a later one may have more of them
        assert (counted, ids.mapped) == EXPECTED[find_spec("httpx_aiohttp") is not None], done.stdout
