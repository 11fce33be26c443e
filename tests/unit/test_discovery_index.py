import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airegistry.discovery.answers import ExclusionReason, ScoreBasis, ScorePartKind
from airegistry.discovery.index import Index
from airegistry.observations.performance import Performance, Quantiles, WindowStats
from airegistry.resources.agent import Agent, AgentInterface, AgentSkill
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, DataPolicy, DeclaredPerformance, Endpoint
from airegistry.resources.model import Benchmark, Capability, Lifecycle, LifecycleStage, Modality, Model
from airegistry.resources.requirements import (
    CredentialRequirement,
    DiscoverQuery,
    DiscoverTarget,
    Preference,
    Requirements,
    ScoreWeights,
)
from airegistry.resources.resource import AgentState, Health, Liveness, Resource, ResourceStatus

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPEN = Auth(method=AuthMethod.NONE)


def endpoint(name="models/m/endpoints/e", status=None, **facts: Any):
    usual: dict[str, Any] = {
        "address": "https://e.example",
        "communication": Communication(dialect="openai.chat", auth=OPEN),
    }
    return Resource(name=name, status=status, endpoint=Endpoint(**(usual | facts)))


def model(name="models/m", **facts: Any):
    return Resource(name=name, model=Model(**facts))


def agent(name="agents/a", state=None, **facts: Any):
    usual: dict[str, Any] = {"interfaces": (AgentInterface(url="https://a.example"),), "auth": OPEN}
    return Resource(name=name, status=ResourceStatus(agent_state=state), agent=Agent(**(usual | facts)))


def index_of(*resources, now=lambda: NOW):
    index = Index(now)
    index.replace(resources, 1)
    return index


def query(preference=None, weights=None, target=None, **requirements: Any):
    asked = Requirements(**requirements)
    return DiscoverQuery(target=target, requirements=asked, preference=preference, weights=weights)


def names(index, asked=None, **options):
    return [each.name for each in index.discover(asked or DiscoverQuery(), **options).candidates]


def cut(index, asked=None):
    return {each.reason: each.count for each in index.discover(asked or DiscoverQuery()).exclusions}


# --- what Discover leaves out without being asked


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (endpoint(address=""), ExclusionReason.CREDENTIAL),
        (endpoint(communication=None), ExclusionReason.CREDENTIAL),
        (endpoint(communication=Communication(auth=OPEN)), ExclusionReason.CREDENTIAL),
        (endpoint(communication=Communication(dialect="openai.chat")), ExclusionReason.CREDENTIAL),
        (endpoint(weight=0), ExclusionReason.WEIGHT),
        (endpoint(status=ResourceStatus(health=Health.NOT_SERVING)), ExclusionReason.HEALTH),
        (endpoint(status=ResourceStatus(health=Health.DRAINING)), ExclusionReason.HEALTH),
        (endpoint(status=ResourceStatus(liveness=Liveness.SUSPECT)), ExclusionReason.HEALTH),
    ],
    ids=["no-address", "no-communication", "no-dialect", "no-credential", "no-weight", "down", "draining", "suspect"],
)
def test_what_cannot_be_used_is_left_out(bad, reason):
    assert cut(index_of(bad)) == {reason: 1}


@pytest.mark.parametrize(
    "good",
    [
        endpoint(),
        endpoint(communication=Communication(dialect="openai.chat"), credential="KEY"),
        endpoint(weight=None),
        endpoint(status=ResourceStatus(liveness=Liveness.PRESERVED)),
        endpoint(status=ResourceStatus(health=Health.DEGRADED)),
    ],
    ids=["open", "with-credential", "default-weight", "preserved", "degraded"],
)
def test_what_can_be_used_is_found_and_invocable(good):
    (found,) = index_of(good).discover(DiscoverQuery()).candidates
    assert found.invocable
    assert found.model == "models/m"


def test_what_cannot_be_invoked_is_listed_when_asked_for_and_says_so():
    index = index_of(endpoint(address=""))
    (found,) = index.discover(query(credential=CredentialRequirement.ANY)).candidates
    assert not found.invocable


def test_an_excluded_resource_counts_once_at_the_first_filter():
    bad = endpoint(address="", weight=0, region="us", status=ResourceStatus(health=Health.NOT_SERVING))
    assert cut(index_of(bad), query(regions=("eu",))) == {ExclusionReason.REGION: 1}


