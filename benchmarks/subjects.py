"""Servers that are watched and changed: ours, the bare fan-out and etcd, all with the same payload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airegistry._convert import to_pb
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import resource_pb2
from benchmarks import etcd_api, fanout
from benchmarks.processes import Server
from benchmarks.receiving.receiver import Watched

REGISTER = "/airegistry.v1.RegistryService/Register"
GET = "/airegistry.v1.RegistryService/Get"
WATCH = "/airegistry.v1.RegistryService/Watch"
_WATCH_CHANGES = pb.WatchRequest(skip_snapshot=True).SerializeToString()


@dataclass(frozen=True, slots=True)
class Subject:
    """A server, how it is watched, and the call that makes change number n there."""

    server: Server
    watched: Watched
    change: str
    make: Callable[[int], bytes]


def registry_at(server: Server) -> Subject:
    """Return a registry: a change registers a model."""
    return Subject(server, Watched(server.address, WATCH, _WATCH_CHANGES), REGISTER, register)


def fanout_at(server: Server) -> Subject:
    """Return a bare fan-out: a change is sent to the streams as it is."""
    return Subject(server, Watched(server.address, fanout.WATCH, b""), fanout.SEND, register)


def etcd_at(server: Server) -> Subject:
    """Return an etcd: a change puts the model's bytes under its name."""
    watched = Watched(server.address, etcd_api.WATCH, etcd_api.watch("models/"), open=True)
    return Subject(server, watched, etcd_api.PUT, put)


def name_of(number: int) -> str:
    """Return the name of a model."""
    return f"models/watched-{number}"


def register(number: int, text: str = "") -> bytes:
    """Return the request that registers a model; the receivers find its number in it."""
    return pb.RegisterRequest(resources=[_model(number, text)]).SerializeToString()


def get(number: int) -> bytes:
    """Return the request that reads a model."""
    return pb.GetRequest(name=name_of(number)).SerializeToString()


def put(number: int, text: str = "") -> bytes:
    """Return the request that puts the same into etcd."""
    return etcd_api.put(name_of(number), _model(number, text).SerializeToString())


def _model(number: int, text: str) -> resource_pb2.Resource:
    model = Model(display_name=f"Watched number {number:06}", description=text)
    made: resource_pb2.Resource = to_pb(Resource(name=name_of(number), model=model), resource_pb2.Resource)
    return made
