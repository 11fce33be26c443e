"""The part of etcd's v3 API that the benchmarks call: its messages, described here so that nothing is generated."""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

PUT = "/etcdserverpb.KV/Put"
RANGE = "/etcdserverpb.KV/Range"
WATCH = "/etcdserverpb.Watch/Watch"

_BYTES = FieldDescriptorProto.TYPE_BYTES
# Message and field by field, with the numbers of api/etcdserverpb/rpc.proto. What is not here stays at its zero: a Range
# without `range_end` reads one key, linearizably; a Watch without `start_revision` begins now.
_FIELDS: dict[str, dict[str, tuple[int, FieldDescriptorProto.Type.ValueType | str]]] = {
    "PutRequest": {"key": (1, _BYTES), "value": (2, _BYTES)},
    "RangeRequest": {"key": (1, _BYTES), "range_end": (2, _BYTES)},
    "WatchCreateRequest": {"key": (1, _BYTES), "range_end": (2, _BYTES)},
    "WatchRequest": {"create_request": (1, "WatchCreateRequest")},
}


def put(key: str, value: bytes) -> bytes:
    """Return the request that puts a value."""
    return _message("PutRequest", key=key.encode(), value=value).SerializeToString()


def get(key: str) -> bytes:
    """Return the request that reads a value."""
    return _message("RangeRequest", key=key.encode()).SerializeToString()


def watch(prefix: str) -> bytes:
    """Return the request that watches every key with a prefix."""
    start = prefix.encode()
    create = _message("WatchCreateRequest", key=start, range_end=start[:-1] + bytes([start[-1] + 1]))
    return _message("WatchRequest", create_request=create).SerializeToString()


def _message(name: str, **fields: object) -> Message:
    return GetMessageClass(_POOL.FindMessageTypeByName(f"etcdserverpb.{name}"))(**fields)


def _described() -> DescriptorPool:
    file = FileDescriptorProto(name="etcd.proto", package="etcdserverpb", syntax="proto3")
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            field = described.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
            if isinstance(kind, str):
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".etcdserverpb.{kind}"
            else:
                field.type = kind
    # A pool of its own, so that it cannot clash with an etcd client that is installed.
    pool = DescriptorPool()
    pool.Add(file)
    return pool


_POOL = _described()
