"""The same batch with every client: the SDK, the async SDK, the `tg` command and curl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import httpx
import pytest
from together import AsyncTogether, Together
from together.types.audio.transcription_create_response import AudioTranscriptionJsonResponse
from together.types.chat.chat_completion import ChatCompletion

from tbatch_tui.sandbox.answers.models import MODELS
from tbatch_tui.sandbox.demo.samples import write_samples
from tbatch_tui.sandbox.jobs.jobs import PROJECT_ID
from tbatch_tui.sandbox.testing import Sandbox
from tests.helpers.commands import run_command
from tests.sandbox.conftest import CHAT, decode_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

TRANSCRIPTIONS = "/v1/audio/transcriptions"
BatchEndpoint = Literal["/v1/chat/completions", "/v1/audio/transcriptions"]
KINDS = [("chat.jsonl", CHAT), ("audio.jsonl", TRANSCRIPTIONS)]
TG = Path(sys.executable).with_name("tg")
CURL = shutil.which("curl")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's input files."""
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


@pytest.fixture
def fast() -> Iterator[Sandbox]:
    """A sandbox in which a small job takes a fraction of a second."""
    with Sandbox(speed=500) as sandbox:
        yield sandbox


def tg(box: Sandbox, *args: str, code: int = 0) -> str:
    """Run the `tg` command against the sandbox and return what it prints."""
    settings = {"TOGETHER_BASE_URL": box.base_url, "TOGETHER_API_KEY": box.key, "TOGETHER_TELEMETRY_DISABLED": "1"}
    done = run_command(args, Path.cwd(), os.environ | settings, timeout=60, main="together.lib.cli:main")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def assert_complete(box: Sandbox, source: Path, output: bytes) -> None:
    """Check that each request has a row, and that each answer fits the model of its endpoint."""
    rows, requests = decode_rows(output), decode_rows(source.read_bytes())
    assert {row["custom_id"] for row in rows} == {row["custom_id"] for row in requests}
    assert output == box.file_bytes(box.jobs[-1]["output_file_id"])
    model = ChatCompletion if source.stem == "chat" else AudioTranscriptionJsonResponse
    for row in rows:
        assert row["response"]["status_code"] == 200
        model.model_validate(row["response"]["body"])


@pytest.mark.parametrize(("name", "endpoint"), KINDS)
def test_the_tutorial(box: Sandbox, sdk: Together, samples: Path, name: str, endpoint: BatchEndpoint) -> None:
    file = sdk.files.upload(samples / name, purpose="batch-api", check=False)
    created = sdk.batches.create(input_file_id=file.id, endpoint=endpoint)
    assert created.job is not None and created.job.id is not None
    box.advance(120)
    job = sdk.batches.retrieve(created.job.id)
    assert job.status == "COMPLETED" and job.output_file_id is not None and job.error_file_id is None
    assert_complete(box, samples / name, sdk.files.content(job.output_file_id).read())


@pytest.mark.parametrize(("name", "endpoint"), KINDS)
async def test_the_async_sdk(box: Sandbox, samples: Path, name: str, endpoint: BatchEndpoint) -> None:
    strict: dict[str, Any] = {"_strict_response_validation": True}
    async with AsyncTogether(base_url=box.base_url, api_key=box.key, max_retries=0, **strict) as client:
        file = await client.files.upload(samples / name, purpose="batch-api", check=False)
        created = await client.batches.create(input_file_id=file.id, endpoint=endpoint)
        assert created.job is not None and created.job.id is not None
        box.advance(120)
        job = await client.batches.retrieve(created.job.id)
        assert job.status == "COMPLETED" and job.output_file_id is not None and job.error_file_id is None
        assert [listed.id for listed in await client.batches.list()] == [job.id]
        content = await client.files.content(job.output_file_id)
        assert_complete(box, samples / name, await content.read())
        assert (await client.whoami()).type == "project_api_key"
        names = [model.name async for model in client.models.list_supported(product="PRODUCT_SERVERLESS", limit=7)]
        assert names == [model.name for model in MODELS if model.serverless]


def test_the_catalogue(sdk: Together, http: httpx.Client) -> None:
    by_name = {model.name: model for model in sdk.models.list_supported(limit=5)}
    assert by_name.keys() == {model.name for model in MODELS}
    llama = by_name["meta-llama/Llama-3.3-70B-Instruct-Turbo"]
    assert llama.pricing is not None and llama.pricing.input and llama.context_length == "131072"
    assert by_name["openai/whisper-large-v3"].pricing is None
    assert sdk.models.retrieve_supported(llama.id) == llama
    assert len(list(sdk.models.list_supported(search="whisper"))) == 1
    audio_models = list(sdk.models.list_supported(modality="MODALITY_AUDIO"))
    assert {model.display_type for model in audio_models} == {"transcribe"}
    serverless = [model.name for model in MODELS if model.serverless]
    everything = [model["id"] for model in http.get("/v1/models").json()]  # SDK 2.x and npm
    assert set(serverless) < set(everything), "it also lists models that a batch may not use"
    assert http.get(f"/v2/projects/{PROJECT_ID}/models").json()["data"] == []  # `tg models`
    assert [project["name"] for project in http.get("/v1/projects").json()["data"]] == ["evals"]  # `tg projects`
    assert http.get("/v2/supported-models?limit=none").status_code == 400
    assert http.get("/v2/supported-models?after=none").json()["data"] == []
    assert http.get("/v2/supported-models/none").status_code == 404


