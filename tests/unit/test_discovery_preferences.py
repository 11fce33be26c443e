"""The order in which Discover answers: preferences, scores, ties."""

import random

import pytest

from airegistry.discovery.answers import ScoreBasis, ScorePartKind
from airegistry.observations.performance import Performance, Quantiles, WindowStats
from airegistry.resources.endpoint import DeclaredPerformance
from airegistry.resources.model import Benchmark
from airegistry.resources.requirements import Preference, ScoreWeights
from airegistry.resources.resource import Health, ResourceStatus
from tests.indexes import NOW, endpoint, index_of, model, names, query


def test_ties_are_broken_by_name_whatever_came_first():
    resources = [endpoint(f"models/m/endpoints/{letter}") for letter in "dbca"]
    index = index_of(*resources)
    index.apply([endpoint("models/m/endpoints/aa")], (), 2)
    assert [name[-2:].strip("/") for name in names(index)] == ["a", "aa", "b", "c", "d"]


@pytest.mark.parametrize(
    ("preference", "best"),
    [
        (Preference.FASTEST, {"declared": DeclaredPerformance(time_to_first_token=0.05, tokens_per_second=500)}),
        (Preference.MOST_RELIABLE, {"declared": DeclaredPerformance(reliability=0.9999)}),
    ],
    ids=["fastest", "most-reliable"],
)
def test_a_preference_puts_first_what_it_names(preference, best):
    usual = DeclaredPerformance(time_to_first_token=0.5, tokens_per_second=50, reliability=0.99)
    index = index_of(
        *(endpoint(f"models/m/endpoints/a{number}", declared=usual) for number in range(3)),
        endpoint("models/m/endpoints/best", **best),
    )
    assert names(index, query(preference))[0] == "models/m/endpoints/best"


def test_quality_is_what_benchmarks_say():
    good = model("models/z", benchmarks=tuple(Benchmark(name=name, score=9, max_score=10) for name in "abc"))
    poor = model("models/a", benchmarks=(Benchmark(name="a", score=12),))
    index = index_of(good, poor, endpoint("models/z/endpoints/e"), endpoint("models/a/endpoints/e"))
    asked = query(Preference.BEST_QUALITY)
    assert names(index, asked) == ["models/z/endpoints/e", "models/a/endpoints/e"]
    quality = index.discover(asked).candidates[0].score.parts[3]
    assert (quality.kind, quality.basis) == (ScorePartKind.QUALITY, ScoreBasis.DECLARED)
    assert quality.value == pytest.approx((3 * 0.9 + 2 * 0.4) / 5)


def test_one_lucky_benchmark_does_not_beat_many_good_ones():
    lucky = model("models/a", benchmarks=(Benchmark(name="a", score=90),))
    steady = model("models/b", benchmarks=tuple(Benchmark(name=name, score=88) for name in "abcdef"))
    index = index_of(lucky, steady, endpoint("models/a/endpoints/e"), endpoint("models/b/endpoints/e"))
    assert names(index, query(Preference.BEST_QUALITY))[0] == "models/b/endpoints/e"


def test_degraded_counts_as_less_reliable():
    degraded = endpoint("models/m/endpoints/a", status=ResourceStatus(health=Health.DEGRADED))
    assert names(index_of(degraded, endpoint("models/m/endpoints/b"))) == [
        "models/m/endpoints/b",
        "models/m/endpoints/a",
    ]


def test_a_score_is_the_sum_of_its_contributions():
    index = index_of(endpoint(declared=DeclaredPerformance(time_to_first_token=0.5)))
    (found,) = index.discover(query(weights=ScoreWeights(cost=1, latency=3))).candidates
    parts = found.score.parts
    assert [part.kind for part in parts] == list(ScorePartKind)
    assert [part.weight for part in parts] == pytest.approx([0.25, 0.75, 0, 0, 0, 0.3 * 0.75])
    assert [part.contribution for part in parts] == [part.value * part.weight for part in parts]
    assert found.score.total == pytest.approx(sum(part.contribution for part in parts))
    assert [part.basis for part in parts] == [ScoreBasis.PRIOR, ScoreBasis.DECLARED, *[ScoreBasis.PRIOR] * 4]


def test_huge_weights_are_weights_like_others():
    index = index_of(endpoint())
    (found,) = index.discover(query(weights=ScoreWeights(1e308, 1e308, 1e308, 1e308, 1e308))).candidates
    assert {part.weight for part in found.score.parts[:5]} == {0.2}


def test_the_best_of_many_are_the_first_of_all_through_any_changes():
    rng = random.Random(3)

    def anyone(number):
        speed = DeclaredPerformance(time_to_first_token=rng.choice([0.1, 0.2, 0.4, 0.8]))
        return endpoint(f"models/m/endpoints/e{number}", declared=speed, region=rng.choice(["eu", "us"]))

    index = index_of(*(anyone(number) for number in range(900)))
    asked = query(regions=("eu",))
    for revision in range(2, 60):
        index.apply(
            [anyone(rng.randrange(1_000)) for _ in range(rng.choice([0, 1, 3, 40]))],
            [f"models/m/endpoints/e{rng.randrange(1_000)}" for _ in range(rng.choice([0, 2]))],
            revision,
        )
        everyone = index.discover(asked, limit=1_000).candidates
        assert list(everyone) == sorted(everyone, key=lambda each: (-each.score.total, each.name))
        assert len(everyone) > 300
        for limit in (1, 10, 100):
            assert index.discover(asked, limit=limit).candidates == everyone[:limit]


@pytest.mark.parametrize("measured_before", [False, True], ids=["declared-only", "measured-too"])
def test_what_is_declared_anew_and_what_was_forgotten_with_its_endpoint_count_at_once(measured_before):
    slow, quick = (endpoint(declared=DeclaredPerformance(time_to_first_token=wait)) for wait in (5.0, 0.1))
    window = WindowStats(1_800.0, attempts=500, duration=Quantiles(500, 9.0), last_time=NOW)
    seen = [Performance(slow.name, (window,), NOW)] if measured_before else []

    def fresh(resource, told):
        index = index_of(resource)
        index.observe(told)
        return index.discover(query()).candidates

    index = index_of(slow)
    index.observe(seen)
    assert index.discover(query()).candidates == fresh(slow, seen)
    index.apply((quick,), (), 2)
    assert index.discover(query()).candidates == fresh(quick, seen) != fresh(slow, seen)
    index.apply((quick,), (quick.name,), 3)
    assert index.discover(query()).candidates == fresh(quick, [])
