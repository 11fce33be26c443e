"""Every fault of a provider, as every caller sees it: the whole answer or one error, in time, and nobody is hammered."""

import asyncio
from typing import NamedTuple

import pytest
import pytest_asyncio

from tests.faults.calling import Ask, Carrier
from tests.faults.judging import ANSWERED, as_it_ends, timed
from tests.faults.scene import HEALTHY
from tests.faults.table import FAULTS, HASTY, Fault
from tests.faults.ways import WAYS
from tests.faults.wires import OPENAI_CHAT, Wire

# The first test waits for all that do little but wait.
pytestmark = [pytest.mark.alone, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

AT_ONCE = 24


class Case(NamedTuple):
    """Who fails how, in which dialect, and how it is called."""

    fault: Fault
    wire: Wire
    carrier: Carrier


EVERY = [
    pytest.param(Case(fault, wire, carrier), id=f"{fault.id}-{wire.id}-by-{carrier.id}")
    for fault in FAULTS
    for wire, carrier in WAYS
    if fault.spoken or wire is OPENAI_CHAT
]


async def alone(scene, case):
    fault, wire, carrier = case
    ends = fault.ends(wire, streamed=carrier.streamed)
    asked = ends.asked(restarts=carrier.restarts)
    async with scene.route(wire, fault.behave, policy=fault.times(streamed=carrier.streamed)) as (name, (up,)):
        got = await timed(carrier.call(scene.callers, Ask(name)))
        as_it_ends(got, ends)
        assert len(up.seen) == asked
        assert got.attempts in (None, asked)
    async with scene.route(wire, HEALTHY) as (name, _):
        as_it_ends(await timed(carrier.call(scene.callers, Ask(name))), ANSWERED)


async def before_another(scene, case):
    fault, wire, carrier = case
    ends = fault.ends(wire, streamed=carrier.streamed)
    asked, over = ends.asked(restarts=carrier.restarts), ends.takes_over(restarts=carrier.restarts)
    async with scene.route(wire, fault.behave, HEALTHY, policy=fault.times(streamed=carrier.streamed)) as (
        name,
        (up, other),
    ):
        got = await timed(carrier.call(scene.callers, Ask(name)))
        as_it_ends(got, ANSWERED if over else ends)
        assert got.restarts == (asked if over and ends.words else 0)
        assert (len(up.seen), len(other.seen)) == (asked, over)
        assert got.attempts in (None, asked + over)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def waited(request, scene):
    """Return how those tests ended that do little but wait: they ran side by side, before all others."""
    tests = [item for item in request.session.items if item.module is request.module]
    waiting = [test for test in tests if test.callspec.params["case"].fault.policy is HASTY]
    room = asyncio.Semaphore(AT_ONCE)

    async def run(situation, case):
        async with room:
            await situation(scene, case)

    ends = await asyncio.gather(*(run(**test.callspec.params) for test in waiting), return_exceptions=True)
    return {test.nodeid: end for test, end in zip(waiting, ends, strict=True)}


@pytest.mark.parametrize("case", EVERY)
@pytest.mark.parametrize("situation", [alone, before_another], ids=["alone", "before-another"])
async def test_a_call_ends_with_the_whole_answer_or_with_one_error(scene, waited, request, situation, case):
    if request.node.nodeid not in waited:
        await situation(scene, case)
    elif (end := waited[request.node.nodeid]) is not None:
        raise end
