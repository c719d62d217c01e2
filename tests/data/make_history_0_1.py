"""Make the history of version 0.1.0 that `tests/test_opens_0_1.py` opens; `expect_0_1` then takes it into this folder.

Runs only on commit 92a29db, with that commit's code installed: most of the modules it uses have other names since, and
the history is worth keeping because the old code wrote it. See README.md.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FOLDER = Path("/srv/batches")
"""Where the history is made. Its paths stay in the database: the test puts its own folder in the place of this."""
START = 1_788_249_600.0
"""2026-09-01 08:00 UTC, where the sandbox's clock begins."""
WRITTEN_AT = START + 7 * 86_400
"""The time of every file, as the test sets it, too: a file of another time would be counted anew."""
KEY, OTHER_KEY, LOCAL_KEY = "example-key-for-tests-1111", "example-key-for-tests-2222", "example-key-for-tests-3333"
OTHER_SERVER = "http://127.0.0.1:18080"
LLAMA, GPT, WHISPER = "meta-llama/Llama-3.3-70B-Instruct-Turbo", "openai/gpt-oss-20b", "openai/whisper-large-v3"
PRICES = {"acme/own-model": {"input": 0.2, "output": 0.6, "cached_input": 0.05}, WHISPER: {"minute": 0.0015}}
DISCOUNTS = {"acme/own-model": 25.0}
NEVER = 1e9
MINUTE, HOUR = 60.0, 3_600.0


def old(module: str) -> Any:
    """A module of version 0.1.0; by name, because most are called otherwise today."""
    return importlib.import_module(f"tbatch_tui.{module}")


# -- input files ---------------------------------------------------------------------------------------


def chat(number: int, prompt: str, model: str = LLAMA, **more: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], **more}
    return {"custom_id": f"row-{number:02}", "body": body}


def chats(topic: str, count: int, **more: Any) -> list[dict[str, Any]]:
    return [chat(n, f"{topic}, number {n}: in one word?", **{"max_tokens": 300, **more}) for n in range(1, count + 1)]


def write(name: str, rows: Iterable[dict[str, Any]]) -> Path:
    path = FOLDER / "inputs" / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    return path


def reviews() -> list[dict[str, Any]]:
    """Answers, errors, and an answer that is cut short; two models, one of which reasons."""
    rows = chats("A review of a kettle", 8) + [
        chat(n, f"A review of a lamp, number {n}: good or bad?", GPT, max_tokens=300) for n in range(9, 13)
    ]
    rows[4] = chat(5, "Who answers this?", "acme/gone-model", max_tokens=40)
    rows[5] = chat(6, "When is it over?", stop=["a", "b", "c", "d", "e"], max_tokens=40)
    rows[7] = chat(8, "Tell me all about kettles.", max_tokens=2)
    return rows


def mixed() -> list[dict[str, Any]]:
    """What an estimate cannot know: no limit, an image, a model without a price; and one with a price of one's own."""
    image = {"type": "image_url", "image_url": {"url": "https://example.com/kettle.png"}}
    rows = [chat(1, "No limit here."), chat(2, "Ours.", "acme/own-model", max_tokens=40)]
    rows += [chat(3, "Whose?", "acme/gone-model", max_tokens=40), chat(4, "Short.", GPT, max_tokens=60)]
    rows.append(chat(5, "", max_tokens=40))
    rows[4]["body"]["messages"][0]["content"] = [{"type": "text", "text": "What is this?"}, image]
    return rows


def calls() -> list[dict[str, Any]]:
    hosts = ("calls.example.com", "calls.example.com", "calls.example.com", "calls.invalid")
    return [
        {
            "custom_id": f"call-{n}",
            "method": "FILE",
            "body": {"model": WHISPER, "file": f"https://{host}/{n}.wav", "response_format": "json"},
        }
        for n, host in enumerate(hosts, start=1)
    ]


# -- the engine and the sandbox ------------------------------------------------------------------------


