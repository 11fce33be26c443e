"""Answers in JSON that Envoy passes on, beside those that it makes: one cannot tell which is which."""

from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from airegistry.v1 import registry_service_pb2 as pb
from tests.rest_cases import OWNER
from tests.rest_planes import plane_at

pytestmark = pytest.mark.asyncio(loop_scope="module")
MODEL = "/registry/v1/models/m"
HEARTBEAT = "/registry/v1/resources:heartbeat"
OWN = {"content-length", "date"}
LIE = ("x-envoy-original-path", MODEL)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plane(tmp_path_factory):
    async with plane_at(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def http(plane):
    return plane.rest["registry"]


async def head_of(answer):
    assert int(answer.headers["content-length"]) == len(await answer.read())
    return answer.status, {name.lower(): answer.headers[name] for name in answer.headers if name.lower() not in OWN}


async def test_heads_are_the_same(http):
    """What a heartbeat is answered is made by Envoy."""
    async with (
        http.get(MODEL) as ours,
        http.post(HEARTBEAT, json={"ownerId": OWNER, "renewals": [{"name": "agents/leased"}]}) as theirs,
    ):
        assert await head_of(ours) == await head_of(theirs)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "identity"])
async def test_an_answer_is_compressed_as_its_caller_likes_it(http, coding):
    asked: Any = {"json": {"requests": [{}] * 5}, "headers": {"accept-encoding": coding}}
    async with (
        aiohttp.ClientSession(http._base_url, auto_decompress=False) as session,
        session.post("/registry/v1/resources:batchDiscover", **asked) as answer,
    ):
        assert (answer.status, answer.headers.get("content-encoding", "identity")) == (200, coding)
        assert answer.headers["vary"] == "Accept-Encoding"
        assert (await answer.read()).startswith(b"{") is (coding == "identity")


async def test_a_caller_over_grpc_who_says_to_be_translated_is_not_believed(plane):
    get = plane.channels["registry"].unary_unary("/airegistry.v1.RegistryService/Get")
    answer = pb.GetResponse.FromString(await get(pb.GetRequest(name="models/m").SerializeToString(), metadata=[LIE]))
    assert answer.resource.name == "models/m"


async def test_a_caller_over_rest_who_says_so_too_gets_the_same(http):
    async with http.get(MODEL) as true, http.get(MODEL, headers=dict([LIE])) as lying:
        assert await true.json() == await lying.json()
