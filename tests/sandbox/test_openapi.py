"""`docs/openapi-sandbox.yaml` is true: what it allows, and forbids, is sent to a sandbox; every answer fits it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.specs.openapi.checks import negative_data_rejection

from tbatch_tui.sandbox.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path(__file__).parents[2] / "docs" / "openapi-sandbox.yaml"
schema = schemathesis.openapi.from_path(FILE)
FUZZ = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


class Target:
    """A sandbox, a connection to it, and ids that lead somewhere."""

    def __init__(self, box: Sandbox, session: requests.Session) -> None:
        self._box = box
        self._session = session
        jobs = [box.add_job(status) for status in ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "IN_PROGRESS")]
        files = [box.job(jobs[0])["output_file_id"], box.add_file(b"{}\n"), box.add_file(b"")]
        self.known = {"batches": jobs, "files": files, "_storage": files, "supported-models": ["ml_zai-org-glm-5"]}

    def answers(self, case: Case) -> None:
        """Send it, and look at the answer: no 500, a status, headers and a body as the file has them."""
        headers = {"Authorization": f"Bearer {self._box.key}"}
        # What is beside the point (a query or a header nobody asked for) is ignored, as the API does; a body is not.
        excluded: list[Any] = [] if case.method == "POST" and case.path == "/v1/batches" else [negative_data_rejection]
        case.call_and_validate(self._box.base_url, self._session, headers, excluded_checks=excluded, timeout=20)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with Sandbox(speed=1000) as box, requests.Session() as session:
        session.trust_env = False
        yield Target(box, session)


@schema.parametrize()
@FUZZ
def test_every_answer_fits(case: Case, target: Target) -> None:
    target.answers(case)


@schema.include(path_regex="{id}").parametrize()
@schema.given(data=st.data())
@FUZZ
def test_every_answer_about_what_is_there_fits(case: Case, target: Target, data: st.DataObject) -> None:
    known = target.known[case.path.split("/")[-2 if case.path.endswith("}") else -3]]
    case.path_parameters["id"] = data.draw(st.sampled_from(known))
    target.answers(case)
