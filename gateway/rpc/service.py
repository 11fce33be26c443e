"""GatewayService as data: which handler answers which method."""

from __future__ import annotations

from google.protobuf import descriptor_pool

from airegistry._rpc.service import Service, service
from airegistry.invoke import Engine
from airegistry.v1 import gateway_service_pb2
from gateway.rpc.invocations import Feedback, Invocations

NAME = gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"].full_name


def gateway_service(engine: Engine, feedback: Feedback | None = None) -> Service:
    """Serve what *engine* can do; *feedback* learns from what callers say of answers, in its place."""
    return service(descriptor_pool.Default().FindServiceByName(NAME), Invocations(engine, feedback))
