"""Filter expressions in the index: evaluated for few, remembered, and in step with every change."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airegistry.discovery.answers import ExclusionReason
from airegistry.discovery.index import Index
from airegistry.discovery.satisfying import STEP
from airegistry.expressions.expression import compile_expression
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Model
from airegistry.resources.requirements import DiscoverQuery, Requirements
from airegistry.resources.resource import Resource

AT = datetime(2026, 1, 1, tzinfo=UTC)
USABLE: dict[str, Any] = {
    "address": "https://a.example",
    "communication": Communication(dialect="x"),
    "credential": "key",
}


@dataclass
class Counted:
    """The language, with a count of what was evaluated."""

    asked: list[str] = field(default_factory=list)

    def compile(self, text, path):
        expression = compile_expression(text, path)
        language = self

        class Counting:
            def holds(self, resource, model=None):
                language.asked.append(resource.name)
                return expression.holds(resource, model)

        return Counting()

    def count(self):
        count = len(self.asked)
        self.asked.clear()
        return count


def endpoint(number, **fields):
    return Resource(name=f"models/m/endpoints/{number}", endpoint=Endpoint(**USABLE | fields))


def model(**fields):
    return Resource(name="models/m", model=Model(**fields))


@pytest.fixture
def language():
    return Counted()


@pytest.fixture
def index(language):
    index = Index(lambda: AT, language.compile)
    index.replace([model(family="x"), *(endpoint(i, region=f"r{i % 4}") for i in range(1_000))], 1)
    return index


def matched(index, text, **requirements):
    query = DiscoverQuery(requirements=Requirements(filter=text, **requirements))
    return index.discover(query, limit=1).matched_count


REGION = 'endpoint.region == "r1"'


def test_an_expression_is_evaluated_once_for_each_row(index, language):
    assert [matched(index, REGION), language.count()] == [250, 1_000]
    # Other queries, so that no whole answer is remembered for them.
    assert [matched(index, REGION, providers=("nobody",)), language.count()] == [0, 0]
    assert [matched(index, REGION, dialects=("x",)), language.count()] == [250, 0]


def test_an_expression_is_evaluated_only_for_whom_the_other_filters_left(index, language):
    assert [matched(index, "true", regions=("r2",)), language.count()] == [250, 250]
    assert [matched(index, "true", regions=("r1", "r2")), language.count()] == [500, 250]


def test_after_a_change_only_what_changed_is_evaluated_again(index, language):
    matched(index, REGION)
    language.count()
    index.apply([endpoint(1, region="r9"), endpoint(2, region="r1"), endpoint(1_000, region="r1")], [], 2)
    index.apply([], ["models/m/endpoints/5"], 3)
    assert [matched(index, REGION), language.count()] == [250, 3]


def test_when_a_model_changes_its_endpoints_are_evaluated_again(index, language):
    assert [matched(index, 'model.family == "x"'), language.count()] == [1_000, 1_000]
    index.apply([model(family="y")], [], 2)
    assert [matched(index, 'model.family == "x"'), language.count()] == [0, 1_000]


def test_changes_beyond_the_journal_are_not_missed(index, language):
    matched(index, REGION)
    for revision in range(2, 7):
        index.apply([endpoint(i, region="r1") for i in range(1_000)], [], revision)
    assert matched(index, REGION) == 1_000


def test_a_row_taken_by_another_is_not_taken_for_it(index):
    assert matched(index, REGION) == 250
    index.apply([], [f"models/m/endpoints/{i}" for i in range(1, 1_000, 4)], 2)
    index.apply([endpoint(i, region="r3") for i in range(2_000, 2_250)], [], 3)
    assert matched(index, REGION) == 0


def test_preparing_takes_steps_and_then_nothing_is_left_to_evaluate(index, language):
    query = DiscoverQuery(requirements=Requirements(filter=REGION))
    assert [language.count() for _ in index.prepare(query)] == [STEP] * (1_000 // STEP)
    language.count()
    assert [matched(index, REGION), language.count()] == [250, 0]


def test_what_changes_while_a_query_is_prepared_is_looked_at_again(index, language):
    steps = index.prepare(DiscoverQuery(requirements=Requirements(filter=REGION)))
    next(steps)
    index.apply([endpoint(1, region="r9"), endpoint(0, region="r1")], ["models/m/endpoints/5"], 2)
    for _ in steps:
        pass
    language.count()
    assert [matched(index, REGION), language.count()] == [249, 0]


def test_a_query_without_an_expression_needs_no_preparing(index):
    assert list(index.prepare(DiscoverQuery(requirements=Requirements(regions=("r1",))))) == []


def test_expressions_beyond_the_bound_are_evaluated_again(index, language):
    for i in range(40):
        matched(index, f"endpoint.weight == {i}", regions=("r1",))
    language.count()
    assert [matched(index, "endpoint.weight == 39", regions=("r1",), dialects=("x",)), language.count()] == [0, 0]
    assert [matched(index, "endpoint.weight == 0", regions=("r1",), dialects=("x",)), language.count()] == [0, 250]


def test_whom_an_expression_cuts_is_counted_after_the_cheap_filters_and_before_the_weight():
    index = Index(lambda: AT, compile_expression)
    listed = [endpoint("a", region="r1"), endpoint("b", region="r2"), endpoint("c", region="r1", weight=0)]
    index.replace([*listed, endpoint("d", region="r2", credential=""), endpoint("e", region="r2", weight=0)], 1)
    answer = index.discover(DiscoverQuery(requirements=Requirements(filter=REGION)), name_excluded=True)
    assert [(each.reason, [name[-1] for name in each.names]) for each in answer.exclusions] == [
        (ExclusionReason.CREDENTIAL, ["d"]),
        (ExclusionReason.FILTER, ["b", "e"]),
        (ExclusionReason.WEIGHT, ["c"]),
    ]


def test_labels_are_the_endpoints_own_before_those_of_its_model():
    index = Index(lambda: AT, compile_expression)
    labelled = replace(model(), labels={"a": "model", "b": "model"})
    index.replace([labelled, replace(endpoint(0), labels={"a": "endpoint"})], 1)
    assert matched(index, 'labels.a == "endpoint" && labels.b == "model"') == 1
    assert matched(index, 'labels.a == "model"') == 0