def engine(box: Any, **more: Any) -> Any:
    """The old engine on this history, in a hurry; its clock is the sandbox's."""
    options: dict[str, Any] = {
        "data_dir": FOLDER / "data",
        "output_dir": FOLDER / "results",
        "base_url": box.base_url,
        "server_name": "together",
        "api_key": box.key,
        "poll_interval": 0.05,
        "look_up_every": 0.05,
        "looked_up_for": 30.0,
        "first_wait": 0.05,
        "requests_a_job": 4,
        "prices": PRICES,
        "discounts": DISCOUNTS,
        "now": box.state.clock.now,
        "seed": 1,
    }
    return old("engine.controller").Controller(old("engine.options").Options(**(options | more)), lambda _: None)


async def lists(engine: Any) -> None:
    """Wait for two lists: the first may have been asked for before."""
    await until(lambda: engine._work.poller is not None)
    for _ in range(2):
        await engine._work.next_list()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)


def pace(box: Any, job_id: str, **stages: Any) -> None:
    """How long the stages of this job take; without any, about 40 minutes."""
    standard = {"validating": 2 * MINUTE, "starting": 25 * MINUTE, "per_row": MINUTE}
    box.state.jobs.find(job_id).pace = old("sandbox.records").Pace(**(standard | stages))


async def watch(box: Any, *steps: float) -> None:
    """Let time pass in these steps and look after each, as an app does that fetches nothing."""
    async with engine(box, works=False) as watcher:
        await watcher.records()
        await until(lambda: watcher.listed_at is not None)
        for step in steps:
            box.advance(step)
            await lists(watcher)


async def send(box: Any, engine: Any, path: Path, endpoint: str = "CHAT", label: str = "", **stages: Any) -> str:
    """Submit with an estimate; the id of the job that it became."""
    estimate = await engine.estimate(path)
    rows = len(path.read_text().splitlines())
    chosen = old("engine.endpoint").Endpoint[endpoint]
    key = await engine.submit(path, chosen, requests=rows, label=label, estimate=estimate)
    record = await engine.wait_until(key, lambda r: r.job is not None)
    pace(box, record.key, **stages)
    box.advance(7)
    return str(record.key)


async def send_parts(box: Any, engine: Any, name: str, count: int, *, faulty: bool = False, **more: Any) -> str:
    """Submit a file as several jobs; the id of the first."""
    rows = chats(name.replace("-", " "), count)
    if faulty:
        rows[0]["body"]["model"] = "acme/gone-model"
    path = write(name, rows)
    print_ = await engine.fingerprint(path)
    endpoint = old("engine.endpoint").Endpoint.CHAT
    key = await engine.groups.submit(path, endpoint, requests=count, print_=print_, label=name, **more)
    first = await engine.wait_until(key, lambda r: r.job is not None)
    await until(lambda: not any(r.is_active and r.job is None for r in engine._book.records))
    for record in await engine.groups.parts(first.key):
        if record.job is not None:
            pace(box, record.key)
    box.advance(7)
    return str(first.key)


async def finished(engine: Any) -> None:
    """Wait until every file that can be here is, and is counted."""
    await engine.records()
    await lists(engine)

    def is_done() -> bool:
        mine = [r for r in engine._book.records if r.submission is not None and r.job is not None and r.job.is_ended]
        return all(r.is_over and (r.tally is not None or not r.is_collected) for r in mine)

    await until(is_done)


# -- the story -----------------------------------------------------------------------------------------


