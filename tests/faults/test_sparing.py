"""A provider that fails is left alone: a few requests tell, its own words about time are kept, and it is not forgotten."""

import pytest
import pytest_asyncio

from airegistry.invoke import EngineSettings
from tests.faults.calling import Ask
from tests.faults.judging import ANSWERED, as_it_ends, timed
from tests.faults.misbehaving import page, refusing, reset
from tests.faults.scene import HEALTHY, open_scene
from tests.faults.table import Ends
from tests.faults.ways import each_carrier
from tests.faults.wires import OPENAI_CHAT, Trouble

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory):
    """Return a gateway with callers whose time stands still: however slow the machine is, nobody's pause is over."""
    async with open_scene(tmp_path_factory.mktemp("gateway"), now=lambda: 1_000.0) as opened:
        yield opened


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
