from dataclasses import replace

from airegistry.client.follower import Follower, WatchUpdate
from airegistry.client.messages import WatchEvent, WatchEventType, WatchRequest, WatchResponse, WatchResponseKind
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource

ADDED, UPDATED, REMOVED = WatchEventType
SNAPSHOT, END, CHANGES, BOOKMARK, RESET = WatchResponseKind


def model(id_, revision=1, **fields):
    return Resource(name=f"models/{id_}", revision=revision, model=Model(**fields))


def event(kind, resource, revision=None):
    return WatchEvent(kind, revision or resource.revision, resource)


def message(kind, revision, *events, **fields):
    token = "" if kind is SNAPSHOT or fields.get("fragment") else f"t{revision}"
    return WatchResponse(kind, events, revision, token, **fields)


def after_snapshot(*resources, revision=5):
    follower = Follower(WatchRequest())
    follower.take(message(SNAPSHOT, revision, *(event(ADDED, r) for r in resources)))
    follower.take(message(END, revision))
    return follower


def test_a_snapshot_is_one_update_however_many_messages_it_takes():
    follower = Follower(WatchRequest())
    assert follower.take(message(SNAPSHOT, 5, event(ADDED, model("a")))) is None
    assert follower.take(message(SNAPSHOT, 5, event(ADDED, model("b")))) is None
    assert follower.known == {}
    update = follower.take(message(END, 5))
    assert update == WatchUpdate(5, (event(ADDED, model("a")), event(ADDED, model("b"))), "t5", snapshot=True)
    assert follower.request == WatchRequest(resume_token="t5")


def test_changes_move_the_set_and_the_position():
    follower = after_snapshot(model("a"), model("b"))
    events = (event(UPDATED, model("a", 6, family="f")), event(REMOVED, model("b"), 7), event(ADDED, model("c", 7)))
    assert follower.take(message(CHANGES, 7, *events)) == WatchUpdate(7, events, "t7")
    assert follower.known == {"models/a": model("a", 6, family="f"), "models/c": model("c", 7)}
    assert follower.request.resume_token == "t7"


def test_a_revision_in_fragments_is_one_update_at_its_last():
    follower = after_snapshot(model("a"))
    assert follower.take(message(CHANGES, 6, event(ADDED, model("b", 6)), fragment=True)) is None
    assert follower.known.keys() == {"models/a"}
    assert follower.request.resume_token == "t5"
    update = follower.take(message(CHANGES, 6, event(ADDED, model("c", 6))))
    assert [e.resource.name for e in update.events] == ["models/b", "models/c"]
    assert follower.request.resume_token == "t6"


def test_a_cut_forgets_the_half_that_comes_again():
    follower = after_snapshot(model("a"))
    follower.take(message(CHANGES, 6, event(ADDED, model("b", 6)), fragment=True))
    follower.cut()
    update = follower.take(message(CHANGES, 6, event(ADDED, model("b", 6)), event(ADDED, model("c", 6))))
    assert [e.resource.name for e in update.events] == ["models/b", "models/c"]


def test_a_cut_snapshot_starts_anew():
    follower = Follower(WatchRequest())
    follower.take(message(SNAPSHOT, 5, event(ADDED, model("gone-since"))))
    follower.cut()
    assert follower.request == WatchRequest()
    follower.take(message(SNAPSHOT, 6, event(ADDED, model("a"))))
    assert follower.take(message(END, 6)) == WatchUpdate(6, (event(ADDED, model("a")),), "t6", snapshot=True)


def test_a_bookmark_moves_only_the_position():
    follower = after_snapshot(model("a"))
    assert follower.take(message(BOOKMARK, 9)) == WatchUpdate(9, (), "t9")
    assert follower.request.resume_token == "t9"


