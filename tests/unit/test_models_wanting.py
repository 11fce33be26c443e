"""What is wanted, as keyword arguments, and the query that they make."""

from dataclasses import fields

import pytest

from airegistry.errors import FieldViolation, InvalidArgumentError
from airegistry.models.wanting import Wanted, arguments_named, field_of, query_of
from airegistry.resources.model import LifecycleStage, Modality
from airegistry.resources.requirements import (
    CredentialRequirement,
    DiscoverQuery,
    HealthRequirement,
    Preference,
    Requirements,
    ScoreWeights,
    TokenMix,
)

NOT_OF_MODELS = {"skills"}
OTHERWISE = {"task", "all_capabilities"}


def test_the_arguments_become_the_query_that_they_mean():
    wanted = Wanted(max_latency=5, min_reliability=0.9, max_cost_per_token=0.000002, min_context=100_000)
    assert query_of("chat", wanted | Wanted(prefer="most-reliable", any_credential=True)) == DiscoverQuery(
        requirements=Requirements(
            task="chat",
            max_time_to_first_token=5.0,
            min_reliability=0.9,
            max_price_per_million_nanos=2_000_000_000,
            min_context_tokens=100_000,
            credential=CredentialRequirement.ANY,
        ),
        preference=Preference.MOST_RELIABLE,
    )


def test_one_word_may_stand_alone_and_words_stand_for_what_they_name():
    wanted = Wanted(
        capabilities="tools",
        takes=["text", "image"],
        gives=Modality.TEXT,
        lifecycle_stages="active",
        health="any",
        providers=["a"],
    )
    asked = query_of("", wanted).requirements
    assert asked == Requirements(
        all_capabilities=("tools",),
        input_modalities=(Modality.TEXT, Modality.IMAGE),
        output_modalities=(Modality.TEXT,),
        lifecycle_stages=(LifecycleStage.ACTIVE,),
        health=HealthRequirement.ANY,
        providers=("a",),
    )


def test_every_requirement_of_a_model_has_an_argument():
    reached = {field_of(argument) for argument in Wanted.__annotations__} | OTHERWISE
    assert {field.name for field in fields(Requirements)} - NOT_OF_MODELS <= reached


def test_an_argument_that_is_none_is_not_given():
    assert query_of("", {"max_latency": None, "providers": None}) == DiscoverQuery(requirements=Requirements())


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("max_latency", -1),
        ("min_reliability", 2),
        ("max_cost_per_token", float("nan")),
        ("max_price_per_million", "cheap"),
        ("max_cost", -1),
        ("min_context", 1.5),
        ("min_tokens_per_second", "fast"),
        ("usage", 1_000),
        ("capabilities", 3),
        ("providers", ["a", 1]),
        ("takes", "pictures"),
        ("lifecycle_stages", ["dead"]),
        ("health", "well"),
        ("labels", "team"),
        ("no_training", "yes"),
        ("any_credential", 1),
        ("version", 3),
        ("prefer", "nicest"),
        ("weights", {"cost": 1}),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_argument(argument, value):
    with pytest.raises(InvalidArgumentError) as refused:
        query_of("", {argument: value})
    assert [violation.field for violation in refused.value.violations] == [argument]


def test_two_words_for_the_price_are_refused():
    with pytest.raises(InvalidArgumentError, match="max_cost_per_token"):
        query_of("", Wanted(max_cost_per_token=1, max_price_per_million=1))


def test_an_unknown_argument_names_the_nearest():
    with pytest.raises(TypeError, match=r"'max_latncy' here; did you mean 'max_latency'\?"):
        query_of("", {"max_latncy": 5})


@pytest.mark.parametrize(
    ("field", "argument"),
    [
        ("query.requirements.max_price_per_million_nanos", "max_cost_per_token"),
        ("query.requirements.all_capabilities[1]", "capabilities[1]"),
        ("query.requirements.usage.input_tokens", "usage.input_tokens"),
        ("query.requirements.task", "task"),
        ("query.weights", "weights"),
        ("limit", "limit"),
    ],
)
def test_what_a_server_refuses_is_told_by_the_argument(field, argument):
    wanted = Wanted(max_cost_per_token=1, capabilities=("a", "b"), usage=TokenMix(), weights=ScoreWeights())
    with pytest.raises(InvalidArgumentError) as refused, arguments_named(wanted):
        raise InvalidArgumentError(violations=[FieldViolation(field, "is wrong")])
    assert [violation.field for violation in refused.value.violations] == [argument]
