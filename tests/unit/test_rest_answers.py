"""Answers are the same JSON, whatever of it was kept."""

import ctypes
import json
import sys
from typing import Any

import orjson
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from airegistry._rpc.pieces import Pieces
from airegistry._rpc.rest.answers import Answers
from airegistry._rpc.rest.kept import Kept
from airegistry._rpc.rest.writing import dump
from airegistry.v1 import analytics_service_pb2, discovery_pb2, model_pb2, registry_service_pb2, resource_pb2
from tests.messages import messages
from tests.unit.test_convert import MESSAGES

CANDIDATE, RESOURCE = discovery_pb2.Candidate.DESCRIPTOR, resource_pb2.Resource.DESCRIPTOR
ANSWERS = registry_service_pb2.DESCRIPTOR.services_by_name["RegistryService"].methods
# Inside each other, in lists, in oneofs, in maps, with maps beside them, in themselves.
KEPT = [
    (CANDIDATE, RESOURCE),
    (RESOURCE,),
    (model_pb2.Model.DESCRIPTOR, registry_service_pb2.DiscoverResponse.DESCRIPTOR),
    (model_pb2.Capability.DESCRIPTOR, discovery_pb2.Score.DESCRIPTOR),
    tuple(MESSAGES.values()),
]
WRITERS = [Answers(kept) for kept in KEPT]


def writer(message, *kept):
    write = Answers(kept or (RESOURCE,)).writer(message.DESCRIPTOR)
    assert write is not None
    return write


@pytest.fixture
def written(monkeypatch):
    """The names of the types of all that is written, as it is."""
    names: list[str] = []

    def counted(message):
        names.append(message.DESCRIPTOR.name)
        return dump(message)

    monkeypatch.setattr("airegistry._rpc.rest.answers.dump", counted)
    return names


def plain(message):
    return json.loads(json_format.MessageToJson(message))


@given(st.sampled_from(list(MESSAGES.values())).flatmap(messages))
def test_every_message_is_the_same_in_pieces(message):
    for answers in WRITERS:
        write = answers.writer(message.DESCRIPTOR)
        if write is not None:
            assert json.loads(write(message.SerializeToString())) == plain(message)


@given(st.data())
def test_an_answer_whose_pieces_were_all_in_others_is_the_same(data):
    write = writer(registry_service_pb2.DiscoverResponse, CANDIDATE, RESOURCE)
    candidates = data.draw(st.lists(messages(CANDIDATE), min_size=1, max_size=3))
    for _ in range(4):
        chosen = data.draw(st.lists(st.sampled_from(candidates), max_size=4))
        answer = registry_service_pb2.DiscoverResponse(candidates=chosen, revision=data.draw(st.integers(0, 9)))
        assert json.loads(write(answer.SerializeToString())) == plain(answer)


@given(st.data())
def test_an_answer_in_pieces_is_the_same(data):
    write = writer(registry_service_pb2.DiscoverResponse, CANDIDATE, RESOURCE)
    elements = st.builds(
        lambda candidate: registry_service_pb2.DiscoverResponse(candidates=[candidate]), messages(CANDIDATE)
    )
    known = data.draw(st.lists(elements.map(lambda answer: answer.SerializeToString()), min_size=1, max_size=3))
    for _ in range(4):
        head = data.draw(messages(registry_service_pb2.DiscoverResponse.DESCRIPTOR))
        head.ClearField("candidates")
        chosen = data.draw(st.lists(st.sampled_from(known), max_size=4))
        answer = Pieces(head.SerializeToString(), "candidates", chosen)
        assert json.loads(write(answer)) == plain(registry_service_pb2.DiscoverResponse.FromString(answer.joined()))


def test_an_element_that_was_in_another_answer_is_not_written_again(written):
    write = writer(registry_service_pb2.DiscoverResponse, CANDIDATE, RESOURCE)
    whole = registry_service_pb2.DiscoverResponse(
        candidates=[discovery_pb2.Candidate(resource=resource_pb2.Resource(name="models/m"))]
    )
    elements = [whole.SerializeToString()] * 2
    answers = [write(Pieces(b"", "candidates", elements)) for _ in range(2)]
    assert answers == [b'{"candidates":[{"resource":{"name":"models/m"}},{"resource":{"name":"models/m"}}]}'] * 2
    assert written.count("Candidate") == 1


def test_a_resource_that_was_in_another_answer_is_not_written_again(written):
    answers = Answers((RESOURCE,))
    resource = resource_pb2.Resource(name="models/m")
    for answer in (
        registry_service_pb2.ListResponse(resources=[resource], revision=1),
        registry_service_pb2.GetResponse(resource=resource),
    ):
        write = answers.writer(answer.DESCRIPTOR)
        assert write is not None
        assert json.loads(write(answer.SerializeToString())) == plain(answer)
    assert written.count("Resource") == 1


