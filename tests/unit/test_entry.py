"""A resource beside its bytes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airegistry.resources.agent import Agent
from airegistry.resources.resource import Liveness, Resource, ResourceKind, ResourceStatus
from registry.entry import Draft, Entry, content_of, etag_of

TIME = datetime(2026, 1, 2, 3, 4, 5, 678, UTC)
RESOURCE = Resource(
    name="agents/scout",
    uid="u-1",
    etag="e-1",
    create_time=TIME,
    update_time=TIME,
    labels={"team": "a", "stage": "b"},
    status=ResourceStatus(liveness=Liveness.LIVE, lease_ttl=30.0),
    agent=Agent(display_name="Scout"),
)


def draft(resource=RESOURCE):
    return Draft(resource, ResourceKind.AGENT, content_of(resource))


@pytest.mark.parametrize("revision", [1, 127, 128, 2**62], ids=str)
def test_the_joined_pieces_are_the_resource(revision):
    entry = draft().at(revision)
    read = Entry(name=entry.name, kind=entry.kind, revision=revision, body=draft().body)
    assert read.resource == entry.resource == replace(RESOURCE, revision=revision)


def test_an_entry_keeps_the_body_that_the_store_keeps():
    assert draft().at(300).body == draft().body


def test_an_entry_that_is_only_shown_has_no_revision():
    shown = draft().at(0)
    assert shown.resource.revision == 0
    assert shown.body == shown.wire


def test_equal_content_gives_equal_etags_whatever_surrounds_it():
    other = replace(RESOURCE, uid="u-2", etag="", status=None, labels={"stage": "b", "team": "a"})
    assert etag_of(content_of(other)) == etag_of(content_of(RESOURCE))


@pytest.mark.parametrize(
    "change", [{"labels": {"team": "a"}}, {"agent": Agent(display_name="Other")}], ids=["labels", "spec"]
)
def test_other_content_gives_another_etag(change):
    assert etag_of(content_of(replace(RESOURCE, **change))) != etag_of(content_of(RESOURCE))
