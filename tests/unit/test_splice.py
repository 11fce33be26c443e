"""What is spliced by hand is what protobuf reads."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from airegistry._convert import from_pb
from airegistry.discovery.answers import (
    Candidate,
    Score,
    ScoreBasis,
    ScoreFigure,
    ScoreFigureKind,
    ScorePart,
    ScorePartKind,
)
from airegistry.v1 import discovery_pb2, registry_service_pb2, resource_pb2
from registry.rpc import splice

numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds have none
figures = st.builds(
    ScoreFigure,
    kind=st.sampled_from(ScoreFigureKind),
    declared=st.none() | numbers,
    measured=st.none() | numbers,
    samples=st.integers(0, 2**62),
    window=st.none() | st.sampled_from([60.0, 86_400.0, 0.25]),
    last_time=st.none() | times,
)
parts = st.builds(
    ScorePart,
    kind=st.sampled_from(ScorePartKind),
    value=numbers,
    weight=numbers,
    contribution=numbers,
    basis=st.sampled_from(ScoreBasis),
    figures=st.lists(figures, max_size=3).map(tuple),
)
scores = st.builds(Score, total=numbers, parts=st.lists(parts, max_size=6).map(tuple))
resources = st.builds(
    lambda name, size: resource_pb2.Resource(name=name, etag="e" * size), st.text(max_size=40), st.integers(0, 40_000)
)


@given(resources, st.none() | resources, scores, st.none() | st.integers(0, 2**62), st.booleans())
def test_a_candidate_reads_as_what_went_in(resource, model, score, cost, invocable):
    wire = splice.candidate(
        resource.SerializeToString(),
        None if model is None else model.SerializeToString(),
        score,
        cost_nanos=cost,
        invocable=invocable,
    )
    (candidate,) = registry_service_pb2.DiscoverResponse.FromString(wire).candidates
    assert candidate.resource == resource
    assert candidate.HasField("model") is (model is not None)
    assert model is None or candidate.model == model
    read = from_pb(Candidate, candidate, strict=True)
    assert (read.score, read.cost_nanos, read.invocable) == (score, cost, invocable)


@given(st.lists(resources, max_size=4), st.integers(1, 2**60))
def test_resources_join_a_message_in_their_order(given_resources, revision):
    head = registry_service_pb2.ListResponse(revision=revision, total_size=7)
    wires = [resource.SerializeToString() for resource in given_resources]
    read = registry_service_pb2.ListResponse.FromString(splice.joined(head, splice.LIST_RESOURCES, wires))
    assert list(read.resources) == given_resources
    assert (read.revision, read.total_size) == (revision, 7)


@given(resources, st.integers(1, 2**60))
def test_an_event_reads_as_what_went_in(resource, revision):
    wire = splice.watch_event(registry_service_pb2.WATCH_EVENT_TYPE_REMOVED, revision, resource.SerializeToString())
    expected = registry_service_pb2.WatchEvent(
        type=registry_service_pb2.WATCH_EVENT_TYPE_REMOVED, revision=revision, resource=resource
    )
    assert registry_service_pb2.WatchEvent.FromString(wire) == expected


def test_the_layout_knows_every_field_of_a_score():
    assert [field.name for field in discovery_pb2.Score.DESCRIPTOR.fields] == ["total", "parts"]
    assert [(field.name, field.number) for field in discovery_pb2.ScorePart.DESCRIPTOR.fields] == [
        ("kind", 1),
        ("value", 2),
        ("weight", 3),
        ("contribution", 4),
        ("basis", 5),
        ("figures", 6),
    ]
    assert [(field.name, field.number) for field in discovery_pb2.ScoreFigure.DESCRIPTOR.fields] == [
        ("kind", 1),
        ("declared", 2),
        ("measured", 3),
        ("samples", 4),
        ("window", 5),
        ("last_time", 6),
    ]
