"""Some seconds of the outage by the clock on the wall, on a gateway of its own."""

from dataclasses import replace

import pytest

from tests.faults.ways import CARRIERS
from tests.robustness.soak.lanes import Lane
from tests.robustness.soak.outage import Times, outage, wrong

WELL = Lane(CARRIERS[0], "127.0.0.1:1", back=2.5, tried=[0.1, 0.6, 1.1, 1.6, 2.1, 7.2, 17.3])


@pytest.mark.alone
@pytest.mark.timeout(120)
async def test_primaries_that_go_and_come_back_are_missed_by_nobody():
    every = await outage(Times(before=0.5, down=4, after=9))
    assert wrong(every) == []
    # One was answered before the outage, so that four failures make half of the five that tell; the machine may be slow.
    assert all(lane.calls > 15 and 1 <= len(lane.tried) <= 5 for lane in every), every


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"failures": ["a reason"]}, id="a caller saw it"),
        pytest.param({"tried": [0.5 * i for i in range(60)]}, id="tried with every call"),
        pytest.param({"tried": [0.1, *(5.0 * i for i in range(1, 8))]}, id="probed too often"),
        pytest.param({"back": 31.0}, id="used again late"),
        pytest.param({"back": None}, id="never used again"),
        pytest.param({"others_after_back": 1}, id="left again"),
    ],
)
def test_a_broken_promise_is_found(facts):
    assert wrong([WELL]) == []
    assert len(wrong([replace(WELL, **facts)])) == 1