async def submit_all(box: Any) -> dict[str, str]:
    """The files that become jobs, and jobs made elsewhere; ids by name."""
    jobs: dict[str, str] = {}
    slow: dict[str, Any] = {"starting": 100_000.0, "per_row": 10_000.0}
    async with engine(box) as e:
        await until(lambda: e.health.state.value == "ok")
        jobs["reviews"] = await send(box, e, write("reviews-march", reviews()), label="Reviews, March")
        jobs["mixed"] = await send(box, e, write("mixed models", mixed()))
        jobs["calls"] = await send(box, e, write("calls", calls()), "TRANSCRIPTION", label="Support calls")
        broken = [*chats("A torn page", 2), {"custom_id": "row-03", "body": {"messages": []}}]
        jobs["failed"] = await send(box, e, write("broken", broken), label="broken on purpose")
        jobs["expired"] = await send(box, e, write("slow", chats("A slow answer", 6)), **slow)
        jobs["cancelled"] = await send(box, e, write("regretted", chats("A regret", 6)), starting=9 * HOUR)
        jobs["cancelling"] = await send(box, e, write("on-its-way-out", chats("A door", 4)), **slow, canceling=NEVER)
        jobs["running"] = await send(box, e, write("long", chats("A long way", 8)), starting=300_000.0, expires=False)
        jobs["changed"] = await send(box, e, write("edited-since", chats("An edit", 3)))
        jobs["deleted"] = await send(box, e, write("deleted-since", chats("A loss", 3)), label="input is gone")
        jobs["forgotten"] = await send(box, e, write("forgotten", chats("A forgotten thing", 2)))
        warned = {"job": None, "warning": "This model is slow today."}
        box.plan_fault("status-after", "/v1/batches", method="POST", status=201, body=warned)
        jobs["warned"] = await send(box, e, write("warned", chats("A warning", 2)), label="accepted with a warning")
        jobs["archive"] = await send_parts(box, e, "archive", 10)
        jobs["survey"] = await send_parts(box, e, "survey", 9, first=3, goes_on=True)
        jobs["ready"] = await send_parts(box, e, "interviews", 6, first=2, faulty=True)
        jobs["dropped"] = await send_parts(box, e, "letters", 5, first=1, faulty=True)
        jobs["waiting"] = await send_parts(box, e, "minutes", 8, first=2)
        pace(box, jobs["waiting"], starting=300_000.0, expires=False)
        notes = "Prompt 4, temperature 0.2\nask Kim about rows 5 and 6"
        await e.annotate(jobs["reviews"], "Reviews, March", notes)
    notebook = chats("From a notebook", 3)
    box.add_file("".join(json.dumps(row) + "\n" for row in notebook).encode(), "from-a-notebook.jsonl")
    content = "".join(json.dumps(row) + "\n" for row in notebook).encode()
    jobs["elsewhere"] = box.add_job("COMPLETED", content=content)
    jobs["unnamed"] = box.add_job("FAILED")
    jobs["unknown"] = box.add_job("PAUSED_BY_OPERATOR", rows=2)
    return jobs


def tamper(box: Any, job_id: str) -> None:
    """Spoil the output of a job as no sandbox does: rows lost, doubled, strange, torn; all kinds of tokens."""
    box.settle()
    file = box.state.files.find(box.job(job_id)["output_file_id"])
    lines = box.file_bytes(file.id).splitlines()
    rows = sorted((json.loads(line) for line in lines), key=lambda row: row["custom_id"])
    for n, row in enumerate(rows):
        usage = row["response"]["body"]["usage"]
        usage["prompt_tokens_details"] = {"cached_tokens": 3 + n}
        if row["response"]["body"]["model"] == GPT:
            usage["completion_tokens_details"] = {"reasoning_tokens": 11 + n}
    del rows[2]["response"]["body"]["usage"]
    rows = [*rows[:1], *rows[2:-1], rows[3], {**rows[0], "custom_id": "nobody-asked"}]
    lines = [*map(json.dumps, rows)]
    body = "\n".join([*lines[:3], lines[3][:60], "[]", *lines[3:]]) + "\n"
    with box.state.files.writer(file) as writer:
        writer.write(body.encode())
        box.state.files.received(file, writer.finish())


