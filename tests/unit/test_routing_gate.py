"""Who may be asked now: failures of endpoints, providers and credentials told apart, and declared limits."""

from collections import Counter

import pytest

from airegistry import errors
from airegistry.discovery.answers import ExclusionReason, Score
from airegistry.resources.endpoint import RateLimits
from airegistry.routing.error_classes import classify
from airegistry.routing.gates.breaker import Breakers, BreakerSettings
from airegistry.routing.gates.gate import Gate
from airegistry.routing.target import Target
from tests import catalogs

SETTINGS = BreakerSettings(minimum_volume=4, open_for=5.0)
BREAKER, LIMIT = ExclusionReason.BREAKER, ExclusionReason.LIMIT
DOWN = errors.ProviderOverloadedError("", http_status=503)
REFUSED_KEY = errors.ProviderCredentialError("", http_status=401)
FORBIDDEN = errors.ProviderCredentialError("", http_status=403)


def target(name, *, provider="p", url="http://one.test/v1", **facts):
    resource = catalogs.endpoint(name, url, provider=provider, **facts)
    assert resource.endpoint is not None
    return Target(resource, resource.endpoint, Score())


@pytest.fixture
def values():
    return {"KEY": "first", "OTHER": "other"}


@pytest.fixture
def in_flight():
    return Counter()


@pytest.fixture
def gate(clock, values, in_flight):
    return Gate(Breakers(SETTINGS, clock), clock, in_flight=in_flight, value_of=values.get)


def fail(gate, one, error=DOWN, times=1):
    for _ in range(times):
        with gate.passage(one) as passage:
            passage.failed(classify(error), error)


def answer(gate, one):
    with gate.passage(one) as passage:
        passage.answered()


def out(gate, *targets):
    return "".join(sorted(name[-1] for name, why in gate.ejected(targets).items() if why is BREAKER))


def test_one_bad_endpoint_leaves_its_provider_alone(gate):
    one, other = target("a"), target("b")
    fail(gate, one, times=20)
    assert out(gate, one, other) == "a"


def test_several_endpoints_that_fail_in_a_row_shut_the_whole_provider(gate):
    """Nobody has to fail on each of its endpoints first."""
    a, b, c, elsewhere = target("a"), target("b"), target("c"), target("d", provider="q")
    for one in (a, b, a, b):
        fail(gate, one)
    assert out(gate, a, b, c, elsewhere) == "abc"


def test_another_place_of_the_same_provider_goes_on(gate):
    a, b, there = target("a"), target("b"), target("c", url="http://two.test/v1")
    for one in (a, b, a, b):
        fail(gate, one)
    assert out(gate, there) == ""


def test_an_answer_between_the_failures_shows_that_the_provider_is_there(gate):
    a, b, c = target("a"), target("b"), target("c")
    for one in (a, b, a):
        fail(gate, one)
    answer(gate, c)
    fail(gate, b)
    assert out(gate, a, b, c) == ""


def test_what_the_caller_did_wrong_shows_it_too(gate):
    a, b, c = target("a"), target("b"), target("c")
    for one in (a, b, a):
        fail(gate, one)
    fail(gate, c, errors.ProviderRejectedError("", http_status=400))
    fail(gate, b)
    assert out(gate, a, b, c) == ""


def test_one_call_at_a_time_probes_a_provider_and_an_answer_opens_the_way_to_all(gate, clock):
    a, b, c, d = (target(name) for name in "abcd")
    for one in (a, b, a, b):
        fail(gate, one)
    clock.time += 5
    assert out(gate, c, d) == ""
    with gate.passage(c) as probe:
        assert out(gate, c, d) == "cd", "one probe is under way"
        probe.answered()
    assert out(gate, c, d) == ""
    assert gate.outages.none


def test_a_failed_probe_shuts_a_provider_for_longer(gate, clock):
    a, b, c = (target(name) for name in "abc")
    for one in (a, b, a, b):
        fail(gate, one)
    clock.time += 5
    fail(gate, c)
    assert gate.wait([c]) == 10


def test_a_refused_credential_shuts_all_who_use_it_and_nobody_else(gate):
    a, b = target("a", credential="KEY"), target("b", credential="KEY")
    other, foreign = target("c", credential="OTHER"), target("d", provider="q", credential="KEY")
    fail(gate, a, REFUSED_KEY)
    assert out(gate, a, b, other, foreign) == "ab"


def test_a_refused_credential_says_nothing_of_the_endpoint(gate, values):
    a = target("a", credential="KEY")
    fail(gate, a, REFUSED_KEY, times=20)
    values["KEY"] = "second"
    assert out(gate, a) == ""


