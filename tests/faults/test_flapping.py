"""A primary that is down for a minute: no caller of any kind notices, it gets few probes, and soon it answers again.

A call a second goes through a gateway whose clock the test moves, so that the minute takes no minute; nothing else is scaled.
"""

from functools import partial
from itertools import accumulate, pairwise, takewhile

import pytest
import pytest_asyncio

from airegistry.invoke import EngineSettings
from tests.faults.calling import Ask
from tests.faults.judging import ANSWERED, as_it_ends, timed
from tests.faults.misbehaving import healthy, refusing, reset
from tests.faults.scene import HEALTHY, open_scene
from tests.faults.ways import CARRIERS
from tests.faults.wires import OPENAI_CHAT, Trouble

pytestmark = pytest.mark.asyncio(loop_scope="module")

BREAKER = EngineSettings().breaker
PAUSES = [5, 10, 20, 25]
"""Seconds between the last failure that opens the breaker and the first probe, and from each probe to the next."""
SOON = 30
PACE = 1
"""Seconds between two calls."""
OVERLOADED = refusing(Trouble.OVERLOADED)


class Clock:
    """Seconds that pass as a test wants."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory, clock):
    """Return a gateway with callers, whose time passes only when a test says so."""
    async with open_scene(tmp_path_factory.mktemp("gateway"), now=clock.now) as opened:
        yield opened


class Timeline:
    """Calls at a pace, all of which must be answered, and when they reached the provider that comes and goes."""

    def __init__(self, clock, primary, call):
        self._clock = clock
        self._primary = primary
        self._call = call

    async def run(self, seconds):
        """Call for that long, and return at which second of it the primary got each of its requests."""
        began, reached = self._clock.time, []
        for _ in range(calls_in(seconds)):
            self._clock.time += PACE
            before = len(self._primary.seen)
            as_it_ends(await timed(self._call()), ANSWERED)
            reached += [self._clock.time - began] * (len(self._primary.seen) - before)
        return reached


def calls_in(seconds):
    return round(seconds / PACE)


def told_apart(reached):
    """Return the requests that came with every call, until calls began to pass by, and those after them."""
    often = 1 + sum(1 for _ in takewhile(lambda two: two[1] - two[0] <= PACE, pairwise(reached)))
    return reached[:often], reached[often:]


def probes_due(opened, down):
    """Return the seconds, of the *down* ones, at which a primary is probed whose breaker opened at one of them."""
    return [second for second in accumulate(PAUSES, initial=opened) if opened < second <= down]


def failures_that_open(before):
    """Return how many there may be after so many seconds of answers: half of what the window holds, or the few that tell."""
    return max(BREAKER.minimum_volume, calls_in(min(before, BREAKER.window / 2)))


ONE, ANOTHER = CARRIERS[0], CARRIERS[-1]
CASES = [
    *(pytest.param(carrier, OVERLOADED, 10, 60, id=f"503-by-{carrier.id}") for carrier in CARRIERS),
    *(pytest.param(carrier, reset, 10, 60, id=f"reset-by-{carrier.id}") for carrier in CARRIERS),
    *(pytest.param(carrier, OVERLOADED, 0, 60, id=f"never-seen-healthy-by-{carrier.id}") for carrier in (ONE, ANOTHER)),
    *(pytest.param(carrier, OVERLOADED, 60, 60, id=f"long-healthy-by-{carrier.id}") for carrier in (ONE, ANOTHER)),
    # The worst that can be: it is well again just after the probe that the longest pause comes after.
    *(pytest.param(carrier, OVERLOADED, 0, 66, id=f"just-probed-by-{carrier.id}") for carrier in (ONE, ANOTHER)),
]


@pytest.mark.parametrize(("carrier", "misbehaviour", "before", "down"), CASES)
async def test_a_primary_that_was_down_for_a_minute_is_used_again_within_30_s_after_few_probes(
    scene, clock, carrier, misbehaviour, before, down
):
    async with scene.route(OPENAI_CHAT, HEALTHY, HEALTHY) as (name, (primary, other)):
        timeline = Timeline(clock, primary, lambda: carrier.call(scene.callers, Ask(name)))
        assert len(await timeline.run(before)) == calls_in(before)
        assert not other.seen

        primary.behave(partial(misbehaviour, OPENAI_CHAT))
        failed, probes = told_apart(await timeline.run(down))
        assert len(other.seen) == calls_in(down)
        assert len(failed) <= failures_that_open(before)
        assert probes == probes_due(failed[-1], down)

        primary.behave(partial(healthy, OPENAI_CHAT))
        reached = await timeline.run(SOON + 10)
        assert reached
        assert (back := reached[0]) <= SOON
        # Once it is back it stays.
        assert len(reached) == calls_in(SOON + 10 - back) + 1
