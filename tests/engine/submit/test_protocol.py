"""The submit protocol, explored: whatever happens in whatever order, each submit is one job.

The real engine runs on a driven clock against a server in this process (`tests/helpers/protocol_world.py`). Each run
has up to eight steps, and then all faults end: each job of ours is on the server once for each submit that the person
did not give up, and the app knows it; or it asks the person, and nothing is sent. `PROTOCOL_RUNS=5000` runs that many,
each time others; `PROTOCOL_SEED=17` runs one again.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.helpers.protocol_server import CREATES, LISTS
from tests.helpers.protocol_world import FILES, World

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = int(os.environ.get("PROTOCOL_RUNS", "0"))
SEED = os.environ.get("PROTOCOL_SEED", "")
_BATCHES, _RUNS_IN_CI = 4, 20
_HARD = ("s.0", "s.11", "s.38", "s.110", "base.205", "last.474")
"""Runs that found a fault which few others find: see docs/dev/testing.md."""
_LENGTHS = (2, 3, 3, 4, 4, 5, 6, 8)
_SECONDS = (1.0, 12.0, 35.0, 70.0, 200.0)
_AGES = (0.0, 30.0, 3 * 86_400.0)
_LOSSES = [kind for kind in CREATES if kind.endswith("after the work") or kind.startswith("no job")]
_REFUSALS = ("429", "402", "no connection")
# A job that shows up between the last list of a look-up and the one before the repeat is the hardest to tell.
_LAGS = (0.0, 0.0, 15.0, 30.5, 31.5, 32.5, 33.5, 34.5, 38.0, 90.0, 150.0)


class Explorer:
    """What can happen to a submit, in an order and with the details that a seed gives."""

    def __init__(self, seed: str) -> None:
        self.story = [f"PROTOCOL_SEED={seed}"]
        self._random = random.Random(seed)
        self._world = World()

    def run(self) -> None:
        """Take all steps, end the faults, and look at what is left."""
        try:
            self._world.start()
            self._random.choices((self._submit, self._submit_and_kill), (3, 1))[0]()
            for _ in range(self._random.choice(_LENGTHS) - 1):
                steps = self._possible()
                self._random.choices(list(steps), list(steps.values()))[0]()
            self._world.finish()
            self._world.check()
        except Exception as error:
            error.add_note("\n".join(self.story))
            raise
        finally:
            self._world.close()

    def _possible(self) -> dict[Callable[[], None], float]:
        """Return the steps that would do anything now, and how often each is taken."""
        states = {row["state"] for row in self._world.rows()}
        return {
            self._submit: 3,
            self._submit_at_once: 1,
            self._submit_beside_foreign: 1,
            self._submit_and_kill: 2,
            self._add_foreign: 0.5,
            self._spoil_lists: 1,
            self._wait: 1,
            self._kill_and_restart: 1,
            self._quit_and_restart: 1,
            self._start_a_second: 1 if len(self._world.alive) < 2 else 0,
            self._lose_the_lock: 1,
            self._stop: 3 if states & {"intent", "uploaded", "creating", "uncertain"} else 0,
            self._settle: 3 if states & {"uncertain", "held"} else 0,
        }

    # -- the details -----------------------------------------------------------------------------------

    def _say(self, step: str, *details: object) -> None:
        self.story.append(f"{step} {' | '.join(map(str, details))}")

    def _is(self, share: float) -> bool:
        return self._random.random() < share

    def _file(self) -> int:
        return 0 if self._is(0.8) else self._random.randrange(FILES)

    def _seconds(self) -> float:
        return self._random.choice(_SECONDS)

    def _plan(self, *, is_killed: bool = False) -> list[str]:
        """Return what the next creates come to. What a killed app had sent may be carried out much later."""
        if is_killed and self._is(0.4):
            return ["done late"]
        if self._is(0.5):  # by chance alone, a lost answer is seldom followed by a refusal of the repeat
            return [self._random.choice(_LOSSES), self._random.choice(_REFUSALS)]
        return self._random.choices(CREATES, k=self._random.randrange(4))

    def _prepare(self, *, is_killed: bool = False, may_spoil: bool = True) -> None:
        """Plan what the next creates come to, and what the lists after them show."""
        server, plan = self._world.server, self._plan(is_killed=is_killed)
        server.plan = list(plan)
        server.lag = self._random.choice(_LAGS)
        self._say("  planned:", plan, f"lag {server.lag}")
        if may_spoil and self._is(0.35):
            self._spoil()

    def _spoil(self) -> None:
        fault, seconds = self._random.choice(LISTS), self._random.choice((12.0, 45.0, 100.0, 300.0))
        self._say("  lists:", fault, seconds)
        self._world.spoil_lists(fault, seconds)

    def _pass(self) -> None:
        seconds = self._seconds()
        self._say("  then", seconds, "s")
        self._world.wait(seconds)

    # -- the steps -------------------------------------------------------------------------------------

    def _submit(self) -> None:
        file, app = self._file(), self._random.randrange(2)
        self._say("submit", file, app)
        self._prepare()
        self._world.submit(file, app)
        self._pass()

    def _submit_at_once(self) -> None:
        """All apps submit the same bytes together, and nobody wants to do it again."""
        file = self._file()
        self._say("submit at once", file)
        self._prepare()
        self._world.submit_at_once(file)
        self._pass()

    def _submit_beside_foreign(self) -> None:
        """Somebody else's job of the same bytes shows up only after a submit of them."""
        file, age = self._file(), self._random.choice(_AGES)
        self._say("submit beside foreign", file, age)
        self._world.server.lag = 15.0
        self._world.add_foreign(file, age=age)
        self._prepare(may_spoil=False)
        self._world.submit(file)
        self._pass()

    def _submit_and_kill(self) -> None:
        """The app is killed when the server is asked for a create, or has done it."""
        file, moment, number = self._file(), self._random.choice(("asked", "done")), self._random.choice((1, 1, 2))
        self._say("submit and kill", file, moment, number)
        self._prepare(is_killed=True)
        self._world.kill_when(moment, number)
        self._world.submit(file)
        self._world.wait(3.0)
        self._world.start()

    def _add_foreign(self) -> None:
        """Somebody else's job of the same bytes; an old one may show up in the list only now."""
        file, age = self._file(), self._random.choice(_AGES)
        self._world.server.lag = 15.0 if age and self._is(0.5) else 0.0
        self._say("add foreign", file, age, self._world.server.lag)
        self._world.add_foreign(file, age=age)

    def _spoil_lists(self) -> None:
        self._say("spoil lists")
        self._spoil()
        self._pass()

    def _wait(self) -> None:
        self._say("wait")
        self._pass()

    def _kill_and_restart(self) -> None:
        app = self._random.randrange(2)
        self._say("kill and restart", app)
        self._world.kill(app)
        self._pass()
        self._world.start()

    def _quit_and_restart(self) -> None:
        self._say("quit and restart")
        self._world.quit()
        self._pass()
        self._world.start()

    def _start_a_second(self) -> None:
        self._say("start a second")
        self._world.start(second=True)
        self._pass()

    def _lose_the_lock(self) -> None:
        """The lock file is removed, or the lock is everybody's from now on; a second app runs."""
        self._world.is_lock_shared = self._is(0.5)
        self._say("lose the lock", self._world.is_lock_shared)
        self._world.lose_lock()
        self._world.start(second=True)
        self._pass()

    def _stop(self) -> None:
        number, app, is_left = self._random.randrange(3), self._random.randrange(2), self._is(0.5)
        self._say("stop", number, app, is_left)
        self._world.stop(number, app)
        if is_left:
            self._world.quit()
            self._world.start()

    def _settle(self) -> None:
        number, app = self._random.randrange(3), self._random.randrange(2)
        what = self._random.choice(("again", "give_up", "wait", "job_id"))
        self._say("settle", number, app, what)
        self._world.settle(number, what, app)
        self._pass()


@pytest.mark.parametrize("batch", range(_BATCHES))
def test_every_submit_is_one_job(batch: int) -> None:
    if SEED:
        Explorer(SEED).run()
        return
    if not RUNS and not batch:
        for seed in _HARD:
            Explorer(seed).run()
    chosen = str(random.randrange(10**9)) if RUNS else ""
    for number in range(RUNS // _BATCHES or _RUNS_IN_CI):
        Explorer(f"{chosen}{batch}.{number}").run()
