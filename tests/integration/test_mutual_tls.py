"""Providers behind TLS, and clients who prove themselves by certificates."""

import asyncio
import logging
import socket
import ssl
import time
from typing import Any

import pytest

from airegistry import invoke
from airegistry.dialects.exchange import HttpCall
from airegistry.discovery.answers import ExclusionReason
from airegistry.errors import NoCandidateError, ProviderConnectionError, ProviderCredentialError
from airegistry.invoke.settings import EngineSettings
from airegistry.invoke.transport import TransportSettings, open_transport
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from tests.catalogs import cache_of, chat, endpoint, model
from tests.certificates import Authorities, tls_provider
from tests.providers import TOKENS, ok, provider

MUTUAL = Communication(dialect="openai.chat", auth=Auth(AuthMethod.MTLS))
# Tests look at fields that may be absent.
open_engine: Any = invoke.open_engine


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    made = Authorities(tmp_path_factory.mktemp("credentials"))
    made.every_pair()
    (made.folder / "one-file.pem").write_bytes(
        (made.folder / "good-pair.key").read_bytes() + (made.folder / "good-pair.crt").read_bytes()
    )
    (made.folder / "half-pair.crt").write_bytes((made.folder / "good-pair.crt").read_bytes())
    return made


def engine_for(authorities, url, credential, **settings):
    served = cache_of([model(), endpoint("a", url, communication=MUTUAL, credential=credential)])
    transport = TransportSettings(ca_file=authorities.ca_file)
    return open_engine(served, credentials=authorities.credentials(), settings=EngineSettings(transport=transport))


def shows_a_secret(authorities, text):
    lines = [
        line for file in authorities.folder.iterdir() for line in file.read_text().splitlines() if "--" not in line
    ]
    return any(line in text for line in lines) or str(authorities.folder) in text


@pytest.mark.parametrize("pair", ["good-pair", "one-file"])
async def test_a_provider_that_wants_a_certificate_gets_it_for_whole_answers_and_streams(authorities, pair):
    async with (
        tls_provider(authorities.server(mutual=True), ok) as up,
        engine_for(authorities, up.url, pair) as engine,
    ):
        answered = await engine.invoke(chat())
        events = [event async for batch in engine.stream(chat()) for event in batch]
    assert answered.output.text == "".join(TOKENS)
    assert events[-1].end is not None
    assert "authorization" not in up.seen[0].headers


@pytest.mark.parametrize("pair", ["foreign-pair", "expired-pair"])
async def test_a_certificate_that_the_provider_does_not_take_is_a_connection_error(authorities, pair, caplog):
    caplog.set_level(logging.DEBUG)
    async with tls_provider(authorities.server(mutual=True), ok) as up, engine_for(authorities, up.url, pair) as engine:
        with pytest.raises(ProviderConnectionError) as raised:
            await engine.invoke(chat(), deadline=10)
    assert up.seen == []
    assert not shows_a_secret(
        authorities, f"{raised.value!r} {raised.value.metadata} {raised.value.attempts} {caplog.text}"
    )


@pytest.mark.parametrize("pair", ["mixed-pair", "encrypted-pair"])
async def test_a_pair_that_is_none_is_a_credential_error_that_shows_nothing(authorities, pair):
    async with tls_provider(authorities.server(mutual=True), ok) as up, engine_for(authorities, up.url, pair) as engine:
        with pytest.raises(ProviderCredentialError, match="cannot be used") as raised:
            await engine.invoke(chat())
    assert up.seen == []
    assert not shows_a_secret(authorities, f"{raised.value!r} {raised.value.__cause__!r}")


@pytest.mark.parametrize("name", ["nobody", "half-pair", "ca"])
async def test_an_endpoint_whose_key_pair_is_not_here_is_no_candidate_and_explain_says_so(authorities, name):
    async with engine_for(authorities, "https://localhost:1/v1", name) as engine:
        with pytest.raises(NoCandidateError):
            await engine.invoke(chat())
        (exclusion,) = engine.explain(chat()).exclusions
    assert (exclusion.reason, exclusion.names) == (ExclusionReason.CREDENTIAL, ("models/m/endpoints/a",))


