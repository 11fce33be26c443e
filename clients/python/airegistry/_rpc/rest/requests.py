"""Requests whose body is JSON still: who translates calls fills in what path and parameters say, and passes the body on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.api import annotations_pb2, http_pb2, httpbody_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import DecodeError, Message

from airegistry._rpc.rest.reading import load
from airegistry.errors import InvalidArgumentError

BODY_FIELD = 536_870_910
"""The number of the field `http_body`, a google.api.HttpBody, that requests have for who translates them, and for nobody else."""
BODY_NAME = "http_body"


def body_of(method: MethodDescriptor) -> str | None:
    """Return what a method's body over HTTP is: `*` for the whole request, or a field's name; None when it has none."""
    rule: http_pb2.HttpRule = method.GetOptions().Extensions[annotations_pb2.http]
    bodies = {one.body for one in (rule, *rule.additional_bindings) if one.body}
    if len(bodies) > 1:
        raise ValueError(f"the bodies of {method.full_name} differ: {', '.join(sorted(bodies))}")
    return next(iter(bodies), None)


def request_reader(method: MethodDescriptor) -> Callable[[bytes], bytes] | None:
    """Return what makes a serialized request of one whose body is JSON still; None when the method takes none.

    It raises InvalidArgumentError when the body is no such request, or says otherwise what path or parameters say.
    """
    body = body_of(method)
    if body is None:
        return None
    kind = message_factory.GetMessageClass(method.input_type)
    name = "" if body == "*" else body

    def read(data: bytes) -> bytes:
        carried: Any = _Carried.FromString(data)
        if not carried.HasField(BODY_NAME):
            return data
        request = kind()
        if said := carried.http_body.data:
            part = getattr(request, name) if name else request
            part.SetInParent()
            load(said, part, name)
        if (bound := _bound(kind, data)) is None:
            # Who reads requests says so in its own words.
            return data
        if bound.ListFields():
            _add(bound, request)
        return request.SerializeToString()

    return read


def _bound(kind: type[Message], data: bytes) -> Message | None:
    """Return what path and parameters say, unless it is no text."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return None


def _add(bound: Message, request: Message) -> None:
    """Add to a request what path and parameters say."""
    bound.DiscardUnknownFields()
    _refuse_others(bound, request, "")
    request.MergeFrom(bound)


def _refuse_others(bound: Any, request: Any, path: str) -> None:
    """Refuse a body that says otherwise what is bound."""
    said = {field.number: value for field, value in request.ListFields()}
    for field, value in bound.ListFields():
        if field.number not in said:
            continue
        name = f"{path}{field.name}"
        if field.message_type is not None and not field.is_repeated:
            _refuse_others(value, said[field.number], f"{name}.")
        elif field.is_repeated or value != said[field.number]:
            raise InvalidArgumentError.of(name, "is said by the path or a parameter, and otherwise by the body")


def _carried() -> type[Message]:
    """Return the type of a request of which only the body is looked at."""
    file = FileDescriptorProto(
        name="airegistry/carried.proto", package="airegistry.carried", dependency=[httpbody_pb2.DESCRIPTOR.name]
    )
    give_body(file.message_type.add(name="Carried"))
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("airegistry.carried.Carried"))


def give_body(message: Any) -> None:
    """Give the description of a message the field for the body."""
    message.field.add(
        name=BODY_NAME,
        json_name=BODY_NAME,
        number=BODY_FIELD,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
        type=FieldDescriptorProto.TYPE_MESSAGE,
        type_name=f".{httpbody_pb2.HttpBody.DESCRIPTOR.full_name}",
    )


_Carried = _carried()
