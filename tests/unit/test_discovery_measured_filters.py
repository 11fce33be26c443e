"""Hard filters compare what was measured where there is enough of it, and else what is declared."""

import pytest

from airegistry.discovery.answers import ExclusionReason
from airegistry.observations.performance import Quantiles
from tests.attempts import measured
from tests.measured_index import FAILED, GOOD, NOW, A, B, Clock, asking, endpoint


@pytest.mark.parametrize(
    ("requirement", "limit", "passing", "failing"),
    [
        ("max_time_to_first_token", 0.4, {"first": 0.3}, {"first": 0.6}),
        (
            "min_tokens_per_second",
            50,
            {"tokens_per_second": Quantiles(90, 60)},
            {"tokens_per_second": Quantiles(90, 40)},
        ),
        ("max_duration", 2, {"first": 0.3}, {"first": 2.1}),
    ],
    ids=["first-token", "speed", "duration"],
)
@pytest.mark.parametrize("declared", [GOOD, None], ids=["declared", "nothing-declared"])
def test_a_latency_filter_compares_the_median_that_was_measured(requirement, limit, passing, failing, declared):
    asked = asking(**{requirement: limit}, usage=None)
    there = Clock(endpoint(A, declared=declared), endpoint(B, declared=declared))
    usual = {"tokens_per_second": Quantiles(90, 1e9)}
    there.observe(
        measured(A, NOW, attempts=90, **(usual | passing)), measured(B, NOW, attempts=90, **(usual | failing))
    )
    assert there.order(asked) == ["a"]


@pytest.mark.parametrize(("limit", "order"), [(2.0, ["a"]), (1.0, [])], ids=["long-enough", "too-short"])
def test_where_only_whole_answers_were_measured_their_duration_is_compared(limit, order):
    there = Clock(endpoint(A), endpoint(B))
    told = {"time_to_first_token": None, "duration": Quantiles(90, 1.5)}
    there.observe(
        measured(A, NOW, attempts=90, **told), measured(B, NOW, attempts=9, **(told | {"duration": Quantiles(9, 0.1)}))
    )
    assert there.order(asking(max_duration=limit)) == order


def test_too_few_samples_leave_a_filter_to_what_is_declared_or_unknown():
    there = Clock(endpoint(A, declared=GOOD), endpoint(B))
    there.observe(*(measured(name, NOW, attempts=19, first=0.5) for name in (A, B)))
    assert there.order(asking(max_time_to_first_token=0.4)) == ["a"]
    there.observe(*(measured(name, NOW, attempts=20, first=0.5) for name in (A, B)))
    assert there.order(asking(max_time_to_first_token=0.4)) == []
    assert there.order(asking(max_time_to_first_token=0.6)) == ["a", "b"]


def test_a_lucky_series_does_not_pass_for_reliability_and_a_long_one_does():
    asked = asking(min_reliability=0.99)
    there = Clock(endpoint())
    there.observe(measured(A, NOW, attempts=20))
    assert there.order(asked) == []
    there.observe(measured(A, NOW, attempts=200))
    assert there.order(asked) == ["a"]
    there.observe(measured(A, NOW, *[FAILED] * 10, attempts=200))
    answer = there.index.discover(asked)
    assert [(each.reason, each.count) for each in answer.exclusions] == [(ExclusionReason.RELIABILITY, 1)]


def test_a_filter_forgets_after_half_an_hour_what_contradicts_the_declared():
    asked = asking(max_time_to_first_token=0.4, min_reliability=0.99)
    there = Clock(endpoint(A, declared=GOOD), endpoint(B))
    there.observe(*(measured(name, NOW, *[FAILED] * 400, attempts=900, first=2.0) for name in (A, B)))
    assert there.order(asked) == []
    there.pass_by(minutes=30)
    assert there.order(asked) == ["a"]
