import dataclasses
import enum
import importlib
import math
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airegistry._convert import duration_from_pb, duration_to_pb, from_pb, struct_from_pb, struct_to_pb, to_pb
from airegistry.client import messages
from airegistry.discovery import answers
from airegistry.errors import ErrorStatus, InvalidArgumentError
from airegistry.invocations import chat, content, embeddings, invocation, kinds, usage
from airegistry.invocations.invocation import Invocation
from airegistry.learning import feedback
from airegistry.observations import observation, performance
from airegistry.resources import (
    agent,
    endpoint,
    finish_reason,
    model,
    prices,
    provenance,
    requirements,
    resource,
    route,
)
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from airegistry.routing import explanation
from airegistry.v1 import gateway_service_pb2, model_pb2, registry_service_pb2, resource_pb2

VALUES = (agent, endpoint, finish_reason, model, prices, provenance, requirements, resource, route)
MODULES = (
    *VALUES, answers, chat, content, embeddings, invocation, kinds, usage, explanation, messages, observation, performance,
    feedback,
)  # fmt: skip
FILES = [
    "agent", "analytics_service", "chat", "content", "discovery", "embeddings", "endpoint", "gateway_service",
    "invocation_kinds", "model", "observation", "price", "provenance", "registry_service", "requirements", "resource",
    "route", "usage",
]  # fmt: skip
# Requests and responses that the client takes apart by hand, argument by argument.
BY_HAND = {
    "BatchDiscoverRequest", "DeregisterRequest", "ExplainRequest", "GetPerformanceRequest", "GetRequest", "GetResponse",
    "GetStatsRequest", "GetStatsResponse", "HeartbeatRequest", "InvokeRequest", "InvokeStreamRequest",
    "ListRequest", "RegisterRequest", "ReportUsageRequest", "UpdateRequest", "UpdateResponse",
    "WatchPerformanceRequest",
}  # fmt: skip


def descriptors():
    return [importlib.import_module(f"airegistry.v1.{name}_pb2").DESCRIPTOR for name in FILES]


MESSAGES = {name: m for file in descriptors() for name, m in file.message_types_by_name.items()}
ENUMS = {name: e for file in descriptors() for name, e in file.enum_types_by_name.items()}
OURS: dict[str, Any] = {
    name: cls
    for module in MODULES
    for name, cls in vars(module).items()
    if isinstance(cls, type) and cls.__module__ == module.__name__
}
MIRRORED = sorted(set(MESSAGES) - BY_HAND)


def test_what_is_converted_by_hand_is_on_the_wire():
    assert set(MESSAGES) >= BY_HAND


@pytest.mark.parametrize("name", ENUMS)
def test_every_enum_value_on_the_wire_is_known_and_the_other_way_round(name):
    prefix = "".join(f"_{c}" if c.isupper() else c.upper() for c in name).lstrip("_")
    wire = {value.name.removeprefix(f"{prefix}_"): value.number for value in ENUMS[name].values}
    assert wire.pop("UNSPECIFIED") == 0
    assert {member.name: member.value for member in OURS[name]} == wire


@pytest.mark.parametrize("name", MIRRORED)
def test_every_field_on_the_wire_is_mirrored(name):
    assert {field.name for field in dataclasses.fields(OURS[name])} == set(MESSAGES[name].fields_by_name)


@pytest.mark.parametrize("name", MIRRORED)
def test_an_empty_message_is_a_dataclass_without_arguments(name):
    message = MESSAGES[name]._concrete_class
    empty: Any = from_pb(OURS[name], message())
    assert empty == OURS[name]()
    assert to_pb(empty, message) == message()


@pytest.mark.parametrize("name", MIRRORED)
def test_presence_on_the_wire_is_none_in_the_dataclass(name):
    """What the wire can leave unset is None by default; what it cannot has the wire's default."""
    for field in dataclasses.fields(OURS[name]):
        wire = MESSAGES[name].fields_by_name[field.name]
        enumerated = wire.enum_type is not None and not wire.is_repeated
        default = getattr(OURS[name](), field.name)
        assert (default is None) == (wire.has_presence or enumerated), field.name


def wire(message: Any, **fields: Any) -> Any:
    """Build a message with numbers that no enum knows."""
    return message(**fields)


TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda time: time.replace(tzinfo=UTC))  # noqa: DTZ001
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)
LEAVES: dict[Any, Any] = {
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(-(2**31), 2**31 - 1),
    # What a float of 32 bits can hold as well.
    float: st.integers(0, 2**24).map(lambda n: n / 8),
    bytes: st.binary(max_size=8),
    datetime: TIMES,
    ErrorStatus: st.builds(ErrorStatus, st.sampled_from(["NOT_FOUND", "CANCELLED"]), TEXT, TEXT),
}


def strategy(hint: Any, depth: int) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not types.NoneType)
        return st.none() | strategy(inner, depth)
    if origin is tuple:
        return st.lists(strategy(arguments[0], depth), max_size=2 if depth else 0).map(tuple)
    if origin is not None and issubclass(origin, Mapping):
        value = JSON if arguments[1] is typing.Any else strategy(arguments[1], depth)
        return st.dictionaries(TEXT, value, max_size=2 if depth else 0)
    if hint in LEAVES:
        return LEAVES[hint]
    if issubclass(hint, enum.Enum):
        return st.sampled_from(list(hint))
    return built(hint, depth - 1) if depth > 0 else st.just(hint())


