"""How the registry refuses a request that makes no sense, and requests to make such of."""

import pytest
from grpc import StatusCode, aio

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.endpoint_pb2 import Communication, CustomFormat, Endpoint
from airegistry.v1.model_pb2 import Model
from airegistry.v1.requirements_pb2 import DiscoverQuery, Requirements
from airegistry.v1.resource_pb2 import Resource
from tests.calls import refusal

INVALID = StatusCode.INVALID_ARGUMENT


async def refused(call):
    with pytest.raises(aio.AioRpcError) as caught:
        await (answers(call) if isinstance(call, aio.UnaryStreamCall) else call)
    found = refusal(caught.value)
    return found.code, found.reason, found.paths, found.metadata


async def answers(call):
    return [message async for message in call]


def model(name="models/m", **fields):
    return Resource(name=name, model=Model(**fields))


def endpoint(**fields):
    return Resource(
        name="models/m/endpoints/e", endpoint=Endpoint(**({"provider": "p", "upstream_model": "m"} | fields))
    )


def declaring(template='{"q": {{ prompt | tojson }}}', text="out"):
    """An endpoint with a wire format of its own."""
    custom = CustomFormat(request_template=template, response_paths={"text": text})
    return endpoint(communication=Communication(dialect="custom", custom=custom))


def query(**requirements):
    return pb.DiscoverRequest(query=DiscoverQuery(requirements=Requirements(**requirements)))
