"""Each step of the ladder against real servers: those that work, those that do not, and those that say nothing."""

import asyncio
import json
import socket
import ssl
import subprocess
from contextlib import asynccontextmanager

import pytest
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint, ProbeStep
from demo_backend.cards import CHAT, EMBEDDING
from demo_backend.server import serve
from demo_backend.settings import Settings
from registry.probes import ladder as ladder_module
from registry.probes.climb import Level
from registry.probes.ladder import open_ladder
from registry.probes.target import target_of
from tests.catalogs import credentials
from tests.ports import free_address
from tests.providers import hang_before_headers, html, ok, provider, reset_before_headers, status

OPEN = Auth(AuthMethod.NONE)
KEY = "sesame-open-9f8e7d6c5b4a"
GOOD, POOR, BAD = Level
CONNECT, HANDSHAKE, HEALTH, REQUEST = ProbeStep


@pytest.fixture
async def ladder():
    async with open_ladder() as ladder:
        yield ladder


@pytest.fixture
def impatient(monkeypatch):
    """Time limits that a test can wait for."""
    monkeypatch.setattr(ladder_module, "CONNECT_TIMEOUT", 0.2)
    monkeypatch.setattr(ladder_module, "TIMEOUT", 0.5)


def endpoint(address, dialect="openai.chat", *, auth=OPEN, **facts):
    communication = Communication(dialect=dialect, auth=auth, **facts)
    return Endpoint(
        address=address,
        upstream_model=CHAT.id if dialect == "openai.chat" else EMBEDDING.id,
        communication=communication,
        credential="SOME_API_KEY" if auth is not OPEN else "",
    )


async def climbed(ladder, one, highest):
    """Probe an endpoint; return what is found, how good it is, and the reason."""
    target = target_of("", one)
    assert target is not None
    outcome = (await ladder.climb(target.place, one, highest)).outcome(highest)
    return outcome.step, outcome.level, outcome.reason


