"""Each validator lets a sound history pass, and finds the one thing that is wrong with a broken one."""

from dataclasses import replace

import pytest

from airegistry.client.follower import WatchUpdate
from airegistry.client.messages import WatchEvent
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from tests.robustness import validators
from tests.robustness.validators import ADDED, REMOVED, UPDATED


def model(id_, revision, **labels):
    return Resource(name=f"models/{id_}", revision=revision, labels=labels, model=Model())


def event(type_, revision, id_, **labels):
    return WatchEvent(type_, revision, model(id_, revision, **labels))


def update(revision, *events, snapshot=False):
    return WatchUpdate(revision, events, snapshot=snapshot)


def red(resource):
    return resource.labels.get("colour") == "red"


A1 = event(ADDED, 1, "a", colour="red")
B2, C2 = event(ADDED, 2, "b"), event(ADDED, 2, "c")
A3 = event(UPDATED, 3, "a", colour="blue")
B4 = event(UPDATED, 4, "b", colour="red")
C5 = WatchEvent(REMOVED, 5, model("c", 2))
LOG = {1: (A1,), 2: (B2, C2), 3: (A3,), 4: (B4,), 5: (C5,)}

SNAPSHOT = update(1, A1, snapshot=True)
SOUND = (SNAPSHOT, update(3, B2, C2, A3), update(4, B4), update(5, C5), update(5))
STREAMS = (SOUND[:2], SOUND[2:])
RED = (
    SNAPSHOT,
    update(3, replace(A3, type=REMOVED, resource=A1.resource)),
    update(4, replace(B4, type=ADDED)),
    update(5),
)

BROKEN = [
    pytest.param("ordered", (SNAPSHOT, update(4, B4), update(4, A3)), "had been reached", id="ordered-late"),
    pytest.param("ordered", (SNAPSHOT, update(3, A3, B2)), "out of order", id="ordered-inside"),
    pytest.param("ordered", (SNAPSHOT, update(3), update(2)), "came after 3", id="ordered-position"),
    pytest.param("ordered", (SNAPSHOT, update(2, A3)), "too low", id="ordered-ahead"),
    pytest.param("unique", (SNAPSHOT, update(3, B2, C2, A3), update(4, A3, B4)), "models/a", id="unique"),
    pytest.param("atomic", (SNAPSHOT, update(2, B2), update(2, C2)), "1 of the 2 events of 2", id="atomic"),
    pytest.param("reliable", (SNAPSHOT, update(3, B2, C2), update(4, B4)), "(3, 'models/a')", id="reliable-revision"),
    pytest.param("reliable", (SNAPSHOT, update(3, B2, A3)), "(2, 'models/c')", id="reliable-event"),
    pytest.param("bookmarkable", (SNAPSHOT, update(3, B2, C2), update(3, A3)), "3 was told before", id="bookmarkable"),
]


def check(promise, history, *more):
    validate = getattr(validators, f"check_{promise}")
    return validate(history, *more) if promise in ("ordered", "unique") else validate(history, LOG, *more)


@pytest.mark.parametrize("promise", ["ordered", "unique", "atomic", "reliable", "bookmarkable"])
def test_a_sound_history_passes(promise):
    check(promise, SOUND)


@pytest.mark.parametrize("promise", ["atomic", "reliable", "bookmarkable", "filtered"])
def test_a_sound_history_of_a_filter_passes(promise):
    check(promise, RED, red)


@pytest.mark.parametrize(("promise", "history", "words"), BROKEN)
def test_a_broken_history_is_found(promise, history, words):
    with pytest.raises(AssertionError) as found:
        check(promise, history)
    assert words in str(found.value)


def test_streams_that_go_on_where_the_last_one_was_cut_pass():
    validators.check_resumable(STREAMS, LOG)


@pytest.mark.parametrize(
    ("streams", "words"),
    [
        pytest.param((SOUND[:2], SOUND[3:]), "(4, 'models/b')", id="lost"),
        pytest.param((SOUND[:3], SOUND[2:]), "repeated after the cut at 4", id="repeated"),
    ],
)
def test_streams_that_lose_or_repeat_are_found(streams, words):
    with pytest.raises(AssertionError) as found:
        validators.check_resumable(streams, LOG)
    assert words in str(found.value)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param(A3, "UPDATED of models/a by 3 should be REMOVED", id="leaves"),
        pytest.param(replace(A3, type=ADDED), "should be REMOVED", id="leaves-as-added"),
        pytest.param(B2, "should be nothing", id="never-inside"),
    ],
)
def test_what_a_filter_should_have_said_is_found(wrong, words):
    with pytest.raises(AssertionError) as found:
        validators.check_filtered((SNAPSHOT, update(4, wrong)), LOG, red)
    assert words in str(found.value)


def test_a_snapshot_with_what_is_outside_the_filter_is_found():
    with pytest.raises(AssertionError, match="outside the filter"):
        validators.check_filtered((update(2, A1, B2, snapshot=True),), LOG, red)


def test_holes_in_the_revisions_are_found():
    validators.check_gapless(LOG)
    with pytest.raises(AssertionError, match=r"\[4\]"):
        validators.check_gapless({revision: LOG[revision] for revision in (1, 2, 3, 5)})


LISTED = [model("a", 3, colour="blue"), model("b", 4, colour="red")]


def test_a_replay_that_leads_to_what_is_listed_passes():
    validators.check_replay(LOG, LISTED)


@pytest.mark.parametrize(
    ("log", "listed"),
    [
        pytest.param(LOG, LISTED[:1], id="one-is-not-listed"),
        pytest.param(LOG, [*LISTED, model("d", 1)], id="one-was-never-registered"),
        pytest.param({**LOG, 4: (replace(B4, type=ADDED),)}, LISTED, id="added-twice"),
        pytest.param({**LOG, 2: (B2,)}, LISTED, id="removed-what-was-not-there"),
        pytest.param({**LOG, 6: (event(UPDATED, 4, "b", colour="red"),)}, LISTED, id="of-another-revision"),
    ],
)
def test_a_replay_that_does_not_fit_is_found(log, listed):
    with pytest.raises(AssertionError):
        validators.check_replay(log, listed)


def test_the_log_is_what_a_replay_from_the_beginning_tells():
    assert validators.log_of([update(2, A1, B2, C2), update(5, A3, B4, C5), update(5)]) == LOG
