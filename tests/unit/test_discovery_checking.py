import math
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airegistry.discovery.index import Index
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.resources.requirements import (
    DiscoverQuery,
    DiscoverTarget,
    Preference,
    Requirements,
    ScoreWeights,
    TokenMix,
)

NAMES = tuple(f"n{number}" for number in range(65))


def required(**requirements: Any):
    return DiscoverQuery(requirements=Requirements(**requirements))


@pytest.fixture
def index():
    return Index(lambda: datetime(2026, 1, 1, tzinfo=UTC))


def violated(index, query, **options):
    with pytest.raises(InvalidArgumentError) as caught:
        index.discover(query, **options)
    return [violation.field for violation in caught.value.violations]


@pytest.mark.parametrize(
    "name",
    [
        "min_context_tokens",
        "min_output_tokens",
        "max_cost_nanos",
        "max_price_per_million_nanos",
        "max_time_to_first_token",
        "max_duration",
        "min_tokens_per_second",
        "max_retention",
        "min_reliability",
    ],
)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf], ids=["negative", "nan", "infinite"])
def test_a_number_that_makes_no_sense_is_refused_by_path(index, name, value):
    query = required(**{name: value})
    assert violated(index, query) == [f"query.requirements.{name}"]


def test_a_share_above_one_is_refused(index):
    query = DiscoverQuery(requirements=Requirements(min_reliability=1.01))
    assert violated(index, query) == ["query.requirements.min_reliability"]


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("all_capabilities", 32),
        ("any_capabilities", 32),
        ("regions", 64),
        ("providers", 64),
        ("excluded_providers", 64),
        ("models", 64),
        ("quantizations", 16),
        ("dialects", 32),
        ("families", 32),
        ("skills", 32),
    ],
)
def test_lists_have_their_bounds_and_no_empty_entry(index, name, most):
    # Skills are an agent's; asking an endpoint for them is another mistake.
    target = DiscoverTarget.AGENT if name == "skills" else None
    index.discover(replace(required(**{name: NAMES[:most]}), target=target))
    for bad, where in ((NAMES[: most + 1], ""), (("x", ""), "[1]")):
        query = required(**{name: bad})
        assert violated(index, query) == [f"query.requirements.{name}{where}"]


def test_labels_have_their_bound(index):
    query = DiscoverQuery(requirements=Requirements(labels=dict.fromkeys(NAMES[:33], "x")))
    assert violated(index, query) == ["query.requirements.labels"]


@pytest.mark.parametrize(
    ("mix", "path"),
    [(TokenMix(-1, 5), ".input_tokens"), (TokenMix(1, 1, -2), ".cache_read_tokens"), (TokenMix(), "")],
    ids=["negative-input", "negative-cache-read", "no-token"],
)
def test_a_mix_has_tokens_and_none_of_them_negative(index, mix, path):
    assert violated(index, DiscoverQuery(requirements=Requirements(usage=mix))) == [f"query.requirements.usage{path}"]


@pytest.mark.parametrize("name", ["labels", "usage", "credential", "min_reliabilty"])
def test_allow_unknown_takes_only_what_can_be_unknown(index, name):
    query = DiscoverQuery(requirements=Requirements(allow_unknown=(name,)))
    assert violated(index, query) == ["query.requirements.allow_unknown[0]"]


def test_a_filter_expression_is_not_ignored_by_an_index_without_a_language(index):
    with pytest.raises(UnsupportedFieldError) as caught:
        index.discover(DiscoverQuery(requirements=Requirements(filter="true")))
    assert caught.value.violations[0].field == "query.requirements.filter"


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf], ids=["negative", "nan", "infinite"])
@pytest.mark.parametrize("name", [field.name for field in fields(ScoreWeights)])
def test_a_weight_that_makes_no_sense_is_refused_by_path(index, name, value):
    weights = ScoreWeights(**({"cost": 1.0} | {name: value}))
    assert f"query.weights.{name}" in violated(index, DiscoverQuery(weights=weights))


def test_weights_are_not_all_zero(index):
    assert violated(index, DiscoverQuery(weights=ScoreWeights())) == ["query.weights"]


def test_a_preference_beside_weights_is_refused(index):
    query = DiscoverQuery(preference=Preference.CHEAPEST, weights=ScoreWeights(cost=1))
    assert violated(index, query) == ["query.weights"]


def test_everything_wrong_is_said_at_once(index):
    query = DiscoverQuery(
        requirements=Requirements(min_context_tokens=-1, regions=("",)), weights=ScoreWeights(cost=-1)
    )
    assert violated(index, query) == [
        "query.weights.cost",
        "query.requirements.min_context_tokens",
        "query.requirements.regions[0]",
    ]


def test_the_path_is_where_the_query_stands(index):
    query = DiscoverQuery(requirements=Requirements(max_duration=-1))
    assert violated(index, query, path="requests[3].query") == ["requests[3].query.requirements.max_duration"]


def test_a_limit_below_one_is_refused(index):
    assert violated(index, DiscoverQuery(), limit=0) == ["limit"]
