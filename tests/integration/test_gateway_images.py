"""Images through the gateway: by the official SDK, by plain HTTP and by gRPC, with a cost that is known."""

import asyncio
import base64
import io
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import openai
import pytest

from airegistry.client import GatewayClient
from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.content import MediaBlock
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.kinds import ImageRequest
from airegistry.invocations.usage import Cost, CostState
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from gateway.fronts.forms import parts_of
from tests import catalogs, image_providers, providers
from tests.image_providers import PNG
from tests.planes import gateway_knowing
from tests.providers import LEAVING, Provider, provider, status

SPEAKS_IMAGES = Communication(dialect="openai.images", auth=Auth(AuthMethod.NONE))
ASK: dict[str, Any] = {"model": "paint", "prompt": "A cat"}


def priced(**nanos: int) -> PriceList:
    return PriceList((PriceSchedule(tuple(Price(PriceBucket[name.upper()], n) for name, n in nanos.items())),))


BY_TOKEN = priced(input_tokens=5_000_000_000, input_image_tokens=8_000_000_000, output_tokens=30_000_000_000)
BY_IMAGE = priced(output_images=40_000_000)


@dataclass
class Plane:
    sdk: openai.AsyncOpenAI
    http: aiohttp.ClientSession
    grpc: GatewayClient
    up: Provider


@asynccontextmanager
async def plane(folder, *behaviours, prices=BY_TOKEN):
    """Run a provider of images as model `paint`, and a gateway that serves it and a model `m` of words."""
    async with provider(*behaviours) as up:
        resources = [
            catalogs.model("paint"),
            catalogs.endpoint("a", up.url, model="paint", communication=SPEAKS_IMAGES, prices=prices),
            *catalogs.served(up.url),
        ]
        async with gateway_knowing(folder, resources) as gateway:
            url = f"http://{gateway.http_address}"
            async with (
                openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as sdk,
                aiohttp.ClientSession(url) as http,
                GatewayClient(gateway.address) as grpc,
            ):
                yield Plane(sdk, http, grpc, up)


async def test_the_sdk_generates(tmp_path):
    async with plane(tmp_path, image_providers.images) as here:
        answer = await here.sdk.images.generate(**ASK, n=2, size="1024x1024", extra_body={"odd": [1]})
        sent = here.up.seen[0]
    assert answer.data is not None
    assert [base64.b64decode(image.b64_json or "") for image in answer.data] == [PNG, PNG]
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.image_tokens == 40
    assert sent.path == "/v1/images/generations"
    assert sent.body == {"model": "served", "prompt": "A cat", "n": 2, "size": "1024x1024", "odd": [1]}
    account = (answer.model_extra or {})["airegistry"]
    assert account["target"] == "models/paint/endpoints/a"
    # In micro-dollars: 10 at 5, 40 at 8, 100 at 30.
    assert account["cost"] == {"state": "KNOWN", "nano_usd": 3_370_000}


async def test_the_sdk_edits(tmp_path):
    async with plane(tmp_path, image_providers.images) as here:
        upload = io.BytesIO(PNG)
        upload.name = "cat.png"
        answer = await here.sdk.images.edit(**ASK, image=[upload, ("b.png", PNG)], n=1, input_fidelity="high")
        sent = here.up.seen[0]
    assert answer.data is not None
    assert base64.b64decode(answer.data[0].b64_json or "") == PNG
    assert sent.path == "/v1/images/edits"
    told = {(part.name, part.data) for part in parts_of(sent.headers["content-type"], sent.raw)}
    assert told == {
        ("model", b"served"),
        ("prompt", b"A cat"),
        ("n", b"1"),
        ("input_fidelity", b"high"),
        ("image[]", PNG),
    }


async def test_a_price_per_image_makes_the_cost_known(tmp_path):
    async with plane(tmp_path, image_providers.uncounted, prices=BY_IMAGE) as here:
        answer = await here.sdk.images.generate(**ASK, n=3)
    assert answer.data is not None
    assert [image.url for image in answer.data] == ["https://images.example/1.png"] * 3
    assert (answer.model_extra or {})["airegistry"]["cost"] == {"state": "KNOWN", "nano_usd": 120_000_000}


async def test_grpc_invokes_images(tmp_path):
    request = ImageRequest(prompt="A cat", count=2, quality="low", extra={"background": "opaque"})
    async with plane(tmp_path, image_providers.images) as here:
        answer = await here.grpc.invoke(Invocation(model="paint", image=request))
        assert here.up.seen[0].body == {
            "model": "served",
            "prompt": "A cat",
            "n": 2,
            "quality": "low",
            "background": "opaque",
        }
        with pytest.raises(UnsupportedFieldError, match="image"):
            async for _ in here.grpc.invoke_stream(Invocation(model="paint", image=request)):
                pass
    assert answer.image is not None
    assert answer.image.images == (MediaBlock(data=PNG, media_type="image/png"),) * 2
    assert answer.image.extra == {"output_format": "png", "size": "1024x1024"}
    assert answer.settlement is not None
    assert answer.settlement.cost == Cost(CostState.KNOWN, 3_370_000)
    assert answer.settlement.usage is not None
    assert (answer.settlement.usage.output_images, answer.settlement.usage.output_image_tokens) == (2, 100)


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        pytest.param("generations", {"model": "paint"}, 400, "prompt", id="no-prompt"),
        pytest.param("generations", {**ASK, "n": 11}, 400, "n", id="too-many"),
        pytest.param("generations", {**ASK, "stream": True}, 400, "stream", id="streamed"),
        pytest.param("generations", {**ASK, "model": "m"}, 400, None, id="a-model-of-words"),
        pytest.param("edits", {**ASK, "images": [{"image_url": "cat.png"}]}, 400, "images[0].url", id="no-url"),
    ],
)
async def test_every_refusal_has_openais_shape(tmp_path, path, body, code, param):
    async with plane(tmp_path, image_providers.images) as here:
        async with here.http.post(f"/v1/images/{path}", data=json.dumps(body)) as reply:
            answer = await reply.json()
        assert here.up.seen == []
    assert (reply.status, answer["error"]["param"]) == (code, param)


async def test_what_the_provider_refuses_is_an_error_of_the_sdk(tmp_path):
    async with plane(tmp_path, status(400, code="moderation_blocked")) as here:
        with pytest.raises(openai.BadRequestError) as refused:
            await here.sdk.images.generate(**ASK)
    assert refused.value.code == "content_filter"


async def test_a_caller_that_goes_away_cancels_the_provider_at_once(tmp_path):
    async with plane(tmp_path, providers.hang_before_headers) as here:
        asking = asyncio.ensure_future(here.sdk.images.generate(**ASK))
        await asyncio.wait_for(here.up.asked.wait(), LEAVING)
        asking.cancel()
        async with asyncio.timeout(LEAVING):
            await here.up.seen[0].gone.wait()
