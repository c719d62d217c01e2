"""`docs/openapi-sandbox.yaml` is right: allowed and forbidden calls are sent, and every response fits it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tbatch_tui.sandbox.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.schemas import BaseSchema

FILE = Path(__file__).parents[2] / "docs" / "openapi-sandbox.yaml"
schema = schemathesis.pytest.from_fixture("described")
FUZZ = settings(max_examples=10, suppress_health_check=list(HealthCheck))


class Target:
    """A sandbox, a connection to it, and ids of things that exist."""

    def __init__(self, box: Sandbox, session: requests.Session) -> None:
        self._box = box
        self._session = session
        jobs = [box.add_job(status) for status in ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "IN_PROGRESS")]
        files = [box.job(jobs[0])["output_file_id"], box.add_file(b"{}\n"), box.add_file(b"")]
        self.ids = {"batches": jobs, "files": files, "_storage": files, "supported-models": ["ml_zai-org-glm-5"]}
        self.ids["projects"] = ["proj-sandbox"]

    def check(self, case: Case[Any]) -> None:
        """Send a call and check the response: no 500, and a status, headers and a body as described."""
        headers = {"Authorization": f"Bearer {self._box.key}"}
        # Like the API, the sandbox ignores unknown parameters and headers, but not unknown fields of a body.
        excluded: list[Any] = [] if case.method == "POST" and case.path == "/v1/batches" else [negative_data_rejection]
        if case.path.endswith("/content"):  # a Range that a file does not have is answered 416
            excluded.append(positive_data_acceptance)
        case.call_and_validate(self._box.base_url, self._session, headers, excluded_checks=excluded, timeout=20)


@pytest.fixture(scope="module")
def described() -> BaseSchema:
    """Read the description only where it is tested: schemathesis makes its calls as soon as it is read, in 2 s."""
    return schemathesis.openapi.from_path(FILE)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with Sandbox(speed=1000) as box, requests.Session() as session:
        session.trust_env = False
        yield Target(box, session)


@schema.parametrize()
@FUZZ
def test_every_response_fits(case: Case[Any], target: Target) -> None:
    target.check(case)


@schema.include(path_regex="{id}").parametrize()
@schema.given(data=st.data())
@FUZZ
def test_every_response_about_existing_things_fits(case: Case[Any], target: Target, data: st.DataObject) -> None:
    ids = target.ids[case.path.split("/")[-2 if case.path.endswith("}") else -3]]
    case.path_parameters["id"] = data.draw(st.sampled_from(ids))
    target.check(case)