async def fetch_all(box: Any, jobs: dict[str, str]) -> None:
    """The first files arrive and are counted; a retry is written and sent; one rest follows, another is dropped."""
    (FOLDER / "inputs" / "edited-since.jsonl").open("a").write(json.dumps(chat(9, "Added later.")) + "\n")
    results = old("engine.results")
    async with engine(box) as e:
        await finished(e)
        await e.fetch(jobs["elsewhere"])
        await e.wait_until(jobs["elsewhere"], lambda r: r.tally is not None)
        await e.annotate(jobs["elsewhere"], "", "made by Kim, in a notebook")
        await until(lambda: sum(r.status == "READY" for r in e._book.records) == 2)
        await e.groups.drop_rest(jobs["dropped"])
        index = e.index_of(e.record(jobs["reviews"]))
        index.build()
        rows = results.plan_retry(index, groups=results.errors_by_message(index), missing=True, cut_short=True)
        source = FOLDER / "inputs" / "reviews-march.jsonl"
        for limit in (80, 160):  # the second is written and never sent
            path = results.retry_path(source)
            results.write_retry(index, rows, path, model=LLAMA, max_tokens=limit)
            await e.note_retry(path, jobs["reviews"])
        jobs["retry"] = await send(box, e, source.with_name("reviews-march.retry1.jsonl"), label="Reviews, March")
        for record in e._book.records:
            if record.group is not None and record.job is not None and record.key != jobs["waiting"]:
                pace(box, record.key)
        for n in (1, 2, 3, 4):
            rows_ = write(f"nightly-{n}", chats(f"Night {n}", 2 + n))
            jobs[f"nightly-{n}"] = await send(box, e, rows_, starting=HOUR * (4 if n < 4 else 9))
    (FOLDER / "inputs" / "deleted-since.jsonl").unlink()


def answer_lists(box: Any) -> None:
    """Take away the fault of the list alone: the download that fails is to go on failing."""
    board = box.state.faults
    others = [i for i, fault in enumerate(board._faults) if (fault.method, fault.path) != ("GET", "/v1/batches")]
    board._faults[:], board._counts[:] = [board._faults[i] for i in others], [board._counts[i] for i in others]


async def trouble(box: Any, jobs: dict[str, str]) -> None:
    """Submissions that are held up at each step, and downloads that fail."""
    chat_, verdict = old("engine.endpoint").Endpoint.CHAT, old("engine.lookup").Verdict
    creates = {"path": "/v1/batches", "method": "POST"}

    async def intend(e: Any, name: str, state: str, label: str = "", topic: str = "") -> str:
        path = write(name, chats(topic or name.replace("-", " "), 2))
        key = await e.submit(path, chat_, requests=2, label=label, estimate=await e.estimate(path))
        # Each of these steps but the create under way leaves a word on what held it up.
        await e.wait_until(key, lambda r: r.submission.state == state and (r.submission.error or state == "creating"))
        box.advance(7)
        return str(key)

    output = {n: box.job(jobs[f"nightly-{n}"])["output_file_id"] for n in (1, 2)}
    box.plan_fault("close-body", f"/v1/files/{output[1]}/content", bytes=700)
    box.plan_fault("status", f"/v1/files/{output[1]}/content", first=2, last=None, status=503)
    box.plan_fault("status", f"/v1/files/{output[2]}/content", last=None, status=404, body={"error": "no such file"})
    async with engine(box) as e:
        await e.records()
        await until(lambda: "503" in (e.record(jobs["nightly-1"]).output.message or ""))
        await until(lambda: e.record(jobs["nightly-2"]).output.state.value == "gone")
        await until(lambda: e.record(jobs["nightly-3"]).tally is not None)
        box.plan_fault("status", **creates, status=400, body={"error": {"message": "This account is suspended."}})
        await intend(e, "refused", "rejected")
        box.plan_fault("status", **creates, status=429, headers={"Retry-After": "3000"})
        await intend(e, "no-room", "uploaded", "too many at once")
        box.plan_fault("close", **creates)
        box.plan_fault("status", "/v1/batches", method="GET", last=None, status=503)
        uncertain = await intend(e, "lost", "uncertain")
        box.add_job(content=(FOLDER / "inputs" / "lost.jsonl").read_bytes())
        box.add_job(content=(FOLDER / "inputs" / "lost.jsonl").read_bytes())
        answer_lists(box)
        await e.wait_until(uncertain, lambda r: "could be" in (r.submission.error or ""))
        box.plan_fault("close", **creates)
        await intend(e, "lost-too", "uncertain", "lost, too")
        box.plan_fault("close", **creates)  # of bytes that ran before: what they became is known
        held = await intend(e, "held", "uncertain", "held: submitted again", "A warning")
        await until(lambda: e.settle(held, verdict(wait=True)))
        await e.wait_until(held, lambda r: r.submission.state.value == "held")
        box.plan_fault("delay", **creates, seconds=120.0, after=False)
        await intend(e, "in-flight", "creating", "asked when the app was killed")
        box.plan_fault("status", "/v1/files**", method="POST", last=None, status=503)
        stopped = await intend(e, "stopped", "intent")
        assert await e.stop_submission(stopped)
        await e.wait_until(stopped, lambda r: r.submission.state.value == "stopped")
        await intend(e, "not-uploaded", "intent", "server in trouble")
    box.clear_faults()


