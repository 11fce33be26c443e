"""Every fault of a provider, as every caller sees it: the whole answer or one error, in time, and nobody is hammered."""

import pytest
import pytest_asyncio

from airegistry import dialects
from tests.faults.calling import Ask
from tests.faults.judging import ANSWERED, as_it_ends, timed
from tests.faults.over_grpc import GRPC
from tests.faults.over_http import HTTP
from tests.faults.scene import HEALTHY, open_scene
from tests.faults.table import FAULTS
from tests.faults.wires import WIRES

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPOKEN = [wire for name, wire in WIRES.items() if name in dialects.names()]
CARRIERS = [*GRPC, *HTTP]


# A front that does not relay a dialect goes the same way with every dialect: one of them is enough.
WAYS = [
    pytest.param(wire, carrier, id=f"{wire.dialect}-by-{carrier.id}")
    for wire in SPOKEN
    for carrier in CARRIERS
    if wire.dialect == "openai.chat" or carrier.dialect in ("", wire.dialect)
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory):
    async with open_scene(tmp_path_factory.mktemp("gateway")) as opened:
        yield opened


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
@pytest.mark.parametrize(("wire", "carrier"), WAYS)
async def test_a_provider_alone_that_fails_is_told_by_one_error(scene, fault, wire, carrier):
    ends = fault.ends(wire, streamed=carrier.streamed)
    asked = ends.asked(restarts=carrier.restarts)
    async with scene.route(wire, fault.behave, policy=fault.policy) as (name, (up,)):
        got = await timed(carrier.call(scene.callers, Ask(name)))
        as_it_ends(got, ends)
        assert len(up.seen) == asked
        assert got.attempts in (None, asked)
    await answers(scene, wire, carrier)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
@pytest.mark.parametrize(("wire", "carrier"), WAYS)
async def test_another_provider_answers_instead_while_nothing_was_sent_on(scene, fault, wire, carrier):
    ends = fault.ends(wire, streamed=carrier.streamed)
    asked, over = ends.asked(restarts=carrier.restarts), ends.takes_over(restarts=carrier.restarts)
    async with scene.route(wire, fault.behave, HEALTHY, policy=fault.policy) as (name, (up, other)):
        got = await timed(carrier.call(scene.callers, Ask(name)))
        if over:
            as_it_ends(got, ANSWERED)
            assert got.restarts == (asked if ends.words else 0)
        else:
            as_it_ends(got, ends)
        assert (len(up.seen), len(other.seen)) == (asked, over)
        assert got.attempts in (None, asked + over)


async def answers(scene, wire, carrier):
    """See that the next call is answered."""
    async with scene.route(wire, HEALTHY) as (name, _):
        as_it_ends(await timed(carrier.call(scene.callers, Ask(name))), ANSWERED)
