"""A caller that goes away takes its call with it, down to the provider's connection, wherever the call stands.

The promise is 100 ms. A machine that runs other things too may hold any one process for longer than that, so the median of
a few counts; none may take a second.
"""

import statistics
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.faults.cancelling import PHASES, cancelled_after, cancelled_in_queue_after
from tests.faults.over_http import OTHERS
from tests.faults.scene import open_scene
from tests.faults.ways import each_carrier
from tests.faults.wires import OPENAI_CHAT

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="module")]

AT_ONCE = 0.1
NOISE = 1.0
TIMES = 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_at_a_time(tmp_path_factory):
    async with open_scene(tmp_path_factory.mktemp("gateway"), gateway_max_in_flight=1) as opened:
        yield opened


def is_at_once(seconds):
    assert statistics.median(seconds) < AT_ONCE
    assert max(seconds) < NOISE


@pytest.mark.parametrize("phase", PHASES)
@each_carrier
async def test_a_caller_that_goes_away_closes_the_providers_connection(scene, carrier, phase):
    is_at_once([await cancelled_after(scene, carrier, phase) for _ in range(TIMES)])


@each_carrier
async def test_a_caller_that_goes_away_leaves_the_queue(one_at_a_time, carrier):
    is_at_once([await cancelled_in_queue_after(one_at_a_time, carrier) for _ in range(TIMES)])


@pytest.mark.parametrize("carrier", OTHERS, ids=lambda carrier: carrier.id)
async def test_so_does_a_caller_who_waits_for_something_else_than_a_conversation(scene, carrier):
    wire = replace(OPENAI_CHAT, dialect=carrier.dialect)
    is_at_once([await cancelled_after(scene, carrier, "before-headers", wire) for _ in range(TIMES)])
