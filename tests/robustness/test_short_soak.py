"""Some seconds of the soak: every call ends well, and nothing stays but warmth."""

import pytest

from tests.robustness.soak.resting import Rest, leaks
from tests.robustness.soak.run import soak

SECONDS = 12.0
REST = Rest(resident=100 * 2**20, descriptors=20, tasks=8, threads=12, running=0)


@pytest.mark.alone
@pytest.mark.timeout(180)
async def test_traffic_and_faults_leave_a_gateway_as_it_was():
    outcome = await soak(SECONDS, seed=7, rounds=4, say=lambda _: None)
    # Memory takes longer to become flat than this lasts.
    assert [what for what in outcome.wrong if not what.startswith("memory")] == []
    assert outcome.tally.ended["whole"] > 50
    assert len(outcome.tally.ended) > 6, outcome.tally.ended
    assert len(outcome.upstream.did) > 10, outcome.upstream.did


@pytest.mark.parametrize(
    ("last", "word"),
    [
        pytest.param({"descriptors": 21}, "descriptors", id="descriptor"),
        pytest.param({"tasks": 9}, "tasks", id="task"),
        pytest.param({"running": 1}, "calls", id="call"),
        pytest.param({"resident": 106 * 2**20}, "memory", id="memory"),
    ],
)
def test_what_stayed_is_found(last, word):
    (found,) = leaks([REST, REST, Rest(**{**vars(REST), **last})])
    assert found.startswith(word)


def test_a_gateway_that_holds_what_it_held_leaks_nothing():
    assert leaks([REST, Rest(**{**vars(REST), "resident": 104 * 2**20, "threads": 13})]) == []


def test_one_that_comes_and_goes_is_no_leak_but_one_that_stays_is():
    more = Rest(**{**vars(REST), "descriptors": 21})
    most = Rest(**{**vars(REST), "descriptors": 22})
    assert leaks([REST, more, REST, more, more, REST, REST, more, more]) == []
    assert leaks([REST, more, REST, more, more, REST, most, more, most]) != []
