"""Providers that are called through an HTTP proxy."""

import asyncio
import logging

import pytest
import uvloop

from airegistry.dialects.exchange import HttpCall
from airegistry.errors import ProviderConnectionError, ProviderError, ProviderTimeoutError
from airegistry.invoke.transport import Transport, TransportSettings, one_proxy, open_transport
from airegistry.invoke.transport.address import address_of
from airegistry.invoke.transport.proxies import proxy_at
from tests import providers
from tests.certificates import Authorities, tls_provider
from tests.providers import Peer, provider
from tests.proxies import listening, named, proxy

PASSWORD = "s3cret"


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    made = Authorities(tmp_path_factory.mktemp("credentials"))
    made.key_pair("good-pair")
    return made


def settings(url: str, *, direct: str = "", authorities: Authorities | None = None) -> TransportSettings:
    return TransportSettings(
        proxies=one_proxy(url, direct), ca_file=authorities.ca_file if authorities is not None else None
    )


def call(url: str) -> HttpCall:
    return HttpCall("POST", f"{url}/chat", {"content-type": "application/json", "authorization": "Bearer k"}, b"{}")


async def asked(transport: Transport, url: str) -> tuple[int, bytes]:
    async with transport.send(call(url), connect_timeout=5) as reply:
        return reply.status, await reply.body()