def test_a_changed_credential_is_tried_at_once(gate, values):
    a = target("a", credential="KEY")
    fail(gate, a, REFUSED_KEY)
    values["KEY"] = "second"
    assert out(gate, a) == ""
    fail(gate, a, REFUSED_KEY)
    assert out(gate, a) == "a"


def test_a_refused_credential_is_probed_again_later(gate, clock):
    a, b = target("a", credential="KEY"), target("b", credential="KEY")
    fail(gate, a, REFUSED_KEY)
    clock.time += 5
    fail(gate, b, REFUSED_KEY)
    assert gate.wait([a]) == 10
    clock.time += 10
    answer(gate, b)
    assert out(gate, a, b) == ""


def test_what_a_credential_may_not_do_there_is_the_endpoints_matter(gate):
    a, b = target("a", credential="KEY"), target("b", credential="KEY")
    fail(gate, a, FORBIDDEN, times=4)
    assert out(gate, a, b) == "a"


def test_a_provider_that_asks_for_time_gets_it(gate, clock):
    a = target("a")
    fail(gate, a, errors.ProviderRateLimitedError("", http_status=429, retry_after=3.0))
    assert out(gate, a) == "a"
    assert gate.soonest([a]) == (3.0, a)
    clock.time += 3
    assert out(gate, a) == ""


def test_an_open_breaker_is_nothing_to_wait_for(gate):
    a = target("a")
    fail(gate, a, times=4)
    assert gate.soonest([a]) is None
    assert gate.wait([a]) == 5


def test_a_callers_mistake_leaves_nobody_alone(gate):
    """Whatever times stand on the answer."""
    a = target("a")
    fail(gate, a, errors.ProviderRejectedError("", http_status=400, retry_after=60.0))
    assert out(gate, a) == ""


def test_an_exhausted_quota_is_the_credentials_matter(gate):
    a, b = target("a", credential="KEY"), target("b", credential="KEY")
    fail(gate, a, errors.ProviderRateLimitedError("", http_status=429, metadata={"quota": "exhausted"}))
    assert out(gate, a, b) == "ab"


def limited(**limits):
    return target("a", rate_limits=RateLimits(**limits))


def test_no_more_calls_than_an_endpoint_takes_at_once(gate, in_flight):
    one = limited(max_concurrent_requests=2)
    in_flight[one.name] = 1
    assert gate.ejected([one]) == {}
    in_flight[one.name] = 2
    assert gate.ejected([one]) == {one.name: LIMIT}


def test_no_more_calls_a_minute_than_an_endpoint_takes(gate, clock):
    one = limited(requests_per_minute=3)
    for _ in range(3):
        assert gate.ejected([one]) == {}
        answer(gate, one)
        clock.time += 10
    assert gate.ejected([one]) == {one.name: LIMIT}
    wait = gate.wait([one])
    assert 28 <= wait <= 32
    clock.time += wait
    assert gate.ejected([one]) == {}


def test_no_more_tokens_a_minute_than_an_endpoint_takes(gate, clock):
    one = limited(tokens_per_minute=100)
    gate.quotas.used(one, 99)
    assert gate.ejected([one]) == {}
    gate.quotas.used(one, 1)
    assert gate.ejected([one]) == {one.name: LIMIT}
    clock.time += 61
    assert gate.ejected([one]) == {}


def test_what_is_in_the_way_is_told_with_its_wait(gate):
    a, b, c = target("a", credential="KEY"), target("b"), limited(requests_per_minute=0)
    fail(gate, a, REFUSED_KEY)
    fail(gate, b, times=4)
    told = {(one.name.rpartition("/")[2], one.state) for one in gate.hindrances([a, b, c])}
    assert told == {("KEY at one.test", "open"), ("b", "open"), ("a", "limited")}
    assert "first" not in repr(gate.hindrances([a, b, c]))


def test_a_flapping_primary_is_used_again_soon_and_probed_rarely(gate, clock):
    """Down for 60 s, then healthy: it answers within 30 s of that, after few probes."""
    primary, other = target("a"), target("b", provider="q")
    began, asked, back = clock.time, 0, None
    while clock.time < began + 120:
        if not gate.ejected([primary, other]).get(primary.name):
            if clock.time < began + 60:
                asked += 1
                fail(gate, primary)
            else:
                back = back or clock.time - began - 60
                answer(gate, primary)
        clock.time += 0.5
    assert back is not None
    assert back <= 30
    assert asked <= SETTINGS.minimum_volume + 4
