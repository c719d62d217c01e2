"""The npm client `together-ai` against the sandbox, where Node and the package are installed (see NODE_PATH)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.sandbox.demo.samples import encode_line
from tbatch_tui.sandbox.testing import Sandbox
from tests.sandbox.conftest import CHAT, chat_row

if TYPE_CHECKING:
    from pathlib import Path

NODE = shutil.which("node")
SCRIPT = """
const plain = globalThis.fetch;  // on Node 20 the client's upload needs this: see docs/sandbox.md
globalThis.fetch = (url, init) => plain(url, init?.body?.pipe ? { ...init, duplex: 'half' } : init);
const { Together } = require('together-ai');
(async () => {
  const client = new Together({ maxRetries: 0 });
  const [path, endpoint] = process.argv.slice(1);
  const file = await client.files.upload(path, 'batch-api', false);
  let { job } = await client.batches.create({ endpoint, input_file_id: file.id });
  while (['VALIDATING', 'IN_PROGRESS'].includes(job.status)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    job = await client.batches.retrieve(job.id);
  }
  const output = await (await client.files.content(job.output_file_id)).text();
  const files = (await client.files.list()).data.map((each) => each.id);
  const jobs = (await client.batches.list()).map((each) => each.id);
  const models = (await client.models.list()).map((each) => each.id);
  await client.files.delete(file.id);
  console.log(JSON.stringify({ file, job, output, files, jobs, models }));
})();
"""


def has_package() -> bool:
    """Return whether Node is here and finds the package."""
    if NODE is None:
        return False
    command = [NODE, "-e", "require.resolve('together-ai')"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_batch_from_upload_to_output(tmp_path: Path) -> None:
    if not has_package():
        pytest.skip("Node or the npm package together-ai is not installed")
    assert NODE is not None
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"".join(encode_line(chat_row(f"row-{number}")) for number in range(3)))
    with Sandbox(speed=500) as box:
        settings = {"TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url}
        settings["TOGETHER_API_BASE_URL"] = f"{box.base_url}/v1"  # the third line that `tbatch-tui sandbox` prints
        done = subprocess.run(
            [NODE, "-e", SCRIPT, str(path), CHAT], env=os.environ | settings, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["job"]["status"] == "COMPLETED"
    assert sorted(json.loads(line)["custom_id"] for line in told["output"].splitlines()) == ["row-0", "row-1", "row-2"]
    assert told["file"]["id"] in told["files"]
    assert told["jobs"] == [told["job"]["id"]]
    assert told["models"]
