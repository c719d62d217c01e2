"""The sandbox as tests use it: `testing.Sandbox`."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from tbatch_tui.sandbox.testing import Sandbox
from tests.helpers.network import closed_sockets
from tests.sandbox.conftest import chat_row, decode_rows, jsonl

if TYPE_CHECKING:
    from pathlib import Path


def test_it_stops_and_starts_on_the_same_port(box: Sandbox, http: httpx.Client) -> None:
    box.add_job()
    before = http.get("/v1/batches").json()
    box.stop()
    with pytest.raises(httpx.ConnectError):
        http.get("/v1/batches")
    box.advance(60)  # jobs go on without the server
    assert box.jobs[0]["status"] == "COMPLETED"
    url = box.base_url
    box.start()
    assert box.base_url == url
    after = http.get("/v1/batches").json()
    assert [job["id"] for job in after] == [job["id"] for job in before]


def test_stopping_cuts_a_running_call(box: Sandbox, http: httpx.Client) -> None:
    file_id = box.add_file(b"x" * 2**20)
    box.plan_fault("drip", f"/v1/files/{file_id}/content", bytes=1024, seconds=0.01)
    with http.stream("GET", f"/v1/files/{file_id}/content") as answer:
        pieces = answer.iter_raw()
        assert next(pieces)
        box.stop()
        with pytest.raises(httpx.TransportError):
            for _ in pieces:
                pass


def test_ten_thousand_jobs(box: Sandbox, http: httpx.Client) -> None:
    ids = box.add_many_jobs(10_000)
    listed = http.get("/v1/batches").json()
    assert [job["id"] for job in listed] == ids
    created = [job["created_at"] for job in listed]
    assert created == sorted(created) and len(set(created)) == 10_000
    assert len(http.get("/v1/files").json()["data"]) == 2
    assert len(decode_rows(box.file_bytes(listed[-1]["output_file_id"]))) == 3


def test_requests_are_recorded(box: Sandbox, http: httpx.Client) -> None:
    http.get("/v1/batches")
    http.post("/v1/batches", json={})
    assert [(call.n, call.method, call.status) for call in box.requests] == [(1, "GET", 200), (2, "POST", 400)]
    assert box.count("GET", "/v1/batches") == 1


async def test_from_a_test_with_a_loop_of_its_own(box: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {box.key}"}
    async with httpx.AsyncClient(base_url=box.base_url, headers=headers) as http:
        job_id = box.add_job()
        box.advance(60)
        answers = await asyncio.gather(*(http.get(f"/v1/batches/{job_id}") for _ in range(20)))
    assert {answer.json()["status"] for answer in answers} == {"COMPLETED"}
    box.stop()
    box.advance(1)


def test_the_same_content_twice_is_one_file(box: Sandbox) -> None:
    content = jsonl(chat_row())
    first, second = box.add_job(content=content), box.add_job("CANCELLED", content=content)
    assert box.job(first)["input_file_id"] == box.job(second)["input_file_id"]


def test_the_demo_in_process() -> None:
    with Sandbox(speed=0, demo=True) as box:
        assert len(box.jobs) > 20


def test_concurrent_uploads_do_not_get_mixed_up(box: Sandbox) -> None:
    """Ten clients upload and download at once, as in the benchmark with 100 MB each: every body arrives complete."""
    headers = {"Authorization": f"Bearer {box.key}"}

    async def send(client: httpx.AsyncClient, number: int) -> bool:
        body = bytes([number]) * (3 * 2**20 + number)
        form = {"purpose": "batch-api", "file_name": f"{number}.jsonl", "file_type": "jsonl"}
        checksum = hashlib.sha256(body).hexdigest()
        answer = await client.post("/v1/files", data=form | {"checksum": checksum}, headers=headers)
        await client.put(answer.headers["location"], content=body)
        file_id = answer.headers["x-together-file-id"]
        file = (await client.post(f"/v1/files/{file_id}/preprocess", headers=headers)).json()
        content = await client.get(f"/v1/files/{file['id']}/content", headers=headers)
        return content.content == body

    async def all_at_once() -> list[bool]:
        async with httpx.AsyncClient(base_url=box.base_url, timeout=60) as client:
            return await asyncio.gather(*(send(client, number) for number in range(10)))

    assert asyncio.run(all_at_once()) == [True] * 10


def test_a_data_folder_keeps_files_and_jobs(tmp_path: Path) -> None:
    with Sandbox(speed=0, data_dir=tmp_path) as box:
        job_id = box.add_job()
        box.advance(60)
        job = box.job(job_id)
        output = box.file_bytes(job["output_file_id"])
    with Sandbox(speed=0, data_dir=tmp_path) as box:
        assert box.job(job_id) == job
        assert box.file_bytes(job["output_file_id"]) == output


def test_a_connection_of_the_last_moment_is_closed_too() -> None:
    """It was accepted, and the server does not count it yet."""
    with closed_sockets():
        for _ in range(20):
            with Sandbox(speed=0) as box, socket.create_connection(("127.0.0.1", urlsplit(box.base_url).port or 0)):
                pass