async def last_look(box: Any, jobs: dict[str, str]) -> None:
    """What a start that fetches nothing leaves: an intent, a file that is wanted, small choices, a record removed."""
    async with engine(box, works=False) as e:
        await e.records()
        box.forget_job(jobs["forgotten"])
        await until(lambda: e.listed_at is not None)
        box.advance(6 * HOUR)
        await lists(e)
        assert await e.remove([jobs["forgotten"]]) == 1
        path = write("never-sent", chats("Never sent", 2))
        await e.submit(path, old("engine.endpoint").Endpoint.CHAT, requests=2, label="for tomorrow")
        choices = {"theme": "tbatch-light", "jobs.filter": "attention", "jobs.sort": "name", "jobs.text": "march"}
        for name, value in {**choices, "tour.Jobs": "seen", "tour.Results": "seen"}.items():
            await e.remember(name, value)
        await e.catalogue()


async def other_accounts() -> None:
    """Another organisation's key on the same server, and a server that cannot say whose key it is."""
    sandbox = old("sandbox.testing").Sandbox
    labs = {"organization": {"id": "org-labs", "name": "Labs"}, "project": {"id": "proj-drafts", "name": "drafts"}}
    with sandbox(speed=0, seed=2, key=OTHER_KEY, start=START + 9 * HOUR) as box:
        box.plan_fault("status", "/v3/whoami", last=None, status=200, body={"type": "project_api_key", **labs})
        async with engine(box) as e:
            job = await send(box, e, write("labs", chats("A laboratory", 3)), label="of another account")
        await watch(box, HOUR)
        async with engine(box) as e:
            await finished(e)
            await e.annotate(job, "of another account", "not to be mixed up with ours")
    with sandbox(speed=0, seed=3, key=LOCAL_KEY, start=START + 10 * HOUR) as box:
        box.plan_fault("status", "/v3/whoami", last=None, status=404)
        async with engine(box, server_name=OTHER_SERVER) as e:
            await send(box, e, write("local", chats("At home", 2)), label="on another server")


async def make() -> None:
    if FOLDER.exists():
        sys.exit(f"{FOLDER} is there already: remove it first.")
    (FOLDER / "inputs").mkdir(parents=True)
    with old("sandbox.testing").Sandbox(speed=0, seed=1, key=KEY, start=START) as box:
        jobs = await submit_all(box)
        await watch(box, *[5 * MINUTE] * 14)
        tamper(box, jobs["reviews"])
        await watch(box, 6 * HOUR)
        async with engine(box, works=False) as e:
            await e.records()
            await until(lambda: e.health.state.value == "ok")
            for name in ("cancelled", "cancelling"):
                await e.cancel(jobs[name])
        await watch(box, MINUTE, 16 * HOUR, HOUR)
        await fetch_all(box, jobs)
        await watch(box, *[10 * MINUTE] * 6)
        async with engine(box) as e:
            await finished(e)
        await watch(box, 4 * HOUR)
        await trouble(box, jobs)
        await last_look(box, jobs)
    await other_accounts()


if __name__ == "__main__":
    asyncio.run(make())
