"""What is read from JSON is what protobuf's own reader makes of it; names that no field has are refused."""

import json
from typing import Any

import pytest
from google.protobuf import json_format, message_factory, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from airegistry._rpc.rest.reading import load
from airegistry.errors import InvalidArgumentError
from airegistry.v1 import registry_service_pb2 as pb
from tests.messages import messages
from tests.unit.test_convert import MESSAGES
from tests.unit.test_rest_writing import EVERY

Every: Any = message_factory.GetMessageClass(EVERY)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(),
    st.sampled_from(["", "1", "-1", "1.5", "1e3", "NaN", "Infinity", "YQ==", "YQ", "-_8", "1s", "a,b", "true"]),
    st.text(max_size=3),
)
VALUES = st.one_of(LEAVES, st.lists(LEAVES, max_size=2), st.dictionaries(st.text(max_size=2), LEAVES, max_size=2))


def read(data, kind):
    message = kind()
    load(data if isinstance(data, bytes) else json.dumps(data).encode(), message)
    return message


def parsed(data, kind):
    """Return what protobuf's own reader makes of it; None for a float that it writes itself, and then does not read."""
    try:
        return json_format.Parse(data, kind())
    except json_format.ParseError as error:
        if "Float value too " in str(error):
            return None
        raise


def refused(data, kind=pb.RegisterRequest):
    with pytest.raises(InvalidArgumentError) as raised:
        read(data, kind)
    return raised.value


def shown(message):
    """Return a message as a text: NaN equals nothing."""
    return str(message)


@given(st.sampled_from(list(MESSAGES.values())).flatmap(messages), st.booleans())
def test_every_message_is_read_back(message, by_the_proto):
    written = json_format.MessageToJson(message, preserving_proto_field_name=by_the_proto)
    assert shown(read(written.encode(), type(message))) == shown(message)


@given(messages(EVERY))
def test_every_kind_of_field_is_read_back(message):
    assert shown(read(json_format.MessageToJson(message).encode(), Every)) == shown(message)


def _places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _places(one, (*path, key))


def _with(value, path, changed):
    if not path:
        return changed
    key, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = _with(value[key], rest, changed)
    return copy


@given(st.one_of(messages(EVERY), st.sampled_from(list(MESSAGES.values())).flatmap(messages)), VALUES, st.data())
def test_whatever_is_accepted_is_read_as_protobuf_reads_it(message, changed, data):
    value = json_format.MessageToDict(message)
    place = data.draw(st.sampled_from(list(_places(value))))
    try:
        # Text that is none in UTF-8 cannot be sent.
        told = json.dumps(_with(value, place, changed), ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return
    try:
        mine = read(told, type(message))
    except InvalidArgumentError:
        return
    if (theirs := parsed(told, type(message))) is not None:
        assert shown(mine) == shown(theirs)


@pytest.mark.parametrize(
    ("told", "field", "problem"),
    [
        ({"resorces": []}, "resorces", "is no field"),
        (
            {"resources": [{}, {"model": {"limits": {"contextToken": 5}}}]},
            "resources[1].model.limits.contextToken",
            "no field",
        ),
        ({"resources": {}}, "resources", "must be a list"),
        ({"resources": [None]}, "resources[0]", "must be an object"),
        ({"resources": [{"labels": []}]}, "resources[0].labels", "must be an object"),
        ({"resources": [{"labels": {"a": None}}]}, "resources[0].labels['a']", "must be a string"),
        ({"resources": [{"model": {}, "route": {}}]}, "resources[0].route", "must be unset when model is set"),
        ({"resources": [{"model": {"lifecycle": {"stage": "NOPE"}}}]}, "resources[0].model.lifecycle.stage", "is no "),
        ({"resources": [{"createTime": "noon"}]}, "resources[0].create_time", "is no Timestamp"),
        ({"leaseTtl": "1"}, "lease_ttl", "is no Duration"),
        ({"leaseTtl": "1s", "lease_ttl": "1s"}, "lease_ttl", "is said twice"),
        ({"requestId": 5}, "request_id", "must be a string"),
        ({"validateOnly": "true"}, "validate_only", "must be true or false"),
    ],
)
def test_what_is_wrong_is_named(told, field, problem):
    error = refused(told)
    (violation,) = error.violations
    assert violation.field == field
    assert problem in violation.description


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (b"", "no JSON"),
        (b"{} {}", "no JSON"),
        (b'{"requestId": "\xff"}', "no JSON"),
        (b'{"a": NaN}', "no JSON"),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, "no JSON"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b'{"inner":' * 1000 + b"{}" + b"}" * 1000, "nested too deeply"),
    ],
    ids=["nothing", "two", "no-text", "nan", "deep", "a-list", "null", "deep-and-known"],
)
def test_a_body_that_is_none_is_refused(told, problem):
    assert problem in str(refused(told, Every))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("oneInt32", 2**31),
        ("oneInt32", -(2**31) - 1),
        ("oneInt32", 1.5),
        ("oneInt32", True),
        ("oneInt32", "1.0"),
        ("oneInt32", " 1"),
        ("oneInt32", "1_0"),
        ("oneUint32", -1),
        ("oneUint64", 2**64),
        ("oneInt64", "9223372036854775808"),
        ("oneInt64", "9" * 5000),
        ("oneDouble", "inf"),
        ("oneDouble", "0x1"),
        ("oneDouble", False),
        ("oneFloat", 3.5e38),
        ("oneBytes", "a"),
        ("oneBytes", "YWJj!!!!"),
        ("oneBytes", "ä"),
        ("oneBool", 1),
        ("byBool", {"yes": True}),
        ("byInt32", {"x": 1}),
        ("manyInt32", [1, None]),
    ],
)
def test_a_value_of_another_kind_is_refused(name, value):
    assert refused({name: value}, Every).violations


def test_null_is_as_if_nothing_was_said():
    assert read({"resources": None, "leaseTtl": None, "requestId": None}, pb.RegisterRequest) == pb.RegisterRequest()


def test_null_of_a_value_is_a_value():
    told = {"a": None, "b": [None, 1.0, {"c": "d"}]}
    message = read(told, struct_pb2.Struct)
    assert json_format.MessageToDict(message) == told


def test_numbers_may_be_texts_and_bytes_either_base64():
    message = read(
        {"oneInt64": "-5", "oneUint32": 4.0, "oneDouble": "1e3", "oneBytes": "-_8", "oneFloat": "NaN"}, Every
    )
    assert (message.one_int64, message.one_uint32, message.one_double, message.one_bytes) == (
        -5,
        4,
        1000.0,
        b"\xfb\xff",
    )
    assert message.one_float != message.one_float


def test_an_empty_part_is_there():
    assert read({"query": {"requirements": {}}}, pb.DiscoverRequest).query.HasField("requirements")