def test_excluded_ones_are_named_only_on_request_and_at_most_100_in_all():
    cut_by_region = [endpoint(f"models/m/endpoints/r{number:03}") for number in range(70)]
    cut_by_weight = [endpoint(f"models/m/endpoints/w{number:03}", weight=0, region="eu") for number in range(70)]
    index = index_of(*reversed([*cut_by_region, *cut_by_weight]))
    assert {each.names for each in index.discover(query(regions=("eu",))).exclusions} == {()}
    region, weight = index.discover(query(regions=("eu",)), name_excluded=True).exclusions
    assert (region.count, region.names) == (70, tuple(each.name for each in cut_by_region))
    assert (weight.count, weight.names) == (70, tuple(each.name for each in cut_by_weight[:30]))


# --- unknown is not a pass


@pytest.mark.parametrize(
    "requirement",
    [
        {"task": "text-generation"},
        {"all_capabilities": ("tools",)},
        {"any_capabilities": ("tools",)},
        {"input_modalities": (Modality.TEXT,)},
        {"min_context_tokens": 1},
        {"max_cost_nanos": 10**18},
        {"max_price_per_million_nanos": 10**18},
        {"max_time_to_first_token": 1e9},
        {"max_duration": 1e9},
        {"min_tokens_per_second": 0},
        {"min_reliability": 0},
        {"regions": ("*",)},
        {"no_training": True},
        {"max_retention": 1e9},
        {"quantizations": ("fp8",)},
        {"families": ("f",)},
        {"version": "1"},
    ],
    ids=lambda requirement: next(iter(requirement)),
)
def test_unknown_is_not_a_pass_unless_allowed(requirement):
    index = index_of(endpoint())
    assert names(index, query(**requirement)) == []
    assert names(index, query(**requirement, allow_unknown=(next(iter(requirement)),))) == ["models/m/endpoints/e"]
    assert names(index, query(**requirement, allow_unknown=("*",))) == ["models/m/endpoints/e"]


def test_known_and_wrong_is_no_pass_even_where_unknown_is():
    index = index_of(model(capabilities={"tools": Capability(supported=False)}), endpoint(region="us"))
    assert names(index, query(all_capabilities=("tools",), allow_unknown=("*",))) == []
    assert names(index, query(regions=("eu",), allow_unknown=("*",))) == []


# --- joins


def test_a_changed_model_changes_its_endpoints():
    index = index_of(model(tasks=("text-generation",)), endpoint())
    asked = query(task="text-generation")
    assert names(index, asked) == ["models/m/endpoints/e"]
    index.apply([model(tasks=("text-to-image",))], (), 2)
    assert names(index, asked) == []
    index.apply([model(tasks=("text-generation",))], (), 3)
    assert names(index, asked) == ["models/m/endpoints/e"]
    index.apply((), ["models/m"], 4)
    assert names(index, asked) == []


def test_an_endpoint_overrides_what_its_model_can_do():
    index = index_of(
        model(capabilities={"tools": Capability(level=4)}),
        endpoint("models/m/endpoints/with"),
        endpoint("models/m/endpoints/without", capabilities={"tools": Capability(supported=False)}),
    )
    assert names(index, query(all_capabilities=("tools",))) == ["models/m/endpoints/with"]


@pytest.mark.parametrize("said", [{}, {"vision": Capability(supported=False)}], ids=["nothing-said", "denied"])
def test_taking_images_is_vision(said):
    index = index_of(model(input_modalities=(Modality.IMAGE,), capabilities=said), endpoint())
    assert names(index, query(all_capabilities=("vision",))) == ["models/m/endpoints/e"]


@pytest.mark.parametrize("text", ["models/m", "m", "alias", "Org/M", "org/Org/M"])
def test_models_are_asked_for_by_any_of_their_names(text):
    index = index_of(
        model(publisher="org", aliases=("alias",), original_ids=("Org/M",)),
        endpoint(),
        endpoint("models/n/endpoints/e"),
    )
    assert names(index, query(models=(text,))) == ["models/m/endpoints/e"]


