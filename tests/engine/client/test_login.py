"""The token of `tg login`: renewed once when it runs out, by whichever app is first, never for another account."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from tbatch_tui.engine.client.api import TogetherApi
from tbatch_tui.engine.client.login import Token, renew_token, stored_token
from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import AuthenticationError, ConnectionFailedError
from tbatch_tui.engine.redaction import redact
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import until
from tests.engine.scenarios.test_main_job import fetched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.engine.events import Event
    from tests.engine.conftest import MakeEngine

FRESH = "fresh-access-token-0001"
STALE = "stale-access-token-0000"


class Issuer(ThreadingHTTPServer):
    """An OpenID issuer that accepts each refresh token once, and ends the session at its second use."""

    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[dict[str, list[str]]] = []
        self.works = True
        super().__init__(("127.0.0.1", 0), _Answers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        self._answer(200, {"token_endpoint": f"{self.server.url}/oauth/token"})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.requests.append(form)
        if not self.server.works or len(self.server.requests) > 1:
            self._answer(400, {"error": "invalid_grant", "error_description": "refresh token was used before"})
        else:
            time.sleep(0.2)  # long enough for a second app to come in between
            self._answer(200, {"access_token": FRESH, "refresh_token": "second-refresh", "expires_in": 3600})

    def _answer(self, status: int, body: dict[str, str | int]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, _format: str, *_args: object) -> None:
        """Log nothing."""


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    server = Issuer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "credentials.json"
    monkeypatch.setenv("TOGETHER_CREDENTIALS_PATH", str(path))
    return path


def write_login(store: Path, issuer: Issuer, *, token: str = STALE, expires_in: int = -10) -> None:
    entry = {
        "name": "default",
        "access_token": token,
        "refresh_token": "first-refresh",
        "expires_at": int(time.time()) + expires_in,
        "issuer": issuer.url,
        "client_id": "app",
    }
    store.write_text(json.dumps({"version": 1, "current": "default", "credentials": [entry]}))


@pytest.mark.parametrize("ran_out", [True, False], ids=["ran out", "refused"])
async def test_a_token_that_ran_out_is_renewed_once_for_two_apps(
    ran_out: bool, issuer: Issuer, store: Path, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    write_login(store, issuer, expires_in=-10 if ran_out else 3600)
    with Sandbox(speed=40, key=FRESH) as box:
        one = make_engine(box, api_key=STALE, login=True)
        two = make_engine(box, api_key=STALE, login=True, data_dir=tmp_path / "other")
        async with asyncio.timeout(30), one, two:
            key = await one.submit_checked(chat_file, Endpoint.CHAT, requests=2)
            await one.wait_until(key, fetched)
            await until(lambda: two.health.state is HealthState.OK)
        assert len(box.jobs) == 1
    [form] = issuer.requests
    assert (form["refresh_token"], form["access_token"]) == (["first-refresh"], [STALE])
    stored = json.loads(store.read_text())["credentials"][0]
    assert (stored["access_token"], stored["refresh_token"]) == (FRESH, "second-refresh")
    assert store.stat().st_mode & 0o077 == 0


async def test_a_login_that_cannot_be_renewed_is_reported_and_a_new_one_is_used(
    issuer: Issuer, store: Path, make_engine: MakeEngine, events: list[Event]
) -> None:
    issuer.works = False
    write_login(store, issuer)
    with Sandbox(speed=40, key=FRESH) as box:
        async with asyncio.timeout(30), make_engine(box, api_key=STALE, login=True) as engine:
            await until(lambda: engine.health.state is HealthState.KEY_REFUSED)
            assert "tg login" in engine.health.title + engine.health.hint
            for secret in (STALE, "first-refresh"):
                assert secret not in repr(events)
            write_login(store, issuer, token=FRESH, expires_in=3600)  # the person has logged in again
            await until(lambda: engine.refresh() or engine.health.state is HealthState.OK)
            await until(lambda: engine.health.state is HealthState.OK)
        assert all(call.path != "/v1/batches" or call.status == 200 for call in box.requests)


async def test_a_login_to_another_account_is_not_used(
    issuer: Issuer, store: Path, make_engine: MakeEngine, chat_file: Path
) -> None:
    write_login(store, issuer, token=FRESH, expires_in=3600)
    with Sandbox(speed=40, key=FRESH) as box:
        async with asyncio.timeout(30), make_engine(box, api_key=FRESH, login=True) as engine:
            key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
            await engine.wait_until(key, fetched)
            write_login(store, issuer, token="token-of-somebody-else", expires_in=3600)
            theirs = {"organization": {"id": "org-other"}, "project": {"id": "proj-other"}}
            box.plan_fault("status", "/v3/whoami", status=200, body=theirs, last=None)
            box.plan_fault("status", "/v1/batches", method="GET", status=401, last=None)
            before = len(box.requests)
            await until(lambda: engine.health.state is HealthState.KEY_REFUSED)
            assert "a different account" in engine.health.title
        assert [c.path for c in box.requests[before:]].count("/v3/whoami") == 1
    assert issuer.requests == []


async def test_a_key_that_was_given_is_used_whatever_login_is_stored(issuer: Issuer, store: Path) -> None:
    write_login(store, issuer, token="another-token-0000", expires_in=3600)
    with Sandbox(key=FRESH) as box:
        api = TogetherApi.connect(base_url=box.base_url, api_key=FRESH)
        assert await api.list_jobs() == b"[]"
        box.plan_fault("status", "/v1/batches", method="GET", status=401, last=None)
        with pytest.raises(AuthenticationError):
            await api.list_jobs()
        assert box.count("GET", "/v1/batches") == 2 and issuer.requests == [], "nothing is renewed"
        await api.close()
        stored = TogetherApi.connect(base_url=box.base_url, api_key=FRESH, from_login=True)
        with pytest.raises((AuthenticationError, ConnectionFailedError)):
            await stored.list_jobs()
        await stored.close()


def test_one_that_others_may_read_is_locked_by_its_owner_only(issuer: Issuer, store: Path) -> None:
    write_login(store, issuer)
    renewed = renew_token(STALE)
    assert renewed.text == FRESH and not renewed.from_other_process
    assert store.with_name(f"{store.name}.lock").stat().st_mode & 0o777 == 0o600
    stored = renew_token(STALE)
    assert stored.text == FRESH and stored.from_other_process
    assert len(issuer.requests) == 1
    assert redact("first-refresh fresh-access-token-0001 second-refresh").count("refresh") == 0


def test_what_another_app_stored_is_of_no_use_when_it_was_refused_or_ends(issuer: Issuer, store: Path) -> None:
    issuer.works = False
    for token, seconds in ((STALE, 3600), (FRESH, 30)):
        write_login(store, issuer, token=token, expires_in=seconds)
        with pytest.raises(AuthenticationError, match="The stored login has expired: ") as error:
            renew_token(STALE)
        assert error.value.status == 401 and "Run `tg login` in another terminal" in error.value.hint


def test_without_a_login_or_a_connection(store: Path, issuer: Issuer) -> None:
    assert stored_token() is None
    with pytest.raises(AuthenticationError, match="The stored login has expired") as error:
        renew_token(STALE)
    assert error.value.status == 401
    write_login(store, issuer)
    token = stored_token()
    assert token is not None and token.text == STALE and token.expires_at == pytest.approx(time.time() - 10, abs=5)
    store.write_text(store.read_text().replace(issuer.url, "http://127.0.0.1:9"))
    with pytest.raises(ConnectionFailedError) as unreachable:
        renew_token(STALE)
    assert unreachable.value.title == "The login cannot be renewed: no connection"
    assert "Connection refused" in unreachable.value.hint


@pytest.mark.parametrize(("seconds", "is_expiring"), [(None, False), (-1, True), (59, True), (62, False)])
def test_a_token_ends_a_minute_early(seconds: int | None, is_expiring: bool) -> None:
    assert Token("t", time.time() + seconds if seconds is not None else None).is_expiring() is is_expiring


async def test_a_403_renews_no_login(issuer: Issuer, store: Path, make_engine: MakeEngine) -> None:
    """Only a 401 says that the token has run out: with a 403 another one would be refused as well."""
    write_login(store, issuer, token=FRESH, expires_in=3600)
    with Sandbox(speed=40, key=FRESH) as box:
        box.plan_fault("status", "/v1/batches", method="GET", status=403, last=None)
        async with asyncio.timeout(30), make_engine(box, api_key=FRESH, login=True, poll_interval=60) as engine:
            await until(lambda: engine.health.state is HealthState.KEY_REFUSED)
            assert box.count("GET", "/v1/batches") == 1
            assert "run `tg switch PROJECT`" in engine.health.hint, "a login without a project gets this too"
    assert issuer.requests == []
