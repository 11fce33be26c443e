"""A provider that fails is left alone: a few requests tell, its own words about time are kept, and it is not forgotten."""

import random
from contextlib import aclosing, asynccontextmanager
from functools import partial

import pytest

from airegistry.invoke import Engine, EngineSettings
from airegistry.invoke.transport import open_transport
from tests import catalogs
from tests.faults.calling import Ask
from tests.faults.judging import ANSWERED, as_it_ends, timed
from tests.faults.misbehaving import healthy, page, refusing, reset
from tests.faults.scene import HEALTHY
from tests.faults.table import Ends
from tests.faults.ways import each_carrier
from tests.faults.wires import OPENAI_CHAT, Trouble
from tests.providers import provider

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = 12
ENOUGH = EngineSettings().breaker.minimum_volume
LASTING = [
    pytest.param(refusing(Trouble.OVERLOADED), ENOUGH, id="503"),
    # Each of the first calls tries twice.
    pytest.param(refusing(Trouble.FAILED), ENOUGH + 1, id="500"),
    pytest.param(reset, ENOUGH + 1, id="reset"),
    pytest.param(page, ENOUGH, id="html"),
    pytest.param(refusing(Trouble.TOO_MANY, retry_after="60"), 1, id="429"),
]


@pytest.mark.parametrize(("misbehaviour", "most"), LASTING)
@each_carrier
async def test_who_keeps_failing_is_asked_a_few_times_and_everybody_is_answered(scene, carrier, misbehaviour, most):
    async with scene.route(OPENAI_CHAT, (misbehaviour,), HEALTHY) as (name, (up, other)):
        for _ in range(CALLS):
            as_it_ends(await timed(carrier.call(scene.callers, Ask(name))), ANSWERED)
    assert len(up.seen) <= most
    assert len(other.seen) == CALLS


@pytest.mark.parametrize(("misbehaviour", "most"), LASTING)
@each_carrier
async def test_who_keeps_failing_is_not_asked_more_because_there_is_nobody_else(scene, carrier, misbehaviour, most):
    async with scene.route(OPENAI_CHAT, (misbehaviour,)) as (name, (up,)):
        got = [await timed(carrier.call(scene.callers, Ask(name))) for _ in range(CALLS)]
    assert len(up.seen) <= most
    assert all(one.reason and not one.whole for one in got)
    assert got[-1].reason == "NO_CANDIDATE"
    assert got[-1].retry_after is not None


@each_carrier
async def test_a_callers_deluge_after_a_429_does_not_reach_the_provider_until_its_time_is_over(scene, carrier):
    async with scene.route(OPENAI_CHAT, (refusing(Trouble.TOO_MANY, retry_after="7"),)) as (name, (up,)):
        first = await timed(carrier.call(scene.callers, Ask(name)))
        second = await timed(carrier.call(scene.callers, Ask(name)))
    assert (first.reason, first.retry_after) == ("PROVIDER_RATE_LIMITED", 7)
    assert second.reason == "NO_CANDIDATE"
    assert 5 <= (second.retry_after or 0) <= 7
    assert len(up.seen) == 1


@each_carrier
async def test_a_fallback_that_takes_no_begun_answer_is_told_by_its_own_error(scene, carrier):
    down, picky = (refusing(Trouble.OVERLOADED),), (refusing(Trouble.PREFILL),)
    async with scene.route(OPENAI_CHAT, down, picky) as (name, ups):
        got = await timed(carrier.call(scene.callers, Ask(name, prefill=True)))
    as_it_ends(got, Ends("PROVIDER_REJECTED"))
    assert [len(up.seen) for up in ups] == [1, 1]
    assert all(up.seen[0].body["messages"][-1]["role"] == "assistant" for up in ups)


@asynccontextmanager
async def engine_at(clock, *urls):
    resources = catalogs.served(*urls)
    async with open_transport() as transport:
        engine = Engine(
            catalogs.cache_of(resources),
            transport,
            catalogs.credentials(),
            now=clock.now,
            rng=random.Random(1),
        )
        yield engine


class Clock:
    """Seconds that pass as a test wants."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time


async def target_of(engine, *, stream):
    """Return who answers a call."""
    if not stream:
        return (await engine.invoke(catalogs.chat())).settlement.target
    async with aclosing(engine.stream(catalogs.chat())) as batches:
        events = [event async for batch in batches for event in batch]
    return events[-1].end.settlement.target


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("before", [0, 10, 60], ids=lambda seconds: f"healthy-for-{seconds}-s")
async def test_a_primary_that_was_down_for_a_minute_is_used_again_within_30_s_after_few_probes(before, stream):
    """Two calls a second on a clock of the test's own, so that the minute takes no minute; nothing else is scaled."""
    clock = Clock()
    bad, good = partial(refusing(Trouble.OVERLOADED), OPENAI_CHAT), partial(healthy, OPENAI_CHAT)
    async with provider(good) as primary, provider(good) as other, engine_at(clock, primary.url, other.url) as engine:
        primary_is = "models/m/endpoints/a"

        async def call_for(seconds):
            for _ in range(2 * seconds):
                clock.time += 0.5
                yield await target_of(engine, stream=stream)

        assert {target async for target in call_for(before)} <= {primary_is}
        primary.behave(bad)
        asked = len(primary.seen)
        assert {target async for target in call_for(60)} == {"models/m/endpoints/b"}
        asked = len(primary.seen) - asked
        primary.behave(good)
        after = [target async for target in call_for(60)]
    assert primary_is in after[: 2 * 30]
    # Once it is back it stays.
    assert set(after[after.index(primary_is) :]) == {primary_is}
    # It takes as many failures as there were answers in the window to open; after that a probe each 5, 10, 20, 25 s.
    assert asked <= max(ENOUGH, min(2 * before, 30)) + 5
