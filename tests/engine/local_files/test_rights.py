"""What is made from a private file is private: copies, parts, results and exports."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import plan_fixes, write_fixed
from tbatch_tui.engine.check.checker import check_file
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.results.export.export import ExportFormat, export_rows
from tbatch_tui.engine.results.retry import write_retry
from tests.conftest import write_chat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_rights_are_those_that_all_sources_have(tmp_path: Path) -> None:
    group, everybody, readonly = (tmp_path / name for name in ("group", "everybody", "readonly"))
    for path, rights in ((group, 0o640), (everybody, 0o755), (readonly, 0o400)):
        path.touch()
        path.chmod(rights)
    assert [rights_of(), rights_of(everybody), rights_of(group, None, everybody)] == [0o666, 0o644, 0o640]
    assert rights_of(readonly) == rights_of(tmp_path / "gone") == 0o600


@pytest.mark.parametrize("rights", [0o600, 0o644])
async def test_what_is_made_of_an_input_has_its_rights(
    rights: int, sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    file = write_chat(tmp_path / "private.jsonl", [f"Secret {number}." for number in range(6)])
    file.chmod(rights)
    async with make_engine(sandbox, requests_per_job=4) as engine:
        key = await engine.submit_checked(file, Endpoint.CHAT, requests=6)
        record = await engine.wait(key)
        assert [mode(path) for path in record.paths] == [rights]
        index = engine.results(record)
        index.build()
        export_rows(index, range(6), tmp_path / "answers.csv", ExportFormat.CSV)
        write_retry(index, [0, 1], tmp_path / "private.retry1.jsonl")
        assert mode(tmp_path / "answers.csv") == mode(tmp_path / "private.retry1.jsonl") == rights
        fingerprint = await engine.fingerprint(file)
        key = await engine.groups.submit(file, Endpoint.CHAT, requests=6, fingerprint=fingerprint)
        for part in await engine.groups.parts(key):
            assert part.submission is not None and mode(part.submission.path) == 0o600
            assert [mode(path) for path in (await engine.wait(part.key)).paths] == [rights]


@pytest.mark.parametrize("rights", [0o600, 0o644])
def test_a_mended_copy_has_the_rights_of_its_file(rights: int, tmp_path: Path) -> None:
    file = write_chat(tmp_path / "private.jsonl", ["Secret."])
    file.write_text(file.read_text() * 2 + "no json\n")
    file.chmod(rights)
    copy = write_fixed(plan_fixes(check_file(file)), reject=True)
    assert mode(copy.path) == rights
    assert copy.rejected is not None and mode(copy.rejected) == rights


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
async def test_a_private_input_stays_private_under_every_umask(
    umask: int, sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    file = write_chat(tmp_path / "private.jsonl", [f"Secret {number}." for number in range(6)])
    file.chmod(0o600)
    os.umask(umask)  # the fixture puts it back
    faulty = tmp_path / "faulty.jsonl"
    faulty.touch(0o600)
    faulty.write_text(file.read_text() * 2 + "no json\n")
    copy = write_fixed(plan_fixes(check_file(faulty)), reject=True)
    made = [copy.path, copy.rejected]
    async with make_engine(sandbox, requests_per_job=4) as engine:
        record = await engine.wait(await engine.submit_checked(file, Endpoint.CHAT, requests=6))
        index = engine.results(record)
        index.build()
        for number, kind in enumerate(("MERGED", "ANSWERS", "CSV", "MARKDOWN")):
            export_rows(index, range(6), tmp_path / f"answers-{number}", ExportFormat[kind])
            made.append(tmp_path / f"answers-{number}")
        write_retry(index, [0, 1], tmp_path / "private.retry1.jsonl")
        fingerprint = await engine.fingerprint(file)
        key = await engine.groups.submit(file, Endpoint.CHAT, requests=6, fingerprint=fingerprint)
        made += [*record.paths, tmp_path / "private.retry1.jsonl"]
        for part in await engine.groups.parts(key):
            made += (await engine.wait(part.key)).paths
        in_data = list((tmp_path / "data").rglob("*"))
    assert {path.name: oct(mode(path)) for path in made if path is not None and mode(path) != 0o600} == {}
    assert {str(p): oct(mode(p)) for p in in_data if p.is_file() and mode(p) != 0o600} == {}
    assert {str(p): oct(mode(p)) for p in [tmp_path / "data", *in_data] if p.is_dir() and mode(p) != 0o700} == {}


@pytest.mark.parametrize(("umask", "expected"), [(0o000, 0o644), (0o002, 0o644), (0o022, 0o644), (0o077, 0o600)])
async def test_results_of_a_file_for_all_are_never_for_others_to_write(
    umask: int, expected: int, sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    chat_file.chmod(0o666)
    os.umask(umask)
    async with make_engine(sandbox) as engine:
        record = await engine.wait(await engine.submit_checked(chat_file, Endpoint.CHAT))
    assert [mode(path) for path in record.paths] == [expected]
