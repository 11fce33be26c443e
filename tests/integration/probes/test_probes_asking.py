"""The upper steps of the ladder against real servers: the health call, and a tiny request."""

import json

import pytest

from airegistry.resources.endpoint import Auth, AuthMethod
from demo_backend.cards import CHAT, EMBEDDING
from demo_backend.server import serve
from demo_backend.settings import Settings
from registry.probes.ladder import open_ladder
from tests.catalogs import credentials
from tests.ladders import BAD, CONNECT, GOOD, HANDSHAKE, HEALTH, POOR, REQUEST, Health, climbed, endpoint, grpc_server
from tests.providers import hang_before_headers, html, ok, provider, reset_before_headers, status

KEY = "sesame-open-9f8e7d6c5b4a"


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


async def test_a_dialect_that_fails_is_no_fault_of_the_endpoint(ladder, monkeypatch, caplog):
    def broken(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("airegistry.dialects.openai.chat.OpenAIChat.decode", broken)
    async with provider(ok) as running:
        assert (await climbed(ladder, endpoint(running.url), REQUEST))[:2] == (HEALTH, GOOD)
    assert "dialect openai.chat failed" in caplog.text