@pytest.mark.parametrize("base", ["", "/v1", "/v1/v1"])
def test_base_urls_of_all_kinds(box: Sandbox, base: str) -> None:
    """SDK 3.x asks for `/v1/…` below the base URL; 2.x asks for `/…` below one that ends in `/v1`."""
    with Together(base_url=box.base_url + base, api_key=box.key) as client:
        assert client.batches.list() == []
        assert client.whoami().type == "project_api_key"
        assert list(client.models.list_supported())
    headers = {"Authorization": f"Bearer {box.key}"}
    with httpx.Client(base_url=box.base_url + base, headers=headers) as bare:
        assert bare.get("/batches").json() == bare.get("/files/").json()["data"] == []
    assert {call.path for call in box.requests} == {"/v1/batches", "/v1/files", "/v2/supported-models", "/v3/whoami"}


@pytest.mark.skipif(not TG.exists(), reason="the together package has not installed its command")
class TestTg:
    """The command of the `together` package."""

    def test_files(self, box: Sandbox, samples: Path, tmp_path: Path) -> None:
        source = samples / "chat.jsonl"
        file = json.loads(tg(box, "files", "upload", str(source), "--purpose", "batch-api", "--json"))
        assert file["bytes"] == source.stat().st_size
        assert [listed["id"] for listed in json.loads(tg(box, "files", "list", "--json"))] == [file["id"]]
        assert json.loads(tg(box, "files", "retrieve", file["id"], "--json"))["filename"] == "chat.jsonl"
        tg(box, "files", "retrieve-content", file["id"], "--output", str(tmp_path))
        assert (tmp_path / "chat.jsonl").read_bytes() == source.read_bytes()
        tg(box, "files", "delete", file["id"])
        tg(box, "files", "retrieve", file["id"], code=1)
        assert box.count("DELETE", f"/v1/files/{file['id']}") == 1 and box.requests[-1].status == 404

    def test_a_chat_batch(self, box: Sandbox, samples: Path, tmp_path: Path) -> None:
        created = json.loads(tg(box, "batches", "submit", str(samples / "chat.jsonl"), "chat.completions", "--json"))
        job_id = created["job"]["id"]
        box.advance(120)
        [listed] = json.loads(tg(box, "batches", "list", "--json"))
        assert (listed["id"], listed["status"]) == (job_id, "COMPLETED")
        assert json.loads(tg(box, "batches", "get", job_id, "--json")) == listed
        output = tmp_path / "out.jsonl"
        tg(box, "batches", "download", job_id, "--output", str(output))
        assert output.read_bytes() == box.file_bytes(listed["output_file_id"])
        assert_complete(box, samples / "chat.jsonl", output.read_bytes())
        assert not (tmp_path / "out.errors.jsonl").exists()

    def test_an_audio_batch_with_errors(self, box: Sandbox, samples: Path, tmp_path: Path) -> None:
        source = tmp_path / "audio.jsonl"
        source.write_bytes((samples / "audio.jsonl").read_bytes().replace(b"example.org/interviews/02", b"invalid/02"))
        created = json.loads(tg(box, "batches", "submit", str(source), "audio.transcriptions", "--json"))
        box.advance(120)
        job = json.loads(tg(box, "batches", "get", created["job"]["id"], "--json"))
        output = tmp_path / "out.jsonl"
        tg(box, "batches", "download", job["id"], "--output", str(output))
        assert output.read_bytes() == box.file_bytes(job["output_file_id"])
        assert len(decode_rows(output.read_bytes())) == 5
        errors = (tmp_path / "out.errors.jsonl").read_bytes()
        assert errors == box.file_bytes(job["error_file_id"])
        [error] = decode_rows(errors)
        assert "could not reach media.invalid" in error["error"]["message"]

    def test_cancel(self, box: Sandbox) -> None:
        job_id = box.add_job()
        assert json.loads(tg(box, "batches", "cancel", job_id, "--json"))["status"] == "CANCELING"
        tg(box, "batches", "download", job_id, code=1)
        box.advance(16)
        assert box.job(job_id)["status"] == "CANCELLED"
        tg(box, "batches", "cancel", job_id, code=1)

    def test_a_wrong_key(self, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(box, "key", "wrong")
        tg(box, "batches", "list", code=1)


@pytest.mark.skipif(CURL is None, reason="there is no curl here")
@pytest.mark.parametrize(("name", "endpoint"), KINDS)
def test_curl(fast: Sandbox, samples: Path, tmp_path: Path, name: str, endpoint: BatchEndpoint) -> None:
    """Run a batch as the documentation does, on a running clock."""
    assert CURL is not None

    def curl(path: str, *args: str) -> bytes:
        key = f"Authorization: Bearer {fast.key}"
        command = [CURL, "-sS", "--fail", "--retry", "50", "--retry-all-errors", "-H", key, fast.base_url + path, *args]
        return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout

    form = ["purpose=batch-api", f"file_name={name}", "file_type=jsonl", f"file=@{samples / name}"]
    file = json.loads(curl("/v1/files/upload", *(part for field in form for part in ("-F", field))))
    request = json.dumps({"input_file_id": file["id"], "endpoint": endpoint})
    job = json.loads(curl("/v1/batches", "-H", "Content-Type: application/json", "-d", request))["job"]
    while job["status"] != "COMPLETED":
        assert job["status"] in ("VALIDATING", "IN_PROGRESS")
        job = json.loads(curl(f"/v1/batches/{job['id']}"))
    output = curl(f"/v1/files/{job['output_file_id']}/content")
    assert_complete(fast, samples / name, output)
    part = tmp_path / "part"
    part.write_bytes(output[:100])
    curl(f"/v1/files/{job['output_file_id']}/content", "-C", "-", "-o", str(part))
    assert part.read_bytes() == output
