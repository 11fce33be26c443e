"""Whom a call asks, one after the other."""

import pytest

from airegistry import errors
from airegistry.discovery.answers import Score
from airegistry.resources.route import ErrorClass, RouteFallback
from airegistry.routing.error_classes import classify
from airegistry.routing.itinerary import Itinerary
from airegistry.routing.target import Group, Target
from tests import catalogs

DOWN = classify(errors.ProviderOverloadedError("", http_status=503))
FAILED = classify(errors.ProviderFailedError("", http_status=500))
REFUSED = classify(errors.ProviderRejectedError("", http_status=400))
TOO_LONG = classify(errors.ContextLengthError("", http_status=400))
FILTERED = classify(errors.ContentRefusedError("", http_status=400))


def target(name, context=None):
    limits = catalogs.context(context) if context else None
    resource = catalogs.endpoint(name, "http://127.0.0.1:1", limits=limits)
    assert resource.endpoint is not None
    return Target(resource, resource.endpoint, Score())


def tier(*names):
    return (Group(tuple(name if isinstance(name, Target) else target(name) for name in names)),)


def first(tier):
    return tier[0].targets[0]


def itinerary(*tiers, fallbacks=(), ejected=frozenset(), expand=None):
    return Itinerary(
        tiers,
        fallbacks,
        pick=first,
        ejected=lambda targets: {one.name for one in targets if one.name.rpartition("/")[2] in ejected},
        expand=expand or (lambda _name: ((), ())),
    )


def way(trip, *verdicts):
    """Return who is asked when each attempt ends with one of *verdicts* (the last one repeats)."""
    asked = []
    left = list(verdicts)
    while (one := trip.next()) is not None:
        asked.append(one.name.rpartition("/")[2])
        trip.failed(one, left.pop(0) if len(left) > 1 else left[0])
    return "".join(asked)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        pytest.param([DOWN], "abc", id="move-on"),
        pytest.param([FAILED], "aabbcc", id="each-once-more"),
        pytest.param([FAILED, DOWN], "aabc", id="once-more-then-on"),
        pytest.param([REFUSED], "a", id="stop"),
        pytest.param([DOWN, REFUSED], "ab", id="stop-later"),
        pytest.param([FILTERED], "a", id="filtered"),
    ],
)
def test_an_error_decides_who_is_asked_next(verdicts, expected):
    assert way(itinerary(tier("a", "b"), tier("c")), *verdicts) == expected


def test_nobody_is_asked_twice_though_several_tiers_name_it():
    assert way(itinerary(tier("a", "b"), tier("b", "a", "c")), DOWN) == "abc"


def test_who_must_not_be_asked_now_is_passed_by():
    assert way(itinerary(tier("a", "b"), ejected={"a"}), DOWN) == "b"


def test_nobody_is_asked_again_at_once_who_was_ejected_meanwhile():
    ejected: set[str] = set()
    trip = itinerary(tier("a", "b"), ejected=ejected)
    one = trip.next()
    ejected.add("a")
    trip.failed(one, FAILED)
    assert trip.next().name.endswith("/b")


def test_what_did_not_fit_goes_to_who_takes_more():
    sizes = tier(target("a", 10), target("b", 10), target("c"), target("d", 20))
    assert way(itinerary(sizes), TOO_LONG) == "ad"


def test_where_the_size_is_unknown_nobody_is_known_to_take_more():
    assert way(itinerary(tier(target("a"), target("b", 20))), TOO_LONG) == "a"


def fallback(*classes):
    return RouteFallback(classes, "models/x")


def to_x(_name):
    return (tier("x"),), ()


@pytest.mark.parametrize(
    ("fallbacks", "verdict", "expected"),
    [
        pytest.param([fallback()], DOWN, "abx", id="any-that-may-pass"),
        pytest.param([fallback()], REFUSED, "a", id="refused-is-no-such"),
        pytest.param([fallback(ErrorClass.OVERLOADED)], DOWN, "abx", id="this-class"),
        pytest.param([fallback(ErrorClass.TIMEOUT)], DOWN, "ab", id="another-class"),
        pytest.param([fallback(ErrorClass.CONTENT_FILTER)], FILTERED, "ax", id="refused-but-stated"),
        pytest.param([fallback(ErrorClass.CONTEXT_LENGTH)], TOO_LONG, "ax", id="too-long"),
        pytest.param([fallback(), fallback()], DOWN, "abx", id="the-same-twice"),
    ],
)
def test_a_fallback_takes_over_for_its_errors(fallbacks, verdict, expected):
    assert way(itinerary(tier("a", "b"), fallbacks=fallbacks, expand=to_x), verdict) == expected


def test_fallbacks_that_point_at_each_other_come_to_an_end():
    trip = itinerary(tier("a"), fallbacks=[fallback()], expand=lambda _name: ((tier("x"),), (fallback(),)))
    assert way(trip, DOWN) == "ax"


@pytest.mark.parametrize(
    ("fallbacks", "expected"),
    [
        pytest.param([fallback()], "x", id="any"),
        pytest.param([fallback(ErrorClass.OVERLOADED)], "x", id="of-endpoints"),
        pytest.param([fallback(ErrorClass.CONTENT_FILTER)], "", id="of-requests"),
    ],
)
def test_where_nobody_may_be_asked_a_fallback_for_failing_endpoints_takes_over(fallbacks, expected):
    assert way(itinerary(tier("a"), fallbacks=fallbacks, ejected={"a"}, expand=to_x), DOWN) == expected


def test_what_did_not_fit_falls_back_only_to_who_is_known_to_take_more():
    def expand(_name):
        return (tier(target("same", 10), target("unknown"), target("more", 20)),), ()

    assert way(itinerary(tier(target("a", 10)), fallbacks=[fallback()], expand=expand), TOO_LONG) == "amore"


def test_somebody_beside_is_of_the_same_tier_and_not_asked_again():
    trip = itinerary(tier("a", "b"), tier("c"))
    assert trip.next().name.endswith("/a")
    assert trip.beside().name.endswith("/b")
    assert trip.beside() is None
    trip.failed(target("a"), DOWN)
    assert trip.next().name.endswith("/c")


def test_who_does_not_fit_keeps_its_turn():
    trip = itinerary(tier("a", "b"), tier("c"))
    assert trip.next(lambda one: one.name.endswith("/c")).name.endswith("/c")
    trip.failed(target("c"), DOWN)
    assert trip.next(lambda one: one.name.endswith("/c")) is None
    assert trip.next().name.endswith("/a")


def test_one_that_asked_for_time_is_asked_again():
    trip = itinerary(tier("a"))
    one = trip.next()
    trip.failed(one, DOWN)
    assert trip.next() is None
    trip.again(one)
    assert trip.next() is one
    assert trip.next() is None
