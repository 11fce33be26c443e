"""CEL as filters speak it: the variables and their types."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pool

from airegistry.resources.agent import Agent
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route
from airegistry.v1 import agent_pb2, endpoint_pb2, model_pb2, resource_pb2, route_pb2

if TYPE_CHECKING:
    from cel_expr_python import cel

PACKAGE = "airegistry.v1"

RESOURCE = "resource"
LABELS = "labels"
MODEL = "model"

MESSAGES: Mapping[str, tuple[type[Any], type[Any]]] = {
    RESOURCE: (Resource, resource_pb2.Resource),
    MODEL: (Model, model_pb2.Model),
    "endpoint": (Endpoint, endpoint_pb2.Endpoint),
    "agent": (Agent, agent_pb2.Agent),
    "route": (Route, route_pb2.Route),
}
"""The variables that are messages, with the dataclass that mirrors each."""

VARIABLES = (*MESSAGES, LABELS)


@cache
def environment() -> cel.Env:
    """Return the language with its variables; ImportError where the library is not installed."""
    from cel_expr_python import cel  # noqa: PLC0415 - large, and an extra: most clients never evaluate a filter

    variables = {name: cel.Type(f"{PACKAGE}.{cls.__name__}") for name, (cls, _) in MESSAGES.items()}
    variables[LABELS] = cel.Type.Map(cel.Type.STRING, cel.Type.STRING)
    return cel.NewEnv(descriptor_pool.Default(), variables=variables, container=PACKAGE)