@pytest.mark.parametrize(
    ("task", "facts", "found"),
    [
        ("code-generation", {"tasks": ("text-generation",), "capabilities": {"code": Capability(level=3)}}, True),
        ("code-generation", {"tasks": ("text-generation",)}, False),
        ("embeddings", {"tasks": ("feature-extraction",)}, True),
        ("summarization", {"tasks": ("text-generation",)}, True),
        ("summarization", {"tasks": ("summarization",)}, True),
        ("image-generation", {"tasks": ("text-to-image",)}, True),
        ("vision", {"tasks": ("text-generation",), "input_modalities": (Modality.IMAGE,)}, True),
        ("text-generation", {"tasks": ("image-text-to-text",)}, False),
    ],
)
def test_older_spellings_of_tasks_are_understood(task, facts, found):
    assert bool(names(index_of(model(**facts), endpoint()), query(task=task))) is found


# --- the order


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


# --- revisions and time


def test_the_answer_carries_the_revision_it_shows():
    index = index_of(endpoint())
    assert index.discover(DiscoverQuery()).revision == 1
    index.apply((), (), 7)
    assert index.discover(DiscoverQuery()).revision == index.revision == 7


def test_repeats_and_removals_of_what_is_not_there_are_harmless():
    index = index_of(model(), endpoint(), agent())
    before = index.discover(DiscoverQuery())
    index.apply([endpoint(), model()], ["models/x", "models/m/endpoints/x", "agents/x", "routes/r"], 1)
    assert index.discover(DiscoverQuery()) == before


def test_replace_forgets_what_was_there():
    index = index_of(model(), endpoint(), agent())
    index.replace([endpoint("models/n/endpoints/e")], 2)
    assert names(index) == ["models/n/endpoints/e"]
    assert names(index, query(target=DiscoverTarget.AGENT)) == []


def test_a_model_is_deprecated_and_retired_when_its_time_comes():
    clock = [NOW]
    life = Lifecycle(deprecate_time=NOW + timedelta(days=1), retire_time=NOW + timedelta(days=2))
    index = index_of(model(lifecycle=life), endpoint(), now=lambda: clock[0])
    assert names(index) == ["models/m/endpoints/e"]
    clock[0] += timedelta(days=1)
    assert cut(index) == {ExclusionReason.LIFECYCLE: 1}
    clock[0] += timedelta(days=1)
    retired = query(lifecycle_stages=(LifecycleStage.RETIRED,), credential=CredentialRequirement.ANY)
    (found,) = index.discover(retired).candidates
    assert not found.invocable


def test_a_time_that_has_come_never_takes_a_model_back_to_an_earlier_stage():
    life = Lifecycle(stage=LifecycleStage.RETIRED, deprecate_time=NOW - timedelta(days=1))
    index = index_of(model(lifecycle=life), endpoint())
    assert cut(index, query(lifecycle_stages=(LifecycleStage.DEPRECATED,))) == {ExclusionReason.LIFECYCLE: 1}


# --- agents


AGENTS = DiscoverTarget.AGENT


def test_agents_are_found_by_skill_id_or_tag():
    skills = (AgentSkill(id="plan", tags=("travel", "trips")), AgentSkill(id="book"))
    index = index_of(agent(skills=skills), agent("agents/b", skills=(AgentSkill(id="plan"),)))
    assert names(index, query(target=AGENTS, skills=("plan",))) == ["agents/a", "agents/b"]
    assert names(index, query(target=AGENTS, skills=("trips", "book"))) == ["agents/a"]
    assert cut(index, query(target=AGENTS, skills=("fly",))) == {ExclusionReason.SKILL: 2}


def test_a_busy_agent_comes_after_an_idle_one_and_a_draining_one_not_at_all():
    index = index_of(
        agent("agents/busy", AgentState.BUSY),
        agent("agents/draining", AgentState.DRAINING),
        agent("agents/idle", AgentState.AVAILABLE),
        agent("agents/unheard"),
    )
    assert names(index, query(target=AGENTS)) == ["agents/idle", "agents/unheard", "agents/busy"]


def test_agents_are_filtered_by_region_labels_and_data_policy():
    careful = agent("agents/b", region="eu", data_policy=DataPolicy(trains_on_data=False, retention=0))
    index = index_of(agent(), replace(careful, labels={"team": "x"}))
    for asked in ({"regions": ("eu",)}, {"labels": {"team": "x"}}, {"no_training": True}, {"max_retention": 0.0}):
        assert names(index, query(target=AGENTS, **asked)) == ["agents/b"]


def test_endpoints_and_agents_are_never_mixed():
    index = index_of(endpoint(), agent())
    assert names(index) == ["models/m/endpoints/e"]
    assert names(index, query(target=AGENTS)) == ["agents/a"]
