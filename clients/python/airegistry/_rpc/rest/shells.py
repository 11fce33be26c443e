"""Messages that are read but for some of their fields, which stay bytes."""

from __future__ import annotations

from functools import cache

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import Message


@cache
def shell(descriptor: Descriptor, opaque: frozenset[str]) -> type[Message]:
    """Return what reads messages of a type, with the bytes of messages in the fields *opaque*.

    Each of these is repeated: one message may come in several parts, which joined are its bytes.
    """
    name = ".".join((descriptor.full_name, "without", *sorted(opaque)))
    file = FileDescriptorProto(
        name=name,
        package=name,
        syntax="proto3",
        dependency=[descriptor.file.name, *(needed.name for needed in descriptor.file.dependencies)],
    )
    descriptor.CopyToProto(file.message_type.add(name=descriptor.name))
    for field in file.message_type[0].field:
        if field.name in opaque:
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.label = FieldDescriptorProto.LABEL_REPEATED
            field.ClearField("type_name")
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{name}.{descriptor.name}"))
