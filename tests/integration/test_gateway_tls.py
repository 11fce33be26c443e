"""The gateway's own settings for providers behind TLS: whom it trusts, and the key pairs that it presents."""

import asyncio

import pytest
from openai import OpenAI
from pydantic import ValidationError

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, CustomFormat
from gateway.config import Config
from tests.catalogs import endpoint, model
from tests.certificates import Authorities, tls_provider
from tests.inference_servers import TOKENS as WORDS
from tests.inference_servers import inference_server
from tests.planes import gateway_knowing
from tests.providers import TOKENS, ok


@pytest.fixture
def authorities(tmp_path):
    folder = tmp_path / "gateway/credentials"
    folder.mkdir(parents=True)
    made = Authorities(folder)
    made.key_pair("good-pair")
    return made


def said(address: str, name: str) -> tuple[str, str]:
    """What the OpenAI SDK hears of a model, whole and streamed."""
    with OpenAI(base_url=f"http://{address}/v1", api_key="unused", max_retries=0) as client:
        whole = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "hi"}])
        stream = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "hi"}], stream=True)
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    return whole.choices[0].message.content or "", "".join(pieces)


async def test_a_gateway_reaches_providers_of_a_private_authority_by_http_and_by_grpc(authorities, tmp_path):
    def mutual(dialect: str, custom: CustomFormat | None = None) -> Communication:
        return Communication(dialect=dialect, auth=Auth(AuthMethod.MTLS), custom=custom)

    async with (
        tls_provider(authorities.server(mutual=True), ok) as http,
        inference_server(tls=authorities.grpc_server(mutual=True)) as grpc,
    ):
        served = [
            model("h"),
            endpoint("a", http.url, model="h", communication=mutual("openai.chat"), credential="good-pair"),
            model("g"),
            endpoint("a", grpc.url, model="g", communication=mutual("kserve.v2"), credential="good-pair"),
        ]
        async with gateway_knowing(tmp_path, served, gateway_ca_file=authorities.ca_file) as gateway:
            assert await asyncio.to_thread(said, gateway.http_address, "h") == ("".join(TOKENS),) * 2
            assert await asyncio.to_thread(said, gateway.http_address, "g") == ("".join(WORDS),) * 2


@pytest.mark.parametrize("content", [None, "no certificates"], ids=["no-file", "no-certificates"])
def test_a_file_without_certificates_is_refused_at_the_start(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValidationError, match="cannot be read as certificates"):
        Config(gateway_ca_file=file)