@asynccontextmanager
async def listener(behave, tls=None):
    """Serve connections with *behave* on a free port."""
    tasks: set[asyncio.Future[None]] = set()

    async def serve_one(reader, writer):
        try:
            await behave(reader, writer)
        finally:
            writer.close()

    def take(reader, writer):
        tasks.add(asyncio.ensure_future(serve_one(reader, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def silent(reader, _writer):
    while await reader.read(1024):
        pass


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
    assert (step, level, reason) == (0, BAD, "no connection within 0.2 s")


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


@pytest.mark.parametrize(
    ("dialect", "path"),
    [
        pytest.param("openai.chat", "/v1/models", id="openai"),
        pytest.param("openai.embeddings", "/v1/models", id="embeddings"),
        pytest.param("ollama.chat", "/api/version", id="ollama"),
        pytest.param("ollama.embed", "/api/version", id="ollama-embed"),
        pytest.param("tgi.generate", "/health", id="tgi"),
        pytest.param("tei.rerank", "/health", id="tei"),
        pytest.param("kserve.v2", "/v2/health/ready", id="kserve"),
        pytest.param("anthropic.messages", "/v1", id="another"),
    ],
)
async def test_the_health_call_is_that_of_the_dialect(ladder, dialect, path):
    async with provider(ok) as running:
        one = endpoint(running.url, dialect, headers={"x-version": "2"})
        assert (await climbed(ladder, one, HEALTH))[:2] == (HEALTH, GOOD)
    assert [peer.path for peer in running.seen] == ["/", path]
    assert running.seen[-1].headers["x-version"] == "2"


@pytest.mark.parametrize(
    ("number", "dialect", "found"),
    [
        pytest.param(404, "openai.chat", (HANDSHAKE, GOOD), id="no-such-call"),
        pytest.param(302, "openai.chat", (HANDSHAKE, GOOD), id="elsewhere"),
        pytest.param(429, "openai.chat", (HANDSHAKE, POOR), id="too-many"),
        pytest.param(500, "openai.chat", (HANDSHAKE, POOR), id="failure"),
        pytest.param(503, "openai.chat", (HANDSHAKE, POOR), id="overloaded"),
        pytest.param(503, "kserve.v2", (HANDSHAKE, BAD), id="not-ready"),
        pytest.param(401, "openai.chat", (HANDSHAKE, POOR), id="wants-what-nobody-declared"),
    ],
)
async def test_what_a_status_means(ladder, number, dialect, found):
    async with provider(status(number)) as running:
        step, level, reason = await climbed(ladder, endpoint(running.url, dialect), HEALTH)
    assert (step, level) == found
    assert str(number) in reason


@pytest.mark.parametrize("behave", [hang_before_headers, reset_before_headers], ids=["hangs", "resets"])
async def test_who_does_not_answer_the_health_call_is_bad(ladder, impatient, behave):
    async with provider(ok, behave) as running:
        assert (await climbed(ladder, endpoint(running.url), HEALTH))[:2] == (HANDSHAKE, BAD)


async def test_the_credential_is_sent_where_it_is_known(ladder):
    async with provider(ok) as running, open_ladder(credentials=credentials(SOME_API_KEY=KEY)) as knowing:
        one = endpoint(running.url, auth=Auth(AuthMethod.HEADER, "x-api-key"))
        for prober in (knowing, ladder):
            assert (await climbed(prober, one, HEALTH))[:2] == (HEALTH, GOOD)
    assert [peer.headers.get("x-api-key") for peer in running.seen] == [None, KEY, None, None]


@pytest.mark.parametrize("number", [401, 403])
async def test_a_refused_credential_is_told_from_one_that_is_not_here(ladder, number):
    async with provider(status(number)) as running, open_ladder(credentials=credentials(SOME_API_KEY=KEY)) as knowing:
        one = endpoint(running.url, auth=None)
        refused = await climbed(knowing, one, REQUEST)
        unasked = await climbed(ladder, one, HEALTH)
    assert refused == (HANDSHAKE, POOR, f"refuses who asks ({number}): the credential is wrong, or one is missing")
    assert unasked == (HANDSHAKE, GOOD, f"answers ({number}), and wants a credential that is not here")


@pytest.fixture(scope="module", params=[CHAT.id, EMBEDDING.id])
def demo_dialect(request):
    return "openai.chat" if request.param == CHAT.id else "openai.embeddings"


async def test_the_demo_backend_answers_a_tiny_request(ladder, demo_dialect):
    async with serve(Settings(port=0, token_delay=0.0, drain=0.0)) as url:
        found = await climbed(ladder, endpoint(f"{url}/v1", demo_dialect), REQUEST)
    assert found == (REQUEST, GOOD, "answers a tiny request")


async def test_a_tiny_request_asks_for_one_token(ladder):
    async with provider(ok) as running:
        await climbed(ladder, endpoint(running.url), REQUEST)
    request = running.seen[-1]
    assert (request.path, request.body["model"], request.body["max_tokens"]) == ("/v1/chat/completions", CHAT.id, 1)


@pytest.mark.parametrize("highest", [CONNECT, HANDSHAKE, HEALTH])
async def test_no_step_is_tried_above_the_highest(ladder, highest):
    async with provider(ok) as running:
        assert (await climbed(ladder, endpoint(running.url), highest))[0] == highest
    assert len(running.seen) == highest - CONNECT


@pytest.mark.parametrize(
    ("behave", "found"),
    [
        pytest.param(status(500), (HEALTH, POOR), id="failure"),
        pytest.param(status(404, code="model_not_found"), (HEALTH, POOR), id="unknown-model"),
        pytest.param(status(401), (HEALTH, POOR), id="credential"),
        pytest.param(status(400), (HEALTH, GOOD), id="refuses-ours"),
        pytest.param(html, (HEALTH, POOR), id="malformed"),
        pytest.param(hang_before_headers, (HEALTH, POOR), id="silent"),
        pytest.param(reset_before_headers, (HEALTH, BAD), id="reset"),
    ],
)
async def test_what_the_answer_to_a_tiny_request_means(ladder, impatient, behave, found):
    async with provider(ok, ok, behave) as running:
        assert (await climbed(ladder, endpoint(running.url), REQUEST))[:2] == found


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        pytest.param({"auth": None}, "credential is not here", id="no-credential"),
        pytest.param({"dialect": "nobody.knows"}, "dialect is unknown here", id="no-dialect"),
    ],
)
async def test_what_cannot_be_asked_is_no_fault(ladder, one, reason):
    async with provider(ok) as running:
        step, level, said = await climbed(ladder, endpoint(running.url, **one), REQUEST)
    assert (step, level) == (HEALTH, GOOD)
    assert reason in said
    assert len(running.seen) == 2


async def test_a_reason_holds_neither_the_credential_nor_a_word_of_the_peer(ladder):
    async def echo(peer):
        await peer.reply(500, json.dumps({"error": {"message": f"inside: {peer.headers['authorization']}"}}).encode())

    async with provider(ok, ok, echo) as running, open_ladder(credentials=credentials(SOME_API_KEY=KEY)) as knowing:
        step, level, reason = await climbed(knowing, endpoint(running.url, auth=None), REQUEST)
    assert (step, level) == (HEALTH, POOR)
    assert running.seen[-1].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in reason
    assert "inside" not in reason


async def test_no_proxy_of_the_environment_is_used(ladder, monkeypatch):
    async with provider(ok) as proxy, provider(ok) as running, grpc_server(Health()) as place:
        for name in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
            monkeypatch.delenv("no_proxy", raising=False)
        assert (await climbed(ladder, endpoint(running.url), REQUEST))[0] == REQUEST
        assert (await climbed(ladder, endpoint(f"grpc://{place}"), HEALTH))[0] == HEALTH
    assert proxy.seen == []


class Health(health_pb2_grpc.HealthServicer):
    def __init__(self, answer=health_pb2.HealthCheckResponse.SERVING, error=None):
        self.answer = answer
        self.error = error
        self.hanging = asyncio.Event()

    async def Check(self, _request, context):  # noqa: N802 - as generated
        if self.error is not None:
            await context.abort(self.error, "a word of the peer")
        if self.answer is None:
            await self.hanging.wait()
        return health_pb2.HealthCheckResponse(status=self.answer)


@asynccontextmanager
async def grpc_server(health=None):
    server = aio.server()
    if health is not None:
        health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


SAYS = health_pb2.HealthCheckResponse


@pytest.mark.parametrize(
    ("health", "found"),
    [
        pytest.param(Health, (HEALTH, GOOD), id="serving"),
        pytest.param(lambda: Health(SAYS.NOT_SERVING), (HANDSHAKE, BAD), id="not-serving"),
        pytest.param(lambda: Health(SAYS.UNKNOWN), (HANDSHAKE, GOOD), id="unknown"),
        pytest.param(lambda: Health(None), (HANDSHAKE, BAD), id="hangs"),
        pytest.param(lambda: Health(error=StatusCode.NOT_FOUND), (HANDSHAKE, GOOD), id="does-not-know-itself"),
        pytest.param(lambda: Health(error=StatusCode.UNAUTHENTICATED), (HANDSHAKE, GOOD), id="wants-a-credential"),
        pytest.param(lambda: Health(error=StatusCode.UNAVAILABLE), (HANDSHAKE, BAD), id="unavailable"),
        pytest.param(lambda: None, (HANDSHAKE, GOOD), id="no-health-service"),
    ],
)
async def test_what_a_grpc_server_says_of_its_health(ladder, impatient, health, found):
    async with grpc_server(health()) as place:
        step, level, reason = await climbed(ladder, endpoint(f"grpc://{place}"), HEALTH)
    assert (step, level) == found
    assert "a word of the peer" not in reason


async def test_nothing_more_is_asked_over_grpc(ladder):
    async with grpc_server(Health()) as place:
        step, level, reason = await climbed(ladder, endpoint(f"grpc://{place}"), REQUEST)
    assert (step, level) == (HEALTH, GOOD)
    assert "over HTTP only" in reason


async def test_a_dialect_that_fails_is_no_fault_of_the_endpoint(ladder, monkeypatch, caplog):
    def broken(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("airegistry.dialects.openai.chat.OpenAIChat.decode", broken)
    async with provider(ok) as running:
        assert (await climbed(ladder, endpoint(running.url), REQUEST))[:2] == (HEALTH, GOOD)
    assert "dialect openai.chat failed" in caplog.text


async def test_no_connection_is_left_behind(ladder):
    gone = asyncio.Event()

    async def counted(reader, writer):
        await silent(reader, writer)
        gone.set()

    async with listener(counted) as place, asyncio.timeout(10):
        await climbed(ladder, endpoint(f"http://{place}"), CONNECT)
        await gone.wait()
