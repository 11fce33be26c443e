"""Providers that cannot be reached: no such name, nobody there, and every way in which TLS fails."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trustme

from tests.faults.calling import Ask
from tests.faults.judging import ANSWERED, as_it_ends, timed
from tests.faults.misbehaving import healthy, silence
from tests.faults.table import HASTY, PATIENT, Ends
from tests.faults.ways import each_carrier
from tests.faults.wires import OPENAI_CHAT
from tests.providers import provider

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="module")]

NOBODY = "http://127.0.0.1:1/v1"
NAMELESS = "http://provider.invalid/v1"
ANSWER = partial(healthy, OPENAI_CHAT)
SILENCE = partial(silence, OPENAI_CHAT)


@pytest.fixture(autouse=True)
def nameless(monkeypatch):
    """Let the one name fail as the resolver says it; no test asks a real one."""
    ask = socket.getaddrinfo

    def answer(host, *arguments, **options):
        if host == "provider.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ask(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def tls_of(issuer, host="127.0.0.1"):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issuer.issue_cert(host).configure_cert(context)
    return context


@asynccontextmanager
async def no_name():
    yield NAMELESS


@asynccontextmanager
async def nobody():
    yield NOBODY


@asynccontextmanager
async def a_stranger():
    """A certificate of an authority that nobody trusts."""
    async with provider(ANSWER, tls=tls_of(trustme.CA())) as up:
        yield up.url


@asynccontextmanager
async def plain_http_for_tls():
    """A server that does not know TLS, and says so as web servers do."""

    async def refuse(reader, writer):
        await reader.read(1024)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@asynccontextmanager
async def tls_for_plain_http():
    async with provider(ANSWER, tls=tls_of(trustme.CA())) as up:
        yield up.url.replace("https", "http")


@asynccontextmanager
async def no_handshake():
    """Somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/v1"


REACHING = [
    pytest.param(no_name, PATIENT, "PROVIDER_CONNECTION", id="dns"),
    pytest.param(nobody, PATIENT, "PROVIDER_CONNECTION", id="refused"),
    pytest.param(a_stranger, PATIENT, "PROVIDER_CONNECTION", id="tls-untrusted"),
    pytest.param(plain_http_for_tls, PATIENT, "PROVIDER_CONNECTION", id="tls-for-plain-http"),
    pytest.param(tls_for_plain_http, PATIENT, "PROVIDER_CONNECTION", id="plain-http-for-tls"),
    pytest.param(no_handshake, HASTY, "PROVIDER_TIMEOUT", id="tls-handshake-silence"),
]


@pytest.mark.parametrize(("somewhere", "policy", "reason"), REACHING)
@each_carrier
async def test_a_provider_out_of_reach_is_told_by_one_error(scene, somewhere, policy, reason, carrier):
    async with somewhere() as url:
        name = scene.serve([url], [OPENAI_CHAT.communication], policy)
        as_it_ends(await timed(carrier.call(scene.callers, Ask(name))), Ends(reason))
        await scene.quiet()


@pytest.mark.parametrize(("somewhere", "policy", "reason"), REACHING)
@each_carrier
async def test_another_provider_answers_for_one_out_of_reach(scene, somewhere, policy, reason, carrier):
    async with somewhere() as url, provider(ANSWER) as other:
        name = scene.serve([url, other.url], [OPENAI_CHAT.communication] * 2, policy)
        as_it_ends(await timed(carrier.call(scene.callers, Ask(name))), ANSWERED)
        await scene.quiet()
    assert len(other.seen) == 1
