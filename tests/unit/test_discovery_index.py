"""The index follows its resources: joins, revisions, times that come, agents."""

from dataclasses import replace
from datetime import timedelta

import pytest

from airegistry.discovery.answers import ExclusionReason
from airegistry.resources.agent import AgentSkill
from airegistry.resources.endpoint import DataPolicy
from airegistry.resources.model import Capability, Lifecycle, LifecycleStage, Modality
from airegistry.resources.requirements import CredentialRequirement, DiscoverQuery, DiscoverTarget
from airegistry.resources.resource import AgentState
from tests.indexes import NOW, agent, cut, endpoint, index_of, model, names, query


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