def built(cls: Any, depth: int = 4) -> Any:
    """Values of *cls* as they can be on the wire: of the fields of a oneof, one at most is set."""
    hints = typing.get_type_hints(cls)
    oneofs = [
        [field.name for field in oneof.fields] for oneof in MESSAGES[cls.__name__].oneofs if len(oneof.fields) > 1
    ]
    chosen = {name for names in oneofs for name in names}
    plain = {
        field.name: strategy(hints[field.name], depth) for field in dataclasses.fields(cls) if field.name not in chosen
    }
    parts = [st.fixed_dictionaries(plain)]
    for names in oneofs:
        options = [st.just({})] + [
            st.fixed_dictionaries({name: strategy(hints[name], depth).filter(lambda v: v is not None)})
            for name in names
        ]
        parts.append(st.one_of(options))
    return st.tuples(*parts).map(lambda found: cls(**{k: v for part in found for k, v in part.items()}))


@given(built(Resource))
def test_a_resource_survives_the_round_trip(value):
    wire = to_pb(value, resource_pb2.Resource).SerializeToString()
    assert from_pb(Resource, resource_pb2.Resource.FromString(wire), strict=True) == value


@given(built(Invocation, 5))
def test_an_invocation_survives_the_round_trip(value):
    wire = to_pb(value, gateway_service_pb2.Invocation).SerializeToString()
    assert from_pb(Invocation, gateway_service_pb2.Invocation.FromString(wire), strict=True) == value


@pytest.mark.parametrize("name", MIRRORED)
@settings(max_examples=10)
@given(data=st.data())
def test_every_message_survives_the_round_trip(name, data):
    """What is inside a message is empty here: it has an example of its own."""
    value = data.draw(built(OURS[name], 1))
    message = MESSAGES[name]._concrete_class
    read: Any = from_pb(OURS[name], message.FromString(to_pb(value, message).SerializeToString()), strict=True)
    assert read == value


def test_an_unknown_enum_value_is_refused_with_its_path_when_strict():
    message = resource_pb2.Resource(model=wire(model_pb2.Model, input_modalities=[1, 99]))
    with pytest.raises(InvalidArgumentError) as caught:
        from_pb(Resource, message, path="resources[2]", strict=True)
    (violation,) = caught.value.violations
    assert violation.field == "resources[2].model.input_modalities[1]"
    assert violation.description.startswith("99 is not one of TEXT, IMAGE")


def test_an_unspecified_enum_in_a_list_is_refused_when_strict():
    with pytest.raises(InvalidArgumentError) as caught:
        from_pb(Model, wire(model_pb2.Model, output_modalities=[0]), path="model", strict=True)
    assert caught.value.violations[0].field == "model.output_modalities[0]"


def test_an_unknown_enum_value_is_left_out_when_lenient():
    message = wire(model_pb2.Model, input_modalities=[1, 99], lifecycle=wire(model_pb2.Lifecycle, stage=99))
    assert from_pb(Model, message) == Model(input_modalities=(model.Modality.TEXT,), lifecycle=model.Lifecycle())


def test_a_single_enum_is_refused_with_its_path_when_strict():
    message = wire(registry_service_pb2.LeaseRenewal, name="x", health=77)
    with pytest.raises(InvalidArgumentError) as caught:
        from_pb(messages.LeaseRenewal, message, path="renewals[0]", strict=True)
    assert caught.value.violations[0].field == "renewals[0].health"


def test_a_dataclass_that_does_not_mirror_its_message_is_refused_by_name():
    with pytest.raises(TypeError, match=r"ErrorStatus does not mirror airegistry\.v1\.Model"):
        from_pb(ErrorStatus, model_pb2.Model())


def test_zero_with_presence_is_not_absent():
    read = from_pb(endpoint.Endpoint, to_pb(endpoint.Endpoint(weight=0), resource_pb2.Resource().endpoint.__class__))
    assert read.weight == 0


@given(st.integers(-315_575_999_999, 315_575_999_998), st.integers(0, 999_999_999))
def test_durations_keep_their_sign_and_their_nanoseconds(seconds, nanos):
    value = seconds + nanos / 1e9
    message = duration_to_pb(value)
    assert message.seconds * message.nanos >= 0
    assert duration_from_pb(message) == pytest.approx(value, abs=1e-9, rel=1e-15)


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e30])
def test_a_duration_is_cut_to_what_the_wire_can_hold(value):
    message = duration_to_pb(value)
    assert abs(message.seconds) == 315_576_000_000


def test_times_of_other_zones_are_the_same_moment():
    zone = datetime(2026, 1, 1, 12, tzinfo=UTC).astimezone(tz=datetime.now().astimezone().tzinfo)
    wire = to_pb(
        provenance.Provenance(retrieve_time=zone + timedelta(microseconds=5)), MESSAGES["Provenance"]._concrete_class
    )
    read = from_pb(provenance.Provenance, wire)
    assert read.retrieve_time == zone + timedelta(microseconds=5)
    assert read.retrieve_time.tzinfo is UTC


def test_whole_numbers_of_a_struct_come_back_as_int():
    value = {"a": 1, "b": 1.5, "c": [None, True, {"d": 2}], "e": "f"}
    read = struct_from_pb(struct_to_pb(value))
    assert read == value
    assert [type(read["a"]), type(read["c"][2]["d"])] == [int, int]


def test_every_class_of_ours_is_on_the_wire():
    known = set(MESSAGES) | set(ENUMS)
    extra = {name for name, cls in OURS.items() if dataclasses.is_dataclass(cls) or issubclass(cls, enum.Enum)} - known
    # What the index and the client answer in their own words.
    assert extra <= {"Ranked", "Discovery"}
