"""Some fields of a resource taken from another."""

import pytest

from airegistry.errors import InvalidArgumentError
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Lifecycle, LifecycleStage, Model
from airegistry.resources.resource import Resource
from registry.planning.masks import apply_mask, check_mask

STORED = Resource(name="models/a", etag="old", labels={"a": "1"}, model=Model(display_name="A", description="old"))
GIVEN = Resource(
    name="models/a", etag="new", labels={"b": "2"}, model=Model(lifecycle=Lifecycle(stage=LifecycleStage.RETIRED))
)


def test_only_the_named_field_changes():
    merged = apply_mask(STORED, GIVEN, ["labels"])
    assert (merged.labels, merged.model) == ({"b": "2"}, STORED.model)


def test_a_message_that_is_missing_on_the_way_is_made():
    merged = apply_mask(STORED, GIVEN, ["model.lifecycle.stage"])
    assert merged.model == Model(display_name="A", description="old", lifecycle=Lifecycle(stage=LifecycleStage.RETIRED))


def test_a_field_that_is_not_given_is_cleared():
    assert apply_mask(STORED, GIVEN, ["model.description"]).model == Model(display_name="A")


def test_a_field_below_a_message_that_is_not_given_is_cleared():
    stored = Resource(endpoint=Endpoint(communication=Communication(dialect="a", path="/x")))
    merged = apply_mask(stored, Resource(endpoint=Endpoint()), ["endpoint.communication.path"])
    assert merged.endpoint == Endpoint(communication=Communication(dialect="a"))


@pytest.mark.parametrize("paths", [[], ["*"]], ids=["empty", "star"])
def test_without_paths_the_spec_and_the_labels_are_replaced(paths):
    merged = apply_mask(STORED, GIVEN, paths)
    assert (merged.labels, merged.model) == (GIVEN.labels, GIVEN.model)


def test_the_condition_on_the_etag_is_the_callers():
    assert apply_mask(STORED, GIVEN, ["labels"]).etag == "new"


@pytest.mark.parametrize(
    ("paths", "field"),
    [
        pytest.param(["labels", "nonsense"], "update_mask.paths[1]", id="unknown"),
        pytest.param(["model.nonsense"], "update_mask.paths[0]", id="unknown-below"),
        pytest.param(["model..description"], "update_mask.paths[0]", id="empty-part"),
        pytest.param(["name"], "update_mask.paths[0]", id="the-name"),
        pytest.param(["status.health"], "update_mask.paths[0]", id="output-only"),
        pytest.param(["labels.a"], "update_mask.paths[0]", id="inside-a-map"),
        pytest.param(["model.aliases.x"], "update_mask.paths[0]", id="inside-a-list"),
        pytest.param(["*", "labels"], "update_mask", id="star-and-more"),
        pytest.param(["endpoint"], "resource.endpoint", id="spec-not-given"),
    ],
)
def test_a_path_that_cannot_be_set_is_refused_by_its_place(paths, field):
    with pytest.raises(InvalidArgumentError) as raised:
        check_mask(paths, GIVEN)
    assert [violation.field for violation in raised.value.violations] == [field]