async def test_an_endpoint_whose_key_pair_is_here_is_a_candidate(authorities):
    async with engine_for(authorities, "https://localhost:1/v1", "good-pair") as engine:
        explained = engine.explain(chat())
    assert [candidate.candidate.resource.name for candidate in explained.candidates] == ["models/m/endpoints/a"]


async def test_a_key_pair_is_not_presented_to_an_address_without_tls(authorities):
    async with provider(ok) as up, engine_for(authorities, up.url, "good-pair") as engine:
        with pytest.raises(ProviderCredentialError, match="is not https"):
            await engine.invoke(chat())
    assert up.seen == []


async def test_connections_are_kept_for_each_identity_and_never_lent_to_another(authorities):
    seen: list[tuple[Any, str]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        certificate: Any = writer.get_extra_info("peercert")
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            seen.append((writer, certificate["subjectAltName"][0][1]))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=authorities.server(mutual=True))
    call = HttpCall("GET", f"https://localhost:{server.sockets[0].getsockname()[1]}/", {}, b"")
    credentials = authorities.credentials()
    async with server, open_transport(TransportSettings(ca_file=authorities.ca_file)) as transport:
        for name in ("good-pair", "other-pair", "good-pair", "other-pair"):
            async with transport.send(call, connect_timeout=30, identity=credentials.key_pair(name)) as reply:
                await reply.body()
    assert [name for _, name in seen] == ["good-pair.example", "other-pair.example"] * 2
    assert len({id(writer) for writer, _ in seen}) == 2


SERVERS = {
    "expired": ({"expired": True}, "certificate has expired"),
    "unknown-authority": ({"foreign": True}, "unable to get local issuer certificate"),
    "another-name": ({"name": "elsewhere.example"}, "not valid for 'localhost'"),
}


@pytest.mark.parametrize(("facts", "reason"), SERVERS.values(), ids=SERVERS)
async def test_a_server_that_cannot_be_trusted_is_a_connection_error_at_once(authorities, facts, reason):
    started = time.monotonic()
    async with (
        tls_provider(authorities.server(**facts), ok) as up,
        open_transport(TransportSettings(ca_file=authorities.ca_file)) as transport,
    ):
        with pytest.raises(ProviderConnectionError, match="cannot trust the certificate") as raised:
            await asked(transport, f"{up.url}?key=sk-very-secret")
    assert reason in str(raised.value)
    assert "sk-very-secret" not in f"{raised.value!r} {raised.value.__cause__!r}"
    assert "connection" not in raised.value.metadata
    assert time.monotonic() - started < 15


async def test_without_the_ca_file_the_servers_of_a_private_authority_are_not_trusted(authorities):
    async with tls_provider(authorities.server(), ok) as up, open_transport() as transport:
        with pytest.raises(ProviderConnectionError, match="cannot trust"):
            await asked(transport, up.url)


async def test_a_server_that_breaks_off_the_handshake_is_a_connection_error(authorities):
    old = authorities.server()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_ciphers("AES128-SHA@SECLEVEL=0")
    async with tls_provider(old, ok) as up, open_transport(TransportSettings(ca_file=authorities.ca_file)) as transport:
        with pytest.raises(ProviderConnectionError):
            await asked(transport, up.url)


async def test_a_name_that_nobody_knows_is_a_connection_error_at_once(monkeypatch):
    async def unknown(*_arguments: Any, **_settings: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with open_transport() as transport:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
        with pytest.raises(
            ProviderConnectionError, match=r"cannot connect to nowhere\.example:443: the name is not known"
        ):
            await asked(transport, "https://nowhere.example/?key=sk-very-secret")


async def asked(transport, url):
    async with transport.send(
        HttpCall("POST", url, {"authorization": "sk-very-secret"}, b"{}"), connect_timeout=30
    ) as reply:
        return await reply.body()


@pytest.mark.parametrize("name", ["../good-pair", "good-pair/../other-pair", ""])
def test_a_name_that_leads_out_of_the_folder_is_no_key_pair(authorities, name):
    assert authorities.credentials().key_pair(name) is None


def test_no_text_form_shows_a_key_pair(authorities):
    pair = authorities.credentials().key_pair("good-pair")
    assert not shows_a_secret(authorities, f"{pair} {pair!r}")
