"""Some seconds of the soak: every call ends well, and nothing stays but warmth."""

import asyncio
import signal
from dataclasses import replace

import pytest

from tests.ports import free_address
from tests.robustness.processes import registry_process
from tests.robustness.soak.resting import Rest, Resting, leaks
from tests.robustness.soak.run import soak

SECONDS = 12.0
ROUNDS = 12
"""So many that three looks tell what is there at the end: one alone may have met what comes and goes."""
HELD = {"descriptors": 20, "tasks": 8, "connections": 1}
OPEN = {"calls": 0, "streams": 2}
REST = Rest(resident=100 * 2**20, threads=12, held=HELD, open=OPEN)


@pytest.mark.alone
# Each of the rounds may wait for its servers to come to rest, for 20 s at most.
@pytest.mark.timeout(480)
async def test_traffic_and_faults_leave_servers_as_they_were():
    outcome = await soak(SECONDS, seed=7, rounds=ROUNDS, say=lambda _: None)
    # Memory takes longer to become flat than this lasts.
    assert [what for what in outcome.wrong if ": memory" not in what] == []
    assert outcome.tally.ended["whole"] > 50
    assert len(outcome.tally.ended) > 6, outcome.tally.ended
    assert len(outcome.upstream.did) > 10, outcome.upstream.did
    assert len(outcome.acts) > 8, outcome.acts


@pytest.mark.parametrize(
    ("last", "word"),
    [
        pytest.param({"held": {**HELD, "descriptors": 21}}, "descriptors", id="descriptor"),
        pytest.param({"held": {**HELD, "tasks": 9}}, "tasks", id="task"),
        pytest.param({"held": {**HELD, "connections": 2}}, "connections", id="connection"),
        pytest.param({"open": {**OPEN, "calls": 1}}, "calls", id="call"),
        pytest.param({"open": {**OPEN, "streams": 3}}, "streams", id="stream"),
        pytest.param({"open": {**OPEN, "watches": 1}}, "watches", id="none-before"),
        pytest.param({"resident": 106 * 2**20}, "memory", id="memory"),
    ],
)
def test_what_stayed_is_found(last, word):
    (found,) = leaks([REST, REST, replace(REST, **last)], REST)
    assert found.startswith(word)


def test_what_was_open_all_the_time_is_found_when_nobody_had_called_before():
    (found,) = leaks([replace(REST, open={**OPEN, "streams": 3})] * 9, REST)
    assert found == "streams: 2 before anybody called, 3 at the end"


def test_a_server_that_holds_what_it_held_leaks_nothing():
    assert leaks([REST, replace(REST, resident=104 * 2**20, threads=13)], REST) == []


def test_one_that_comes_and_goes_is_no_leak_but_one_that_stays_is():
    more = replace(REST, held={**HELD, "descriptors": 21})
    most = replace(REST, held={**HELD, "descriptors": 22})
    assert leaks([REST, more, REST, more, more, REST, REST, more, more], REST) == []
    assert leaks([REST, more, REST, more, more, REST, most, more, most], REST) != []


def test_a_call_that_is_open_at_the_end_stayed_though_it_began_late():
    assert leaks([*[REST] * 5, replace(REST, open={**OPEN, "calls": 1})], REST) != []


@pytest.mark.alone
@pytest.mark.timeout(120)
async def test_a_server_that_dies_is_found_though_another_takes_its_place(tmp_path):
    async with registry_process(tmp_path, free_address()) as server:
        resting = Resting("registry", server)
        await resting.begin()
        await resting.look()
        assert resting.wrong(0) == []
        server.send(signal.SIGKILL)
        async with asyncio.timeout(30):
            while not server.died:  # noqa: ASYNC110 - a process that is killed tells nobody
                await asyncio.sleep(0.02)
        await resting.look()
        (found,) = resting.wrong(0)
        assert found.startswith("registry: it died")
