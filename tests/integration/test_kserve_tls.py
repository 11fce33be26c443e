"""gRPC to providers behind TLS, and clients who prove themselves by certificates."""

import logging
from typing import Any

import pytest

from airegistry import invoke
from airegistry.errors import ProviderConnectionError, ProviderCredentialError
from airegistry.invoke.settings import EngineSettings
from airegistry.invoke.transport import TransportSettings
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.route import RoutePolicy
from tests.catalogs import cache_of, chat, endpoint, model
from tests.certificates import Authorities
from tests.inference_servers import TOKENS, inference_server

MUTUAL = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.MTLS))
OPEN = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.NONE))
ONCE = RoutePolicy(max_attempts=1, connect_timeout=5)
# Tests look at fields that may be absent.
open_engine: Any = invoke.open_engine


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    made = Authorities(tmp_path_factory.mktemp("credentials"))
    made.every_pair()
    return made


def engine_for(authorities, url, credential="", communication=MUTUAL):
    served = [model(), endpoint("a", url, communication=communication, credential=credential)]
    settings = EngineSettings(transport=TransportSettings(ca_file=authorities.ca_file))
    return open_engine(cache_of(served), credentials=authorities.credentials(), settings=settings)


async def test_a_server_that_wants_a_certificate_gets_it_for_whole_answers_and_streams(authorities):
    async with (
        inference_server(tls=authorities.grpc_server(mutual=True)) as up,
        engine_for(authorities, up.url, "good-pair") as engine,
    ):
        answered = await engine.invoke(chat())
        events = [event async for batch in engine.stream(chat()) for event in batch]
    assert answered.output.text == "".join(TOKENS)
    assert events[-1].end is not None


@pytest.mark.parametrize("pair", ["foreign-pair", "expired-pair"])
async def test_a_certificate_that_the_server_does_not_take_is_a_connection_error(authorities, pair, caplog):
    caplog.set_level(logging.DEBUG)
    async with (
        inference_server(tls=authorities.grpc_server(mutual=True)) as up,
        engine_for(authorities, up.url, pair) as engine,
    ):
        with pytest.raises(ProviderConnectionError) as raised:
            await engine.invoke(chat(policy=ONCE))
    assert up.seen == []
    assert str(authorities.folder) not in f"{raised.value!r} {raised.value.attempts} {caplog.text}"


@pytest.mark.parametrize("pair", ["mixed-pair", "encrypted-pair"])
async def test_a_pair_that_is_none_is_a_credential_error(authorities, pair):
    async with (
        inference_server(tls=authorities.grpc_server(mutual=True)) as up,
        engine_for(authorities, up.url, pair) as engine,
    ):
        with pytest.raises(ProviderCredentialError, match="cannot be used"):
            await engine.invoke(chat(policy=ONCE))
    assert up.seen == []


SERVERS = {
    "expired": {"expired": True},
    "unknown-authority": {"foreign": True},
    "another-name": {"name": "elsewhere.example"},
}


@pytest.mark.parametrize("facts", SERVERS.values(), ids=SERVERS)
async def test_a_server_that_cannot_be_trusted_is_a_connection_error(authorities, facts):
    async with (
        inference_server(tls=authorities.grpc_server(**facts)) as up,
        engine_for(authorities, up.url, communication=OPEN) as engine,
    ):
        with pytest.raises(ProviderConnectionError, match="cannot connect: the server's certificate is"):
            await engine.invoke(chat(policy=ONCE))
    assert up.seen == []


async def test_each_identity_has_a_connection_of_its_own(authorities):
    served = [model("a"), model("b")]
    async with inference_server(tls=authorities.grpc_server(mutual=True)) as up:
        for name, pair in (("a", "good-pair"), ("b", "other-pair")):
            served.append(endpoint(name, up.url, model=name, communication=MUTUAL, credential=pair))
        settings = EngineSettings(transport=TransportSettings(ca_file=authorities.ca_file))
        async with open_engine(cache_of(served), credentials=authorities.credentials(), settings=settings) as engine:
            for name in ("a", "b", "a", "b"):
                await engine.invoke(chat(name))
    a, b, *again = [caller.peer for caller in up.seen]
    assert a != b
    assert again == [a, b]


async def test_a_key_pair_is_not_presented_to_an_address_without_tls(authorities):
    async with inference_server() as up, engine_for(authorities, up.url, "good-pair") as engine:
        with pytest.raises(ProviderCredentialError, match="is not grpcs"):
            await engine.invoke(chat())
    assert up.seen == []
