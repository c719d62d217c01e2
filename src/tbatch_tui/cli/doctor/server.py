"""What the server says: whether it can be reached, whose key it is, its clock, its models."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.cli.doctor.diagnosis import Diagnosis, State
from tbatch_tui.config.settings import PRODUCTION_URL
from tbatch_tui.engine.errors import BatchError

if TYPE_CHECKING:
    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.catalogue import ModelInfo

_UNNAMED = "the server does not say whose key this is: its last characters stand for the account"

_SKEW_MAX = 120.0
"""Seconds that the clocks may differ without a word."""


class ServerLook(NamedTuple):
    """What was found, and the models that the server has; none where it did not say."""

    findings: list[Diagnosis]
    models: list[ModelInfo]


async def look_at_server(settings: Settings) -> ServerLook:
    """Ask the server for the account, the jobs and the models. It creates and changes nothing."""
    import asyncio

    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.client.decode import decode_jobs

    address = settings.base_url or PRODUCTION_URL
    findings: list[Diagnosis] = []
    models: list[ModelInfo] = []
    try:
        api = await asyncio.to_thread(
            TogetherApi.connect, base_url=settings.base_url, api_key=settings.api_key or "", from_login=settings.login
        )
    except BatchError as error:
        return ServerLook([Diagnosis("server", "address", address, State.PROBLEM, str(error))], models)
    try:
        began = time.monotonic()
        body = await api.list_jobs()
        seconds = time.monotonic() - began
        findings.append(Diagnosis("server", "address", f"{address}, answered in {seconds * 1000:,.0f} ms"))
        findings.append(_clock(api.clock.last_date))
        findings.append(await _account(api))
        jobs = decode_jobs(body)
        findings.append(Diagnosis("server", "jobs", f"{len(jobs):,} on the server"))
        models_found, models = await _models(api)
        findings.append(models_found)
    except BatchError as error:
        what = "address" if not findings else "answers"
        findings.append(Diagnosis("server", what, address, State.PROBLEM, str(error)))
    finally:
        await api.close()
    return ServerLook(findings, models)


async def _account(api: TogetherApi) -> Diagnosis:
    """Ask whose key it is. A submit works without the answer: the key's last characters stand for the account then."""
    try:
        organization, project, title = await api.account()
    except BatchError as error:
        return Diagnosis("server", "account", _UNNAMED, State.WARNING, str(error))
    if named := title or " / ".join(filter(None, (organization, project))):
        return Diagnosis("server", "account", named)
    return Diagnosis("server", "account", _UNNAMED)


async def _models(api: TogetherApi) -> tuple[Diagnosis, list[ModelInfo]]:
    """Ask for the catalogue. A submit works without it, but prices and limits of the models are not known then."""
    try:
        models = await api.models()
    except BatchError as error:
        return Diagnosis("server", "models", "not known, and neither are prices", State.WARNING, str(error)), []
    return Diagnosis("server", "models", f"{len(models):,} serverless"), models


def _clock(date: float | None) -> Diagnosis:
    """Compare this machine's clock with the Date of an answer, which is in whole seconds."""
    if date is None:
        return Diagnosis("server", "clock", "the server did not say its time")
    skew = time.time() - date
    if abs(skew) <= _SKEW_MAX:
        return Diagnosis("server", "clock", "as this machine's, give or take two minutes")
    words = f"this machine's clock is {abs(skew) / 60:,.0f} minutes {'ahead' if skew > 0 else 'behind'}"
    return Diagnosis("server", "clock", words, State.WARNING, "Set the clock: times and deadlines shown here are off.")