def test_an_answer_is_its_messages_then_the_rest():
    resource = resource_pb2.Resource(name="models/m", revision=1)
    answer = registry_service_pb2.ListResponse(resources=[resource, resource], total_size=2, revision=1)
    one = b'{"name":"models/m","revision":"1"}'
    expected = b'{"resources":[%b,%b],"revision":"1","totalSize":2}' % (one, one)
    assert writer(registry_service_pb2.ListResponse)(answer.SerializeToString()) == expected


def test_a_message_that_comes_in_parts_is_one():
    write = writer(registry_service_pb2.GetResponse)
    whole: Any = registry_service_pb2.GetResponse
    parts = [whole(resource={"name": "models/m"}), whole(revision=3), whole(resource={"labels": {"a": "b"}})]
    wire = b"".join(part.SerializeToString() for part in parts)
    assert json.loads(write(wire)) == plain(whole.FromString(wire))


def test_what_a_map_holds_is_no_piece():
    write = writer(model_pb2.Model, model_pb2.Capability.DESCRIPTOR)
    model = model_pb2.Model(family="f")
    model.capabilities["tools"].SetInParent()
    assert (
        json.loads(write(model.SerializeToString())) == plain(model) == {"family": "f", "capabilities": {"tools": {}}}
    )


def test_an_empty_message_is_one_that_is_there():
    write = writer(registry_service_pb2.GetResponse)
    assert write(b"") == b"{}"
    assert (
        write(registry_service_pb2.GetResponse(resource=resource_pb2.Resource()).SerializeToString())
        == b'{"resource":{}}'
    )


def test_answers_without_anything_to_keep_are_left_to_others():
    answers = Answers((CANDIDATE, RESOURCE))
    left = {method.name for method in ANSWERS if answers.writer(method.output_type) is None}
    assert left == {"Deregister", "Heartbeat"}
    assert answers.writer(analytics_service_pb2.GetPerformanceResponse.DESCRIPTOR) is None


def test_two_that_keep_the_same_types_do_not_disturb_each_other():
    answer = registry_service_pb2.GetResponse(resource=resource_pb2.Resource(name="a"))
    for _ in range(2):
        assert writer(registry_service_pb2.GetResponse)(answer.SerializeToString()) == b'{"resource":{"name":"a"}}'


class Made:
    """Keeps what is twice as long, and says what was made, in which order."""

    def __init__(self, **options):
        self.list = []
        self.time = 0.0
        self.kept = Kept(self._make, now=lambda: self.time, **options)

    def _make(self, data):
        self.list.append(data)
        return data * 2

    def ask(self, *asked):
        assert [self.kept[data] for data in asked] == [data * 2 for data in asked]


def test_the_same_is_made_once():
    made = Made()
    made.ask(b"a", b"b", b"a")
    assert made.list == [b"a", b"b"]


@given(
    st.lists(st.tuples(st.binary(max_size=30), st.sampled_from([0.0, 1.0, 100.0])), max_size=40), st.integers(0, 200)
)
def test_what_is_kept_is_bounded_and_right(asked, limit):
    made = Made(max_bytes=limit)
    for data, pause in asked:
        made.ask(data)
        made.time += pause
        held = [*made.kept.items(), *made.kept._before.items()]
        assert sum(len(key) + len(value) for key, value in held) <= limit


def test_what_nobody_asked_for_goes_when_there_is_no_room():
    # Two of them fill the half.
    made = Made(max_bytes=12)
    made.ask(b"a", b"b", b"c", b"a", b"d", b"a", b"b")
    assert made.list == [b"a", b"b", b"c", b"d", b"b"]


def test_what_nobody_asks_for_goes_after_a_while():
    made = Made(max_age=60.0)
    made.ask(b"a", b"b")
    made.time = 61.0
    made.ask(b"c", b"a")
    made.time = 122.0
    made.ask(b"d", b"a", b"c")
    assert made.list == [b"a", b"b", b"c", b"d"]
    made.ask(b"b")
    assert made.list[-1] == b"b"


@pytest.mark.skipif(sys.platform != "linux", reason="asks the C library")
def test_what_is_kept_takes_no_more_memory_than_it_is_long():
    kept = Kept(lambda data: orjson.dumps({"text": data.decode()}))
    held = ctypes.CDLL(None).malloc_usable_size
    held.argtypes, held.restype = (ctypes.c_void_p,), ctypes.c_size_t
    for number in range(100):
        made = kept[b"%1000d" % number]
        # An object begins at its id.
        assert held(id(made)) < sys.getsizeof(made) + 64