async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request on its connection."""
    while await reader.readline():
        while (await reader.readline()).strip():
            pass
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    writer.close()


@pytest.mark.parametrize("password", ["", PASSWORD], ids=["open", "with-a-password"])
async def test_a_provider_without_tls_gets_the_request_from_the_proxy(password):
    async with (
        provider(providers.ok) as up,
        proxy(password) as through,
        open_transport(settings(through.url)) as transport,
    ):
        status, _ = await asked(transport, named(up.url))
    assert status == 200
    assert through.asked == [f"POST {named(up.url)}/chat"]
    assert up.seen[0].headers["host"] == named(up.url).removeprefix("http://").removesuffix("/v1")
    assert "proxy-authorization" not in up.seen[0].headers


@pytest.mark.parametrize("password", ["", PASSWORD], ids=["open", "with-a-password"])
async def test_with_tls_the_proxy_sees_who_is_called_and_nothing_else(authorities, password):
    async with (
        tls_provider(authorities.server(name="provider.example"), providers.ok) as up,
        proxy(password) as through,
        open_transport(settings(through.url, authorities=authorities)) as transport,
    ):
        status, _ = await asked(transport, named(up.url))
    assert status == 200
    assert through.asked == [f"CONNECT {named(up.url).removeprefix('https://').removesuffix('/v1')}"]
    assert up.seen[0].headers["authorization"] == "Bearer k"
    assert "proxy-authorization" not in up.seen[0].headers


def test_the_way_is_opened_in_the_loop_of_the_gateway_too(authorities):
    async def calling() -> tuple[int, bytes]:
        async with (
            tls_provider(authorities.server(name="provider.example"), providers.ok) as up,
            proxy(PASSWORD) as through,
            open_transport(settings(through.url, authorities=authorities)) as transport,
        ):
            return await asked(transport, named(up.url))

    assert uvloop.run(calling())[0] == 200


async def test_a_provider_behind_the_proxy_is_trusted_by_its_own_certificate_only(authorities):
    async with (
        tls_provider(authorities.server(name="elsewhere.example"), providers.ok) as up,
        proxy() as through,
        open_transport(settings(through.url, authorities=authorities)) as transport,
    ):
        with pytest.raises(ProviderConnectionError, match="cannot trust the certificate of provider"):
            await asked(transport, named(up.url))
    assert up.seen == []


async def test_a_key_pair_is_presented_through_the_proxy(authorities):
    context = authorities.server(name="provider.example", mutual=True)
    pair = authorities.credentials().key_pair("good-pair")
    async with (
        tls_provider(context, providers.ok) as up,
        proxy() as through,
        open_transport(settings(through.url, authorities=authorities)) as transport,
        transport.send(call(named(up.url)), connect_timeout=5, identity=pair) as reply,
    ):
        assert reply.status == 200


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_connections_through_the_proxy_are_kept_for_the_next_call(authorities, tls):
    async with (
        listening(kept, authorities.server(name="provider.example") if tls else None) as port,
        proxy() as through,
        # To its client, a proxy that keeps connections is like a provider that does.
        open_transport(
            settings(through.url if tls else f"http://127.0.0.1:{port}", authorities=authorities)
        ) as transport,
    ):
        for _ in range(3):
            url = f"https://provider.example:{port}" if tls else "http://provider.example"
            assert await asked(transport, url) == (200, b"ok")
        assert transport._pool.open == 1
        assert through.connections == tls


async def test_who_is_listed_is_called_without_the_proxy():
    async with (
        provider(providers.ok) as up,
        proxy() as through,
        open_transport(settings(through.url, direct="127.0.0.0/8")) as transport,
    ):
        assert (await asked(transport, up.url))[0] == 200
    assert through.asked == []
    assert up.seen[0].path == "/v1/chat"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_another_password_is_an_error_that_shows_none(scheme, caplog):
    caplog.set_level(logging.DEBUG)
    async with proxy("another") as through:
        wrong = through.url.replace("another", PASSWORD)
        async with open_transport(settings(wrong)) as transport:
            with pytest.raises(ProviderConnectionError, match="does not take the credentials") as raised:
                await asked(transport, f"{scheme}://provider.example:1")
            secret = proxy_at(wrong).authorization
    shown = f"{raised.value!r} {raised.value.__cause__!r} {caplog.text}"
    assert not any(word in shown for word in (PASSWORD, secret))


REFUSALS = {
    "not-allowed": (b"HTTP/1.1 403 Forbidden\r\n\r\n", r"does not connect to provider\.example:443: it answers 403"),
    "no-http": (b"SSH-2.0-whatever\r\n\r\n", "not answer in proper HTTP"),
    "half": (b"HTTP/1.1 200", "breaks off"),
    "too-much": (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "more than it was asked"),
}


@pytest.mark.parametrize(("answer", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_a_proxy_that_opens_no_way_is_an_error_at_once(answer, words):
    async with proxy(answer=answer) as through, open_transport(settings(through.url)) as transport:
        with pytest.raises(ProviderConnectionError, match=words):
            await asked(transport, "https://provider.example")
        assert transport._pool.open == 0


async def test_a_proxy_whose_headers_have_no_end_is_given_up():
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000)
        await reader.read()

    async with listening(endless) as port, open_transport(settings(f"http://127.0.0.1:{port}")) as transport:
        with pytest.raises(ProviderConnectionError, match="does not end its headers"):
            await asked(transport, "https://provider.example")


async def test_a_proxy_that_cannot_reach_the_provider_says_so():
    async with proxy() as through, open_transport(settings(through.url)) as transport:
        with pytest.raises(ProviderConnectionError, match="it answers 502"):
            await asked(transport, "https://provider.example:1")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there_is_not_taken_for_the_provider(scheme):
    async with open_transport(settings("http://127.0.0.1:1")) as transport:
        with pytest.raises(ProviderConnectionError, match="cannot connect to the proxy: Connection refused"):
            await asked(transport, f"{scheme}://provider.example")


async def test_a_proxy_that_says_nothing_is_given_up_in_time():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listening(silent) as port, open_transport(settings(f"http://127.0.0.1:{port}")) as transport:
        with pytest.raises(ProviderTimeoutError):
            async with transport.send(call("https://provider.example"), connect_timeout=0.2):
                pass
        assert transport._pool.open == 0


async def test_giving_up_while_the_proxy_connects_closes_the_connection_to_it():
    gone = asyncio.Event()
    reached = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reached.set()
        await reader.read()
        gone.set()
        writer.close()

    async with listening(slow) as port, open_transport(settings(f"http://127.0.0.1:{port}")) as transport:
        calling = asyncio.ensure_future(asked(transport, "https://provider.example"))
        await asyncio.wait_for(reached.wait(), 5)
        calling.cancel()
        await asyncio.wait_for(gone.wait(), 5)
        assert transport._pool.open == 0


async def test_a_provider_of_ones_own_may_ask_for_proxy_credentials_and_gets_none():
    async def asking(peer: Peer) -> None:
        await peer.reply(407, b"{}")

    async with provider(asking) as up, open_transport() as transport:
        assert (await asked(transport, up.url))[0] == 407


@pytest.mark.parametrize("host", ["two words", "a\x00b"])
async def test_a_name_that_would_say_more_to_a_proxy_is_not_called(host):
    async with proxy() as through, open_transport(settings(through.url)) as transport:
        with pytest.raises(ProviderError):
            await asked(transport, f"https://{host}")
    assert through.asked == []


async def test_no_connection_through_a_proxy_is_lent_to_a_call_without():
    by_proxy = one_proxy("http://proxy.example:1", "")
    assert address_of("http://a.example", None, by_proxy) != address_of("http://a.example", None)
