"""What is written as JSON is what protobuf's own writer makes of it."""

import json

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from airegistry._rpc.rest.writing import dump
from tests.messages import messages
from tests.unit.test_convert import MESSAGES

SCALARS = {
    name.removeprefix("TYPE_").lower(): number
    for name, number in descriptor_pb2.FieldDescriptorProto.Type.items()
    if name not in {"TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP"}
}
NO_KEYS = {"double", "float", "bytes"}


def every_kind():
    """Return the type of a message with fields of every kind: one, many, and as the key of a map."""
    file = descriptor_pb2.FileDescriptorProto(name="tests/every.proto", package="tests", syntax="proto3")
    message = file.message_type.add(name="Every")
    for number, (name, kind) in enumerate(SCALARS.items(), start=1):
        message.field.add(name=f"one_{name}", number=number, type=kind, label=1)
        message.field.add(name=f"many_{name}", number=100 + number, type=kind, label=3)
        if name in NO_KEYS:
            continue
        entry = message.nested_type.add(name=f"By{name.title()}Entry", options={"map_entry": True})
        entry.field.add(name="key", number=1, type=kind, label=1)
        entry.field.add(name="value", number=2, type=kind, label=1)
        typed = {"type": 11, "type_name": f".tests.Every.{entry.name}"}
        message.field.add(name=f"by_{name}", number=200 + number, label=3, **typed)
    message.field.add(name="inner", number=300, label=1, type=11, type_name=".tests.Every")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindMessageTypeByName("tests.Every")


EVERY = every_kind()


def same(message):
    # By a text, where NaN and the infinities are words and 1.0 is 1.
    return json.loads(dump(message)) == json.loads(json_format.MessageToJson(message))


@given(st.sampled_from(list(MESSAGES.values())).flatmap(messages))
def test_every_message_is_written_by_the_rules_of_protobuf(message):
    assert same(message)


@given(messages(EVERY))
def test_every_kind_of_field_is_written_by_the_rules_of_protobuf(message):
    assert same(message)


@pytest.mark.parametrize("value", [0.1, 1.0, 3.4028235e38, 1e-45, 16777217.0, float("inf"), float("nan")], ids=str)
def test_a_float_is_as_short_as_can_be(value):
    message = message_factory.GetMessageClass(EVERY)(one_float=value)
    assert same(message)
    assert len(dump(message)) <= len('{"oneFloat":3.4028235e+38}')


def test_a_whole_number_is_written_as_one():
    message = message_factory.GetMessageClass(EVERY)(one_double=4.0, one_int64=4, one_int32=4)
    assert dump(message) == b'{"oneDouble":4,"oneInt64":"4","oneInt32":4}'


@pytest.mark.parametrize("value", [1e300, -1e300, 2.0**63, 2.0**53, 0.5, -0.0], ids=str)
def test_a_number_of_a_struct_may_be_any(value):
    message = struct_pb2.Struct()
    message.update({"a": value, "b": [value]})
    assert same(message)
