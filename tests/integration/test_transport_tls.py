"""The transport over TLS, and where nobody listens or speaks it."""

import ssl

import pytest
import trustme

from airegistry.errors import ProviderConnectionError, ProviderError, ProviderTimeoutError
from airegistry.invoke.transport import open_transport
from tests.ports import free_address
from tests.scripted import WHOLE, body_of, says, wire


async def test_a_certificate_of_nobody_that_is_known_is_not_trusted():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with wire(says(WHOLE), context) as up, open_transport() as transport:
        with pytest.raises(ProviderConnectionError, match="cannot trust the certificate") as caught:
            await body_of(transport, up.url)
    # Another attempt would end the same.
    assert caught.value.metadata == {}


async def test_over_tls_calls_share_a_connection(monkeypatch, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with wire(says(WHOLE, WHOLE), context) as up, open_transport() as transport:
        for _ in range(2):
            assert await body_of(transport, up.url) == b"done"
    assert up.connections == 1


async def test_tls_with_somebody_who_speaks_none_fails_in_our_words():
    async with wire(says(WHOLE, close=True)) as up, open_transport() as transport:
        with pytest.raises(ProviderError) as caught:
            await body_of(transport, up.url.replace("http:", "https:"), connect_timeout=1)
    assert isinstance(caught.value, ProviderConnectionError | ProviderTimeoutError)


async def test_that_nobody_listens_is_said():
    async with open_transport() as transport:
        with pytest.raises(ProviderConnectionError, match=": Connection refused") as caught:
            await body_of(transport, f"http://{free_address()}")
    assert caught.value.metadata == {}
