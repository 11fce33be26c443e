"""The transport against real sockets."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from airegistry.dialects.exchange import HttpCall
from airegistry.errors import MalformedAnswerError, ProviderConnectionError, ProviderTimeoutError
from airegistry.invoke.transport import TransportSettings, open_transport
from tests import providers
from tests.providers import Peer, provider
from tests.scripted import PATIENCE


def call(url: str, body: bytes = b"{}", **headers: str) -> HttpCall:
    return HttpCall("POST", f"{url}/chat/completions", {"content-type": "application/json", **headers}, body)


@contextmanager
def full_backlog() -> Iterator[str]:
    """Listen, never accept, and take all the room for connections that wait."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for one in waiting:
            one.close()


async def test_a_redirect_is_not_followed():
    async def elsewhere(peer: Peer) -> None:
        await peer.reply(307, b"", {"location": "http://127.0.0.1:1/"})

    async with (
        provider(elsewhere) as up,
        open_transport() as transport,
        transport.send(call(up.url), connect_timeout=PATIENCE) as reply,
    ):
        assert reply.status == 307
    assert len(up.seen) == 1


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with (
        provider(providers.ok) as up,
        open_transport() as transport,
        transport.send(call(up.url), connect_timeout=PATIENCE) as reply,
    ):
        assert reply.status == 200


async def test_a_cookie_of_one_call_is_not_sent_with_the_next():
    async def marking(peer: Peer) -> None:
        await peer.reply(200, b"{}", {"set-cookie": "who=me"})

    async with provider(marking) as up, open_transport() as transport:
        for _ in range(2):
            async with transport.send(call(up.url), connect_timeout=PATIENCE) as reply:
                await reply.body()
    assert "cookie" not in up.seen[1].headers


async def test_an_answer_that_is_too_large_is_refused():
    settings = TransportSettings(max_answer_bytes=1_000)

    async def talkative(peer: Peer) -> None:
        await peer.reply(200, b"x" * 100_000)

    async with (
        provider(talkative) as up,
        open_transport(settings) as transport,
        transport.send(call(up.url), connect_timeout=PATIENCE) as reply,
    ):
        with pytest.raises(MalformedAnswerError, match="more than 1000 bytes"):
            await reply.body()


async def test_headers_that_are_too_large_are_refused():
    async def decorated(peer: Peer) -> None:
        await peer.reply(200, b"{}", {"x-long": "x" * 50_000})

    async with provider(decorated) as up, open_transport() as transport:
        with pytest.raises(ProviderConnectionError):
            async with transport.send(call(up.url), connect_timeout=PATIENCE):
                pass


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        pytest.param("http://", {}, id="no-host"),
        pytest.param("grpc://127.0.0.1:1", {}, id="other-scheme"),
        pytest.param("http://127.0.0.1:1", {"x-evil": "a\r\nb: c"}, id="newline-in-header"),
        pytest.param("http://127.0.0.1:1", {"x evil": "a"}, id="space-in-name"),
        pytest.param("http://127.0.0.1:1/a b", {}, id="space-in-path"),
        pytest.param("http://127.0.0.1:99999", {}, id="no-such-port"),
        pytest.param("http://me:secret@127.0.0.1:1", {}, id="credential-in-address"),
    ],
)
async def test_what_cannot_be_called_is_an_error_of_ours(url, headers):
    async with open_transport() as transport:
        with pytest.raises(ProviderConnectionError):
            async with transport.send(call(url, **headers), connect_timeout=PATIENCE):
                pass


async def test_a_host_that_does_not_accept_is_given_up_in_time():
    """A full backlog: the kernel leaves further connections waiting."""
    async with open_transport() as transport:
        with full_backlog() as url, pytest.raises(ProviderTimeoutError):
            async with transport.send(call(url), connect_timeout=0.1):
                pass


async def test_a_large_request_arrives_whole():
    body = b'{"prompt": "' + b"x" * 3_000_000 + b'"}'
    async with (
        provider(providers.ok) as up,
        open_transport() as transport,
        transport.send(call(up.url, body), connect_timeout=PATIENCE) as reply,
    ):
        await reply.body()
    assert len(up.seen[0].body["prompt"]) == 3_000_000
