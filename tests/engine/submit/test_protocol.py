"""The submit protocol as a state machine: whatever happens in whatever order, each submit is one job.

The real engine runs on a driven clock against a server in this process (`tests/helpers/protocol_world.py`). Each run
has up to eight steps, and then all faults end: each job of ours is on the server once for each submit that the person
did not give up, and the app knows it; or it asks the person, and nothing is sent. `PROTOCOL_RUNS=5000` runs that many,
each time others.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.helpers.protocol_server import CREATES, LISTS
from tests.helpers.protocol_world import FILES, World

RUNS = int(os.environ.get("PROTOCOL_RUNS", "0"))
_RUNS_IN_CI = 80
_STEPS = 8

files = st.integers(0, FILES - 1)
apps = st.integers(0, 1)
numbers = st.integers(0, 2)
losses = st.sampled_from([kind for kind in CREATES if kind.endswith("after the work") or kind.startswith("no job")])
refusals = st.sampled_from(["429", "402", "no connection"])
# By chance alone an answer that is lost is seldom followed by a refusal of the repeat.
faults = st.one_of(st.lists(st.sampled_from(CREATES), max_size=3), st.tuples(losses, refusals).map(list))
# What a killed app had sent, the server carries out all the same, and perhaps much later.
sent = st.one_of(faults, st.just(["done late"]))
seconds = st.sampled_from([1.0, 12.0, 35.0, 70.0, 200.0])
# A job that shows up between the last list of a look-up and the one before the repeat is the hardest to tell.
lags = st.sampled_from([0.0, 0.0, 15.0, 30.5, 32.0, 33.5, 35.0, 40.0])
spoilt = st.one_of(st.none(), st.tuples(st.sampled_from(LISTS), seconds))
ages = st.sampled_from([0.0, 30.0, 3 * 86_400.0])


class Protocol(RuleBasedStateMachine):
    """What can happen to a submit, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.start()

    def teardown(self) -> None:
        try:
            self.world.finish()
            self.world.check()
        finally:
            self.world.close()

    def _prepare(self, plan: list[str], lag: float, fault: tuple[str, float] | None) -> None:
        """Plan what the next creates come to, and what the lists after them show."""
        self.world.server.plan += plan
        self.world.server.lag = lag
        if fault is not None:
            self.world.spoil_lists(*fault)

    @rule(file=files, app=apps, plan=faults, lag=lags, fault=spoilt, after=seconds)
    def submit(
        self, file: int, app: int, plan: list[str], lag: float, fault: tuple[str, float] | None, after: float
    ) -> None:
        self._prepare(plan, lag, fault)
        self.world.submit(file, app)
        self.world.wait(after)

    @rule(file=files, plan=faults, lag=lags, after=seconds)
    def submit_at_once(self, file: int, plan: list[str], lag: float, after: float) -> None:
        """All apps submit the same bytes together, and nobody wants to do it again."""
        self._prepare(plan, lag, None)
        self.world.submit_at_once(file)
        self.world.wait(after)

    @rule(after=seconds)
    def wait(self, after: float) -> None:
        self.world.wait(after)

    @rule(fault=st.sampled_from(LISTS), seconds=seconds, after=seconds)
    def spoil_lists(self, fault: str, seconds: float, after: float) -> None:
        self.world.spoil_lists(fault, seconds)
        self.world.wait(after)

    @rule(file=files, age=ages, is_late=st.booleans())
    def add_foreign(self, file: int, age: float, is_late: bool) -> None:
        """Somebody else's job of the same bytes; an old one may show up in the list only now."""
        self.world.server.lag = 15.0 if is_late and age else 0.0
        self.world.add_foreign(file, age=age)

    @rule(file=files, age=ages, plan=faults, lag=lags, after=seconds)
    def submit_beside_foreign(self, file: int, age: float, plan: list[str], lag: float, after: float) -> None:
        """Somebody else's job of the same bytes shows up only after a submit of them."""
        self.world.server.lag = 15.0
        self.world.add_foreign(file, age=age)
        self._prepare(plan, lag, None)
        self.world.submit(file)
        self.world.wait(after)

    @rule(app=apps, after=seconds)
    def kill_and_restart(self, app: int, after: float) -> None:
        self.world.kill(app)
        self.world.wait(after)
        self.world.start()

    @rule(moment=st.sampled_from(["asked", "done"]), number=st.integers(1, 2), file=files, plan=sent, lag=lags)
    def submit_and_kill(self, moment: str, number: int, file: int, plan: list[str], lag: float) -> None:
        """The app is killed when the server is asked for a create, or has done it."""
        self._prepare(plan, lag, None)
        self.world.kill_when(moment, number)
        self.world.submit(file)
        self.world.wait(3.0)
        self.world.start()

    @rule(after=seconds)
    def quit_and_restart(self, after: float) -> None:
        self.world.quit()
        self.world.wait(after)
        self.world.start()

    @rule(after=seconds)
    def start_a_second(self, after: float) -> None:
        self.world.start(second=True)
        self.world.wait(after)

    @rule(is_shared=st.booleans(), after=seconds)
    def lose_the_lock(self, is_shared: bool, after: float) -> None:
        """The lock file is removed, or the lock is everybody's from now on; a second app runs."""
        self.world.lose_lock()
        self.world.is_lock_shared = is_shared
        self.world.start(second=True)
        self.world.wait(after)

    @rule(number=numbers, app=apps, is_left=st.booleans())
    def stop(self, number: int, app: int, is_left: bool) -> None:
        self.world.stop(number, app)
        if is_left:
            self.world.quit()
            self.world.start()

    @rule(
        number=numbers,
        app=apps,
        what=st.sampled_from(["again", "give_up", "wait", "job_id"]),
        after=seconds,
    )
    def settle(self, number: int, app: int, what: str, after: float) -> None:
        self.world.settle(number, what, app)
        self.world.wait(after)


Protocol.TestCase.settings = settings(
    max_examples=RUNS or _RUNS_IN_CI,
    stateful_step_count=_STEPS,
    derandomize=not RUNS,
    database=None,
    phases=[Phase.generate],  # a failed run is told as it is: making it shorter takes minutes
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
TestProtocol = Protocol.TestCase
