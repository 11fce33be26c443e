"""The first steps of the ladder against real servers: connections, TLS, and the handshake of HTTP."""

import asyncio
import socket
import ssl
import subprocess

import pytest

from registry.probes import ladder as ladder_module
from registry.probes.ladder import open_ladder
from tests.ladders import BAD, CONNECT, GOOD, HANDSHAKE, REQUEST, climbed, endpoint, listener, silent
from tests.ports import free_address
from tests.providers import provider, status


async def rude(_reader, writer):
    writer.write(b"220 mail.example ESMTP, an answer in no protocol of ours\r\n")
    await writer.drain()


async def hang_up(_reader, _writer):
    pass


@pytest.fixture
def black_hole():
    """A port whose queue of connections is full: the kernel drops what comes."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        waiting = []
        for _ in range(8):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(sock.getsockname())
            waiting.append(one)
        yield sock.getsockname()[1]
        for one in waiting:
            one.close()


async def test_an_open_port_is_connected_to(ladder):
    async with listener(silent) as place:
        assert await climbed(ladder, endpoint(f"http://{place}"), CONNECT) == (CONNECT, GOOD, "accepts connections")


async def test_a_closed_port_refuses(ladder):
    step, level, reason = await climbed(ladder, endpoint(f"http://{free_address()}"), REQUEST)
    assert (step, level) == (0, BAD)
    assert "connection refused" in reason


async def test_a_black_hole_is_given_up_before_a_probe_has_to_end(ladder, impatient, black_hole, monkeypatch):
    monkeypatch.setattr(ladder_module, "TIMEOUT", 3600)
    async with asyncio.timeout(30):
        step, level, reason = await climbed(ladder, endpoint(f"http://127.0.0.1:{black_hole}"), REQUEST)
    assert (step, level, reason) == (0, BAD, "no connection within 1 s")


@pytest.mark.parametrize("host", ["a..example", "x" * 64 + ".example"])
async def test_a_name_that_is_none_is_no_connection(ladder, host):
    step, level, _ = await climbed(ladder, endpoint(f"http://{host}"), CONNECT)
    assert (step, level) == (0, BAD)


async def test_ipv6_does_not_keep_ipv4_from_answering(ladder):
    async with listener(silent) as place:
        port = place.rpartition(":")[2]
        # Both families have this name, and only one of them a listener.
        assert (await climbed(ladder, endpoint(f"http://localhost:{port}"), CONNECT))[:2] == (CONNECT, GOOD)


@pytest.mark.parametrize("scheme", ["http", "https", "grpc"])
@pytest.mark.parametrize(
    "behave",
    [pytest.param(silent, id="silent"), pytest.param(rude, id="rude"), pytest.param(hang_up, id="hangs-up")],
)
async def test_who_does_not_speak_the_protocol_fails_the_handshake(ladder, impatient, scheme, behave):
    async with listener(behave) as place:
        assert (await climbed(ladder, endpoint(f"{scheme}://{place}"), REQUEST))[:2] == (CONNECT, BAD)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def server_tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


async def test_a_trusted_certificate_completes_the_handshake(certificate, server_tls):
    trusting = ssl.create_default_context(cafile=certificate / "cert.pem")
    async with listener(silent, server_tls) as place, open_ladder(tls=trusting) as ladder:
        found = await climbed(ladder, endpoint(f"https://{place}"), HANDSHAKE)
    assert found == (HANDSHAKE, GOOD, "completes the TLS handshake")


async def test_a_certificate_that_nobody_trusts_fails_the_handshake(ladder, server_tls):
    async with listener(silent, server_tls) as place:
        step, level, reason = await climbed(ladder, endpoint(f"https://{place}"), HANDSHAKE)
    assert (step, level) == (CONNECT, BAD)
    assert "the certificate is not trusted" in reason


async def test_any_answer_completes_the_handshake_of_http(ladder):
    async with provider(status(500)) as running:
        assert (await climbed(ladder, endpoint(running.url), HANDSHAKE))[:2] == (HANDSHAKE, GOOD)
    assert [peer.path for peer in running.seen] == ["/"]


async def test_no_connection_is_left_behind(ladder):
    gone = asyncio.Event()

    async def counted(reader, writer):
        await silent(reader, writer)
        gone.set()

    async with listener(counted) as place, asyncio.timeout(10):
        await climbed(ladder, endpoint(f"http://{place}"), CONNECT)
        await gone.wait()