def test_a_resync_comes_as_what_it_changes():
    follower = after_snapshot(model("a"), model("b"), model("c"))
    follower.start_over()
    assert follower.request == WatchRequest()
    assert follower.known.keys() == {"models/a", "models/b", "models/c"}
    changed = model("b", 40, family="f")
    follower.take(message(SNAPSHOT, 50, *(event(ADDED, r) for r in (model("a"), changed, model("d", 45)))))
    update = follower.take(message(END, 50))
    assert update.snapshot
    assert update.events == (
        event(REMOVED, model("c"), 50),
        event(UPDATED, changed),
        event(ADDED, model("d", 45)),
    )
    assert follower.known.keys() == {"models/a", "models/b", "models/d"}


def test_skipping_the_snapshot_and_a_start_position_are_for_the_first_time_only():
    follower = Follower(WatchRequest(skip_snapshot=True))
    follower.take(message(END, 5))
    assert follower.request == WatchRequest(resume_token="t5")
    positioned = Follower(WatchRequest(after_revision=3, bookmark_interval=2.0))
    assert positioned.resumes
    positioned.start_over()
    assert positioned.request == WatchRequest(bookmark_interval=2.0)
    assert not positioned.resumes


def test_kinds_that_are_not_known_are_skipped_and_the_position_advances():
    follower = after_snapshot(model("a"))
    gadget = Resource(name="gadgets/x", revision=6)
    update = follower.take(message(CHANGES, 6, event(ADDED, gadget), event(ADDED, model("b", 6))))
    assert [e.resource.name for e in update.events] == ["models/b"]
    assert follower.known.keys() == {"models/a", "models/b"}
    assert follower.take(replace(message(CHANGES, 7), kind=None)) is None


def test_a_removal_names_what_it_removes_even_without_its_spec():
    follower = after_snapshot(model("a"))
    removed = event(REMOVED, Resource(name="models/a", uid="u"), 6)
    assert follower.take(message(CHANGES, 6, removed)) == WatchUpdate(6, (removed,), "t6")
    assert follower.known == {}


def test_a_new_snapshot_keeps_the_objects_that_are_equal():
    follower = after_snapshot(model("a"), model("b"))
    old = dict(follower.known)
    follower.take(message(SNAPSHOT, 9, event(ADDED, model("a")), event(ADDED, model("b", 7, family="f"))))
    update = follower.take(message(END, 9))
    assert follower.known["models/a"] is old["models/a"]
    assert [e.resource.name for e in update.events] == ["models/b"]


def reset(revision):
    return WatchResponse(RESET, (), revision)


def test_a_reset_keeps_what_is_known_until_the_snapshot_after_it_is_complete():
    follower = after_snapshot(model("a"), model("b"))
    assert follower.take(reset(5)) is None
    assert follower.take(message(SNAPSHOT, 90, event(ADDED, model("b")), event(ADDED, model("c", 70)))) is None
    assert follower.known.keys() == {"models/a", "models/b"}
    assert follower.request.resume_token == "t5"
    update = follower.take(message(END, 90))
    assert update == WatchUpdate(
        90, (event(REMOVED, model("a"), 90), event(ADDED, model("c", 70))), "t90", snapshot=True
    )
    assert follower.known.keys() == {"models/b", "models/c"}


def test_a_reset_forgets_the_half_of_a_revision_and_of_a_snapshot():
    follower = after_snapshot(model("a"))
    follower.take(message(CHANGES, 6, event(ADDED, model("half", 6)), fragment=True))
    follower.take(reset(5))
    follower.take(message(SNAPSHOT, 8, event(ADDED, model("gone-since", 8))))
    follower.take(reset(5))
    follower.take(message(SNAPSHOT, 9, event(ADDED, model("a"))))
    assert follower.take(message(END, 9)).events == ()
    assert follower.take(message(CHANGES, 10, event(ADDED, model("b", 10)))).events == (event(ADDED, model("b", 10)),)


def test_a_cut_after_a_reset_resumes_from_before_it():
    follower = after_snapshot(model("a"))
    follower.take(reset(5))
    follower.take(message(SNAPSHOT, 9, event(ADDED, model("b", 9))))
    follower.cut()
    assert follower.request == WatchRequest(resume_token="t5")
    assert follower.known.keys() == {"models/a"}
