"""The gateway's own settings for proxies: by whom it calls providers, over HTTP and over gRPC."""

import asyncio

import pytest
from openai import InternalServerError, OpenAI
from pydantic import ValidationError

from airegistry._rpc.process import SettingsError
from airegistry._rpc.settings import read_environment
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from gateway.app import serve
from gateway.config import Config
from tests.catalogs import endpoint, model
from tests.inference_servers import TOKENS as WORDS
from tests.inference_servers import inference_server
from tests.planes import ANYWHERE, NOWHERE, gateway_knowing
from tests.providers import TOKENS, ok, provider
from tests.proxies import named, proxy

FREE = Auth(AuthMethod.NONE)


def said(address: str, name: str) -> str:
    """What the OpenAI SDK hears of a model."""
    with OpenAI(base_url=f"http://{address}/v1", api_key="unused", max_retries=0) as client:
        whole = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "hi"}])
    return whole.choices[0].message.content or ""


def served(url: str, name: str = "h", dialect: str = "openai.chat"):
    return [model(name), endpoint("a", url, model=name, communication=Communication(dialect=dialect, auth=FREE))]


async def test_providers_are_called_through_the_proxy_by_http_and_by_grpc(tmp_path):
    async with provider(ok) as http, inference_server() as grpc, proxy("s3cret") as through:
        known = [*served(named(http.url)), *served(named(grpc.url), "g", "kserve.v2")]
        async with gateway_knowing(tmp_path, known, gateway_proxy=through.url, gateway_no_proxy="") as gateway:
            assert await asyncio.to_thread(said, gateway.http_address, "h") == "".join(TOKENS)
            assert await asyncio.to_thread(said, gateway.http_address, "g") == "".join(WORDS)
        assert [asked.split(" ")[0] for asked in through.asked] == ["POST", "CONNECT"]


async def test_by_grpc_too_a_proxy_that_refuses_is_an_error_that_shows_no_password(tmp_path, caplog):
    async with inference_server() as grpc, proxy("another") as through:
        wrong = through.url.replace("another", "s3cret")
        known = served(named(grpc.url), "g", "kserve.v2")
        async with gateway_knowing(tmp_path, known, gateway_proxy=wrong, gateway_no_proxy="") as gateway:
            with pytest.raises(InternalServerError) as raised:
                await asyncio.to_thread(said, gateway.http_address, "g")
    assert through.asked
    assert "s3cret" not in f"{raised.value.response.text} {caplog.text}"


async def test_this_machine_is_called_without_the_proxy_unless_that_is_said(tmp_path):
    async with provider(ok) as http, inference_server() as grpc, proxy() as through:
        known = [*served(http.url), *served(grpc.url, "g", "kserve.v2")]
        async with gateway_knowing(tmp_path, known, gateway_proxy=through.url) as gateway:
            assert await asyncio.to_thread(said, gateway.http_address, "h") == "".join(TOKENS)
            assert await asyncio.to_thread(said, gateway.http_address, "g") == "".join(WORDS)
    assert through.asked == []


async def test_the_proxies_of_the_environment_hold_when_that_is_asked_for(tmp_path):
    async with provider(ok) as up, proxy() as through:
        config = Config(
            address=NOWHERE,
            gateway_address=ANYWHERE,
            gateway_http_address=ANYWHERE,
            gateway_start_wait=0,
            gateway_proxy="environment",
            gateway_no_proxy="",
            data_dir=tmp_path,
        )
        async with serve(config, environment={"http_proxy": through.url}) as gateway:
            gateway.cache.replace(served(named(up.url)), 1)
            assert await asyncio.to_thread(said, gateway.http_address, "h") == "".join(TOKENS)
        assert len(through.asked) == 1


async def test_an_environment_that_names_no_proxy_is_refused_at_the_start_and_not_quoted(tmp_path):
    config = Config(address=NOWHERE, gateway_start_wait=0, gateway_proxy="environment", data_dir=tmp_path)
    with pytest.raises(SettingsError, match="HTTPS_PROXY must be") as raised:
        async with serve(config, environment={"https_proxy": "socks5://me:s3cret@proxy.example"}):
            pass
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param(
            {"gateway_proxy": "socks5://me:s3cret@proxy.example"}, "must be the URL of an HTTP proxy", id="socks"
        ),
        pytest.param({"gateway_no_proxy": "10.0.0.0/99"}, "'10.0.0.0/99' is no name", id="no-network"),
    ],
)
def test_what_is_no_proxy_is_refused_at_the_start(settings, words):
    with pytest.raises(ValidationError, match=words):
        Config(**settings)


def test_a_proxy_is_read_from_a_file_and_never_shown(tmp_path, monkeypatch):
    file = tmp_path / "proxy"
    file.write_text("http://me:s3cret@proxy.example:3128\n")
    monkeypatch.setenv("AIREGISTRY_GATEWAY_PROXY_FILE", str(file))
    config = read_environment(Config, "gateway")
    assert config.gateway_proxy.get_secret_value().endswith("proxy.example:3128")
    assert "s3cret" not in f"{config!r} {config}"


def test_what_is_wrong_with_a_proxy_is_said_without_it(monkeypatch):
    monkeypatch.setenv("AIREGISTRY_GATEWAY_PROXY", "https://me:s3cret@proxy.example:3128")
    with pytest.raises(SettingsError, match="AIREGISTRY_GATEWAY_PROXY: must be the URL") as raised:
        read_environment(Config, "gateway")
    assert "s3cret" not in str(raised.value)
